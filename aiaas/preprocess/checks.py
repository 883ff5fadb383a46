"""What must hold of a split before anything is learned from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aiaas.errors import DataError
from aiaas.preprocess import tables
from aiaas.preprocess.plan import Plan
from aiaas.preprocess.shelf import Shelf
from aiaas.preprocess.split import PARTS, TEST, TRAIN, VALIDATION
from aiaas.recipe.split import TimeSplit
from aiaas.steps import _buckets
from aiaas.steps._content import told

if TYPE_CHECKING:
    from aiaas.preprocess.outcome import Passed

_SHOWN = 5
_CHARACTERS = 60
_EXAMPLES = 2
_PAIRS = ((TEST, TRAIN), (VALIDATION, TRAIN), (TEST, VALIDATION))


def refuse_nothing_collected(plan: Plan) -> None:
    if not plan.rows:
        raise DataError("the sources hold no rows", where="collect", hint="look whether the paths are right")


def refuse_nothing(plan: Plan, passed: Sequence[Passed]) -> None:
    """DataError when no row is left, naming the step that dropped the last ones."""
    if passed[-1].rows:
        return
    links = {number: rows for each in passed for number, rows in each.links().items()}
    reached = [number for number, rows in links.items() if rows["in"]]
    if not reached:
        raise DataError(f"all {plan.rows:,} rows are empty texts", where="collect", hint="look into the data")
    last = next(number for number in reached if links[number]["out"] == 0)
    name, rows = plan.steps[last].name, links[last]
    raise DataError(
        f"no row is left: the step {name} dropped the last {rows['in']:,}"
        + (f", {rows['empty']:,} of them because no text remained" if rows["empty"] else "")
        + f" ({plan.rows:,} were collected)",
        where=f"preprocess.steps.{name}",
        hint="look into the data, or change the step",
    )


def refuse_one_class(names: Sequence[str], rows: int) -> None:
    if len(names) == 1:
        raise DataError(
            f"all {rows:,} rows have the label {names[0]!r}; a classifier needs at least two",
            where="collect",
            hint="add a source with another label, or name the right column: `columns: {label: THEIRS}`",
        )


def refuse_unlearned(classes: Mapping[str, NDArray[np.int64]], names: Sequence[str]) -> None:
    """DataError when a label stands in validation or test and never in train."""
    unlearned = [name for name, count in zip(names, classes[PARTS[TRAIN]], strict=True) if not count]
    if unlearned:
        told = ", ".join(map(repr, unlearned[:_SHOWN])) + (" …" if len(unlearned) > _SHOWN else "")
        raise DataError(
            f"no row of train has the label {told}, though others have it",
            where="preprocess.split",
            hint="bring rows of it into train, or leave the label out",
        )


def refuse_no_train(splits: Mapping[str, int]) -> None:
    if not splits[PARTS[TRAIN]]:
        raise DataError("the split leaves no row to train on", where="preprocess.split", hint="name rows `train`")


def refuse_absent_times(time: TimeSplit, splits: Mapping[str, int]) -> None:
    """DataError when no row lies where a part begins, or before the first bound."""
    first = time.test_from if time.validation_from is None else time.validation_from
    bounds = {TEST: ("test_from", time.test_from), VALIDATION: ("validation_from", time.validation_from)}
    if not splits[PARTS[TRAIN]]:
        raise DataError(
            f"no row is from before {first}: none is left to learn from",
            where="preprocess.split.time",
            hint="let the bounds be later, or bring earlier rows",
        )
    for part, (name, bound) in bounds.items():
        if bound is not None and not splits[PARTS[part]]:
            until = f" and before {time.test_from}" if part == VALIDATION else ""
            raise DataError(
                f"no row came to {PARTS[part]}: none is from {bound} on{until}",
                where=f"preprocess.split.time.{name}",
                hint="let the bound be earlier, or bring later rows",
            )


def refuse_absent(parts: Sequence[int], splits: Mapping[str, int], rows: int) -> None:
    """DataError when no row was drawn into a part that has a share."""
    absent = [PARTS[part] for part in parts if not splits[PARTS[part]]]
    if absent:
        raise DataError(
            f"no row came to {absent[0]}: sides are drawn, and there are {rows:,} rows to draw from",
            where="preprocess.split",
            hint="bring more rows, give the share to train, or cut exactly: preprocess.split.stable: false",
        )


def refuse_unspread(parts: Sequence[int], names: Sequence[str], classes: Mapping[str, NDArray[np.int64]]) -> None:
    """DataError when a class is missing from a part into which rows were drawn."""
    whole = sum(classes.values())
    few = [
        (name, int(rows), next(PARTS[part] for part in parts if not classes[PARTS[part]][place]))
        for place, (name, rows) in enumerate(zip(names, whole, strict=True))  # type: ignore[arg-type]
        if any(not classes[PARTS[part]][place] for part in parts)
    ]
    if few:
        told = ", ".join(
            f"{name!r} has {rows:,} row{'' if rows == 1 else 's'}, none of them in {part}"
            for name, rows, part in few[:_SHOWN]
        )
        more = f" and {len(few) - _SHOWN} more classes" if len(few) > _SHOWN else ""
        raise DataError(
            f"the split leaves a class out: {told}{more}; each of the {len(parts)} parts needs one row at least",
            where="preprocess.split.stratify",
            hint="merge or drop the class, bring more rows (or groups) of it, cut exactly "
            "(preprocess.split.stable: false), or set preprocess.split.stratify to false",
        )


# --- leaks


def refuse_leaks(plan: Plan, shelf: Shelf, last: Passed) -> None:
    """DataError when a row of test or validation stands in train as well, or one of test in validation."""
    leaks = np.zeros(last.rows, np.uint8)  # a bit for each pair
    with shelf.scratch() as scratch:
        groups = _buckets.Groups(_records(plan, shelf, last), last.rows, scratch)
        for group in groups:
            _look(group, leaks)
        for pairs in groups.repeated():
            leaks[pairs["row"]] = leaks[pairs["first"]]
    for number, (part, other) in enumerate(_PAIRS):
        rows = np.flatnonzero(leaks & (1 << number))
        if len(rows):
            total = sum(each["splits"][PARTS[part]] for each in last.done)
            shown = "; ".join(_show(plan, shelf, last, row) for row in rows[:_EXAMPLES].tolist())
            raise DataError(
                f"{len(rows):,} of {total:,} rows of {PARTS[part]} stand in {PARTS[other]} as well, such as {shown}",
                where="preprocess.split",
                hint=_hint(plan),
            )


def _hint(plan: Plan) -> str:
    there = any(spec.name == "deduplicate" for spec in plan.steps)
    wanted = "put deduplicate after every step that changes the rows" if there else "add the step deduplicate"
    return f"{wanted}; or accept it in the recipe: inspect: {{accept: [test-in-train]}}"


def _records(plan: Plan, shelf: Shelf, last: Passed) -> Iterator[NDArray[np.void]]:
    def pieces() -> Iterator[tuple[Any, Any]]:
        for segment in plan.segments:
            with shelf.survey(last.span.number, segment.number) as survey:
                yield survey["contents"], survey["part"].astype(np.uint64)

    return _buckets.records(pieces())


def _look(rows: NDArray[np.void], leaks: NDArray[np.uint8]) -> None:
    """Mark what leaks among records in which equal contents stand together."""
    begins = _buckets.begins(rows)
    group = np.cumsum(begins) - 1
    parts = rows["label"].astype(np.int8)
    has = np.zeros((int(begins.sum()), len(PARTS)), dtype=bool)
    has[group, parts] = True
    for number, (part, other) in enumerate(_PAIRS):
        leaks[rows["row"][(parts == part) & has[group, other]]] |= np.uint8(1 << number)


def _show(plan: Plan, shelf: Shelf, last: Passed, row: int) -> str:
    """What stands in a row of the result, shortened."""
    before = 0
    for segment, done in zip(plan.segments, last.done, strict=True):
        if row < before + done["rows"]:
            with shelf.survey(last.span.number, segment.number) as survey:
                parts = survey["part"]
            part = int(parts[row - before])
            place = int((parts[: row - before] == part).sum())
            path = shelf.path(last.span.number, segment.number, f"{PARTS[part]}.arrow")
            return _shown(path, place, list(done["features"]))
        before += done["rows"]
    raise AssertionError("unreachable")


def _shown(path: Path, place: int, columns: Sequence[str]) -> str:
    for batch in tables.read(path):
        if place < batch.num_rows:
            text = ", ".join(told(batch.column(name)[place].as_py()) for name in columns)
            return repr(text if len(text) <= _CHARACTERS else text[:_CHARACTERS] + "…")
        place -= batch.num_rows
    raise AssertionError("unreachable")
