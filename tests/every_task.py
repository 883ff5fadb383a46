"""A bundle of every task, whose models are toys that answer at once, from what they are shown alone. Run as a script,
some of them are served: `python -m tests.every_task FOLDER [NAME...]`."""

from __future__ import annotations

import dataclasses
import io
import json
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aiaas import plugins
from aiaas.bundle import Bundle, layout
from aiaas.contracts import Signature
from tests import writer

ROOT = Path(__file__).parent.parent


class Toy:
    """Scores (n, outputs) that are drawn with each example as the seed: probabilities, or numbers where `raw`."""

    def __init__(self, outputs: int, *, raw: bool) -> None:
        self.outputs, self.raw = outputs, raw

    def predict(self, examples: Sequence[Any]) -> NDArray[np.float32]:
        drawn = np.array([self._draw(each) for each in examples], np.float32).reshape(-1, self.outputs)
        return drawn if self.raw else drawn / drawn.sum(axis=1, keepdims=True)

    def _draw(self, example: Any) -> NDArray[np.float64]:
        data = example if isinstance(example, bytes) else json.dumps(example).encode()
        return np.random.default_rng(zlib.crc32(data)).random(self.outputs) + 0.01

    def save(self, directory: Path) -> None:
        """There is nothing to keep."""


def picture(shade: int = 40) -> bytes:
    """A small PNG."""
    out = io.BytesIO()
    Image.new("L", (9, 7), shade).save(out, "PNG")
    return out.getvalue()


LABELS = ("neg", "pos")
ROW = {"size": "float64", "rooms": "int64", "street": "string", "lift": "bool"}
KINDS: dict[str, tuple[str, Signature, int]] = {
    "reviews": ("text-classification", Signature({"text": "string"}, "label", LABELS), 2),
    "pairs": ("text-classification", Signature({"text": "string", "text_pair": "string"}, "label", LABELS), 2),
    "flats": ("tabular-classification", Signature(ROW, "label", ("cheap", "dear", "fair")), 3),
    "rents": ("tabular-regression", Signature(ROW, "target"), 1),
    "vectors": ("text-embedding", Signature({"text": "string"}, None), 8),
    "pictures": ("image-classification", Signature({"image": "binary"}, "label", LABELS), 2),
}
INPUTS: dict[str, list[dict[str, Any]]] = {
    "reviews": [{"text": "房间很干净"}, {"text": ""}, {"text": 'a, "b"\nc'}],
    "pairs": [{"text": "好", "text_pair": "很好"}, {"text": "a", "text_pair": ""}],
    "flats": [
        {"size": 31.5, "rooms": 2, "street": "南京路", "lift": True},
        {"size": 80.0, "rooms": 3, "street": "Ring, 2", "lift": False},
    ],
    "vectors": [{"text": "good"}, {"text": "好"}],
    "writer": [{"text": "我在"}, {"text": "中国"}],
}
INPUTS["rents"] = INPUTS["flats"]


def inputs(name: str) -> list[dict[str, Any]]:
    """Requests to the model of that name, as its task states them."""
    if name != "pictures":
        return INPUTS[name]
    task = plugins.task("image-classification")
    return [task.request({"image": picture(shade)}, KINDS[name][1]) for shade in (10, 200)]


NAMES = (*KINDS, "writer")


def bundle(folder: Path, name: str) -> Bundle:
    """The model of that name, in a new folder of `folder`."""
    place = folder / name
    if name == "writer":
        return dataclasses.replace(writer.write(place), version="1")
    task, signature, outputs = KINDS[name]
    place.mkdir(parents=True)
    manifest = {"name": name, "task": task, "digest": f"{len(name)}" * 64, "runtime": "toy"}
    (place / layout.MANIFEST).write_text(json.dumps(manifest), "utf-8")
    toy = Toy(outputs, raw=task in {"text-embedding", "tabular-regression"})
    made = Bundle(place, manifest, plugins.task(task), signature, signature, (), toy, "7")
    asked = inputs(name)
    examples = zip(asked, made.predict(asked), strict=True)
    lines = [json.dumps({"input": each, "answer": answer}, ensure_ascii=False) for each, answer in examples]
    (place / layout.EXAMPLES).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return made


def bundles(folder: Path, names: Sequence[str] = NAMES) -> dict[str, Bundle]:
    return {name: bundle(folder, name) for name in names}


@contextmanager
def served(folder: Path, *names: str) -> Iterator[str]:
    """The URL of a process that serves these models, or all."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.every_task", str(folder), *names], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    from aiaas.serve.server import listen, run

    with listen("127.0.0.1", 0) as door:
        models = bundles(Path(sys.argv[1]), sys.argv[2:] or NAMES)
        run(models, door, lambda started: print(started.url, flush=True))
