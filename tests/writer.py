"""A model that writes, for the tests of infer and serve: of random weights, as a bundle. Run as a script, it is served
and tells on stdout when what it writes ends."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from aiaas import bundle
from aiaas.backends.characters import Characters
from aiaas.backends.generator import CharacterGenerator
from aiaas.backends.recurrent import Layer, Recurrent
from aiaas.bundle import Bundle
from aiaas.contracts import Signature
from aiaas.recipe import read

CHARACTERS = "的一是在不了有和人这中大为上个国我以要他，。\n"
RECIPE = """\
schema: 1
name: writer
task: text-generation
collect:
  - {source: nothing.txt, format: lines}
model: {backend: tensorflow, architecture: lstm_generator}
"""


def generator(units: tuple[int, ...] = (24, 16), width: int = 12, seed: int = 1) -> CharacterGenerator:
    """A network of random weights over a few characters."""
    random = np.random.default_rng(seed)

    def some(*shape: int) -> Any:
        return random.normal(0, 1, shape).astype(np.float32)

    characters = Characters(CHARACTERS)
    inputs = (width, *units)
    layers = [
        Layer(some(size, 4 * unit), some(unit, 4 * unit), some(4 * unit))
        for size, unit in zip(inputs[:-1], units, strict=True)
    ]
    return CharacterGenerator(
        characters,
        Recurrent(some(len(characters), width), layers, some(units[-1], width), some(width), some(len(characters))),
    )


def write(folder: Path) -> Bundle:
    """A bundle of the model, in the new folder `folder/bundle`."""
    (folder / "model").mkdir(parents=True)
    (folder / "bundle").mkdir()
    (folder / "recipe.yaml").write_text(RECIPE, "utf-8")
    generator().save(folder / "model")
    bundle.write(
        folder / "bundle",
        recipe=read(folder / "recipe.yaml"),
        model=folder / "model",
        runtime="numpy",
        signature=Signature({"text": "string"}, None),
        packages={},
        metrics={"perplexity": 20.0},
        examples=[{"text": "我在中国"}, {"text": ""}],
        steps=[],
    )
    return bundle.load(folder / "bundle")


class Telling:
    """The model, slowed down: `seconds` a piece. A prompt with 「个」 in it fails after three pieces."""

    def __init__(self, model: Any, seconds: float) -> None:
        self.model, self.seconds = model, seconds
        self.predict, self.save = model.predict, model.save

    def generate(self, prompt: str, options: Any) -> Iterator[str]:
        written = 0
        print("writing", flush=True)
        try:
            yield ""
            for piece in self.model.generate(prompt, options):
                time.sleep(self.seconds)
                yield piece
                written += 1
                if "个" in prompt and written == 3:
                    raise RuntimeError("secret")
        finally:
            print(f"wrote {written}", flush=True)


if __name__ == "__main__":
    from aiaas.serve.server import listen, run

    with listen("127.0.0.1", 0) as door:
        made = write(Path(sys.argv[1]))
        slow = dataclasses.replace(made, model=Telling(made.model, float(sys.argv[2])))
        run({"writer": slow}, door, lambda started: print(started.url, flush=True))
