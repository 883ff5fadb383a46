"""A comparison as a person reads it, at 80 columns: who is how good, better or worse than the base, at what cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiaas import readable
from aiaas.cli import output

if TYPE_CHECKING:
    from aiaas.compare import Comparison, Standing

NAME = 21
COLUMNS = 6
"""Models that stand side by side."""
MARKS = {"better": "+", "worse": "-", "unproven": " "}
WORDS = {"better": "better", "worse": "worse", "unproven": ""}


def show_comparison(found: Comparison, *, stderr: bool = False) -> None:
    """The main metric with intervals and tests, all metrics side by side, what each costs, and rows where they
    differ."""
    _show_main(found, stderr)
    _show_metrics(found, stderr)
    _show_costs(found, stderr)
    _show_rows(found, stderr)
    for note in found.notes:
        _tell(output.wrapped(f"note: {note}"), stderr)


def _tell(text: str, stderr: bool) -> None:
    (output.say if stderr else output.out)(text)


def _named(found: Comparison) -> list[tuple[int, Standing, str]]:
    """Each with its number, and its name with a mark where it is on the Pareto front."""
    named = []
    for number, each in enumerate(found.standings, 1):
        mark = "*" if each.front else " "
        named.append((number, each, f"{number}{mark} {_fit(each.name, NAME - len(str(number)) - 2)}"))
    return named


def _fit(name: str, room: int) -> str:
    """A name that has room; of an address its end, which tells it from others."""
    if "://" in name and len(name) > room:
        return f"…{name[1 - room :]}"
    return output.cut(name, room)


def _show_main(found: Comparison, stderr: bool) -> None:
    rows = []
    for _, each, name in _named(found):
        test = each.against.get(found.metric)
        than = ("base" if each.name == found.base else "–", "", "")
        if test:
            than = (readable.signed(test.difference), readable.chance(test.p), WORDS[test.verdict])
        rows.append((name, each.metrics.get(found.metric), readable.ends(each.intervals.get(found.metric)), *than))
    columns = ("model", "value", f"{100 * found.level:g} % interval", "vs base", "p", "")
    title = f"{found.metric} on {found.rows:,} rows that {'both' if len(found.standings) == 2 else 'all'} answered"
    output.table(title, columns, rows, stderr=stderr, right=(1, 3, 4))
    if any(each.front for each in found.standings):
        told = f"* nobody is better in one of {_listed(found.respects)} and as good in the others"
        _tell(output.wrapped(told), stderr)


def _show_metrics(found: Comparison, stderr: bool) -> None:
    named = _named(found)
    if len(named) > COLUMNS:
        _tell(f"all metrics of {len(named)} models are in --json and --html", stderr)
        return
    names = list(dict.fromkeys(name for _, each, _ in named for name in each.metrics))
    rows: list[list[Any]] = [[name, *(_marked(each, name) for _, each, _ in named)] for name in names]
    if any(each.agreement is not None for _, each, _ in named):
        rows.append(["agrees with the base", *(readable.figure(each.agreement) for _, each, _ in named)])
        rows.append(["kappa", *(readable.figure(each.kappa) for _, each, _ in named)])
    columns = ["metric", *(str(number) for number, _, _ in named)]
    output.table(None, columns, rows, stderr=stderr, right=range(1, len(columns)))
    if any(test.verdict != "unproven" for _, each, _ in named for test in each.against.values()):
        _tell("+ better, - worse than the base by more than chance", stderr)


def _show_costs(found: Comparison, stderr: bool) -> None:
    known = [(each, name) for _, each, name in _named(found) if each.costs.known()]
    if not known:
        return
    rows = [(name, *map(readable.cost, each.costs.as_dict().values())) for each, name in known]
    columns = ("model", "ms", "p95 ms", "rows/s", "MB", "on disk", "fit s")
    output.table("What they cost", columns, rows, stderr=stderr, right=range(1, len(columns)))


def _show_rows(found: Comparison, stderr: bool) -> None:
    if not found.differ:
        return
    told = f"{found.differ:,} of {found.rows:,} rows are answered differently"
    _tell(told + (f"; the {len(found.shown)} farthest apart:" if found.shown else ""), stderr)
    for each in found.shown:
        target = "" if each.target is None else f", {_answer(each.target)}"
        given = ", ".join(f"{place} {_answer(answer)}" for place, answer in enumerate(each.answers.values(), 1))
        _tell(output.cut(f"  row {each.row:,}{target}: {given}"), stderr)
        if each.input:
            _tell(output.cut(f"    {_said(each.input)}"), stderr)


def _said(row: Mapping[str, Any]) -> str:
    """A row on a line: with the names of its columns, where there are several."""
    named = [f"{name} {_answer(value)}" if len(row) > 1 else str(value) for name, value in row.items()]
    return " ".join(", ".join(named).split())


def _answer(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _marked(each: Standing, name: str) -> str:
    test = each.against.get(name)
    mark = MARKS[test.verdict] if test else " "
    return f"{readable.figure(each.metrics.get(name))} {mark}"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
