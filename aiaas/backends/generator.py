"""A fitted generator: characters, and the LSTM layers that read them. It runs without the framework it learned with."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from aiaas.backends import arrays, blas, writing
from aiaas.backends.characters import END, UNKNOWN, Characters
from aiaas.backends.recurrent import Layer, Recurrent
from aiaas.contracts import Params

if TYPE_CHECKING:
    from numpy.typing import NDArray

SETTINGS, WEIGHTS = "model.json", "weights.npz"


class Saved(Params):
    """What `model.json` holds: the form of the network."""

    format: Literal[1] = 1
    layers: int


class CharacterGenerator:
    """Texts in; how likely each is out, or what follows it. A text begins where another ended: after an end."""

    def __init__(self, characters: Characters, network: Recurrent) -> None:
        self.characters, self.network = characters, network

    def predict(self, examples: Sequence[str]) -> NDArray[np.float32]:
        """Nats, tokens and characters of each text (n, 3), as the task text-generation has them."""
        scores = np.zeros((len(examples), 3), np.float32)
        encoded = [self.characters.encode(text) for text in examples]
        texts = [np.concatenate(([END], numbers, [END])).astype(np.int32) for numbers in encoded]
        spelled = math.log(self.characters.others)
        for place, losses in enumerate(self.network.log_losses(texts)):
            unknown = int((encoded[place] == UNKNOWN).sum())
            scores[place] = losses.sum() + unknown * spelled, losses.size, len(examples[place])
        return scores

    def generate(self, prompt: str, options: writing.Asked) -> Iterator[str]:
        """What follows `prompt`, character by character; nothing before asks for a text from its beginning."""
        tokens = [END, *self.characters.encode(prompt).tolist()]
        return writing.until(self._characters(tokens, options), options.stop)

    def _characters(self, tokens: Sequence[int], options: writing.Asked) -> Iterator[str]:
        with blas.one_thread():
            for number in writing.write(self.network, tokens, options, end=END, never=(UNKNOWN,)):
                yield "" if number is None else self.characters.decode(number)

    def save(self, directory: Path) -> None:
        """Write form, characters and weights; equal weights, equal bytes."""
        network = self.network
        arrays.write_json(directory / SETTINGS, Saved(layers=len(network.layers)).model_dump())
        self.characters.save(directory)
        named = {"embedding": network.embedding, "projection": network.projection, "bias": network.bias}
        named["offset"] = network.offset
        for number, layer in enumerate(network.layers):
            named |= {f"kernel{number}": layer.kernel, f"recurrent{number}": layer.recurrent}
            named |= {f"bias{number}": layer.bias}
        arrays.write_arrays(directory / WEIGHTS, named)

    @classmethod
    def load(cls, directory: Path) -> CharacterGenerator:
        """What `save` wrote. Raises VerificationError."""
        saved = arrays.read_settings(directory / SETTINGS, Saved)
        characters = Characters.load(directory)
        path = directory / WEIGHTS
        sizes = {"embedding": 2, "projection": 2, "bias": 1, "offset": 1}
        for number in range(saved.layers):
            sizes |= {f"kernel{number}": 2, f"recurrent{number}": 2, f"bias{number}": 1}
        kept = arrays.read_arrays(path, {name: (np.float32, size) for name, size in sizes.items()})
        layers = [
            Layer(kept[f"kernel{number}"], kept[f"recurrent{number}"], kept[f"bias{number}"])
            for number in range(saved.layers)
        ]
        outside = (kept["projection"], kept["bias"], kept["offset"])
        if not _fit(kept["embedding"], layers, *outside, len(characters)):
            raise arrays.damaged(path, "the arrays of the model do not fit each other")
        return cls(characters, Recurrent(kept["embedding"], layers, *outside))


def _fit(
    embedding: NDArray[np.float32],
    layers: Sequence[Layer],
    projection: NDArray[np.float32],
    bias: NDArray[np.float32],
    offset: NDArray[np.float32],
    tokens: int,
) -> bool:
    """Whether the shapes are those of one network over so many tokens."""
    width = inputs = embedding.shape[1]
    fits = len(embedding) == tokens and bool(layers)
    for layer in layers:
        units = len(layer.recurrent)
        shapes = layer.kernel.shape, layer.recurrent.shape, layer.bias.shape
        fits = fits and shapes == ((inputs, 4 * units), (units, 4 * units), (4 * units,))
        inputs = units
    return fits and (projection.shape, bias.shape, offset.shape) == ((inputs, width), (width,), (tokens,))
