"""The stage: segments through passes, what is concluded in between, files, summary."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aiaas import cores, steps
from aiaas.contracts import Advance, Judges, Reshapes, Stateful, Step, Surveys, Task
from aiaas.errors import AiaasError
from aiaas.preprocess import Progress, checks, layout, outcome, plan, reading, segments, split
from aiaas.preprocess.flow import build
from aiaas.preprocess.outcome import Passed, lacking
from aiaas.preprocess.plan import Pass, Plan, Spec
from aiaas.preprocess.pool import Job, Pool
from aiaas.preprocess.pool import Task as Segmented
from aiaas.preprocess.reading import Lacking
from aiaas.preprocess.shelf import Shelf
from aiaas.workspace import atomic

Verdicts = Callable[[int, int], NDArray[Any]]
"""What was concluded of the rows from one to another, as they were surveyed."""


def run(
    section: Any,
    seed: int,
    task: Task,
    collected: Path,
    out: Path,
    kept: Path | None,
    addresses: Sequence[str],
    progress: Progress,
    *,
    leaks: bool,
) -> dict[str, Any]:
    """See `aiaas.preprocess.preprocess`."""
    with tempfile.TemporaryDirectory(prefix=".rows-", dir=out) as scratch:
        planned = _planned(section, seed, task, collected, kept or Path(scratch), addresses)
        return _Stage(planned, section, out, progress).run(leaks=leaks)


def _planned(section: Any, seed: int, task: Task, collected: Path, folder: Path, addresses: Sequence[str]) -> Plan:
    schema, found = segments.divide(collected)
    columns = layout.layout(task, schema, section.split)
    specs = tuple(Spec(each.name, _plain(each.params)) for each in section.steps)
    divided = plan.place_of_division(specs)
    exact = not section.split.stable and section.split.time is None
    sides = split.sides(section.split, seed, reading.named_parts(collected, schema, found, columns))
    return Plan(
        collected=collected,
        schema=schema,
        folder=folder,
        columns=columns,
        steps=specs,
        divided=divided,
        stable=not exact,
        sides=sides,
        time=section.split.time,
        addresses=tuple(addresses),
        segments=tuple(found),
        passes=plan.passes(specs, divided, exact),
    )


def _plain(params: Any) -> Mapping[str, Any]:
    return params if isinstance(params, Mapping) else params.model_dump(mode="json")


class _Stage:
    def __init__(self, planned: Plan, section: Any, out: Path, progress: Progress) -> None:
        self.plan, self.section, self.out = planned, section, out
        self.shelf = Shelf(planned.folder)
        self.steps: list[Step] = []
        self.passed: list[Passed] = []
        self._features = planned.columns.types
        self._states: dict[int, Mapping[str, Any]] = {}
        self._progress = progress
        self._moved = 0
        self._build()

    def run(self, *, leaks: bool) -> dict[str, Any]:
        self.shelf.check(len(self.plan.segments), len(self.plan.passes))
        checks.refuse_nothing_collected(self.plan)
        processes = min(cores.cores(), len(self.plan.segments))
        with Pool(self.plan, processes, self._tell) as pool:
            for span in self.plan.passes:
                rows = self._concluded(span)
                self._pass(span, rows, pool)
        result = outcome.Outcome(self.plan, self.section.split, self.shelf, self.steps, self.passed)
        result.check(leaks=leaks)
        result.write(self.out)
        summary = result.summary()
        kept = [
            steps.record(spec.name, spec.params, step)
            for spec, step in zip(self.plan.steps, self.steps, strict=True)
            if step.ON_REQUEST
        ]
        given = self.plan.columns.types
        asked = {"inputs": given} if self._features != given else {}  # a request holds what the steps are given
        atomic.write_json(self.out / "report.json", {**summary, "request_steps": kept, **asked})
        return summary

    def _build(self) -> None:
        """Make steps as far as it is known what they are given: those after one that learns the columns wait."""
        for number in range(len(self.steps), len(self.plan.steps)):
            step = build(self.plan, number, self._features, {})
            self.steps.append(step)
            if isinstance(step, Reshapes) and isinstance(step, Surveys):
                break
            self._features = steps.reshaped(step, self._features)

    # --- a pass

    def _pass(self, span: Pass, rows: Verdicts | None, pool: Pool) -> None:
        self.shelf.begin(span.number)
        states = {number: state for number, state in self._states.items() if number < span.end}
        starts = self.passed[-1].starts if self.passed else [0] * (len(self.plan.segments) + 1)
        try:
            pool.run(Job(span, states), self._tasks(span, rows, starts))
        except AiaasError:
            self._before_failure(span).refuse(self.plan.columns, self.plan.rows)
            raise
        self.shelf.write_whole(span.number)
        passed = Passed(self.plan, span, self.shelf)
        self.passed.append(passed)
        passed.lacking.refuse(self.plan.columns, self.plan.rows)
        checks.refuse_nothing(self.plan, self.passed)

    def _before_failure(self, span: Pass) -> Lacking:
        """What rows lack in the segments before the first that failed: that is what is wrong first."""
        whole = Lacking()
        for segment in self.plan.segments:
            done = self.shelf.done(span.number, segment.number)
            if done is None:
                break
            whole.merge(lacking(done))
        return whole

    def _tasks(self, span: Pass, rows: Verdicts | None, starts: Sequence[int]) -> Iterator[Segmented]:
        """The segments that are not done, each with what was concluded of its rows."""
        done = [self.shelf.done(span.number, segment.number) for segment in self.plan.segments]
        self._moved = sum(each["read"] for each in done if each is not None)
        if None in done and self._moved:  # told at once: what was there already took no time
            self._tell(0)
        for segment, before, start, stop in zip(self.plan.segments, done, starts, starts[1:], strict=False):
            if before is None:
                yield Segmented(segment, rows(start, stop) if rows else None)

    def _tell(self, rows: int) -> None:
        """Say how far the whole stage is, of which each pass is as much."""
        self._moved += rows
        total, size = self.plan.rows, sum(segment.bytes for segment in self.plan.segments)
        in_pass = self.passed[-1].rows if self.passed else total
        share = (len(self.passed) + min(1.0, self._moved / max(in_pass, 1))) / len(self.plan.passes)
        self._progress(Advance("preprocess", int(total * share), int(size * share), total, size))

    # --- in between

    def _concluded(self, span: Pass) -> Verdicts | None:
        """Conclude what is to be known of all rows before a pass; where that is something of each, what tells it."""
        if span.opens == "start":
            return None
        if span.opens == "cut":
            parts = self._cut()
            return lambda start, stop: parts[start:stop]
        step: Any = self.steps[span.begin]
        with self.shelf.scratch() as scratch:
            step.conclude(_Surveys(self.plan, self.shelf, span.number - 1), scratch)
        if isinstance(step, Stateful):
            self._states[span.begin] = step.state()
        elif not isinstance(step, Judges):
            name = self.plan.steps[span.begin].name
            raise TypeError(f"the step {name} surveys rows, and has neither verdicts nor a state to tell of them")
        if isinstance(step, Reshapes):
            self._features = dict(step.reshape(self._features))
            self._build()
        return step.verdicts if isinstance(step, Judges) else None

    def _cut(self) -> split.Parts:
        """The part of each row, at exact shares."""
        names, codes = self.passed[-1].classes()
        before = self.passed[-1].span.number
        key, part = (self._of_all(before, name) for name in ("key", "part"))
        if self.plan.columns.learned:
            checks.refuse_one_class(names, len(key))
        how = split.sides(self.section.split, self.plan.sides.seed, set(np.unique(part).tolist()))
        strata = codes if self.section.split.stratify else None
        return split.cut(part, split.keys(key, how.seed), strata, names, how)

    def _of_all(self, number: int, name: str) -> Any:
        return np.concatenate([survey[name] for survey in _Surveys(self.plan, self.shelf, number)])


class _Surveys:
    """The surveys of all segments in their order, one held at once."""

    def __init__(self, planned: Plan, shelf: Shelf, number: int) -> None:
        self._plan, self._shelf, self._number = planned, shelf, number

    def __iter__(self) -> Iterator[Any]:
        for segment in self._plan.segments:
            with self._shelf.survey(self._number, segment.number) as survey:
                yield survey
