"""The report in a terminal: 80 columns, and nothing that only a colour says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from aiaas import readable
from aiaas.charts import Lines, Scale, Steps, short, width
from aiaas.report import canvas, figures, plots
from aiaas.report.judged import Judged

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDTH = 80
SHOWN_CLASSES, SHOWN_SLICES, SHOWN_MISTAKES, SHOWN_TEXTS = 15, 24, 6, 3
_HALF, _LINES = 38, 9
_BAR = 17
_NAME, _LABEL, _SLICE = 20, 18, 26


def terminal(judged: Judged, *, plain: bool = False) -> Iterator[RenderableType]:
    """What to print, from top to bottom. `plain` draws with ASCII alone."""
    yield from _head(judged)
    yield from _metrics(judged, plain)
    yield from _classes(judged)
    yield from _scores(judged, plain)
    yield from _slices(judged, plain)
    yield from _robustness(judged)
    yield from _mistakes(judged)
    yield from _texts(judged)
    yield from _pairs("Training", plots.of_training(judged), plain)
    yield from _origin(judged)


def _title(text: str) -> RenderableType:
    from rich.text import Text

    return Text(f"\n{text}", style="bold")


def _text(text: str, indent: str = "") -> RenderableType:
    """A paragraph of at most 80 columns; texts without spaces are cut where the line ends."""
    from rich.padding import Padding
    from rich.text import Text

    return Padding(Text(text, overflow="fold"), (0, 0, 0, len(indent)), expand=False)


def _grid(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, head in enumerate(heads):
        grid.add_column(head, justify="right" if number in right else "left", no_wrap=True)
    for row in rows:
        grid.add_row(*map(Text, row))
    return grid


def _head(judged: Judged) -> Iterator[RenderableType]:
    from rich.text import Text

    failed = [gate for gate in judged.gates if not gate["met"]]
    met = (
        f"{len(failed)} of {len(judged.gates)} gates NOT MET"
        if failed
        else f"{len(judged.gates)} gate{'s' * (len(judged.gates) != 1)} met"
    )
    yield Text(f"{judged.name}  {met if judged.gates else 'no gates'}", style="bold")
    yield _text(f"{judged.task}, {judged.model}, judged on {judged.metrics['rows']:,} test rows")
    for note in judged.metrics.get("notes") or ():
        yield _text(f"note: {note}")


def _metrics(judged: Judged, plain: bool) -> Iterator[RenderableType]:
    found = figures.measured(judged)
    rows = []
    for each in found:
        places = [place / each.bar.width for place in (each.bar.low, each.bar.at, each.bar.high)] if each.bar else []
        line = canvas.bar(places, _BAR, plain=plain)
        gate = f"{each.gate} {'met' if each.met else 'NOT MET'}" if each.gate else ""
        interval = readable.ends(each.ends)
        rows.append((short(readable.named(each.name), _NAME), readable.figure(each.value), interval, gate or line))
    yield _title("Metrics")
    yield _grid(("metric", "value", f"{judged.level} interval", ""), rows, (1,))
    if others := figures.further(judged):
        told = [
            (
                short(readable.named(gate["metric"]), _SLICE),
                short(str(gate["gate"]), _LABEL),
                readable.figure(gate["value"]),
                "met" if gate["met"] else "NOT MET",
            )
            for gate in others
        ]
        yield _grid(("further gates", "asked", "found", ""), told, (2,))


def _classes(judged: Judged) -> Iterator[RenderableType]:
    found = figures.classes(judged)
    if not found:
        return
    shown = sorted(found, key=lambda each: each.figures["f1"] or 0.0) if len(found) > SHOWN_CLASSES else found
    more = f", the {SHOWN_CLASSES} of {len(found)} with the lowest F1" if len(found) > SHOWN_CLASSES else ""
    yield _title(f"Classes{more}")
    rows = [
        (
            short(each.label, _LABEL),
            f"{each.rows:,}",
            *map(readable.figure, each.figures.values()),
            readable.ends(each.ends),
        )
        for each in shown[:SHOWN_CLASSES]
    ]
    yield _grid(("class", "rows", "precision", "recall", "F1", "F1 interval"), rows, range(1, 5))
    if confused := figures.confused(judged):
        told = [
            (short(truth, _LABEL), short(answered, _LABEL), f"{count:,}", f"{share:.1%}")
            for truth, answered, count, share in confused
        ]
        yield _grid(("true", "answered as", "rows", "of the class"), told, (2, 3))


def _scores(judged: Judged, plain: bool) -> Iterator[RenderableType]:
    scores = plots.of_scores(judged) or [each for each in (plots.reliability(judged),) if each]
    yield from _pairs("Scores", [each for each in scores if isinstance(each, Lines)], plain)
    spread = [each for each in (*scores, *plots.of_values(judged), plots.of_texts(judged)) if isinstance(each, Steps)]
    for each in spread:
        yield _title(each.title)
        for name, bars in canvas.histogram(each, plain=plain):
            yield _text(f"{short(name, _LABEL)}{' ' * (_LABEL - width(short(name, _LABEL)))} {bars}")
        first, last = each.ends
        yield _text(f"{'':{_LABEL + 1}}{first}{last:>{max(1, len(each.areas[0].shares) - len(first))}}  {each.across}")
    if found := judged.calibration:
        told = f"expected calibration error {readable.figure(found.ece)}"
        yield _text(told + (f", at the temperature {found.temperature:.3f}" if found.temperature else ""))


def _pairs(title: str, drawn: Sequence[Lines], plain: bool) -> Iterator[RenderableType]:
    """Plots beside each other, two a line."""
    from rich.text import Text

    if not drawn:
        return
    yield _title(title)
    for place in range(0, len(drawn), 2):
        blocks = [_block(each, plain) for each in drawn[place : place + 2]]
        for left, right in (
            zip_longest(*blocks, fillvalue="") if len(blocks) == 2 else ((line, "") for line in blocks[0])
        ):
            yield Text(f"{left}{' ' * (_HALF + 2 - width(left))}{right}".rstrip(), no_wrap=True)
        yield Text("")


def _block(plot: Lines, plain: bool) -> list[str]:
    """A plot with its title and the names of its curves."""
    told = [short(" ".join(filter(None, (each.name, each.told))), _HALF) for each in plot.curves]
    return [short(plot.title, _HALF), *canvas.curve(plot, _HALF, _LINES, plain=plain), *told]


def _slices(judged: Judged, plain: bool) -> Iterator[RenderableType]:
    found = figures.sliced(judged)
    if found is None:
        return
    metric = found[0]
    slices = judged.metrics["slices"]
    weighty = [each for each in slices if not each["few"]] or slices
    known = [end for each in weighty for end in each.get("intervals", {}).get(metric) or ()]
    scale = Scale(min(known, default=0), max(known, default=1), 1)
    rows = []
    for each in slices[:SHOWN_SLICES]:
        value, ends = each["metrics"].get(metric), each.get("intervals", {}).get(metric)
        drawn = ends and value is not None and not each["few"]
        line = canvas.bar([*map(scale.share, (ends[0], value, ends[1]))] if drawn else [], _BAR, plain=plain)
        worse = "worse" if each.get("against_rest", {}).get("worse") else "few" if each["few"] else ""
        name = short(f"{each['slice']} {each['value']}", _SLICE, middle=True)
        rows.append((name, f"{each['rows']:,}", readable.figure(value), line, worse))
    yield _title(f"Slices by {readable.named(metric)}")
    yield _grid(("slice", "rows", short(readable.named(metric), 10), "interval", ""), rows, (1, 2))
    if len(slices) > SHOWN_SLICES:
        yield _text(f"and {len(slices) - SHOWN_SLICES} more, which the page and --json have")


def _robustness(judged: Judged) -> Iterator[RenderableType]:
    found = judged.robustness
    if found is None:
        return
    yield _title(
        f"Robustness: {readable.named(found.metric)} of {found.rows:,} rows, plain {readable.figure(found.plain)}"
    )
    rows = [
        (
            short(each.name, _LABEL),
            readable.figure(each.value),
            readable.signed(each.difference),
            readable.ends(each.interval),
            readable.chance(each.p),
            "worse" if each.worse else "",
        )
        for each in found.perturbed
    ]
    yield _grid(("inputs", "value", "difference", "interval", "p", ""), rows, (1, 2, 4))


def _mistakes(judged: Judged) -> Iterator[RenderableType]:
    if not judged.mistakes:
        return
    yield _title("Errors that cost most")
    for each in judged.mistakes[:SHOWN_MISTAKES]:
        sure = f" ({readable.figure(each.score)})" if each.score is not None else ""
        answered = ""
        if each.answer is not None:
            answered = f"{readable.value(each.answer)}{sure}, is {readable.value(each.target)}"
        yield _text("; ".join(filter(None, (f"row {each.row:,}", answered, f"loss {readable.figure(each.loss)}"))))
        if each.shown:
            said = dict(each.shown) if len(each.shown) > 1 else [*each.shown.values()]
            yield _text(short(readable.value(said), 150), "  ")


def _texts(judged: Judged) -> Iterator[RenderableType]:
    if not judged.written:
        return
    yield _title("Written")
    for each in judged.written[:SHOWN_TEXTS]:
        yield _text(short(f"{each.prompt}|{each.text}" if each.prompt else each.text, 300), "  ")


def _origin(judged: Judged) -> Iterator[RenderableType]:
    yield _title("Data and model")
    for source in judged.sources:
        when = (source.get("when") or "")[:10]
        known = [f"licence {source.get('licence') or 'not said'}", source.get("revision"), when]
        rows = f"{source['rows']:,} rows" if source.get("rows") is not None else None
        yield _text(", ".join(str(each) for each in (short(source["source"], 50, middle=True), rows, *known) if each))
    splits = judged.rows.get("splits") or {}
    if splits:
        yield _text(", ".join(f"{name} {count:,}" for name, count in splits.items()))
    took: list[Any] = [f"{stage} {readable.took(seconds)}" for stage, seconds in judged.seconds.items()]
    if took:
        yield _text(f"it took: {', '.join(took)}")
    if judged.bundle:
        digest, size = judged.bundle["digest"][:12], readable.size(judged.bundle["bytes"])
        yield _text(f"bundle {digest}, {size}, {judged.bundle['runtime']}")
