"""The rows: collected, preprocessed, looked at."""

from __future__ import annotations

from typing import Any

from aiaas import plugins
from aiaas.contracts import Advance, TakesFiles, Task
from aiaas.contracts.findings import Acceptable
from aiaas.pipeline import lists
from aiaas.pipeline.stages.code import SHARED, code
from aiaas.pipeline.stages.work import Made, Work
from aiaas.recipe import Recipe
from aiaas.workspace import Draft, atomic, keys

LEAK: Acceptable = "test-in-train"
"""The finding that preprocess makes as well, and refuses unless the recipe accepts it."""


def addresses(recipe: Recipe) -> list[str]:
    return [source.source for source in recipe.collect]


def _looks(task: Task) -> list[Task]:
    """The task, where it looks at what is collected."""
    return [task] if isinstance(task, TakesFiles) else []


def collect_inputs(work: Work, made: Made) -> dict[str, Any]:
    from aiaas import collect

    used = [plugins.source(each.source) for each in work.recipe.collect]
    return {
        "task": work.recipe.task,
        **collect.fingerprint(work.recipe.collect, work.data_context(), _kept(work)),
        "code": keys.digest_code("collect", *code([*used, *_looks(plugins.task(work.recipe.task))])),
    }


def make_collect(work: Work, made: Made, draft: Draft) -> None:
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


def preprocess_inputs(work: Work, made: Made) -> dict[str, Any]:
    names = [step.name for step in work.recipe.preprocess.steps]
    return {
        "task": work.recipe.task,
        "seed": work.recipe.seed,
        "preprocess": work.recipe.preprocess.model_dump(mode="json"),
        **({"accept": [LEAK]} if LEAK in work.recipe.inspect.accept else {}),
        **lists.fingerprints(work.recipe.preprocess, work.data_context()),
        "rows": made["collect"].digest,
        "sources": addresses(work.recipe),
        "code": keys.digest_code(
            "preprocess",
            *code(map(plugins.step, names)),
            "steps",
            "words",
            "near",
            "languages",
            "pii",
            "perturb",
            "chinese",
        ),
    }


def make_preprocess(work: Work, made: Made, draft: Draft) -> None:
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
            addresses=addresses(recipe),
            leaks=LEAK in recipe.inspect.accept,
            progress=work.progress,
        )
    )
    for warning in draft.summary["warnings"]:
        work.warn(warning)


def inspect_inputs(work: Work, made: Made) -> dict[str, Any]:
    from aiaas import inspect

    return {
        "task": work.recipe.task,
        "seed": work.recipe.seed,
        "rows": made["preprocess"].digest,
        "packages": plugins.installed(inspect.MAY_USE),
        "code": keys.digest_code("inspect", "contracts/findings", "steps", "near", "pii", SHARED),
    }


def make_inspect(work: Work, made: Made, draft: Draft) -> None:
    """What the recipe accepts is no part of it, so that accepting something costs nothing."""
    from aiaas import inspect

    recipe = work.recipe
    report = inspect.preprocessed(
        recipe.task, plugins.task(recipe.task), made["preprocess"].path, recipe.seed, "short", work.progress
    )
    found = report.model_dump(mode="json")
    atomic.write_json(draft.path / "inspection.json", found)
    draft.summary["findings"] = [inspect.brief(each) for each in found["findings"]]
