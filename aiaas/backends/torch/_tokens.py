"""The texts of a data set as tokens: made once, in parallel, and found again by whoever has the same texts."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends.reading import tell_longer, texts_of
from aiaas.backends.subwords import Encoded, Subwords, Text
from aiaas.contracts import Training
from aiaas.workspace import atomic

if TYPE_CHECKING:
    from datasets import Dataset

PAIR = "text_pair"
_ARRAYS = ("tokens", "types", "starts", "cut")


def encoded(rows: Dataset, subwords: Subwords, training: Training) -> Encoded:
    """The tokens of all rows. Raises DataError where a text is missing, Interrupted when asked to stop."""
    path = _place(rows, subwords, training)
    found = _kept(path, len(rows)) if path else None
    if found is None:
        found = Encoded.joined([subwords.encode(texts) for texts in _texts(rows, training)], subwords.padding)
        if path:
            with atomic.open_new(path) as stream:
                arrays: dict[str, Any] = {name: getattr(found, name) for name in _ARRAYS}
                np.savez(stream, padding=found.padding, **arrays)
    return found


def tell_cut(texts: Encoded, subwords: Subwords, truncation: str, training: Training) -> None:
    """A person is told how many training texts were cut. Raises DataError where that may not be."""
    training.notes["tokens"] = int(texts.tokens.size)
    where = f"row {int(texts.cut.argmax()) + 1:,} of the training rows is the first" if len(texts) else None
    tell_longer(int(texts.cut.sum()), len(texts), subwords.max_length, training, truncation, where)


def _texts(rows: Dataset, training: Training) -> Iterator[list[Text]]:
    """The texts of all rows, or the pairs, some thousands at a time. Raises DataError where one is missing."""
    return texts_of(rows, training, [name for name in ("text", PAIR) if name in training.signature.features])


def _place(rows: Dataset, subwords: Subwords, training: Training) -> Path | None:
    """Where the tokens of these texts are kept: the name is made of the tokenizer and of the texts themselves."""
    if training.cache is None:
        return None
    digest = hashlib.sha256(subwords.content.encode())
    for texts in _texts(rows, training):
        for text in texts:
            for part in (text,) if isinstance(text, str) else text:
                data = part.encode("utf-8", "surrogatepass")
                digest.update(len(data).to_bytes(8, "little") + data)
    return training.cache / f"tokens-{digest.hexdigest()}.npz"


def _kept(path: Path, count: int) -> Encoded | None:
    """What was kept under this name; None where nothing whole is."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays: dict[str, Any] = {name: archive[name] for name in _ARRAYS}
            padding = int(archive["padding"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return Encoded(**arrays, padding=padding) if len(arrays["starts"]) == count + 1 else None
