"""What a person sees of an inspection: facts as tables, then the findings, the gravest last and nearest to the eye."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from aiaas.cli import output
from aiaas.readable import printable

if TYPE_CHECKING:
    from aiaas.contracts import Finding, Place
    from aiaas.inspect.report import Class, Facts, Report

CLASSES = 12
COLUMNS = 24
PLACES = 3
_WIDTH = 80
_STYLES = {"fatal": "bold red", "warning": "bold yellow", "note": "bold"}


def _say(text: str) -> None:
    output.out(printable(text))


def _say_long(text: str, indent: int = 0) -> None:
    """The same in lines of at most 80 columns."""
    output.out(output.wrapped(" " * indent + printable(text), indent=indent or 2))


def show(subject: str, report: Report, columns: Mapping[str, str]) -> None:
    """Print the report to stdout."""
    named = ", ".join(f"{ours} is {theirs!r}" for ours, theirs in columns.items())
    _say_long(f"{subject}: {report.task}" + (f" ({named})" if named else ""))
    for line in _rows(report):
        _say_long(line)
    _show_classes(report.classes)
    _show_columns(report.columns)
    for line in _facts(report):
        _say_long(line)
    _say("")
    for finding in reversed(report.findings):
        _show_finding(finding)
    _say_long(_conclusion(report.findings))


def _rows(report: Report) -> Iterable[str]:
    rows = report.rows
    splits = ", ".join(f"{name} {count:,}" for name, count in rows.splits.items())
    yield f"{rows.inspected:,} rows {report.of}" + (f": {splits}" if splits else "")
    if rows.left_out:
        told = ", ".join(f"{reason} {count:,}" for reason, count in rows.left_out.items())
        yield f"left out before: {told}"


def _show_classes(classes: Iterable[Class]) -> None:
    shown = list(classes)
    if not shown:
        return
    header = ("class", "rows", "share", *shown[0].splits)
    body = [
        (
            output.cut(printable(each.label), 30),
            f"{each.rows:,}",
            f"{each.share:.1%}",
            *(f"{n:,}" for n in each.splits.values()),
        )
        for each in shown[:CLASSES]
    ]
    output.table(None, header, body, right=range(1, len(header)))
    if len(shown) > CLASSES:
        _say(f"… and {len(shown) - CLASSES:,} more classes")


def _show_columns(columns: Iterable[Facts]) -> None:
    shown = [each for each in columns if each.role != "label"]  # its values are the classes
    whole = not any(each.missing for each in shown[:COLUMNS])
    body = [
        (
            *(output.cut(printable(each.name), 20), each.type),
            *(() if whole else (f"{each.missing:,}",)),
            *(_distinct(each), _values(each)),
        )
        for each in shown[:COLUMNS]
    ]
    missing = () if whole else ("missing",)  # a column of noughts would take the room of the values
    output.table(None, ("column", "type", *missing, "distinct", "values"), body, right=range(2, 3 + len(missing)))
    if len(shown) > COLUMNS:
        _say(f"… and {len(shown) - COLUMNS:,} more columns")


def _distinct(facts: Facts) -> str:
    if facts.role in ("text", "file"):
        return "–"
    return "many" if facts.distinct is None else f"{facts.distinct:,}"


def _values(facts: Facts) -> str:
    if facts.lengths:
        found = facts.lengths
        return f"{found.p05:,} to {found.p95:,} long, median {found.median:,}, longest {found.longest:,}"
    if facts.numbers:
        numbers = facts.numbers
        return f"{numbers.least:g} to {numbers.greatest:g}, median {numbers.median:g}"
    return output.cut(printable(", ".join(each.value for each in facts.common)), 30)


def _facts(report: Report) -> Iterable[str]:
    """What is neither a class nor a column, a line each."""
    if report.languages:
        yield "languages: " + ", ".join(f"{name} {percent(share)}" for name, share in report.languages.items())
    if found := report.pictures:
        kinds = ", ".join(f"{count:,} {kind.upper()}" for kind, count in found.kinds.items())
        modes = ", ".join(f"{count:,} {mode}" for mode, count in found.modes.items())
        ends = " to ".join(dict.fromkeys(f"{width} x {height}" for width, height in (found.smallest, found.largest)))
        yield f"pictures: {kinds}; {modes}; {ends} pixels"
    if report.labels:
        yield (
            f"labels: a fast model ({report.labels.model}) finds {report.labels.accuracy:.1%} of those of rows that "
            "it did not learn from"
        )
    for each in report.sampled:
        yield f"looked at {each.rows:,} of {each.of:,}: {each.what}"
    for skipped in report.skipped:
        yield f"not looked for: {skipped.what}: {skipped.why}" + (f" ({skipped.hint})" if skipped.hint else "")


def percent(share: float) -> str:
    return "< 1%" if 0 < share < 0.01 else f"{share:.0%}"


def _show_finding(finding: Finding) -> None:
    from rich.text import Text

    level = "accepted" if finding.accepted else finding.level
    style = "dim" if finding.accepted else _STYLES[finding.level]
    output.show(Text.assemble((f"{level:<9}", style), (finding.name, "bold")))
    _say_long(finding.message, 9)
    _say_long(f"→ {finding.hint}", 9)
    for place in finding.places[:PLACES]:
        _say(output.cut(f"{'':<9}{where(place)}", _WIDTH))
    if len(finding.places) > PLACES:
        _say(f"{'':<9}… (--json and --html show more)")


def where(place: Place) -> str:
    """Where a row stands, in words."""
    at = " ".join(each for each in (place.source or place.split, place.row and f"row {place.row:,}") if each)
    return f"{at}: {place.shown}" if place.shown else at


def _conclusion(findings: Iterable[Finding]) -> str:
    counts: dict[str, int] = {}
    for each in findings:
        level = "accepted" if each.accepted else each.level
        counts[level] = counts.get(level, 0) + 1
    if not counts:
        return "nothing was found that would spoil a result"
    return "findings: " + ", ".join(f"{counts[level]} {level}" for level in (*_STYLES, "accepted") if level in counts)
