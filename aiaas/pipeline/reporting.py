"""What a person wants reported: a run, a version of a model, or a recipe that was evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas.errors import UsageError
from aiaas.pipeline.plan import plan
from aiaas.pipeline.stages import Work
from aiaas.recipe.gate import OF_BUNDLE
from aiaas.workspace import Artefact, Workspace

if TYPE_CHECKING:
    from aiaas.report import Judged
    from aiaas.track.history import Past

_DIGESTS = {"collect": "collected", "preprocess": "rows", "train": "model", "evaluate": "judged"}
"""Under what name the inputs of a bundle hold the digest of a stage."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What was found under a reference: `kind` is run, model or recipe, `name` what it is called in full."""

    kind: str
    name: str
    judged: Judged


def of_recipe(work: Work) -> Reported:
    """The evaluation of a recipe as it stands. UsageError where it was not evaluated like that; nothing is computed."""
    from aiaas.report import Judged

    planned = {stage.name: stage for stage in plan(work, "report") if stage.name != "report"}
    missing = next((stage for stage in planned.values() if not stage.cached), None)
    if missing is not None:
        file = work.recipe.file or work.recipe.name
        raise UsageError(
            f"{file} was not evaluated as it stands: {missing.name}: {'; '.join(missing.why[:2])}",
            hint=f"aiaas evaluate {file}",
        )
    with work.workspace.in_use():
        made = _found(work.workspace, {name: stage.key for name, stage in planned.items() if stage.key})
        return Reported("recipe", work.recipe.name, Judged.of_artefacts(work.recipe.resolved(), made))


def of_reference(reference: str, workspace: Workspace) -> Reported:
    """A version of a model, by NAME, NAME@ALIAS, NAME/VERSION or its folder, or a run by its id or a part of it.
    UsageError where neither is here."""
    from aiaas.track import history

    try:
        return _of_model(reference, workspace)
    except UsageError as error:
        if "/" in reference or "@" in reference:
            raise
        try:
            past = history.find(workspace, reference)
        except UsageError:
            told = f"{reference!r} names no run and no model of this workspace, and no recipe (.yaml)"
            raise UsageError(told, where=str(workspace.root), hint=error.hint) from None
    return _of_run(past, workspace)


def _of_model(reference: str, workspace: Workspace) -> Reported:
    """From the artefacts that the bundle was made of, or from the bundle alone where they are not here."""
    from aiaas import bundle
    from aiaas.report import Judged

    located = bundle.locate(reference, workspace)
    name = f"{located.name}/{located.version}" if located.version else str(located.path)
    deployed = _artefact(located.path.parent)
    alone = Judged.of_bundle(located.path)
    if deployed is None or deployed.stage != "deploy":
        return Reported("model", name, alone)
    made = {stage: _by_digest(workspace, stage, deployed.inputs.get(known)) for stage, known in _DIGESTS.items()}
    there = {stage: each for stage, each in made.items() if each is not None}
    if "evaluate" not in there:
        return Reported("model", name, alone)
    beside = {"inspect": _inspected(workspace, deployed), "gate": _passed(workspace, deployed)}
    there |= {stage: each for stage, each in beside.items() if each is not None}
    return Reported("model", name, Judged.of_artefacts(alone.recipe, there).deployed(located.path))


def _of_run(past: Past, workspace: Workspace) -> Reported:
    """From the artefacts that the run made or found."""
    import yaml

    from aiaas.report import Judged
    from aiaas.track import history

    tags = history.details(past)["tags"]
    keys = {
        name.split(".")[1]: key for name, key in tags.items() if name.startswith("aiaas.") and name.endswith(".key")
    }
    if "evaluate" not in keys:
        raise UsageError(f"the run {past.id} evaluated no model ({past.status})", where=str(past.folder))
    made = _found(workspace, keys)
    if "evaluate" not in made:
        raise UsageError(
            f"the evaluation of the run {past.id} was removed",
            where=str(workspace.root),
            hint=f"its report may be left: {past.folder / 'artifacts' / 'report'}",
        )
    recipe = yaml.safe_load((past.folder / "artifacts" / "recipe.yaml").read_text("utf-8"))
    return Reported("run", past.id, Judged.of_artefacts(recipe, made))


def _found(workspace: Workspace, keys: Mapping[str, str]) -> dict[str, Artefact]:
    from aiaas.report.judged import STAGES

    found = {stage: workspace.find(stage, keys[stage]) for stage in STAGES if stage in keys}
    return {stage: each for stage, each in found.items() if each is not None}


def _artefact(folder: Path) -> Artefact | None:
    try:
        return Artefact.open(folder)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _by_digest(workspace: Workspace, stage: str, digest: Any) -> Artefact | None:
    return next((each for each in workspace.of_stage(stage) if each.digest == digest and each.is_whole()), None)


def _inspected(workspace: Workspace, deployed: Artefact) -> Artefact | None:
    """What was found in the rows of a bundle, which is not made of it."""
    rows = deployed.inputs.get("rows")
    return next(
        (each for each in workspace.of_stage("inspect") if each.inputs["rows"] == rows and each.is_whole()), None
    )


def _passed(workspace: Workspace, deployed: Artefact) -> Artefact | None:
    """The verdicts that let a bundle pass: others may have been asked of the same evaluation, and missed."""
    asked = deployed.inputs["recipe"]["evaluate"]["gates"]
    of_rows = {name: gate for name, gate in asked.items() if name not in OF_BUNDLE}
    found = [
        each
        for each in workspace.of_stage("gate")
        if (each.inputs["judged"], each.inputs["gates"]) == (deployed.inputs["judged"], of_rows)
        and each.is_whole()
        and all(gate["met"] for gate in each.summary["gates"])
    ]
    return max(found, key=workspace.used_at, default=None)
