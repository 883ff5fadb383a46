"""Requests of random sizes by every protocol to the models of `tests.task_toys`, each with what must come back; and
such as go wrong on purpose."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests import every_task, task_toys
from tests.ways import SLOW, WAYS, Sent, dumped, native
from tests.wire import request

MODELS = ("reviews", "pairs", "flats", "rents", "vectors", "writer", SLOW)
FAULTS = {
    "marked": 0.004, "refused": 0.01, "malformed": 0.01, "late": 0.01, "leaves": 0.006, "half": 0.002,
    "unknown": 0.002, "keyless": 0.002, "large": 0.0005,
}  # fmt: skip
"""How often a request goes wrong, by how it does."""
MOST_ROWS, MOST_CHARACTERS = 400, 2000
CLOSE = 2e-6
FILLER = "".join(chr(0x4E00 + place * 7 % 20000) if place % 3 else " good place," for place in range(3000))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it goes over the wire; which statuses may come back, and whether a body of 200 is the right one.
    `leaves` is after how many seconds the client goes away, where it does; `ends` says that nothing can be asked on its
    connection any more: the body that it announced does not follow."""

    id: str
    data: bytes
    allowed: frozenset[int]
    is_right: Callable[[bytes], bool] = field(repr=False)
    leaves: float | None = None
    ends: bool = False


WEIGHTS = {"reviews": 10, "pairs": 3, "flats": 4, "rents": 2, "vectors": 4, "writer": 1, SLOW: 1}


class Requests:
    """What one client asks, one request after another; equal seeds, equal requests. `faults` says how often one goes
    wrong, by how it does."""

    def __init__(
        self,
        client: int,
        headers: Mapping[str, str],
        models: Sequence[str],
        seed: int = 7,
        faults: Mapping[str, float] = FAULTS,
    ) -> None:
        self._client = client
        self._headers = headers
        self._models = models
        self._faults = {**faults, "": 1 - sum(faults.values())}
        self._weights = [WEIGHTS[each] for each in models]
        self._random = random.Random(seed * 1000 + client)
        self._turn = 0

    def __next__(self) -> Asked:
        self._turn += 1
        (fault,) = self._random.choices(list(self._faults), list(self._faults.values()))
        (model,) = self._random.choices(self._models, self._weights)
        if model == "writer":
            return self._with(fault, *self._prompt())
        rows = self._rows(model)
        sent, numbers = self._random.choice(WAYS[model])(model, rows)
        expected = _expected(model, rows)
        asked = self._with(fault, sent, lambda body: _alike(numbers(body), expected))
        if fault in {"marked", "refused"} and model in {"reviews", "vectors", SLOW}:
            return self._spoilt(fault, model, rows)
        return asked

    def __iter__(self) -> Requests:
        return self

    def _text(self, row: int) -> str:
        """A text that no other request has."""
        size = min(MOST_CHARACTERS, int(10 * self._random.paretovariate(1.2)))
        start = self._random.randrange(1000)
        return f"{self._client}.{self._turn}.{row} {FILLER[start : start + size]}"

    def _rows(self, model: str) -> list[Any]:
        count = min(MOST_ROWS, int(self._random.paretovariate(1.3)))
        match model:
            case "pairs":
                return [{"text": self._text(row), "text_pair": self._text(row)[::-1]} for row in range(count)]
            case "flats" | "rents":
                return [
                    {
                        "size": self._random.randrange(10**6) / 4,
                        "rooms": self._turn,
                        "street": f"{self._client}.{row}",
                        "lift": self._random.random() < 0.5,
                    }
                    for row in range(count)
                ]
        return [self._text(row) for row in range(count)]

    def _prompt(self) -> tuple[Sent, Callable[[bytes], bool]]:
        """A model that writes, as a whole or piece by piece, by either protocol that has it."""
        prompt, seed, most = self._text(0), self._random.randrange(2**31), self._random.randint(1, 20)
        expected = task_toys.pieces(prompt, seed, most)
        stream = self._random.random() < 0.5
        if self._random.random() < 0.5:
            body = {"model": "writer", "prompt": prompt, "seed": seed, "max_tokens": most, "stream": stream}
            return Sent("/v1/completions", dumped(body)), lambda got: _written(got) == "".join(expected)
        body = {"inputs": [prompt], "options": {"seed": seed, "max_length": most}, "stream": stream}
        return Sent("/v1/models/writer/predict", dumped(body)), lambda got: _written(got) == "".join(expected)

    def _spoilt(self, fault: str, model: str, rows: list[Any]) -> Asked:
        """One of the rows is one that the model fails at, or none at all."""
        place = self._random.randrange(len(rows))
        rows[place] = f"{rows[place]} {task_toys.FAULT}" if fault == "marked" else 5
        sent, _ = native(model, rows)
        return self._asked(sent, frozenset({500 if fault == "marked" else 422}))

    def _with(self, fault: str, sent: Sent, is_right: Callable[[bytes], bool]) -> Asked:
        body, headers = sent.body, sent.headers
        match fault:
            case "malformed":
                return self._asked(Sent(sent.path, body[: self._random.randrange(len(body))], headers), {400})
            case "late":
                seconds = self._random.choice(["0.0001", "0.002", "0.01"])
                late = Sent(sent.path, body, {**headers, "x-request-timeout": seconds})
                return self._asked(late, {200, 504}, lambda got: _too_late(got) or is_right(got))
            case "leaves":
                return self._asked(sent, {200}, is_right, leaves=self._random.choice([0.0, 0.002, 0.03]))
            case "half":
                length = {**headers, "content-length": str(len(body) * 2)}
                return self._asked(Sent(sent.path, body, length), (), is_right, leaves=0.01)
            case "unknown":
                return self._asked(Sent("/v1/models/nobody/predict", body, headers), {404})
            case "keyless":
                return self._asked(Sent(sent.path, body, {**headers, "authorization": ""}), {401})
            case "large":
                length = {**headers, "content-length": str(99 << 20)}
                return self._asked(Sent(sent.path, body, length), {413}, ends=True)
        return self._asked(sent, {200}, is_right)

    def _asked(
        self,
        sent: Sent,
        allowed: Any,
        is_right: Callable[[bytes], bool] = lambda body: True,
        leaves: float | None = None,
        ends: bool = False,
    ) -> Asked:
        name = f"{self._client}.{self._turn}"
        data = request(sent.path, sent.body, {**self._headers, **sent.headers, "x-request-id": name})
        return Asked(name, data, frozenset(allowed), is_right, leaves, ends)


def _expected(model: str, rows: Sequence[Any]) -> list[list[float]]:
    task, _, outputs = every_task.KINDS["reviews" if model == SLOW else model]
    examples = [(row["text"], row["text_pair"]) for row in rows] if model == "pairs" else rows
    return [task_toys.scores(each, task, outputs) for each in examples]


def _alike(found: Sequence[Sequence[float]], expected: Sequence[Sequence[float]]) -> bool:
    return len(found) == len(expected) and all(
        len(each) == len(right) and all(abs(a - b) < CLOSE for a, b in zip(each, right, strict=True))
        for each, right in zip(found, expected, strict=True)
    )


def _too_late(body: bytes) -> bool:
    """Whether a text that had begun ends with the deadline."""
    last = body.rstrip().rpartition(b"\ndata: ")[2].removeprefix(b"data: ")
    return body.startswith((b"data: ", b"event: ")) and last.startswith(b'{"error": {"code": "deadline"')


def _written(body: bytes) -> str:
    """The text of an answer: whole, or the last word of a stream of ours, or all chunks of OpenAI's."""
    if body.startswith(b"{"):
        told = json.loads(body)
        return str(told["outputs"][0]["text"] if "outputs" in told else told["choices"][0]["text"])
    events = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: {")]
    if b"[DONE]" in body:
        return "".join(json.loads(each)["choices"][0]["text"] for each in events)
    return str(json.loads(events[-1])["outputs"][0]["text"])
