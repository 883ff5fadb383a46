"""Those that a person names, as subjects: runs by what was kept of them, models and services by being asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from aiaas.compare import service
from aiaas.compare.comparison import main_metric
from aiaas.compare.find import Found, find
from aiaas.compare.ground import Ground, judged_by
from aiaas.compare.measures import measured
from aiaas.compare.subjects import Costs, Subject
from aiaas.errors import DataError, RemoteError, UsageError
from aiaas.evaluate import kept, matched
from aiaas.infer import RemoteModel

if TYPE_CHECKING:
    from aiaas.workspace import Workspace

TIMEOUT = 30.0
"""Seconds that a service has for a request."""
ATTEMPTS = 2
"""How often a request is sent: a service that asks to wait is not one that errs."""


def gather(
    references: Sequence[str],
    workspace: Workspace,
    *,
    on: Ground | None = None,
    metric: str | None = None,
    timeout: float = TIMEOUT,
    tell: Callable[[str], None] = lambda name: None,
) -> list[Subject]:
    """A subject for each reference, in their order. Models and services are asked the rows of `on`, by default those of
    the first run or model that was evaluated here; runs are taken by what they kept, and only their costs are measured.

    `tell` is called with the name of each before it is asked; nobody is where the task has no such `metric`. Raises
    what `find` raises; UsageError for that metric, and where there are no rows to ask; DataError where tasks or labels
    differ; what a bundle raises that cannot be loaded or asked.
    """
    found = _named([find(reference, workspace) for reference in references])
    ground = on or _ground(found)
    main_metric(ground.task, metric)
    subjects: list[Subject] = []
    for each in found:
        tell(each.name)
        subjects.append(_subject(each, ground, timeout))
    return subjects


def _named(found: Sequence[Found]) -> list[Found]:
    """Each with a name of its own: who is named twice is numbered."""
    seen: dict[str, int] = {}
    named = []
    for each in found:
        count = seen[each.name] = seen.get(each.name, 0) + 1
        named.append(replace(each, name=f"{each.name} ({count})") if count > 1 else each)
    return named


def _ground(found: Sequence[Found]) -> Ground:
    """The rows of the first evaluation that is there with the rows it was on."""
    for each in found:
        if each.judged and each.collected:
            return Ground.read(each.collected, each.judged)
    raise UsageError(
        f"no evaluation is left of {', '.join(each.name for each in found)}, so there are no rows to compare them on",
        hint="say which: aiaas compare … --on RECIPE",
    )


def _subject(found: Found, ground: Ground, timeout: float) -> Subject:
    if found.kind == "run":
        return _of_run(found)
    if ground.divided:
        raise DataError(
            f"some test rows are parts of one collected row, such as sentences; {found.name} would answer the whole",
            hint="compare the runs: these are taken by what they answered to each part",
        )
    return _of_service(found, ground, timeout) if found.url else _of_model(found, ground)


def _of_run(found: Found) -> Subject:
    assert found.judged is not None, "a run without an evaluation is refused where it is looked up"
    scores = kept(found.judged)
    costs = Costs(size_mb=found.size_mb, training_seconds=found.training_seconds)
    if found.bundle and found.collected:
        timed = measured(found.bundle, Ground(scores, found.collected), scores=False).costs
        costs = replace(timed, training_seconds=found.training_seconds)
    return Subject(found.name, "run", scores, costs, len(scores), collected=found.collected, protect=found.protect)


def _of_model(found: Found, ground: Ground) -> Subject:
    assert found.bundle is not None, "a model is found by its bundle"
    asked = measured(found.bundle, ground, scores=True)
    assert asked.scores is not None
    scores = replace(ground.kept, signature=judged_by(ground, asked.signature), scores=asked.scores)
    return Subject(
        found.name,
        "model",
        scores,
        replace(asked.costs, training_seconds=found.training_seconds),
        len(scores),
        collected=ground.collected,
        protect=found.protect,
        notes=_unsure(found, ground),
    )


def _of_service(found: Found, ground: Ground, timeout: float) -> Subject:
    assert found.url is not None
    try:
        with closing(RemoteModel(found.url, timeout=timeout, attempts=ATTEMPTS)) as model:
            return replace(service.ask(model, found.name, ground), notes=_unsure(found, ground))
    except RemoteError as error:
        return service.silent(found.name, ground, error)


def _unsure(found: Found, ground: Ground) -> list[str]:
    """Whether the model may have learned from the rows that it is asked: it would then seem better than it is."""
    if found.judged is None:
        return [f"nothing is known here of what {found.name} learned from; rows that it knows flatter it"]
    own, _ = matched(ground.keys, kept(found.judged).keys)
    if strange := len(ground) - len(own):
        return [
            f"{strange:,} of the {len(ground):,} rows are none of those that {found.name} was tested on: it may have "
            "learned from them, and would seem better than it is"
        ]
    return []
