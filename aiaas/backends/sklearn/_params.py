"""Parameters that several architectures share: how texts and rows become numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, model_validator

from aiaas.contracts import Params
from aiaas.errors import Fault, RecipeError

TEXT_TASKS = ("text-classification",)

Length = Annotated[int, Field(ge=1, le=16)]
Misfit = tuple[str, str]
"""A parameter and why it does not go with the task."""


class TextFeatures(Params):
    """How a text becomes numbers: which n-grams are counted, and how a count is weighed."""

    features: Literal["tfidf", "counts", "hashing"] = Field(
        "tfidf",
        description="tfidf: counts weighed by how rare an n-gram is, each text scaled to length 1. counts: plain "
        "counts. hashing: counts in a fixed number of columns, each text scaled to length 1; nothing is learned.",
    )
    analyzer: Literal["char", "word"] = Field(
        "char", description="Count n-grams of characters, or of words (runs of letters, digits and underscores)."
    )
    ngrams: tuple[Length, Length] = Field(
        (1, 3), description="The shortest and the longest n-gram, 1 to 16 characters or words, such as [1, 3]."
    )
    min_count: int = Field(
        1, ge=1, le=1_000_000, description="Leave out n-grams that stand in fewer training texts than this."
    )
    max_features: int | None = Field(
        None, ge=1, le=1 << 30, description="Keep only this many n-grams, the most frequent; null keeps all."
    )
    sublinear_tf: bool = Field(True, description="With tfidf and hashing: take 1 + ln(count) instead of the count.")
    lowercase: bool = Field(True, description="Ignore case.")
    hash_bits: int = Field(20, ge=8, le=24, description="With hashing: the number of columns is 2 to this power.")

    @model_validator(mode="after")
    def _go_together(self) -> TextFeatures:
        low, high = self.ngrams
        if low > high:
            raise ValueError(f"ngrams: the shortest, {low}, is longer than the longest, {high}")
        if self.features == "hashing":
            for name in ("min_count", "max_features"):
                if getattr(self, name) != TextFeatures.model_fields[name].default:
                    raise ValueError(f"{name} does not go with features: hashing, which keeps no list of n-grams")
        elif self.hash_bits != TextFeatures.model_fields["hash_bits"].default:
            raise ValueError("hash_bits goes with features: hashing only")
        return self


class RowFeatures(Params):
    """How the columns of a row become numbers."""

    max_categories: int = Field(
        100, ge=2, le=10_000, description="Of a column of words keep this many values; the rarer ones count as one."
    )


class Features(TextFeatures, RowFeatures):
    """Parameters of an architecture that learns from texts and from rows; `misfits` tells which do not apply."""


TEXT_ONLY = tuple(TextFeatures.model_fields)
ROWS_ONLY = tuple(RowFeatures.model_fields)


def misplaced(params: Params, names: Iterable[str], why: str) -> list[Misfit]:
    """Those of `names` that were given a value other than their default, where they change nothing."""
    fields = type(params).model_fields
    return [(name, why) for name in names if getattr(params, name) != fields[name].default]


def features_misplaced(params: Params, task: str) -> list[Misfit]:
    """Parameters of texts given for rows, and the other way round."""
    if task in TEXT_TASKS:
        return misplaced(params, ROWS_ONLY, "belongs to tasks on rows of a table, not to texts")
    return misplaced(params, TEXT_ONLY, "belongs to tasks on texts, not to rows of a table")


def refuse(misfits: Iterable[Misfit]) -> None:
    """Raise RecipeError when there is any."""
    faults = [
        Fault("recipe", f"model.params.{name}", f"{name} {why}", f"leave {name} out, or choose another task")
        for name, why in misfits
    ]
    if faults:
        raise RecipeError(faults)
