"""A model for the tests of infer and serve: what it answers shows what it was asked. Run as a script, it is served."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiaas.contracts import Signature
from aiaas.errors import DataError


class Echo:
    """Has the methods of a bundle. Text: an answer holds the text's length; `refuse` in a text is refused while it is
    decoded, `poison` while it is answered, `nan` is answered with NaN. Rows: an answer holds the row."""

    path = Path(__file__).parent
    name = "echo"
    version: str | None = "3"
    digest = "0" * 64
    options = None
    counts = False
    runtime = "native"
    manifest: Mapping[str, Any] = {"task": "text-classification"}

    def __init__(self, features: Mapping[str, str] | None = None, seconds: float = 0.0) -> None:
        self.signature = Signature(features or {"text": "string"}, None)
        self.seconds = seconds
        self.batches: list[int] = []

    def decode(self, value: Any) -> dict[str, Any]:
        if "text" not in self.signature.features:
            if not isinstance(value, dict):
                raise DataError("an input must be an object")
            return value
        text = value.get("text") if isinstance(value, dict) else value
        if not isinstance(text, str):
            raise DataError("an input must be a string", hint="such as a review")
        if "refuse" in text:
            raise DataError("an input must be kind")
        return {"text": text}

    def prepared(self, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return list(rows)

    def tokens(self, examples: Sequence[Mapping[str, Any] | str]) -> list[int]:
        return [max(1, len(each if isinstance(each, str) else each.get("text", ""))) for each in examples]

    def answer(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return self.scored(rows)

    def scored(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        self.batches.append(len(rows))
        time.sleep(self.seconds)
        if any("poison" in row.get("text", "") for row in rows):
            raise DataError("a text is poisoned")
        if "text" not in self.signature.features:
            return [{"row": dict(row)} for row in rows]
        return [
            {"length": float("nan") if row["text"] == "nan" else len(row["text"]), "last": row["text"][-1:]}
            for row in rows
        ]

    def protect(self, texts: Sequence[str]) -> list[str]:
        return list(texts)

    def examples(self) -> Iterator[dict[str, Any]]:
        if "text" in self.signature.features:
            yield {"input": "房间很干净", "answer": {"length": 5, "last": "净"}}


if __name__ == "__main__":
    from aiaas.serve.server import listen, run

    class Telling(Echo):
        def scored(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
            if not self.batches:
                print("answering", flush=True)
            return super().scored(rows)

    with listen("127.0.0.1", 0) as door:
        model: Any = Telling(seconds=float(sys.argv[1]))
        run({"echo": model}, door, lambda started: print(started.url, flush=True))
