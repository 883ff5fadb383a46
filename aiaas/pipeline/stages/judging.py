"""The judgement: evaluated, held against the gates, reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiaas import perturb, plugins
from aiaas.contracts import Generative, Signature
from aiaas.errors import UsageError
from aiaas.pipeline.stages.code import OF_STEPS, code, model_code
from aiaas.pipeline.stages.data import addresses
from aiaas.pipeline.stages.work import Made, Work
from aiaas.recipe.gate import OF_BUNDLE, Against
from aiaas.track import Version
from aiaas.workspace import Draft, keys

REPORTED = ("collect", "preprocess", "inspect", "train", "evaluate", "gate")
"""The stages that a report is made of."""


def evaluate_inputs(work: Work, made: Made) -> dict[str, Any]:
    recipe = work.recipe
    return {
        "task": recipe.task,
        "seed": recipe.seed,
        "evaluate": recipe.evaluate.model_dump(mode="json", exclude={"gates"}),
        "model": made["train"].digest,
        "rows": made["preprocess"].digest,
        "collected": made["collect"].digest,
        **({"sources": addresses(recipe)} if "source" in recipe.evaluate.slices else {}),
        **({"packages": plugins.installed(perturb.REQUIRES)} if recipe.evaluate.robustness else {}),
        "code": keys.digest_code(
            "evaluate", "statistics", "decision", "languages", "steps/_content", *_requested(work), *model_code(work)
        ),
    }


def _requested(work: Work) -> list[str | Path]:
    """Where the code stands that a request goes through, for evaluations that make such."""
    recipe = work.recipe
    if not recipe.evaluate.robustness and not isinstance(plugins.task(recipe.task), Generative):
        return []
    names = [step.name for step in recipe.preprocess.steps]
    return [*code(map(plugins.step, names)), *OF_STEPS]


def make_evaluate(work: Work, made: Made, draft: Draft) -> None:
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
                addresses=tuple(addresses(work.recipe)),
            ),
            out=draft.path,
        )
    )


def gate_inputs(work: Work, made: Made) -> dict[str, Any]:
    """Who is champion decides as much as the recipe does: moved on, the gate is judged again."""
    section = work.recipe.evaluate
    champion = champion_of(work, section.against)
    asked = section.model_dump(mode="json", include={"gates"})["gates"]
    rows = {
        "seed": work.recipe.seed,
        "collected": made["collect"].digest,
        "rows": made["preprocess"].digest,
        "champion": champion and {"name": champion.name, "version": champion.number, "digest": champion.digest},
    }
    used = ("compare", "bundle", "statistics", "decision", *OF_STEPS, *model_code(work)) if section.against else ()
    return {
        "gates": {name: each for name, each in asked.items() if name not in OF_BUNDLE},
        "judged": made["evaluate"].digest,
        **(rows if section.against else {}),
        "code": keys.digest_code("gates", *used),
    }


def champion(work: Work) -> Version | None:
    """The version that the recipe's gate stands for, fetched where it is registered elsewhere."""
    return champion_of(work, work.recipe.evaluate.against)


def champion_of(work: Work, asked: Against | None) -> Version | None:
    """The version that the gate stands for; None as well where it is not here and nothing may be fetched to plan.
    UsageError where another model or a version is named that there is not."""
    from aiaas import gates

    if asked is None:
        return None
    try:
        return gates.champion(work.recipe.name, asked, work.workspace, fetch=not (work.offline or work.looking))
    except UsageError:
        if work.looking:
            return None
        raise


def make_gate(work: Work, made: Made, draft: Draft) -> None:
    from aiaas import gates

    recipe, known = work.recipe, draft.inputs.get("champion")
    # The alias may have moved since; what the key says is what is judged.
    named = Against(model=f"{known['name']}/{known['version']}") if known else None
    given = gates.Given(
        collected=made["collect"].path / "data.arrow",
        data=made["preprocess"].path,
        judged=made["evaluate"].path,
        addresses=tuple(addresses(recipe)),
    )
    draft.summary["gates"] = gates.judge(
        recipe.evaluate,
        name=recipe.name,
        task=recipe.task,
        seed=recipe.seed,
        champion=champion_of(work, named),
        given=given,
        out=draft.path,
    )


def report_inputs(work: Work, made: Made) -> dict[str, Any]:
    return {
        "recipe": work.recipe.resolved(),
        **{stage: made[stage].key for stage in REPORTED},  # not what they hold alone: it tells where that comes from
        "code": keys.digest_code("report", "charts"),
    }


def make_report(work: Work, made: Made, draft: Draft) -> None:
    from aiaas import report

    draft.aside |= {report.PAGE, report.CARD, report.BOM}  # they tell what stages took and when rows were fetched
    judged = report.Judged.of_artefacts(work.recipe.resolved(), made)
    draft.summary["bytes"] = report.write(draft.path, judged)
