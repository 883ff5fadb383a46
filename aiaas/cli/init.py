"""The verb `init`: a recipe for data that has none, or from a template."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aiaas.cli import output
from aiaas.cli.options import JsonOption, QuietOption

if TYPE_CHECKING:
    from aiaas.propose.proposal import Proposal

FromOption = Annotated[
    Path | None,
    typer.Option("--from", metavar="FILE|FOLDER", help="The data: look at it and propose.", show_default=False),
]
TemplateOption = Annotated[
    str | None, typer.Option("--template", metavar="NAME", help="Begin with this model.", show_default=False)
]
ListOption = Annotated[bool, typer.Option("--list", help="List the templates.")]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="The recipe to write.  [default: NAME.yaml]", show_default=False
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over a recipe that is there.")]
TaskOption = Annotated[
    str | None, typer.Option("--task", metavar="NAME", help="The task, if not as guessed.", show_default=False)
]
TextOption = Annotated[
    str | None, typer.Option("--text", metavar="COLUMN", help="The column of texts.", show_default=False)
]
LabelOption = Annotated[
    str | None, typer.Option("--label", metavar="COLUMN", help="The column of labels or targets.", show_default=False)
]


def init_command(
    from_: FromOption = None,
    template: TemplateOption = None,
    list_: ListOption = False,
    to: OutputOption = None,
    force: ForceOption = False,
    task: TaskOption = None,
    text: TextOption = None,
    label: LabelOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write a recipe for the data of FILE or FOLDER, which runs at once; or one from a template."""
    from aiaas.propose import Asked

    output.be_quiet(quiet)
    if list_:
        list_templates(as_json=json)
        return
    made = init(from_, to, Asked(task, text, label, template), force=force)
    if json:
        output.emit_json("init", **made.as_dict())
    else:
        _tell(made)


def init(data: Path | None, to: Path | None, asked: object, *, force: bool = False) -> Proposal:
    """Write the recipe and give what it was made of. Raises UsageError, DataError."""
    from aiaas import propose
    from aiaas import recipe as recipes
    from aiaas.errors import UsageError
    from aiaas.propose.asked import Asked
    from aiaas.propose.proposal import name_of
    from aiaas.workspace import atomic

    assert isinstance(asked, Asked)
    if data is None and asked.template is None:
        raise UsageError("there is nothing to begin with", hint="aiaas init --from FILE, or --template NAME; --list")
    if data is None and (said := [name for name in ("task", "text", "label") if getattr(asked, name)]):
        raise UsageError(f"--{said[0]} says something of data, and there is none", hint="name it with --from")
    name = name_of(data, "model") if data is not None else str(asked.template)
    to = to or Path(f"{name}.yaml")
    if to.is_dir():
        raise UsageError(f"--output: {to} is a folder", hint=f"name the file: --output {to / name}.yaml")
    if to.exists() and not force:
        raise UsageError(f"{to} is there already", hint="name another with --output, or write over it with --force")
    if not to.parent.is_dir():
        raise UsageError(f"--output: there is no folder {to.parent}", hint=f"mkdir -p {to.parent}")
    made = propose.start(str(asked.template), to) if data is None else propose.propose(data, to, asked)
    with atomic.disk_errors(to):
        atomic.write_text(to, made.text)
    recipes.read(to, environ={})  # what we propose is checked like what a person writes
    return made


def list_templates(*, as_json: bool = False) -> None:
    """Print the templates, with what each learns and for whom it is."""
    from aiaas import propose

    found = [(each, each.command()) for each in propose.all_templates()]
    if as_json:
        output.emit_json("init", templates=[{**each.model_dump(mode="json"), "needs": needs} for each, needs in found])
        return
    rows = [(each.name, each.task, each.about + (f" ({needs})" if needs else "")) for each, needs in found]
    output.table(None, ("template", "task", "what learns"), rows)


def _tell(made: Proposal) -> None:
    for ours, theirs in made.columns.items():
        output.say(f"{ours:<12} {theirs}")
    if made.labels:
        output.say(output.wrapped(f"{'labels':<12} " + _counted(made), 13))
    if made.language:
        output.say(f"{'language':<12} {made.language}")
    output.say(f"{'task':<12} {made.task}")
    output.say(output.wrapped(f"{'model':<12} {made.model}: {made.choice.why}", 13))
    for note in made.notes:
        output.say(output.wrapped(f"note: {note}"))
    if made.needs:
        output.warn(f"the model needs packages that are not installed: {made.needs}")
    output.out(f"{made.recipe}")
    output.say(f"next: aiaas run {made.recipe}, then aiaas serve {made.name}")


def _counted(made: Proposal) -> str:
    most = made.labels.most_common(5)
    more = f" and {len(made.labels) - 5} more" if len(made.labels) > 5 else ""
    return ", ".join(f"{name[:30]} {count:,}" for name, count in most) + more
