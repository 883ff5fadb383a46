"""The request of the Open Inference Protocol: JSON, and behind it the bytes of tensors that are not in the JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ConfigDict, Field

from aiaas.contracts import Signature
from aiaas.serve.body import parse, too_many
from aiaas.serve.errors import RequestError
from aiaas.serve.protocols import binary
from aiaas.serve.protocols.asking import Sent, checked
from aiaas.serve.protocols.tensors import rows

HEADER = "Inference-Header-Content-Length"
HINT = 'such as {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["..."]}]}'
_OURS = frozenset({"binary_data_output", "timeout", "priority", "sequence_id", "sequence_start", "sequence_end"})


class InputTensor(Sent):
    """A column: a value a row, in `data` or, where `binary_data_size` is among the parameters, behind the JSON."""

    name: str
    shape: list[int] = Field(min_length=1)
    datatype: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    data: list[Any] | None = None

    @property
    def size(self) -> int | None:
        """Bytes behind the JSON; None where there are none."""
        found = self.parameters.get("binary_data_size")
        if found is not None and (isinstance(found, bool) or not isinstance(found, int) or found < 0):
            raise RequestError("binary_data_size is no number of bytes", where="inputs", hint=HINT)
        return found


class OutputTensor(Sent):
    """An output that is wanted; `binary_data` asks for it as bytes."""

    name: str
    parameters: dict[str, Any] = Field(default_factory=dict)


class Inference(Sent):
    """The JSON of a request. Parameters that the protocol does not know are options of a model that writes; KServe's
    client also says the name that stands in the path."""

    model_config = ConfigDict(protected_namespaces=())

    id: str | None = Field(None, max_length=256)
    model_name: str | None = None
    inputs: list[InputTensor] = Field(min_length=1)
    outputs: list[OutputTensor] = Field(default_factory=list)
    parameters: dict[str, Any] = Field(default_factory=dict)

    @property
    def options(self) -> dict[str, Any]:
        return {name: value for name, value in self.parameters.items() if name not in _OURS}

    def wants_bytes(self, name: str) -> bool:
        for each in self.outputs:
            if each.name == name and "binary_data" in each.parameters:
                return each.parameters["binary_data"] is True
        return self.parameters.get("binary_data_output") is True


def read(data: bytes, header: str | None, most: int, signature: Signature) -> tuple[Inference, list[Any]]:
    """The request, and its inputs as the model takes them, `most` of them. `header` is how long the JSON is, where
    bytes follow. Raises RequestError."""
    sent, tails = _parted(data, header, most)
    return sent, _inputs(signature, sent, tails)


def _parted(data: bytes, header: str | None, most: int) -> tuple[Inference, list[bytes]]:
    """The JSON, and the bytes of those inputs that have some, in their order."""
    length = len(data)
    if header is not None:
        if not header.isdecimal() or len(header) > 12 or int(header) > length:
            raise RequestError(f"{HEADER} is not the length of the JSON", where=HEADER)
        length = int(header)
    sent = checked(Inference, parse(data[:length], HINT), HINT)
    tails, place = [], length
    for each in sent.inputs:
        if any(size < 0 for size in each.shape) or each.shape[1:] not in ([], [1]):
            raise RequestError("the shape of an input must be [rows] or [rows, 1]", where="inputs", hint=HINT)
        if each.shape[0] > most:
            raise too_many(most)
        if each.size is not None:
            tails.append(data[place : place + each.size])
            place += each.size
    if place != len(data):
        raise RequestError("the bytes behind the JSON are not as many as binary_data_size says", where="body")
    return sent, tails


def _inputs(signature: Signature, sent: Inference, tails: Sequence[bytes]) -> list[Any]:
    left = iter(tails)
    columns: dict[str, Sequence[Any]] = {}
    for each in sent.inputs:
        if each.datatype not in binary.DATATYPES:
            raise RequestError("a datatype is not known", where="inputs", hint="one of " + ", ".join(binary.DATATYPES))
        if each.name in columns:
            raise RequestError("two inputs have one name", where="inputs")
        if each.size is not None and each.data is not None:
            raise RequestError("the data of an input are in the JSON and behind it", where="inputs", hint=HINT)
        count = each.shape[0]
        if each.size is not None:
            column: Sequence[Any] = binary.read(each.datatype, count, next(left))
        else:
            column = each.data or []
        if len(column) != count:
            raise RequestError("the data of an input are not as many as its shape says", where="inputs", hint=HINT)
        columns[each.name] = column
    return rows(signature, columns)
