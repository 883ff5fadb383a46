"""Which columns of the collected rows are what."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from aiaas.contracts import Task
from aiaas.errors import DataError

SPLIT = "_split"
SOURCE = "_source"


@dataclass(frozen=True, slots=True)
class Layout:
    """The features, in the order of the data; those that may not be empty; the target; the columns naming a split."""

    features: tuple[str, ...]
    texts: tuple[str, ...]
    target: str | None
    kind: Literal["label", "number"] | None
    learned: bool
    """Whether the target is learned; one that the task leaves optional only judges."""
    splits: tuple[str, ...]
    schema: pa.Schema
    """The columns as they pass through the steps: a label is a string, a number is float64."""

    @property
    def label(self) -> str | None:
        """The target of a classifier."""
        return self.target if self.kind == "label" else None

    @property
    def final(self) -> pa.Schema:
        """The schema of the splits, without its metadata; a label is the index of its class."""
        fields = [self.schema.field(name) for name in self.schema.names if name not in self.splits]
        return pa.schema([field.with_type(pa.int64()) if field.name == self.label else field for field in fields])


def layout(task: Task, schema: pa.Schema, column: str | None) -> Layout:
    """The layout of collected rows; `column` is what the recipe's split names. DataError when a column is missing."""
    named = [each for each in task.COLUMNS if not each.optional or each.name in schema.names]
    target = next((each for each in named if each.kind in {"label", "number"}), None)
    needed = {each.name: "the task needs it" for each in named} | ({column: "the split names it"} if column else {})
    ours = [name for name in schema.names if name not in {SOURCE, SPLIT}]
    for name, why in needed.items():
        if name not in schema.names:
            raise DataError(
                f"there is no column {name!r} ({why}); the columns are: {', '.join(ours)}",
                where="preprocess.split.column" if name == column else "collect",
                hint=f"name the column of the data in the source's `columns: {{{name}: THEIRS}}`"
                + (", or give its rows a `label:`" if target and name == target.name else ""),
            )
    splits = tuple(name for name in (SPLIT, column) if name in schema.names and name is not None)
    aside = {SOURCE, *splits, target.name if target else None}
    texts = tuple(each.name for each in named if each.kind == "text")
    features = tuple(name for name in schema.names if name not in aside and (task.OPEN or name in needed))
    if not features:
        raise DataError(
            f"there is no column to learn from; the columns are: {', '.join(ours)}",
            where="collect",
            hint="add a column besides the target",
        )
    kind = target.kind if target and (target.kind == "label" or target.kind == "number") else None
    kinds = {"label": pa.string(), "number": pa.float64()}
    fields = [
        field.with_type(kinds[kind]) if target and kind and field.name == target.name else field
        for field in schema.remove_metadata()
        if field.name in features or field.name in splits or (target and field.name == target.name)
    ]
    learned = target is not None and not target.optional
    return Layout(features, texts, target.name if target else None, kind, learned, splits, pa.schema(fields))


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
            features[field.name] = {"dtype": _dtype(field), "_type": "Value"}
    text = json.dumps({"info": {"features": features}}, ensure_ascii=False)
    return final.with_metadata({"huggingface": text})


def _dtype(field: pa.Field) -> str:
    """How `datasets` calls an Arrow type."""
    if pa.types.is_nested(field.type):
        raise DataError(
            f"the column {field.name!r} holds {field.type}; a feature is a text, a number or a truth value",
            where="collect",
            hint="leave the column out, or make a column of each of its parts",
        )
    name = str(field.type)
    return {"double": "float64", "float": "float32", "halffloat": "float16"}.get(name, name.replace("[day]", ""))
