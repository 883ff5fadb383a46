"""An architecture with a portable form, for the tests of deploy: which characters speak for which label.

`off` moves the scores of the portable form; `fault` makes it go wrong in another way. `int8_off` and `int8_fault` do
the same to its int8 form.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from aiaas.contracts import Params as Base
from aiaas.errors import ExportError

REQUIRES = ("numpy",)
RUNTIME = "toy"
RUNTIME_REQUIRES = ("pydantic",)
EXPORT_REQUIRES = ("pyarrow",)
QUANTIZE_REQUIRES = ("httpx",)
TASKS = ("text-classification",)


class Params(Base):
    """What goes wrong."""

    off: float = 0.0
    fault: Literal["none", "export", "shape", "nan", "call"] = "none"
    int8_off: float = 0.0
    int8_fault: Literal["none", "quantize", "shape", "nan", "call"] = "none"


class Model:
    def __init__(self, told: dict[str, Any], file: str) -> None:
        self.told, self.file = told, file

    def predict(self, examples: Sequence[str]) -> np.ndarray:
        form = {"portable.json": "", "int8.json": "int8_"}.get(self.file)
        off, fault = (0.0, "none") if form is None else (self.told[f"{form}off"], self.told[f"{form}fault"])
        match fault:
            case "call":
                raise ValueError("no such operator")
            case "shape":
                return np.zeros((len(examples), 3), np.float32)
            case "nan":
                return np.full((len(examples), 2), np.nan, np.float32)
        odds = np.array([sum(self.told["odds"].get(each, 0.0) for each in text) for text in examples])
        first = np.clip(1 / (1 + np.exp(odds)) + off, 0, 1)
        return np.stack([first, 1 - first], axis=1).astype(np.float32)

    def save(self, directory: Path) -> None:
        (directory / self.file).write_text(json.dumps(self.told), "utf-8")


def fit(params: Params, train: Any, validation: Any, training: Any) -> Model:
    counts: dict[str, list[float]] = {}
    for text, label in zip(train["text"], train["label"], strict=True):
        for each in text:
            counts.setdefault(each, [1.0, 1.0])[label] += 1
    odds = {each: float(np.log(second / first)) for each, (first, second) in sorted(counts.items())}
    return Model({"odds": odds, **params.model_dump()}, "model.json")


def load(directory: Path) -> Model:
    return Model(json.loads((directory / "model.json").read_text("utf-8")), "model.json")


def export(directory: Path, out: Path) -> None:
    model = load(directory)
    if model.told["fault"] == "export":
        raise ExportError("the toy has no such form")
    Model(model.told, "portable.json").save(out)


def quantize(portable: Path, out: Path) -> None:
    told = json.loads((portable / "portable.json").read_text("utf-8"))
    if told["int8_fault"] == "quantize":
        raise ExportError("the toy has no int8 form")
    Model(told, "int8.json").save(out)


def load_portable(directory: Path) -> Model:
    (file,) = directory.glob("*.json")
    return Model(json.loads(file.read_text("utf-8")), file.name)
