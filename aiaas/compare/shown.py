"""Rows as they may be shown: as a request states them, cut, and without what a recipe takes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Signature
from aiaas.evaluate.origin import Origin
from aiaas.steps import protected

if TYPE_CHECKING:
    from aiaas.compare.answers import Differing
    from aiaas.compare.subjects import Protection
    from aiaas.evaluate import Kept

LONGEST = 400
"""Characters of a text."""


def with_inputs(
    shown: Sequence[Differing], kept: Kept, collected: Path | None, protections: Sequence[Protection | None]
) -> list[Differing]:
    """The same rows with what stands in them, where it is known where they come from. What any of the recipes masks is
    masked."""
    if collected is None or not shown:
        return list(shown)
    origin = Origin(collected, kept.rows)
    names = _read(origin.columns(), kept.signature)
    batches = list(origin.distinct(names)) if names else []
    rows = [dict(zip(batch, values, strict=True)) for batch in batches for values in zip(*batch.values(), strict=True)]
    places = origin.places().tolist()
    return [
        replace(each, input=_fit(rows[place], protections)) if rows else each
        for each, place in zip(shown, places, strict=True)
    ]


def _read(columns: Sequence[str], signature: Signature) -> list[str]:
    """The columns that a model of this signature reads and a person can: where a step makes some of them, all but the
    target."""
    names = [name for name, kind in signature.features.items() if kind != "binary"]
    if set(names) <= set(columns):
        return names
    return [name for name in columns if name != signature.target]


def _fit(row: Mapping[str, Any], protections: Sequence[Protection | None]) -> dict[str, Any]:
    found: Any = dict(row)
    for protect in protections:
        found = protected(found, protect) if protect else found
    return {name: _cut(value) for name, value in found.items()}


def _cut(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"a file of {len(value):,} bytes"
    return f"{value[: LONGEST - 1]}…" if isinstance(value, str) and len(value) > LONGEST else value
