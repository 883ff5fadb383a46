"""An encoder in portable form: texts in, scores or vectors out, with `tokenizers` and `onnxruntime` alone.

Three things make it: `tokenizer.json`, the network, which ends with what a model of the task gives (probabilities, or
vectors of length one), and `model.json`, the settings of the architecture, which are kept beside them.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aiaas.backends import arrays, subwords
from aiaas.backends.onnx import PortableNetwork
from aiaas.backends.onnx_graph import data_of
from aiaas.backends.sequences import scored
from aiaas.backends.subwords import Encoded, Subwords, Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

SETTINGS, NETWORK = "model.json", "model.onnx"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
"""What a network takes, in this order, each (n, length); one that does not tell the texts of a pair apart lacks the
last."""

_ROWS, _TOKENS = 64, 2048  # of a batch that is answered; larger ones are no faster, and take more memory


class PortableEncoder:
    """What `aiaas.backends.torch._portable.export` wrote, or its int8 form."""

    def __init__(self, directory: Path, prefix: str = "") -> None:
        """`prefix` stands before every text. Raises VerificationError where a file is missing or damaged."""
        self.directory, self.prefix = directory, prefix
        self.network = PortableNetwork(directory / NETWORK)
        taken = tuple(each.name for each in self.network.session.get_inputs())
        if taken not in (INPUTS, INPUTS[:2]):
            raise arrays.damaged(directory / NETWORK, f"the network takes {', '.join(taken)}: it is no encoder")
        self._inputs = taken
        self.outputs = int(self.network.session.get_outputs()[0].shape[1])
        self.subwords = Subwords.load(directory)

    def predict(self, examples: Sequence[Text]) -> NDArray[np.float32]:
        """Scores or vectors (n, outputs); of a text longer than the tokenizer keeps, the beginning decides. Equal texts
        are computed once."""
        once, places_of = distinct(examples)
        return scored(once, self.outputs, self._encoded, self._scores, _ROWS, _TOKENS)[places_of]

    def tokens(self, examples: Sequence[Text]) -> list[int]:
        """Tokens that are read of each example: those of a longer one that are kept."""
        lengths: list[int] = self._encoded(examples).lengths.tolist()
        return lengths

    def _encoded(self, texts: Sequence[Text]) -> Encoded:
        return self.subwords.encode([self._prefixed(text) for text in texts])

    def _scores(self, batch: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        return self.network(*(batch[name] for name in self._inputs))

    def _prefixed(self, text: Text) -> Text:
        return self.prefix + text if isinstance(text, str) else (self.prefix + text[0], self.prefix + text[1])

    def save(self, directory: Path) -> None:
        """Write what it was loaded from."""
        copy_beside(self.directory, directory)
        for path in (self.directory / NETWORK, data_of(self.directory / NETWORK)):
            shutil.copyfile(path, directory / path.name)


def distinct(examples: Sequence[Text]) -> tuple[list[Text], NDArray[np.int64]]:
    """Each example once, in the order in which they come, and the place of every one among them."""
    places = {example: place for place, example in enumerate(dict.fromkeys(examples))}
    return list(places), np.array([places[example] for example in examples], np.int64)


def copy_beside(directory: Path, out: Path) -> None:
    """Write what stands beside the network in every form of a model: its settings and its tokenizer."""
    for name in (SETTINGS, subwords.FILE):
        shutil.copyfile(directory / name, out / name)
