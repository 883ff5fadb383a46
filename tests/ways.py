"""One question by every protocol: what goes over the wire, and the numbers of what comes back, a list a row."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SLOW = "slow"
"""A model whose batches take a while: time for deadlines to pass and for clients to leave."""
HEAD = "inference-header-content-length"
JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Sent:
    """Path, headers and body."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)


Numbers = Callable[[bytes], list[list[float]]]


def dumped(value: Any) -> bytes:
    """JSON as bytes."""
    return json.dumps(value, ensure_ascii=False).encode()


def _numbers(answer: Mapping[str, Any]) -> list[float]:
    """The numbers of an answer, whichever protocol it came by."""
    if "value" in answer:
        return [answer["value"]]
    found = answer["embedding"] if "embedding" in answer else answer["scores"]
    return list(found.values() if isinstance(found, dict) else found)


def native(model: str, rows: Sequence[Any]) -> tuple[Sent, Numbers]:
    sent = Sent(f"/v1/models/{model}/predict", dumped({"inputs": rows}))
    return sent, lambda body: list(map(_numbers, json.loads(body)["outputs"]))


def mlflow(model: str, rows: Sequence[Any]) -> tuple[Sent, Numbers]:
    names = list(rows[0]) if isinstance(rows[0], dict) else ["text"]
    table = [list(row.values()) if isinstance(row, dict) else [row] for row in rows]
    sent = Sent(f"/v1/models/{model}/invocations", dumped({"dataframe_split": {"columns": names, "data": table}}))
    return sent, lambda body: list(map(_numbers, json.loads(body)["predictions"]))


def tensorflow_serving(model: str, rows: Sequence[Any]) -> tuple[Sent, Numbers]:
    def numbers(body: bytes) -> list[list[float]]:
        made = json.loads(body)["predictions"]
        return [_numbers(row) if isinstance(row, dict) else row if isinstance(row, list) else [row] for row in made]

    return Sent(f"/v1/models/{model}:predict", dumped({"instances": rows})), numbers


def binary(model: str, rows: Sequence[Any]) -> tuple[Sent, Numbers]:
    """Open Inference with the texts, and all that comes back, as bytes."""
    tail = b"".join(struct.pack("<I", len(each)) + each for each in (row.encode() for row in rows))
    tensor = {"name": "text", "datatype": "BYTES", "shape": [len(rows)], "parameters": {"binary_data_size": len(tail)}}
    name = "embedding" if model == "vectors" else "scores"
    head = dumped({"inputs": [tensor], "outputs": [{"name": name, "parameters": {"binary_data": True}}]})
    headers = {"content-type": "application/octet-stream", HEAD: str(len(head))}

    def numbers(body: bytes) -> list[list[float]]:
        about, end = json.JSONDecoder().raw_decode(body[: body.index(b"]}") + 2].decode())
        (output,) = about["outputs"]
        count, width = output["shape"]
        flat = struct.unpack(f"<{count * width}f", body[end:])
        return [list(flat[place * width : (place + 1) * width]) for place in range(count)]

    return Sent(f"/v2/models/{model}/infer", head + tail, headers), numbers


def openai(model: str, rows: Sequence[Any]) -> tuple[Sent, Numbers]:
    def numbers(body: bytes) -> list[list[float]]:
        vectors = [base64.b64decode(each["embedding"]) for each in json.loads(body)["data"]]
        return [list(struct.unpack(f"<{len(each) // 4}f", each)) for each in vectors]

    return Sent("/v1/embeddings", dumped({"model": model, "input": rows, "encoding_format": "base64"})), numbers


WAYS: Mapping[str, Sequence[Callable[..., tuple[Sent, Numbers]]]] = {
    "reviews": (native, native, mlflow, tensorflow_serving, binary),
    "pairs": (native, mlflow),
    "flats": (native, mlflow, tensorflow_serving),
    "rents": (native, mlflow, tensorflow_serving),
    "vectors": (native, binary, openai),
    SLOW: (native,),
}
