"""A model of every task for services of several processes, whose answers follow from the inputs alone: whoever asks can
compute them. A text that holds `FAULT` is one that the model fails at.

As an architecture it is found by processes that have `tests.fleet_toy.site` on their path; `register` makes a bundle of
it, of the same kinds as `tests.every_task`.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aiaas import plugins
from aiaas.bundle import Bundle, layout
from aiaas.contracts import Params as Base
from aiaas.contracts import Signature
from aiaas.track import Registry, Version
from aiaas.workspace import Workspace, atomic, keys

REQUIRES = ("numpy",)
TASKS = (
    *("text-classification", "tabular-classification", "tabular-regression"),
    *("text-embedding", "image-classification", "text-generation"),
)
OPTIONAL = ("text_pair",)
FAULT = "a fault of the model"
WRITES = "text-generation"
PIECES = 12


class Params(Base):
    """None."""


def numbers(example: Any, count: int) -> list[float]:
    """As many numbers from 0 to 1 as a float32 holds them, which follow from all of the example."""
    match example:
        case str():
            data = example.encode()
        case bytes():
            data = example
        case _:
            data = json.dumps(example, ensure_ascii=False).encode()
    return [(zlib.crc32(data, place) >> 8) / 2**24 for place in range(count)]


def scores(example: Any, task: str, outputs: int) -> list[float]:
    """What the model says of an example: of a classifier probabilities."""
    drawn = numbers(example, outputs)
    if "classification" not in task:
        return drawn
    shares = [each / 2 ** (place + 1) for place, each in enumerate(drawn[1:])]
    return [1 - sum(shares), *shares]


def pieces(prompt: str, seed: int, most: int) -> list[str]:
    """What the model writes on from a prompt."""
    drawn = np.random.default_rng([zlib.crc32(prompt.encode()), seed]).integers(0x4E00, 0x9FA0, min(most, PIECES))
    return [chr(each) for each in drawn]


class Model:
    """`seconds` is what a batch takes, or a piece."""

    def __init__(self, task: str, outputs: int, seconds: float = 0.0) -> None:
        self.task, self.outputs, self.seconds = task, outputs, seconds

    def predict(self, examples: Sequence[Any]) -> NDArray[np.float32]:
        time.sleep(self.seconds)
        if any(isinstance(each, str) and FAULT in each for each in examples):
            raise RuntimeError("a text cannot be read")
        return np.array([scores(each, self.task, self.outputs) for each in examples], np.float32)

    def generate(self, prompt: str, options: Any) -> Iterator[str]:
        for each in pieces(prompt, options.seed, options.max_length):
            time.sleep(self.seconds)
            if FAULT in prompt:
                raise RuntimeError("a text cannot be read")
            yield each

    def save(self, directory: Path) -> None:
        raise NotImplementedError


def fit(params: Params, train: Any, validation: Any, training: Any) -> Model:
    raise NotImplementedError


def load(directory: Path) -> Model:
    return Model(**json.loads((directory / "told.json").read_text("utf-8")))


def register(workspace: Workspace, name: str, kind: str = "", seconds: float = 0.0) -> Version:
    """Make a bundle that is called `name`, of a kind of `tests.every_task`, a version of its model."""
    from tests import every_task

    kind = kind or name
    task, signature, outputs = every_task.KINDS.get(kind, (WRITES, Signature({"text": "string"}, None), 3))
    folder = workspace.root / "artefacts" / "deploy" / name / "bundle"
    (folder / layout.MODEL).mkdir(parents=True)
    told: dict[str, Any] = {"task": task, "outputs": outputs, "seconds": seconds}
    (folder / layout.MODEL / "told.json").write_text(json.dumps(told))
    (folder / layout.RECIPE).write_text("{}\n")
    (folder / layout.METRICS).write_text("{}\n")
    manifest: dict[str, Any] = {
        "schema": layout.SCHEMA,
        "name": name,
        "task": task,
        "backend": "toys",
        "architecture": "tasks",
        "runtime": layout.NATIVE,
        "signature": signature.as_dict(),
        "steps": [],
        "packages": {},
    }
    asked = every_task.inputs(kind)
    made = Bundle(folder, manifest, plugins.task(task), signature, signature, (), Model(**told))
    lines = [
        json.dumps({"input": each, "answer": answer}, ensure_ascii=False)
        for each, answer in zip(asked, made.predict(asked), strict=True)
    ]
    (folder / layout.EXAMPLES).write_text("\n".join([*lines, ""]), "utf-8")
    manifest["files"] = keys.digest_files(folder)
    manifest["digest"] = keys.digest_json(manifest)
    atomic.write_json(folder / layout.MANIFEST, manifest)
    return Registry(workspace.models).register(name, bundle=folder, digest=manifest["digest"], alias="champion")
