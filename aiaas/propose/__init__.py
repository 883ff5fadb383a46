"""Propose a recipe for data that has none: what its columns are, what can be learned of them, and what learns it.

found = propose("reviews.csv", Path("reviews.yaml"))     # found.text is the recipe, found.notes what was decided
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aiaas.propose.asked import Asked

if TYPE_CHECKING:
    from aiaas.propose.proposal import Proposal
    from aiaas.propose.templates import Template

__all__ = ["Asked", "all_templates", "propose", "start"]


def propose(data: Path, recipe: Path, asked: Asked | None = None) -> Proposal:
    """A recipe over a file or folder, to be written to `recipe`, where relative paths start.

    All rows are read, up to a million. Raises DataError where they are no table that anything can be learned of, and
    UsageError where what is asked does not fit them.
    """
    from aiaas.propose import proposal

    return proposal.of_data(data, recipe, asked or Asked())


def start(template: str, recipe: Path) -> Proposal:
    """The recipe of a template over data that is still to come. Raises UsageError where there is no such template."""
    from aiaas.propose import proposal

    return proposal.of_template(template, recipe)


def all_templates() -> list[Template]:
    """What a recipe may begin with, in the order of their tasks."""
    from aiaas.propose import templates

    return templates.all_of_them()
