"""What each stage's key is made of, and what it does when the key is new.

A stage is a function of its recipe section, the digest of its input and the version of its code. `inputs` gives
exactly that, as JSON; its digest is the key under which the workspace keeps what `make` wrote.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiaas import backends, perturb, plugins
from aiaas.contracts import Advance, Generative, Progress, Signature, SourceContext, TakesFiles, Task
from aiaas.contracts.findings import Acceptable
from aiaas.errors import UsageError, VerificationError
from aiaas.pipeline import files, lists
from aiaas.recipe import Recipe
from aiaas.recipe.gate import OF_BUNDLE, Against
from aiaas.track import Version
from aiaas.workspace import Artefact, Draft, Workspace, atomic, keys

Made = Mapping[str, Artefact]
"""The artefacts of the stages before, by stage."""


@dataclass(frozen=True, slots=True)
class Work:
    """What every stage is given: the recipe, where artefacts live, and whom to tell."""

    recipe: Recipe
    workspace: Workspace
    offline: bool = False
    refresh: bool = False
    verb: str = "run"
    warn: Callable[[str], None] = lambda message: None
    report: Callable[[int, Mapping[str, float]], None] = lambda step, metrics: None
    progress: Callable[[Advance], None] = lambda advance: None
    training: Callable[[Progress], None] = lambda progress: None
    began: float = field(default_factory=time.time)
    looking: bool = False
    """Nothing is made now, and nothing may be fetched: only what would be done is looked at."""
    rows_base: Path | None = None
    """Where relative paths of the data start, where they are another recipe's; by default the folder of this one."""
    checkpoints: Path | None = None
    """What a fit goes on from, where that outlives what it makes; by default a folder of the fit, removed after it."""
    group: str | None = None
    """What this run belongs to, such as a race."""

    def source_context(self) -> SourceContext:
        """Of the files that a model reads."""
        return self._context(self.recipe.base)

    def data_context(self) -> SourceContext:
        """Of the data, and of the lists that steps read."""
        return self._context(self.rows_base or self.recipe.base)

    def _context(self, base: Path) -> SourceContext:
        return SourceContext(base, self.workspace.downloads, self.offline, self.refresh, self.warn, began=self.began)


@dataclass(frozen=True, slots=True)
class Stage:
    """`after` names the stages whose artefacts it reads."""

    name: str
    after: tuple[str, ...]
    inputs: Callable[[Work, Made], dict[str, Any]]
    make: Callable[[Work, Made, Draft], None]


_REPORTED = ("collect", "preprocess", "inspect", "train", "evaluate", "gate")
"""The stages that a report is made of."""
LEAK: Acceptable = "test-in-train"
"""The finding that preprocess makes as well, and refuses unless the recipe accepts it."""
_SHARED = "pictures"
"""The room that sources, tasks and backends use alike, and that their own code therefore does not tell of."""

_OF_STEPS = ("steps", "pii", "perturb", "chinese")
"""The rooms of steps on a request and of what they share, besides those that a model has as well."""


def _code(used: Iterable[object]) -> list[str | Path]:
    """Where the code of these plug-ins stands, ours or another package's, and what they share."""
    return [_SHARED, *sorted({plugins.code(plugin) for plugin in used})]


def _looks(task: Task) -> list[Task]:
    """The task, where it looks at what is collected."""
    return [task] if isinstance(task, TakesFiles) else []


def _model_code(work: Work) -> list[str | Path]:
    """Where the code stands that makes answers of examples: equal weights under other code are another model."""
    model = work.recipe.model
    used = [plugins.task(work.recipe.task), plugins.architecture(model.backend, model.architecture)]
    shared = plugins.code(backends).glob("*.py")  # what the backends share, beside their folders
    return [*_code(used), *sorted(shared), "words"]


def _collect_inputs(work: Work, made: Made) -> dict[str, Any]:
    from aiaas import collect

    used = [plugins.source(each.source) for each in work.recipe.collect]
    return {
        "task": work.recipe.task,
        **collect.fingerprint(work.recipe.collect, work.data_context(), _kept(work)),
        "code": keys.digest_code("collect", *_code([*used, *_looks(plugins.task(work.recipe.task))])),
    }


def _collect(work: Work, made: Made, draft: Draft) -> None:
    from aiaas import collect

    draft.aside |= {"provenance.json", "dropped.arrow"}  # when the rows were fetched, and what is none of them
    draft.summary.update(
        collect.collect(
            work.recipe.collect,
            plugins.task(work.recipe.task),
            work.data_context(),
            draft.path,
            keep=_kept(work),
            expected={name: value for name, value in draft.inputs.items() if name not in ("task", "code")},
            progress=lambda rows, read, size: work.progress(Advance("collect", rows, read, of_bytes=size)),
        )
    )


def _kept(work: Work) -> list[str]:
    """Columns that preprocess needs besides the task's own."""
    sliced = () if plugins.task(work.recipe.task).OPEN else work.recipe.evaluate.columns  # an open one has all columns
    return list(dict.fromkeys([*work.recipe.preprocess.split.columns, *sliced]))


def _preprocess_inputs(work: Work, made: Made) -> dict[str, Any]:
    names = [step.name for step in work.recipe.preprocess.steps]
    return {
        "task": work.recipe.task,
        "seed": work.recipe.seed,
        "preprocess": work.recipe.preprocess.model_dump(mode="json"),
        **({"accept": [LEAK]} if LEAK in work.recipe.inspect.accept else {}),
        **lists.fingerprints(work.recipe.preprocess, work.data_context()),
        "rows": made["collect"].digest,
        "sources": _addresses(work.recipe),
        "code": keys.digest_code(
            "preprocess",
            *_code(map(plugins.step, names)),
            "steps",
            "words",
            "near",
            "languages",
            "pii",
            "perturb",
            "chinese",
        ),
    }


def _preprocess(work: Work, made: Made, draft: Draft) -> None:
    from aiaas import preprocess

    recipe = work.recipe
    draft.aside |= {"dropped.arrow", "test_rows.npy"}  # where rows came from; what is learned from is in the others
    draft.summary.update(
        preprocess.preprocess(
            lists.read(recipe.preprocess, work.data_context()),
            recipe.seed,
            plugins.task(recipe.task),
            made["collect"].path / "data.arrow",
            draft.path,
            kept=work.workspace.checkpoints / keys.digest_json(draft.inputs),
            addresses=_addresses(recipe),
            leaks=LEAK in recipe.inspect.accept,
            progress=work.progress,
        )
    )
    for warning in draft.summary["warnings"]:
        work.warn(warning)


def _inspect_inputs(work: Work, made: Made) -> dict[str, Any]:
    from aiaas import inspect

    return {
        "task": work.recipe.task,
        "seed": work.recipe.seed,
        "rows": made["preprocess"].digest,
        "packages": plugins.installed(inspect.MAY_USE),
        "code": keys.digest_code("inspect", "contracts/findings", "steps", "near", "pii", _SHARED),
    }


def _inspect(work: Work, made: Made, draft: Draft) -> None:
    """What the recipe accepts is no part of it, so that accepting something costs nothing."""
    from aiaas import inspect

    recipe = work.recipe
    report = inspect.preprocessed(
        recipe.task, plugins.task(recipe.task), made["preprocess"].path, recipe.seed, "short", work.progress
    )
    found = report.model_dump(mode="json")
    atomic.write_json(draft.path / "inspection.json", found)
    draft.summary["findings"] = [inspect.brief(each) for each in found["findings"]]


def _train_inputs(work: Work, made: Made) -> dict[str, Any]:
    model = work.recipe.model
    architecture = plugins.architecture(model.backend, model.architecture)
    return {
        "task": work.recipe.task,
        "seed": work.recipe.seed,
        "model": model.model_dump(mode="json"),
        "train": work.recipe.train.model_dump(mode="json"),
        "rows": made["preprocess"].digest,
        **files.fingerprints(model, work.source_context()),
        "packages": plugins.require(architecture.REQUIRES, f"{model.backend}/{model.architecture}"),
        "code": keys.digest_code("train", *_model_code(work)),
    }


def _train(work: Work, made: Made, draft: Draft) -> None:
    from aiaas import train

    draft.aside |= {"history.jsonl", "curves.svg"}  # may hold speeds; what was learned is in model/
    context, model = work.source_context(), work.recipe.model
    read = files.paths(model, context)
    draft.summary.update(
        train.train(
            model,
            work.recipe.train,
            task=work.recipe.task,
            seed=work.recipe.seed,
            data=made["preprocess"].path,
            out=draft.path,
            around=train.Around(
                checkpoints=work.checkpoints or work.workspace.checkpoints / keys.digest_json(draft.inputs),
                cache=work.workspace.cache,
                files=read,
                origins=files.provenance(model, context),
            ),
            watch=train.Watch(work.report, work.training, work.warn),
        )
    )


def _evaluate_inputs(work: Work, made: Made) -> dict[str, Any]:
    recipe = work.recipe
    return {
        "task": recipe.task,
        "seed": recipe.seed,
        "evaluate": recipe.evaluate.model_dump(mode="json", exclude={"gates"}),
        "model": made["train"].digest,
        "rows": made["preprocess"].digest,
        "collected": made["collect"].digest,
        **({"sources": _addresses(recipe)} if "source" in recipe.evaluate.slices else {}),
        **({"packages": plugins.installed(perturb.REQUIRES)} if recipe.evaluate.robustness else {}),
        "code": keys.digest_code(
            "evaluate", "statistics", "decision", "languages", "steps/_content", *_requested(work), *_model_code(work)
        ),
    }


def _requested(work: Work) -> list[str | Path]:
    """Where the code stands that a request goes through, for evaluations that make such."""
    recipe = work.recipe
    if not recipe.evaluate.robustness and not isinstance(plugins.task(recipe.task), Generative):
        return []
    names = [step.name for step in recipe.preprocess.steps]
    return [*_code(map(plugins.step, names)), *_OF_STEPS]


def _addresses(recipe: Recipe) -> list[str]:
    return [source.source for source in recipe.collect]


def _evaluate(work: Work, made: Made, draft: Draft) -> None:
    from aiaas import evaluate

    draft.summary.update(
        evaluate.evaluate(
            work.recipe.evaluate,
            model=work.recipe.model,
            task=work.recipe.task,
            seed=work.recipe.seed,
            signature=Signature.from_dict(made["train"].summary["signature"]),
            given=evaluate.Given(
                collected=made["collect"].path / "data.arrow",
                data=made["preprocess"].path,
                fitted=made["train"].path / "model",
                addresses=tuple(_addresses(work.recipe)),
            ),
            out=draft.path,
        )
    )


def _gate_inputs(work: Work, made: Made) -> dict[str, Any]:
    """Who is champion decides as much as the recipe does: moved on, the gate is judged again."""
    from aiaas import gates

    section = work.recipe.evaluate
    fetch = not (work.offline or work.looking)
    champion = (
        gates.champion(work.recipe.name, section.against, work.workspace, fetch=fetch) if section.against else None
    )
    asked = section.model_dump(mode="json", include={"gates"})["gates"]
    rows = {
        "seed": work.recipe.seed,
        "collected": made["collect"].digest,
        "rows": made["preprocess"].digest,
        "champion": champion and {"name": champion.name, "version": champion.number, "digest": champion.digest},
    }
    used = ("compare", "bundle", "statistics", "steps", *_model_code(work)) if section.against else ()
    return {
        "gates": {name: each for name, each in asked.items() if name not in OF_BUNDLE},
        "judged": made["evaluate"].digest,
        **(rows if section.against else {}),
        "code": keys.digest_code("gates", *used),
    }


def _champion(work: Work, asked: Against | None) -> Version | None:
    """The version that the gate stands for; None as well where it is not here and nothing may be fetched to plan."""
    from aiaas import gates

    if asked is None:
        return None
    try:
        return gates.champion(work.recipe.name, asked, work.workspace, fetch=not (work.offline or work.looking))
    except UsageError:
        if work.looking:
            return None
        raise


def _gate(work: Work, made: Made, draft: Draft) -> None:
    from aiaas import gates

    recipe, known = work.recipe, draft.inputs.get("champion")
    # The alias may have moved since; what the key says is what is judged.
    named = Against(model=f"{known['name']}/{known['version']}") if known else None
    given = gates.Given(
        collected=made["collect"].path / "data.arrow",
        data=made["preprocess"].path,
        judged=made["evaluate"].path,
        addresses=tuple(_addresses(recipe)),
    )
    draft.summary["gates"] = gates.judge(
        recipe.evaluate,
        name=recipe.name,
        task=recipe.task,
        seed=recipe.seed,
        champion=_champion(work, named),
        given=given,
        out=draft.path,
    )


def _report_inputs(work: Work, made: Made) -> dict[str, Any]:
    return {
        "recipe": work.recipe.resolved(),
        **{stage: made[stage].key for stage in _REPORTED},  # not what they hold alone: it tells where that comes from
        "code": keys.digest_code("report", "charts"),
    }


def _report(work: Work, made: Made, draft: Draft) -> None:
    from aiaas import report

    draft.aside |= {report.PAGE, report.CARD, report.BOM}  # they tell what stages took and when rows were fetched
    judged = report.Judged.of_artefacts(work.recipe.resolved(), made)
    draft.summary["bytes"] = report.write(draft.path, judged)


def _deploy_inputs(work: Work, made: Made) -> dict[str, Any]:
    from aiaas import deploy

    model = work.recipe.model
    architecture = plugins.architecture(model.backend, model.architecture)
    return {
        "recipe": work.recipe.resolved(),
        "model": made["train"].digest,
        "collected": made["collect"].digest,
        "rows": made["preprocess"].digest,
        "judged": made["evaluate"].digest,
        "packages": deploy.tools(architecture, work.recipe.deploy),
        "code": keys.digest_code("deploy", "bundle", "decision", *_OF_STEPS, *_model_code(work)),
    }


def _deploy(work: Work, made: Made, draft: Draft) -> None:
    from aiaas import deploy

    draft.aside.add("provenance.json")  # when rows were fetched is no part of the bundle
    trained = deploy.Trained(*(made[name].path for name in ("collect", "preprocess", "train", "evaluate")))
    draft.summary.update(deploy.package(work.recipe, trained, draft.path, work.warn))


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("collect", (), _collect_inputs, _collect),
        Stage("preprocess", ("collect",), _preprocess_inputs, _preprocess),
        Stage("inspect", ("preprocess",), _inspect_inputs, _inspect),
        Stage("train", ("preprocess",), _train_inputs, _train),
        Stage("evaluate", ("collect", "preprocess", "train"), _evaluate_inputs, _evaluate),
        Stage("gate", ("collect", "preprocess", "evaluate"), _gate_inputs, _gate),
        Stage("report", _REPORTED, _report_inputs, _report),
        Stage("deploy", ("collect", "preprocess", "train", "evaluate"), _deploy_inputs, _deploy),
    )
}


def there(work: Work, stage: Stage, key: str) -> Artefact | None:
    """What the stage made under this key, or None. A bundle counts only as it was made: whoever finds one altered is
    told to deploy again, and that must make it anew."""
    artefact = work.workspace.find(stage.name, key)
    if artefact is None or stage.name != "deploy":
        return artefact
    from aiaas.bundle import verify

    try:
        verify(bundle_of(artefact), artefact.summary["digest"])
    except VerificationError:
        return None
    return artefact


def bundle_of(artefact: Artefact) -> Path:
    """The bundle inside what `deploy` made."""
    return artefact.path / "bundle"
