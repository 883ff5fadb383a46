"""Which columns of the collected rows are what."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from aiaas.contracts import Task
from aiaas.errors import DataError

SPLIT = "_split"
SOURCE = "_source"


@dataclass(frozen=True, slots=True)
class Layout:
    """The features, in the order of the data; those that may not be empty; the target; the columns that say the side
    of a row, or what it is decided by."""

    features: tuple[str, ...]
    texts: tuple[str, ...]
    target: str | None
    kind: Literal["label", "number"] | None
    learned: bool
    """Whether the target is learned; one that the task leaves optional only judges."""
    splits: tuple[str, ...]
    group: str | None
    time: str | None
    schema: pa.Schema
    """Features and target as the steps are given them: a label is a string, a number is float64."""

    @property
    def label(self) -> str | None:
        """The target of a classifier."""
        return self.target if self.kind == "label" else None

    @property
    def types(self) -> dict[str, str]:
        """The features with their types, as in a `Signature`."""
        return {name: type_of(self.schema.field(name)) for name in self.features}

    def after(self, features: Mapping[str, str]) -> pa.Schema:
        """The columns of rows whose features are these, in their order and with their types; what a step left as it
        was keeps its place."""
        if dict(features) == self.types:
            return self.schema
        fields = [_field(self.schema, name, kind) for name, kind in features.items()]
        if set(features) == set(self.features):
            fields = sorted(fields, key=lambda field: self.schema.names.index(field.name))
            places = [self.schema.names.index(field.name) for field in fields]
        else:
            places = list(range(len(fields)))
        if self.target is not None:
            at = self.schema.names.index(self.target)
            fields.insert(sum(place < at for place in places), self.schema.field(self.target))
        return pa.schema(fields)

    def final(self, features: Mapping[str, str]) -> pa.Schema:
        """The schema of the splits, without its metadata; a label is the index of its class."""
        schema = self.after(features)
        return pa.schema([field.with_type(pa.int64()) if field.name == self.label else field for field in schema])


def _field(schema: pa.Schema, name: str, kind: str) -> pa.Field:
    """A column of this type, as it was collected where the type is still the same."""
    known = schema.field(name) if name in schema.names else None
    return known if known is not None and type_of(known) == kind else pa.field(name, pa.type_for_alias(kind))


def layout(task: Task, schema: pa.Schema, split: Any) -> Layout:
    """The layout of collected rows; `split` is how the recipe divides them. DataError when a column is missing."""
    named = [each for each in task.COLUMNS if not each.optional or each.name in schema.names]
    target = next((each for each in named if each.kind in {"label", "number"}), None)
    when = split.time.column if split.time else None
    naming = {"column": split.column, "group": split.group, "time.column": when}
    places = {name: f"preprocess.split.{field}" for field, name in naming.items() if name is not None}
    _refuse_missing(schema, [each.name for each in named], places, target.name if target else None)
    splits = tuple(name for name in (SPLIT, split.column) if name in schema.names and name is not None)
    own = {each.name for each in named}
    # What a split names says of whom or when a row is, and is learned from only where the task itself wants it.
    aside = {SOURCE, *splits, *(places.keys() - own), target.name if target else None}
    texts = tuple(each.name for each in named if each.kind == "text")
    features = tuple(name for name in schema.names if name not in aside and (task.OPEN or name in own))
    if not features:
        raise DataError(
            f"there is no column to learn from; the columns are: {', '.join(_ours(schema))}",
            where="collect",
            hint="add a column besides the target",
        )
    kind = target.kind if target and (target.kind == "label" or target.kind == "number") else None
    kinds = {"label": pa.string(), "number": pa.float64()}
    fields = [
        field.with_type(kinds[kind]) if target and kind and field.name == target.name else field
        for field in schema.remove_metadata()
        if field.name in features or (target and field.name == target.name)
    ]
    learned = target is not None and not target.optional
    name = target.name if target else None
    return Layout(features, texts, name, kind, learned, splits, split.group, when, pa.schema(fields))


def _ours(schema: pa.Schema) -> list[str]:
    return [name for name in schema.names if name not in {SOURCE, SPLIT}]


def _refuse_missing(schema: pa.Schema, task: Sequence[str], split: Mapping[str, str], target: str | None) -> None:
    """DataError for a column that is named and not there, or that cannot decide a side."""
    needed = dict.fromkeys(task, "the task needs it") | dict.fromkeys(split, "the split names it")
    for name, why in needed.items():
        if name not in schema.names:
            raise DataError(
                f"there is no column {name!r} ({why}); the columns are: {', '.join(_ours(schema))}",
                where=split.get(name, "collect"),
                hint=f"name the column of the data in the source's `columns: {{{name}: THEIRS}}`"
                + (", or give its rows a `label:`" if name == target else ""),
            )
    if target is not None and target in split:
        raise DataError(
            f"the target {target!r} cannot decide the side of a row as well", where=split[target], hint="name another"
        )


def with_features(final: pa.Schema, label: str | None, names: list[str], collected: pa.Schema) -> pa.Schema:
    """`final` with the metadata from which `datasets.Dataset.from_file` learns its features: a label is a ClassLabel.

    Features that `collected` describes (a picture) keep their description.
    """
    known = json.loads((collected.metadata or {}).get(b"huggingface", b"{}")).get("info", {}).get("features", {})
    features: dict[str, Any] = {}
    for field in final:
        if field.name == label:
            features[field.name] = {"names": names, "_type": "ClassLabel"}
        elif field.name in known and known[field.name].get("_type") != "Value":
            features[field.name] = known[field.name]
        else:
            features[field.name] = {"dtype": type_of(field), "_type": "Value"}
    text = json.dumps({"info": {"features": features}}, ensure_ascii=False)
    return final.with_metadata({"huggingface": text})


def type_of(field: pa.Field) -> str:
    """How `datasets` calls an Arrow type."""
    if pa.types.is_nested(field.type):
        raise DataError(
            f"the column {field.name!r} holds {field.type}; a feature is a text, a number or a truth value",
            where="collect",
            hint="leave the column out, or make a column of each of its parts",
        )
    name = str(field.type)
    return {"double": "float64", "float": "float32", "halffloat": "float16"}.get(name, name.replace("[day]", ""))
