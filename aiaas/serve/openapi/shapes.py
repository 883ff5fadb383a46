"""What a model takes and gives, as schemas; and examples of both."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from aiaas.contracts import Signature
from aiaas.serve.models import Live
from aiaas.serve.openapi.schema import NULLABLE, Schema, array, only, record
from aiaas.serve.protocols.tensors import BOOL, BYTES, INT64, Tensor

EXAMPLES = 2
LONGEST = 16_384
"""Characters of an example that is shown: nobody reads a photograph as base64."""
ABOUT: dict[str, str | Schema] = {"model": "string", "version": NULLABLE, "digest": "string"}
"""What every answer names."""
_TYPES = {"int": "integer", "uint": "integer", "float": "number", "double": "number", "decimal": "number"}


class Examples(NamedTuple):
    """Inputs that a model was asked and the answers it gave; none where all are too long to show."""

    inputs: list[Any]
    answers: list[Any]


def examples_of(live: Live) -> Examples:
    found = list(islice(filter(_is_short, live.bundle.examples()), EXAMPLES))
    return Examples([each["input"] for each in found], [each["answer"] for each in found])


def _is_short(example: Mapping[str, Any]) -> bool:
    return len(json.dumps(example)) <= LONGEST


def input_of(live: Live) -> Schema:
    """One input, as `decode` takes it: a text or file, which may come bare; or an object of columns, in which those
    that the task names must be there, and any other may be missing."""
    signature = live.bundle.signature
    if signature.bare is not None:
        value = {"type": "string"} | ({"contentEncoding": "base64"} if signature.file else {})
        return {"oneOf": [value, only(record({signature.bare: value}))]}
    named = {column.name for column in live.bundle.task.COLUMNS}
    columns = {name: cell_of(live, name) for name in signature.features}
    needed = {name: schema for name, schema in columns.items() if name in named}
    return only(record(needed, **{name: schema for name, schema in columns.items() if name not in named}))


def cell_of(live: Live, name: str) -> Schema:
    """A value of a column."""
    kind = _type(live.bundle.signature.features[name])
    named = {column.name for column in live.bundle.task.COLUMNS}
    return {"type": kind if name in named else [kind, "null"]}


def _type(dtype: str) -> str:
    """The JSON type of an Arrow type: `int64`, `large_string`, …"""
    if dtype == "bool":
        return "boolean"
    return next((name for start, name in _TYPES.items() if dtype.startswith(start)), "string")


def output_of(signature: Signature, answers: Sequence[Any]) -> Schema:
    """One answer: a classifier's is known by its labels, any other's is of the kind that the example is."""
    if not signature.labels:
        return _kind(answers[0]) if answers else {"type": "object"}
    scores = record(dict.fromkeys(signature.labels, "number"))
    return record({"label": {"enum": list(signature.labels)}, "score": "number", "scores": scores})


def _kind(value: Any) -> Schema:
    """What kind of JSON a value is; what a list holds is as its first element."""
    match value:
        case dict():
            return record({name: _kind(each) for name, each in value.items()})
        case [first, *_]:
            return array(_kind(first))
        case str():
            return {"type": "string"}
        case bool():
            return {"type": "boolean"}
        case float() | int():
            return {"type": "number"}
    return {}


def value_of(tensor: Tensor) -> Schema:
    """One row of an output column as JSON."""
    types = {BYTES: "string", BOOL: "boolean", INT64: "integer"}
    one = {"type": types.get(tensor.datatype, ["number", "null"])}
    return array(one, minItems=tensor.shape[0], maxItems=tensor.shape[0]) if tensor.shape else one


def columns_of(live: Live, inputs: Sequence[Any]) -> dict[str, list[Any]]:
    """Examples as columns, those of them that all inputs have."""
    signature = live.bundle.signature
    rows = [each if isinstance(each, dict) else {signature.bare: each} for each in inputs]
    return {name: [row[name] for row in rows] for name in signature.features if all(name in row for row in rows)}
