"""A model for the tests of workers, versions and rest: a text begins with a number, which its score is a thousandth of.

`bundle` writes one by hand; as an architecture it is found by processes that have `site` on their path. What it was
told decides how it behaves: `seconds` it takes a batch, `loading` to load, `bytes` it holds; it fails on texts with
`bad` where `faulty`, takes a minute for those with `hang`, and its process dies of texts with `die` where `deadly`;
`lying`, it answers otherwise than its examples say.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aiaas.bundle import layout
from aiaas.contracts import Params as Base
from aiaas.contracts import Signature
from aiaas.track import Registry, Version
from aiaas.workspace import Workspace, atomic, keys

REQUIRES = ("numpy",)
TASKS = ("text-classification",)
LABELS = ("low", "high")
EXAMPLES = (100, 250, 900)


class Params(Base):
    """None."""


class Model:
    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self.held = b"x" * int(told.get("bytes", 0))

    def predict(self, examples: Sequence[str]) -> np.ndarray:
        time.sleep(self.told.get("seconds", 0))
        if any("hang" in each for each in examples):
            time.sleep(60)
        if self.told.get("deadly") and any("die" in each for each in examples):
            os.kill(os.getpid(), signal.SIGSEGV)
        if self.told.get("faulty") and any("bad" in each for each in examples):
            raise RuntimeError("a fault of the model")
        scores = np.array([int(each.split()[0]) / 1000 for each in examples], np.float32)
        if self.told.get("lying"):
            scores = 1 - scores
        return np.stack([1 - scores, scores], axis=1)

    def save(self, directory: Path) -> None:
        raise NotImplementedError


def fit(params: Params, train: Any, validation: Any, training: Any) -> Model:
    raise NotImplementedError


def load(directory: Path) -> Model:
    told = json.loads((directory / "told.json").read_text("utf-8"))
    time.sleep(told.get("loading", 0))
    return Model(told)


def site(folder: Path) -> str:
    """A folder in which the architectures of toys are registered; the value of PYTHONPATH that makes it found."""
    about = folder / "fleet_toy-1.dist-info"
    about.mkdir(parents=True, exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: fleet-toy\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[aiaas.architectures]\ntoys/fleet = tests.fleet_toy\ntoys/tasks = tests.task_toys\n"
    )
    return os.pathsep.join([str(folder), str(Path(__file__).parent.parent)])


def bundle(folder: Path, name: str, **told: Any) -> str:
    """Write a bundle into `folder`; its digest."""
    (folder / layout.MODEL).mkdir(parents=True)
    (folder / layout.MODEL / "told.json").write_text(json.dumps(told))
    (folder / layout.RECIPE).write_text("{}\n")
    (folder / layout.METRICS).write_text("{}\n")
    lines = [json.dumps({"input": f"{each} example", "answer": _answer(each / 1000)}) for each in EXAMPLES]
    (folder / layout.EXAMPLES).write_text("\n".join(lines) + "\n")
    manifest: dict[str, Any] = {
        "schema": layout.SCHEMA,
        "name": name,
        "task": "text-classification",
        "backend": "toys",
        "architecture": "fleet",
        "runtime": layout.NATIVE,
        "signature": Signature({"text": "string"}, "label", LABELS).as_dict(),
        "steps": [],
        "packages": {},
    }
    manifest["files"] = keys.digest_files(folder)
    manifest["digest"] = keys.digest_json(manifest)
    atomic.write_json(folder / layout.MANIFEST, manifest)
    return str(manifest["digest"])


def register(workspace: Workspace, name: str, alias: str | None = "champion", **told: Any) -> Version:
    """Write a bundle and make it a version of the model; `told` must differ from that of the versions before."""
    registry = Registry(workspace.models)
    there = len(registry.versions(name)) if registry.has(name) else 0
    folder = workspace.root / "artefacts" / "deploy" / f"{name}-{there + 1}" / "bundle"
    digest = bundle(folder, name, **told)
    return registry.register(name, bundle=folder, digest=digest, alias=alias)


def _answer(score: float) -> dict[str, Any]:
    scores = {"low": round(1 - score, 6), "high": round(score, 6)}
    label = max(scores, key=lambda each: scores[each])
    return {"label": label, "score": scores[label], "scores": scores}
