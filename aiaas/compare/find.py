"""What a person names: a run, a registered model, a bundle's folder, a service; and what is left of how it was made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas import steps
from aiaas.bundle import Located, locate
from aiaas.compare.measures import megabytes
from aiaas.compare.subjects import Kind, Protection
from aiaas.errors import DataError, UsageError
from aiaas.infer import is_url
from aiaas.plugins import nearest
from aiaas.track import history
from aiaas.track.registry import Registry
from aiaas.workspace import Artefact

if TYPE_CHECKING:
    from aiaas.workspace import Workspace

_TOLD = 7
"""Characters of the end of a run's id, which name it as well."""


@dataclass(frozen=True, slots=True)
class Found:
    """`judged` is the folder of its evaluation and `collected` the rows that this was on, an Arrow stream; `bundle` is
    what is deployed, and `url` where a service is. What there is not, or no more, is None."""

    name: str
    kind: Kind
    judged: Path | None = None
    collected: Path | None = None
    bundle: Located | None = None
    url: str | None = None
    seed: int = 0
    size_mb: float | None = None
    training_seconds: float | None = None
    protect: Protection | None = field(default=None, repr=False)


def find(reference: str, workspace: Workspace) -> Found:
    """What `reference` names. Raises UsageError where there is no such run or model, VerificationError for a folder
    that is no bundle, DataError for a run that was not evaluated, or whose evaluation was removed."""
    if is_url(reference):
        return Found(reference, "service", url=reference)
    if _is_model(reference, workspace):
        return _model(reference, workspace)
    try:
        run = history.find(workspace, reference)
    except UsageError as error:
        raise UsageError(
            f"{reference!r} is neither a run nor a model of this workspace, nor a service's URL",
            where=error.where,
            hint=error.hint or "aiaas runs list and aiaas models list show what there is",
        ) from None
    return _run(run, workspace)


def _is_model(reference: str, workspace: Workspace) -> bool:
    if reference.startswith((".", "/", "~")) or Path(reference).is_dir():
        return True
    name = reference.partition("@")[0].partition("/")[0]
    return "@" in reference or "/" in reference or Registry(workspace.models).has(name)


def _run(run: history.Past, workspace: Workspace) -> Found:
    tags = history.details(run)["tags"]

    def made(stage: str) -> Artefact | None:
        return workspace.find(stage, str(tags.get(f"aiaas.{stage}.key", "-")))

    judged, deployed, trained = made("evaluate"), made("deploy"), made("train")
    if judged is None:
        raise DataError(
            f"the run {run.id} has no evaluation" + (", or it was removed" if "aiaas.evaluate.key" in tags else ""),
            where=str(run.folder),
            hint=f"aiaas evaluate {run.source or 'RECIPE'}",
        )
    found = _of(judged, made("collect"), made("preprocess"), trained)
    bundle = None
    if deployed is not None:
        bundle = Located(run.name, deployed.path / "bundle", str(deployed.summary["digest"]))
    name = str(tags.get("aiaas.label") or f"{run.name} {run.id[-_TOLD:]}")
    return replace(found, name=name, kind="run", bundle=bundle)


def members(group: str, workspace: Workspace) -> list[str]:
    """The runs of a group that were evaluated, the oldest first; of several with one evaluation the newest. Raises
    UsageError where there is none."""
    found: dict[str, str] = {}
    groups: dict[str, None] = {}
    for run in history.runs(workspace):
        tags = history.details(run)["tags"]
        groups |= {str(tags["aiaas.group"]): None} if "aiaas.group" in tags else {}
        if tags.get("aiaas.group") == group and "aiaas.evaluate.key" in tags:
            found.setdefault(str(tags["aiaas.evaluate.key"]), run.id)
    if not found:
        close = nearest(group, groups)
        raise UsageError(
            f"no run of a group {group!r} was evaluated in this workspace",
            where="--group",
            hint=f"did you mean {close!r}?" if close and close != group else "aiaas run --sweep makes one",
        )
    return list(found.values())[::-1]


def _model(reference: str, workspace: Workspace) -> Found:
    located = locate(reference, workspace)
    name = f"{located.name}/{located.version}" if located.version else reference
    inputs = _read(located.path.parent / "manifest.json").get("inputs", {})  # of the deployment, where it is one
    said = _read(located.path / "bundle.json")
    protect = _protection(said.get("steps", ()), said.get("signature", {}).get("features", {}))

    def made(stage: str, digest: str) -> Artefact | None:
        return _with_digest(workspace, stage, inputs.get(digest))

    judged, trained = made("evaluate", "judged"), made("train", "model")
    found = Found(name, "model")
    if judged is not None:
        found = _of(judged, made("collect", "collected"), made("preprocess", "rows"), trained)
    return replace(found, name=name, kind="model", bundle=located, protect=protect)


def _of(judged: Artefact, collected: Artefact | None, data: Artefact | None, trained: Artefact | None) -> Found:
    """What is known by its artefacts."""
    report = _read(data.path / "report.json") if data else {}
    learned = trained.summary["signature"]["features"] if trained else {}
    return Found(
        "",
        "run",
        judged.path,
        collected.path / "data.arrow" if collected else None,
        seed=int(judged.inputs.get("seed", 0)),
        size_mb=megabytes(trained.path / "model") if trained else None,
        training_seconds=trained.seconds if trained else None,
        protect=_protection(report.get("request_steps", ()), report.get("inputs", learned)),
    )


def _with_digest(workspace: Workspace, stage: str, digest: Any) -> Artefact | None:
    """The artefact whose files have this digest; its key is not written where a bundle is."""
    if digest is None:
        return None
    for path in sorted(workspace.artefacts.glob(f"{stage}/*/manifest.json")):
        artefact = Artefact.open(path.parent)
        if artefact.digest == digest:
            return artefact
    return None


def _read(path: Path) -> Mapping[str, Any]:
    """The object in a file; an empty one where there is none."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _protection(records: Sequence[Mapping[str, Any]], features: Iterable[str]) -> Protection | None:
    """What these request-time steps take out of texts; None where they take out nothing."""
    return steps.protection(steps.restore(records, features)) if records else None
