"""A model as protocols of tensors see it: named columns in, named columns out, the inputs along the first axis."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary

from aiaas.contracts import Answer, Signature
from aiaas.serve.errors import RequestError
from aiaas.serve.models import Live

BYTES, BOOL, INT64, FP32, FP64 = "BYTES", "BOOL", "INT64", "FP32", "FP64"
_KINDS = {"int": INT64, "uint": INT64, "float": FP64, "double": FP64, "decimal": FP64, "bool": BOOL}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A column: its name and datatype as the Open Inference Protocol has them, and the shape of one row; () is a single
    value."""

    name: str
    datatype: str
    shape: tuple[int, ...] = ()


def inputs_of(signature: Signature) -> tuple[Tensor, ...]:
    """What a model takes: a column a feature, a value a row. A text or file is BYTES."""
    return tuple(Tensor(name, _datatype(dtype)) for name, dtype in signature.features.items())


def _datatype(dtype: str) -> str:
    return next((kind for start, kind in _KINDS.items() if dtype.startswith(start)), BYTES)


_known: WeakKeyDictionary[Live, tuple[Tensor, ...]] = WeakKeyDictionary()


def outputs_of(live: Live) -> tuple[Tensor, ...]:
    """What a model gives, as the answer to an example request of its bundle is; () where it has none."""
    found = _known.get(live)
    if found is None:
        answers = [each["answer"] for each in islice(live.bundle.examples(), 1)]
        found = _known[live] = columns_of(live.bundle.signature, answers)
    return found


def columns_of(signature: Signature, answers: Sequence[Answer]) -> tuple[Tensor, ...]:
    """The columns that answers like these make. Scores of labels are in the order of the labels; what is neither a
    value nor a list of numbers is its JSON."""
    if not answers:
        return ()
    return tuple(_output(name, value, signature.labels) for name, value in answers[0].items())


def _output(name: str, value: Any, labels: Sequence[str]) -> Tensor:
    match value:
        case bool():
            return Tensor(name, BOOL)
        case int():
            return Tensor(name, INT64)
        case float():
            return Tensor(name, FP32)
        case [*numbers] if numbers and all(map(_is_number, numbers)):
            return Tensor(name, FP32, (len(numbers),))
        case dict() if list(value) == list(labels):
            return Tensor(name, FP32, (len(labels),))
    return Tensor(name, BYTES)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def values(tensor: Tensor, answers: Sequence[Answer]) -> list[Any]:
    """The column of answers: a value or a list of numbers each."""
    return list(_values(tensor, answers))


def _values(tensor: Tensor, answers: Sequence[Answer]) -> Iterator[Any]:
    for answer in answers:
        value = answer.get(tensor.name)
        if tensor.datatype == BYTES and not isinstance(value, str):
            value = json.dumps(value, ensure_ascii=False, allow_nan=False)
        elif isinstance(value, dict):
            value = list(value.values())
        yield value


def rows(signature: Signature, columns: Mapping[str, Sequence[Any]]) -> list[Any]:
    """Columns as inputs of the model, which decodes them. Raises RequestError for a column that it does not take, for
    none at all, and for columns that are not of one length."""
    names = ", ".join(signature.features)
    if not columns or columns.keys() - signature.features.keys():
        raise RequestError(f"the inputs must be of {names}", where="inputs", hint="each is a column with a value a row")
    if len({len(column) for column in columns.values()}) > 1:
        raise RequestError("the inputs are not of one length", where="inputs", hint=f"a value a row in each of {names}")
    if signature.bare is not None:
        return [plain(signature, signature.bare, value) for value in columns[signature.bare]]
    given = {name: [plain(signature, name, each) for each in column] for name, column in columns.items()}
    return [dict(zip(given, row, strict=True)) for row in zip(*given.values(), strict=True)]


def plain(signature: Signature, name: str, value: Any) -> Any:
    """A value of a column as an input holds it: out of a list of one, bytes of a text as the text, and NaN as null."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, bytes) and signature.features.get(name) != "binary":
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise RequestError("a text is not UTF-8", where=name, hint="encode texts in UTF-8") from None
    return value
