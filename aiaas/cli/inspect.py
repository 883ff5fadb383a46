"""The verb `inspect`: what a recipe, or a file without one, would have a model learn from."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiaas.cli import output
from aiaas.cli.options import (
    JsonOption,
    OfflineOption,
    QuietOption,
    SetOption,
    WorkspaceOption,
    refuse_no_folder,
)

if TYPE_CHECKING:
    from aiaas.inspect.report import Report

_RECIPES = (".yaml", ".yml")

SubjectArgument = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE|FILE",
        help="A recipe (.yaml), or rows: a file, a folder of classes, or what else `source` may be.",
        show_default=False,
    ),
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a page with plots as well.", show_default=False)
]
TaskOption = Annotated[
    str | None,
    typer.Option("--task", metavar="NAME", help="Of a file: the task, if not as guessed.", show_default=False),
]
TextOption = Annotated[
    str | None,
    typer.Option("--text", metavar="COLUMN", help="Of a file: the column of texts.", show_default=False),
]
LabelOption = Annotated[
    str | None,
    typer.Option("--label", metavar="COLUMN", help="Of a file: the column of labels or targets.", show_default=False),
]
FormatOption = Annotated[
    str | None,
    typer.Option("--format", metavar="NAME", help="Of a file: its format, if not as it ends.", show_default=False),
]


def inspect_command(
    subject: SubjectArgument,
    set_: SetOption = None,
    json: JsonOption = False,
    html: HtmlOption = None,
    task: TaskOption = None,
    text: TextOption = None,
    label: LabelOption = None,
    format_: FormatOption = None,
    quiet: QuietOption = False,
    workspace: WorkspaceOption = None,
    offline: OfflineOption = False,
) -> None:
    """Look at the rows of RECIPE or FILE: classes, lengths, duplicates, leaks, wrong labels, personal data."""
    from aiaas import inspect
    from aiaas.errors import AiaasError
    from aiaas.pipeline.looking import Told

    output.be_quiet(quiet)
    started = time.perf_counter()
    told = Told(task, text, label, format_)
    if subject.lower().endswith(_RECIPES):
        report, columns = _of_recipe(Path(subject), told, set_ or (), workspace, offline)
    else:
        report, columns = _of_file(subject, told, set_ or (), workspace, offline)
    fields: dict[str, Any] = {
        "subject": subject,
        "guessed": columns,
        "seconds": round(time.perf_counter() - started, 3),
        **report.model_dump(mode="json"),
    }
    if html:
        _write(html, subject, report)
    try:
        inspect.enforce(report.findings, subject)
    except AiaasError as error:
        error.reached = fields
        if not json:
            _show(subject, report, columns)
        raise
    if json:
        output.emit_json("inspect", **fields)
    else:
        _show(subject, report, columns)


def _of_recipe(
    path: Path, told: Any, overrides: Any, workspace: Path | None, offline: bool
) -> tuple[Report, dict[str, str]]:
    from aiaas.cli.progress import Lines
    from aiaas.cli.stages import open_work
    from aiaas.errors import UsageError
    from aiaas.pipeline.looking import Told, look_at_recipe

    if told != Told():
        raise UsageError(
            "--task, --text, --label and --format are for a file; a recipe says it itself",
            hint="say it in the recipe, or with --set",
        )
    return look_at_recipe(open_work(path, overrides, workspace, offline=offline, verb="inspect"), Lines()), {}


def _of_file(
    subject: str, told: Any, overrides: Any, workspace: Path | None, offline: bool
) -> tuple[Report, dict[str, str]]:
    from aiaas import offline as network
    from aiaas.cli.progress import show_progress
    from aiaas.errors import UsageError
    from aiaas.pipeline.looking import look_at_file
    from aiaas.workspace import Workspace

    if overrides:
        raise UsageError("--set changes a recipe, and this is a file", hint="see --task, --text, --label, --format")
    if offline:
        network.forbid()
    downloads = Workspace.look(workspace).downloads
    return look_at_file(subject, told, downloads, offline=offline, warn=output.warn, progress=show_progress())


def _write(path: Path, subject: str, report: Report) -> None:
    from aiaas.inspect.page import page
    from aiaas.workspace import atomic

    refuse_no_folder("--html", path)
    with atomic.disk_errors(path):
        atomic.write_text(path, page(report, subject))


def _show(subject: str, report: Report, columns: dict[str, str]) -> None:
    from aiaas.cli.inspection import show

    show(subject, report, columns)
