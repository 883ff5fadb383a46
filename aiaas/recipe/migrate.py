"""Brings a recipe of an older schema to the newest, one schema at a time; comments and order stay.

There is one schema so far, so the chain is empty. Whoever changes the schema so that an older recipe would be refused,
or would mean something else, raises `check.SCHEMA` and appends the migration from the one before:

    Migration(1, "model.params is called model.settings", lambda draft: draft.rename("model.params", "settings"))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiaas.errors import Fault, RecipeError
from aiaas.recipe import check
from aiaas.recipe.edit import Draft
from aiaas.recipe.parse import parse


@dataclass(frozen=True, slots=True)
class Migration:
    """From the schema `before` to the next one: what changes, in words, and the change. Paths that a recipe need not
    have are asked for with `Draft.has`."""

    before: int
    about: str
    change: Callable[[Draft], None]


CHAIN: tuple[Migration, ...] = ()
"""Every migration, the oldest first, each from the schema that the one before it leads to."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """The text of the newest schema, from which schema to which, and what was changed."""

    text: str
    before: int
    after: int
    changes: tuple[str, ...]


def migrate(content: bytes, source: str, chain: Sequence[Migration] = CHAIN, newest: int | None = None) -> Migrated:
    """The recipe in `content`, which faults call `source`, in the newest schema. A recipe that does not say its schema
    is of the first. Raises RecipeError for what is no recipe, or one of a newer schema."""
    newest = check.SCHEMA if newest is None else newest
    before = _schema(content, source, newest)
    steps = [each for each in chain if before <= each.before < newest]
    assert [each.before for each in steps] == list(range(before, newest)), "the chain lacks a migration"
    draft = Draft(content.decode("utf-8-sig"))
    for each in steps:
        each.change(draft)
        (draft.replace if draft.has("schema") else draft.add)("schema", each.before + 1)
    return Migrated(draft.text, before, newest, tuple(each.about for each in steps))


def _schema(content: bytes, source: str, newest: int) -> int:
    document = parse(content, source)
    if document.faults:
        raise RecipeError(document.sorted_faults())
    if not isinstance(document.data, dict):
        raise RecipeError([Fault(source, "", "a recipe is a mapping of keys")])
    found = document.data.get("schema", check.FIRST)
    where = document.place(("schema",)).where
    if not isinstance(found, int) or isinstance(found, bool) or found < check.FIRST:
        raise RecipeError([Fault(where, "schema", f"must be a whole number from {check.FIRST}, found {found!r}")])
    if found > newest:
        told = f"is {found}; this aiaas reads schema {newest}"
        raise RecipeError([Fault(where, "schema", told, "install a newer aiaas")])
    return found
