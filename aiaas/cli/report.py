"""The verb `report`: how good a model is, in the terminal, as a page, as a card and as a bill of materials."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiaas.cli import output
from aiaas.cli.options import JsonOption, QuietOption, SetOption, WorkspaceOption, refuse_no_folder

if TYPE_CHECKING:
    from aiaas.pipeline.reporting import Reported
    from aiaas.report import Judged

_RECIPES = (".yaml", ".yml")


def _file(what: str) -> Any:
    return typer.Option(metavar="FILE", help=f"Write {what}.", show_default=False)


ReferenceArgument = Annotated[
    str,
    typer.Argument(
        metavar="REFERENCE",
        help="A run, a model (NAME, NAME@ALIAS, NAME/VERSION, or its folder), or a recipe that was evaluated.",
        show_default=False,
    ),
]
HtmlOption = Annotated[Path | None, _file("the page: one HTML file")]
CardOption = Annotated[Path | None, _file("the model card: Markdown with the header of the Hugging Face hub")]
BomOption = Annotated[Path | None, _file("the bill of materials: CycloneDX 1.6 as JSON")]


def report_command(
    reference: ReferenceArgument,
    html: HtmlOption = None,
    card: CardOption = None,
    bom: BomOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Tell how good a model is: metrics with intervals, classes, slices, errors, where it comes from."""
    output.be_quiet(quiet)
    reported = find(reference, set_ or (), workspace)
    files = write(reported.judged, html=html, card=card, bom=bom)
    if json:
        output.emit_json("report", kind=reported.kind, name=reported.name, files=files, **as_dict(reported.judged))
    elif not files:
        show(reported.judged)
    for path in files.values():
        output.say(f"wrote {path}")


def find(reference: str, overrides: Sequence[str], workspace: Path | None) -> Reported:
    """What `reference` names. Raises UsageError where it names nothing that was evaluated."""
    from aiaas.cli.stages import open_work
    from aiaas.errors import UsageError
    from aiaas.pipeline import reporting
    from aiaas.workspace import Workspace

    if reference.lower().endswith(_RECIPES):
        return reporting.of_recipe(open_work(Path(reference), overrides, workspace, verb="report"))
    if overrides:
        raise UsageError("--set changes a recipe, and this is none", where=reference)
    return reporting.of_reference(reference, Workspace.look(workspace))


def write(judged: Judged, *, html: Path | None, card: Path | None, bom: Path | None) -> dict[str, str]:
    """Write what was asked for: the path of each file. Raises UsageError where there is no folder for one."""
    from aiaas import report
    from aiaas.workspace import atomic

    asked = {"html": (html, report.page), "card": (card, report.model_card), "bom": (bom, report.bill_of_materials)}
    for name, (path, _) in asked.items():
        refuse_no_folder(f"--{name}", path)
    written = {}
    for name, (path, make) in asked.items():
        if path is not None:
            with atomic.disk_errors(path):
                atomic.write_text(path, make(judged))
            written[name] = str(path)
    return written


def as_dict(judged: Judged) -> dict[str, Any]:
    """All that a report is made of, for a script."""
    return {
        "recipe": judged.name,
        "task": judged.task,
        "model": judged.model,
        "metrics": dict(judged.metrics),
        "gates": [dict(gate) for gate in judged.gates],
        "sources": [dict(source) for source in judged.sources],
        "findings": [dict(each) for each in judged.findings],
        "errors": [each.model_dump(mode="json", exclude={"picture"}) for each in judged.mistakes],
        "texts": [each.model_dump(mode="json") for each in judged.written],
        "history": judged.history,
        "seconds": dict(judged.seconds),
        "bundle": dict(judged.bundle) or None,
    }


def show(judged: Judged) -> None:
    """The report on stdout, at 80 columns."""
    from aiaas.report.terminal import WIDTH, terminal

    output.show(*terminal(judged, plain=not _has_dots()), width=WIDTH)


def _has_dots() -> bool:
    """Whether stdout takes the characters that curves are drawn with."""
    try:
        "⣿█●".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
