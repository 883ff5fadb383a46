"""What was found out about rows before anything is learned from them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aiaas.contracts.base import Params

Level = Literal["fatal", "warning", "note"]
"""`fatal`: what is learned or measured of these rows means nothing. `warning`: it means less than it seems to."""

Acceptable = Literal[
    "test-in-train",
    "near-test-in-train",
    "leaking-column",
    "broken-pictures",
    "broken-rows",
    "few-rows",
    "imbalance",
    "missing-values",
    "duplicates",
    "near-duplicates",
    "contradicting-labels",
    "suspicious-labels",
    "personal-data",
    "alike-pictures",
    "constant-column",
    "id-column",
    "long-texts",
    "mixed-languages",
    "mixed-pictures",
]
"""What a recipe may accept by its name."""

Name = Literal[Acceptable, "one-class", "refused"]
"""What may be found. Of what cannot be accepted nothing can be learned, and preprocess refuses it."""


class Place(Params):
    """Where a row stands, and what stands in it."""

    split: str | None = Field(None, description="The split that it belongs to.")
    source: str | None = Field(
        None, description="The source that it came from, or the place in it of what was left out."
    )
    row: int | None = Field(
        None, ge=1, description="Its number, from 1: in the source where one is named, else in the split."
    )
    shown: str | None = Field(None, description="The beginning of what stands there, or what is the matter with it.")


class Finding(Params):
    """One thing that a person should know of the rows."""

    name: Name = Field(description="What it is; the name by which a recipe accepts it.")
    level: Level = Field(description="fatal stops a run, a warning is told, a note is kept.")
    message: str = Field(description="What was found, in a sentence.")
    hint: str = Field(description="What to do about it.")
    count: int = Field(0, ge=0, description="How many rows, columns or files are concerned, of those looked at.")
    places: tuple[Place, ...] = Field((), description="Some of the places, not all of them.")
    accepted: bool = Field(False, description="Whether the recipe accepts it by name.")
