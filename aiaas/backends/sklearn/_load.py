"""Which kind of model a folder holds."""

from __future__ import annotations

from pathlib import Path

from aiaas.backends.sklearn import _text
from aiaas.contracts import Model


def load(directory: Path) -> Model:
    """The model of texts or of rows that was saved in `directory`."""
    if (directory / _text.SETTINGS).exists():
        return _text.load(directory)
    from aiaas.backends.sklearn import _rows  # brings scikit-learn, which a model of texts does without

    return _rows.load(directory)
