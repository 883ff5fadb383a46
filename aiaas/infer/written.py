"""How the rows were written that a model learned from, so that the very file it was made of can be answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiaas.numerals import USUAL, Numerals

MISSING = frozenset(("", "NA", "N/A", "NaN", "nan", "null", "NULL"))  # as the sources read training data


@dataclass(frozen=True, slots=True)
class Written:
    """`columns` has our name of each column that is called otherwise there; `missing` what stands for no value;
    `delimiter` stands between cells, `numerals` are what numbers are written with, and `encoding` the characters."""

    columns: Mapping[str, str] = field(default_factory=dict)
    missing: frozenset[str] = MISSING
    delimiter: str = ","
    numerals: Numerals = USUAL
    encoding: str | None = None

    def divides(self, header: str) -> str:
        """What stands between the cells of a file with this header."""
        return self.delimiter if self.delimiter in header else ","

    def named(self, header: Sequence[str], features: Mapping[str, str]) -> list[str]:
        """The names of a header as the model has them: a feature that is not there is the column that was it in
        training, where there is one such."""
        ours = [self.columns.get(name) for name in header]
        new = {name for name in ours if name in features and name not in header and ours.count(name) == 1}
        return [our if our in new and our is not None else name for name, our in zip(header, ours, strict=True)]


def written_for(model: object) -> Written:
    """As the recipe of a model on this machine says it; a service does not tell."""
    from aiaas.bundle import Bundle

    return of_recipe(model.recipe) if isinstance(model, Bundle) else Written()


def of_recipe(recipe: str) -> Written:
    """As the sources of a recipe, in YAML, say it."""
    import yaml

    entries = yaml.safe_load(recipe)["collect"]
    columns = {theirs: ours for entry in entries for ours, theirs in (entry.get("columns") or {}).items()}
    missing = MISSING.union(*(entry.get("missing") or () for entry in entries))
    numerals = Numerals(_agreed(entries, "decimal") or ".", _agreed(entries, "thousands"))
    encoding = _agreed(entries, "encoding")
    if encoding and "\n".encode(encoding) != b"\n":
        encoding = None  # such as UTF-16, of which lines cannot be told apart by their bytes
    return Written(columns, missing, _agreed(entries, "delimiter") or ",", numerals, encoding)


def _agreed(entries: Sequence[Mapping[str, Any]], key: str) -> str | None:
    """What all entries say that say something."""
    said = {entry[key] for entry in entries if entry.get(key) is not None}
    return str(said.pop()) if len(said) == 1 else None
