"""An architecture that reads a folder: the toy of `portable_toy` otherwise.

`encoder` is a folder with `odds.json`, which what is learned is added to; what it learned from equal texts it keeps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from aiaas.contracts import Folder
from aiaas.contracts import Params as Base
from aiaas.workspace import atomic, keys
from tests import portable_toy

REQUIRES = ("numpy",)
TASKS = ("text-classification",)
Model = portable_toy.Model
load = portable_toy.load


class Params(Base):
    """Where it begins."""

    encoder: str = Field(description="A folder.")
    revision: str | None = Field(None, description="Of a hub.")


def files(params: Params) -> Mapping[str, str | Folder]:
    return {"encoder": Folder(params.encoder, ("odds.json", "*.safetensors"), params.revision)}


def fit(params: Params, train: Any, validation: Any, training: Any) -> Model:
    given = json.loads((training.files["encoder"] / "odds.json").read_text("utf-8"))
    kept = training.cache / f"odds-{keys.digest_json([list(train['text']), list(train['label'])])}.json"
    training.notes["kept"] = kept.exists()
    if not kept.exists():
        learned = portable_toy.fit(portable_toy.Params(), train, validation, training)
        atomic.write_json(kept, learned.told["odds"])
    odds = json.loads(kept.read_text("utf-8")) | given
    return Model({"odds": odds, "off": 0.0, "fault": "none"}, "model.json")
