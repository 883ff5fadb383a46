"""The only place that prints: data to stdout, words for people to stderr."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from aiaas.errors import AiaasError, RecipeError
from aiaas.readable import figure, printable_lines

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

SCHEMA = 1
_WIDE = 1000
_MANY = 100
_quiet = False
_passing = False


def be_quiet(quiet: bool) -> None:
    """`--quiet`: nothing is said but errors."""
    global _quiet
    _quiet = quiet


def out(text: str) -> None:
    """Data for whoever reads stdout."""
    end_passing()
    sys.stdout.write(text + "\n")


def say(text: str) -> None:
    """A line for a person, on stderr."""
    if not _quiet:
        _tell(f"{text}\n")


def _tell(text: str) -> None:
    """Write to stderr, without what a terminal would obey in names and messages. When nobody reads it any more
    (`2>&1 | head`), the work goes on in silence."""
    try:
        sys.stderr.write(f"{_clear()}{printable_lines(text)}")
        sys.stderr.flush()
    except BrokenPipeError:
        close_stream(sys.stderr)


def open_missing_streams() -> None:
    """Where whoever started us closed a stream (`>&-`), nothing comes in and what is said goes nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - until the end


def close_stream(stream: TextIO) -> None:
    """Let whatever is still written to a stream that nobody takes go nowhere, also at the end of the process."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def on_terminal() -> bool:
    """Whether a person watches stderr."""
    return not _quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def say_over(text: str) -> None:
    """A line that the next one replaces; only for a terminal."""
    global _passing
    width = shutil.get_terminal_size().columns - 1
    _tell(text[:width])
    _passing = True


def end_passing() -> None:
    """Take a passing line away, before something is written to stdout on the same terminal."""
    if _passing:
        _tell("")


def _clear() -> str:
    """What takes a passing line away."""
    global _passing
    passing, _passing = _passing, False
    return "\r\x1b[K" if passing else ""


def warn(text: str) -> None:
    """Something a person should know although the work goes on."""
    say(wrapped(f"warning: {text}"))


def wrapped(text: str, indent: int = 2) -> str:
    """A long line as lines of at most 80 columns, all but the first indented; words stay whole."""
    return textwrap.fill(text, 80, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)


def cut(text: str, width: int = 80) -> str:
    """A line of at most so many columns, with a mark where something is missing."""
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1).rstrip()}…"


def emit_json(verb: str, **fields: Any) -> None:
    """The single JSON object of `--json`."""
    end_passing()
    payload = {"schema": SCHEMA, "verb": verb, "ok": True, **fields}
    sys.stdout.write(json.dumps(payload, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def emit_error(verb: str, error: AiaasError, **fields: Any) -> None:
    """The same of a failure, whose status stays its own where nobody reads this any more."""
    payload = {"schema": SCHEMA, "verb": verb, "ok": False, **fields, "error": error.as_dict()}
    try:
        sys.stdout.write(json.dumps(payload, ensure_ascii=False, allow_nan=False, default=str) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        close_stream(sys.stdout)


def say_error(error: AiaasError) -> None:
    """What went wrong, where, and what to do, on stderr whether or not the command is quiet."""
    lines: list[str] = []
    if isinstance(error, RecipeError):
        for fault in error.faults:
            place = ": ".join(part for part in (fault.where, fault.path) if part)
            lines.append(f"{place}: {fault.message}" if place else fault.message)
            if fault.hint:
                lines.append(f"  hint: {fault.hint}")
    else:
        first, *further = error.message.split("\n")
        lines.append(f"error: {first}" + (f" ({error.where})" if error.where else ""))
        lines += further
        if error.hint:
            lines.append(f"  hint: {error.hint}")
    _tell("\n".join(lines) + "\n")


def console(*, stderr: bool = False, width: int | None = None) -> Console:
    """A rich console that keeps to plain text where no terminal is, and there leaves every line of a table whole; of
    `width` columns at most, where that is said."""
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the process with status 1

    stream = sys.stderr if stderr else sys.stdout
    return Plain(
        file=stream,
        width=_columns(stream, width),
        highlight=False,
        soft_wrap=False,
        color_system=None if os.environ.get("NO_COLOR") else "auto",  # rich alone would still print bold
    )


def _columns(stream: TextIO, most: int | None) -> int | None:
    here = shutil.get_terminal_size().columns if stream.isatty() else _WIDE
    return min(here, most) if most else None if stream.isatty() else _WIDE


def show(*parts: RenderableType, stderr: bool = False, width: int | None = None) -> None:
    """Print something that rich lays out, for a person: a character that the terminal does not have is a mark there."""
    if stderr and _quiet:
        return
    end_passing()
    to = console(stderr=stderr, width=width)
    try:
        with _lenient(sys.stderr if stderr else sys.stdout):
            for part in parts:
                to.print(part)
    except BrokenPipeError:
        if not stderr:
            raise
        close_stream(sys.stderr)


@contextmanager
def _lenient(stream: TextIO) -> Iterator[None]:
    """Within the block, what the encoding of a stream does not have is replaced; data that is written otherwise is not
    to be changed in silence."""
    if not isinstance(stream, io.TextIOWrapper):
        yield
        return
    before = stream.errors
    stream.reconfigure(errors="replace")
    try:
        yield
    finally:
        stream.reconfigure(errors=before)


def table(
    title: str | None,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    stderr: bool = False,
    right: Collection[int] = (),
) -> None:
    """A table for a person; numbers stand right, and what is in the columns `right`."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    body = [tuple(row) for row in rows]
    numeric = [
        index in right or (bool(body) and all(isinstance(row[index], int | float) for row in body))
        for index in range(len(columns))
    ]
    # A table's own title is wrapped to the width of its columns; a line before it is not.
    above = [f"[bold]{escape(title)}[/bold]"] if title else []
    told = [[_text(value) for value in row] for row in body]
    if len(body) > _MANY and (lines := _laid_out(columns, told, numeric, console(stderr=stderr).width)):
        show(*above, "", f"[bold]{escape(lines[0])}[/bold]", stderr=stderr)
        (say if stderr else out)("\n".join([*lines[1:], ""]))
        return
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns):
        justify: Literal["left", "right"] = "right" if numeric[index] else "left"
        grid.add_column(name, justify=justify, overflow="fold", no_wrap=index == 0)
    for row in told:
        grid.add_row(*map(escape, row))
    show(*above, grid, stderr=stderr)


def _laid_out(
    columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], width: int
) -> list[str] | None:
    """The head, a rule and the rows as rich lays them out, which takes it half a millisecond a row; None where they are
    wider than `width`, or a cell holds what is no plain text."""
    from rich.cells import cell_len

    if not all(cell.isprintable() for row in rows for cell in row):
        return None
    wide = [max(map(cell_len, column)) for column in zip(columns, *rows, strict=True)]
    total = sum(wide) + 3 * (len(wide) - 1)
    if total + 2 > width:
        return None

    def line(cells: Sequence[str]) -> str:
        gaps = [" " * (room - cell_len(cell)) for room, cell in zip(wide, cells, strict=True)]
        told = [
            f"{gap}{cell}" if is_right else f"{cell}{gap}"
            for gap, cell, is_right in zip(gaps, cells, right, strict=True)
        ]
        return f" {'   '.join(told)} "

    return [line(columns), f" {'─' * total} ", *map(line, rows)]


def _text(value: object) -> str:
    return figure(value) if value is None or isinstance(value, float) else printable_lines(str(value))
