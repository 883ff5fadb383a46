"""The text of a proposed recipe, from recipe.yaml.j2: values as YAML, and beside them why they are so."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiaas.recipe.render import inline

if TYPE_CHECKING:
    from aiaas.propose.proposal import Proposal

_WIDTH = 120
_LABELS = 5


def text(
    proposal: Proposal,
    data: str | None,
    entries: Sequence[Mapping[str, Any]],
    reasons: Mapping[str, str],
    steps: Sequence[tuple[Any, str]],
    split: Mapping[str, Any],
    split_why: str,
) -> str:
    """The recipe as YAML with comments. `reasons` are those of the keys of an entry."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("aiaas.propose", "templates"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  # YAML, whose values `inline` quotes
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"yaml": inline, "oneline": lambda text: " ".join(str(text).split())}
    environment.globals |= {"line": line}
    return environment.get_template("recipe.yaml.j2").render(
        proposal=proposal,
        about=_about(proposal, data),
        entries=[_entry(entry, reasons if number == 0 else {}) for number, entry in enumerate(entries)],
        steps=steps,
        split=split,
        split_why=split_why,
        model=proposal.choice.template.model,
        choice=proposal.choice,
        gate=f'what it must reach; after the first run, hold it to that: {{{_metric(proposal.task)}: ">= …"}}',
    )


def line(value: str, why: str = "", indent: int = 0) -> str:
    """A line, with the reason behind it, or above it where that is too long."""
    shift = " " * indent
    why = " ".join(why.split())
    if not why:
        return f"{shift}{value}"
    if len(shift + value) + len(why) + 4 <= _WIDTH:
        return f"{shift}{value}  # {why}"
    above = textwrap.wrap(why, _WIDTH - indent - 2, break_long_words=False, break_on_hyphens=False)
    return "\n".join([*(f"{shift}# {part}" for part in above), f"{shift}{value}"])


def _entry(entry: Mapping[str, Any], reasons: Mapping[str, str]) -> list[str]:
    """An entry of `collect`, a key a line where anything is to say of one."""
    if not any(reasons.get(key) for key in entry):
        return [line(f"- {inline(dict(entry))}", indent=2)]
    lines = [line(f"{key}: {inline(value)}", reasons.get(key, ""), 4) for key, value in entry.items()]
    return [f"  - {lines[0].lstrip()}", *lines[1:]]


def _about(proposal: Proposal, data: str | None) -> str:
    if data is None:
        return proposal.choice.template.about
    told = f"{proposal.rows:,} rows of {data}" if proposal.rows is not None else data
    labels = proposal.labels.most_common()
    if labels:
        total = sum(proposal.labels.values())
        shown = ", ".join(f"{name[:30]} {count / total:.0%}" for name, count in labels[:_LABELS])
        told += f"; {len(labels)} labels: {shown}" + (" …" if len(labels) > _LABELS else "")
    if proposal.language:
        told += f"; language: {proposal.language}"
    return told


def _metric(task: str) -> str:
    return {"tabular-regression": "r2", "text-generation": "top1_accuracy"}.get(task, "f1")
