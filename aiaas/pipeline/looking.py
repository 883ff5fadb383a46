"""Looking at what a recipe would learn from, or at a file that has no recipe yet."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from aiaas import plugins
from aiaas.contracts import Advance, Batch, Finding, Place, SourceContext, SourceParams
from aiaas.errors import DataError, UsageError
from aiaas.pipeline.run import Listener, run
from aiaas.pipeline.stages import Work

if TYPE_CHECKING:
    from aiaas.inspect.report import Report

Progress = Callable[[Advance], None]
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Told:
    """What a person or a recipe says of a file: what is not said is guessed."""

    task: str | None = None
    text: str | None = None
    label: str | None = None
    format: str | None = None


def look_at_recipe(work: Work, listener: Listener | None = None) -> Report:
    """What the recipe would learn from, collected and preprocessed unless it is there already.

    Where preprocess refuses the rows, those that were collected are looked at, and that it refuses them is a finding.
    Raises what the stages raise.
    """
    from aiaas import inspect

    recipe, refused = work.recipe, None
    try:
        stages = {stage.name: stage.key for stage in run(work, "preprocess", listener).stages}
    except DataError as error:
        stages = {stage["name"]: stage["key"] for stage in error.reached.get("stages", ())}
        if "collect" not in stages:
            raise
        refused = error
    task = plugins.task(recipe.task)
    with work.workspace.in_use():
        collected = _found(work, "collect", stages)
        if refused is None:
            splits = _found(work, "preprocess", stages)
            report = inspect.preprocessed(recipe.task, task, splits.path, recipe.seed, "full", work.progress)
            steps = splits.summary
        else:
            names = [source["source"] for source in collected.summary["sources"]]
            report = inspect.collected(
                *(recipe.task, task, collected.path / "data.arrow", names, recipe.seed, "full"),
                recipe.preprocess.split.column,
                work.progress,
            )
            steps = {}
    findings = [*_refusal(refused, report), *report.findings]
    return report.model_copy(
        update={
            "rows": _counted(report, collected.summary, steps),
            "findings": inspect.accepted(findings, recipe.inspect.accept),
        }
    )


def _found(work: Work, stage: str, keys: Mapping[str, str]) -> Any:
    artefact = work.workspace.find(stage, keys[stage])
    if artefact is None:
        raise DataError("the rows were removed meanwhile", where=stage, hint="run the same command again")
    return artefact


def _refusal(error: DataError | None, report: Report) -> list[Finding]:
    """That preprocess refuses the rows, where the inspection has not found out why."""
    if error is None or any(each.level == "fatal" for each in report.findings):
        return []
    told = f"preprocess refuses the rows: {error.message}"
    return [Finding(name="refused", level="fatal", message=told, hint=error.hint or "change the data, or the recipe")]


def _counted(report: Report, collected: Mapping[str, Any], preprocessed: Mapping[str, Any]) -> Any:
    """The numbers of rows, with what was left out on the way."""
    left_out: dict[str, int] = {}
    for source in collected["sources"]:
        for reason, count in source["dropped"].items():
            left_out[reason] = left_out.get(reason, 0) + count
    if empty := preprocessed.get("rows", {}).get("empty", 0):
        left_out["empty"] = empty
    for step in preprocessed.get("steps", ()):
        if gone := step["rows"]["in"] - step["rows"]["out"]:
            left_out[f"step {step['name']}"] = left_out.get(f"step {step['name']}", 0) + gone
    return report.rows.model_copy(update={"collected": collected["rows"], "left_out": left_out})


def look_at_file(
    address: str,
    told: Told,
    downloads: Path,
    *,
    offline: bool = False,
    warn: Callable[[str], None] = lambda message: None,
    progress: Progress = lambda advance: None,
) -> tuple[Report, dict[str, str]]:
    """What is in a file, or whatever else a source reads, and which columns were taken for what.

    Rows that cannot be used are passed over and counted. Raises DataError where there are none, UsageError where what
    is told does not fit, and what sources raise.
    """
    from aiaas import collect, inspect
    from aiaas.propose.guess import guess

    context = SourceContext(Path(), downloads, offline, warn=warn)
    source = plugins.source(address)
    entry = {"source": address, "on_error": "skip"} | ({"format": told.format} if told.format else {})
    if told.task is not None:
        plugins.task(told.task)
    seen = guess(_first(source, _params(source, entry), context), told.text, told.label, told.task)
    params = _params(source, {**entry, "columns": seen.columns})
    keep = [seen.split] if seen.split else []
    with tempfile.TemporaryDirectory(prefix="aiaas-") as folder:
        rows = Path(folder)
        summary = collect.collect(
            [params],
            plugins.task(seen.task),
            context,
            rows,
            keep=keep,
            progress=lambda done, *bytes_: progress(Advance("read", done, *bytes_)),
        )
        report = inspect.collected(
            *(seen.task, plugins.task(seen.task), rows / collect.DATA, [address], 0, "full"), seen.split, progress
        )
        dropped = _dropped(rows / "dropped.arrow")
    report = report.model_copy(update={"rows": _counted(report, summary, {})})
    return inspect.of_left_out(report, report.rows.left_out, dropped), seen.columns


def _dropped(path: Path) -> dict[str, list[Place]]:
    """Where some of the rows stood that were left out, by the kind of the reason; what stood there may be anything and
    is not shown."""
    import pyarrow as pa

    from aiaas.inspect.judge import KINDS

    found: dict[str, list[Place]] = {}
    if not path.exists():  # nothing was left out
        return found
    with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as batches:
        for batch in batches:
            for place, reason in zip(*(batch.column(name).to_pylist() for name in ("place", "reason")), strict=True):
                kind, _, fault = reason.partition(": ")
                places = found.setdefault(KINDS.get(kind, kind), [])
                if len(places) < _SHOWN:
                    places.append(Place(source=place, shown=fault or None))
    return found


def _params(source: Any, entry: Mapping[str, Any]) -> SourceParams:
    try:
        return source.Params.model_validate(dict(entry))  # type: ignore[no-any-return]
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        told = f"{first['msg'][:1].lower()}{first['msg'][1:]}"
        if name == "format":
            raise UsageError(f"--format: {told}", where=entry["source"]) from None
        raise UsageError(
            f"{name}: {told}: this source needs more than its address",
            where=entry["source"],
            hint="name it in a recipe, with all that it needs: aiaas inspect RECIPE",
        ) from None


def _first(source: Any, params: SourceParams, context: SourceContext) -> Batch:
    """The first rows, of which nothing is told: they are read again."""
    quiet = SourceContext(context.base, context.cache, context.offline)
    batches = source.read(params, quiet)
    try:
        return next((batch for batch in batches if len(next(iter(batch.values()), ()))), {})
    finally:
        if hasattr(batches, "close"):
            batches.close()
