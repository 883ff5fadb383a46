"""What a run leaves for CI: `--junit FILE` and `--summary FILE`, written whether it went well or not."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from aiaas.cli.options import refuse_no_folder
from aiaas.errors import AiaasError

JunitOption = Annotated[
    Path | None,
    typer.Option("--junit", metavar="FILE", help="Write the gates as JUnit XML, on failure too.", show_default=False),
]
SummaryOption = Annotated[
    Path | None,
    typer.Option(
        "--summary",
        metavar="FILE",
        help="Append what came of it as Markdown, on failure too; for CI, such as $GITHUB_STEP_SUMMARY.",
        show_default=False,
    ),
]


@dataclass(slots=True)
class Told:
    """What is known when it is over; `reached` is a result as `--json` prints it."""

    name: str
    reached: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def told_to_ci(junit: Path | None, summary: Path | None, recipe: Path) -> Iterator[Told]:
    """Write both files when what is done inside has ended. UsageError at once where there is no folder for them."""
    for option, path in (("--junit", junit), ("--summary", summary)):
        refuse_no_folder(option, path)
    told = Told(recipe.stem)
    began = time.perf_counter()
    try:
        yield told
    except AiaasError as error:
        told.reached = error.reached or told.reached
        _write(junit, summary, told, time.perf_counter() - began, error)
        raise
    except Exception as error:
        _write(junit, summary, told, time.perf_counter() - began, AiaasError(f"a fault of ours: {error!r}"))
        raise
    _write(junit, summary, told, time.perf_counter() - began, None)


def _write(junit: Path | None, summary: Path | None, told: Told, seconds: float, error: AiaasError | None) -> None:
    from aiaas.recipe import mask

    if junit is not None:
        from aiaas.gates.junit import junit as as_xml

        junit.write_text(mask(as_xml(told.name, told.reached.get("gates", ()), seconds, error)), "utf-8")
    if summary is not None:
        from aiaas.gates.summary import summary as as_markdown

        with summary.open("a", encoding="utf-8") as stream:
            stream.write(mask(as_markdown(told.name, told.reached, error)))
