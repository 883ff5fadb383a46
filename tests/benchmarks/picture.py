"""One picture through the portable bundle, against Keras; and the process that serves it.

    python tests/benchmarks/picture.py [RECIPE]

RECIPE (recipes/digits_cnn.yaml) is run in a workspace of its own, with `deploy.runtime: portable`. Each side answers
the same picture as it is decoded: the network in ONNX Runtime, Keras `predict`, Keras `model(x)`. Then the bundle is
served and asked.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from measure import AIAAS, RECIPES, bearer, report

ROUNDS = 200


def main() -> None:
    recipe = Path(sys.argv[1]) if len(sys.argv) > 1 else RECIPES / "digits_cnn.yaml"
    with tempfile.TemporaryDirectory() as workspace:
        told = trained(recipe, workspace)
        bundle = told["bundle"]
        fitted = next(Path(workspace, "artefacts", "train").glob("*/model"))
        figures: dict[str, Any] = {"recipe": told["recipe"], "runtime": told["runtime"], "served": served(bundle)}
        child = [sys.executable, __file__, "--sides", bundle, str(fitted)]
        figures |= json.loads(subprocess.run(child, capture_output=True, text=True, check=True).stdout)
    report("picture", **figures)


def trained(recipe: Path, workspace: str) -> dict[str, Any]:
    command = [*AIAAS, "run", str(recipe), "--set", "deploy.runtime=portable", "--workspace", workspace, "--json"]
    done = subprocess.run(
        command, env={**os.environ, "AIAAS_TRACKING": "off"}, stdout=subprocess.PIPE, text=True, check=True
    )
    return dict(json.loads(done.stdout))


def served(bundle: str) -> dict[str, Any]:
    """Seconds until the first answer could be had, resident memory after some answers, and milliseconds an answer."""
    given = json.loads(Path(bundle, "examples.jsonl").read_text("utf-8").splitlines()[0])["input"]
    began = time.perf_counter()
    keys = tempfile.TemporaryDirectory()
    command = [*AIAAS, "serve", bundle, "--port", "0", "--json", "--workspace", keys.name]
    with keys, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            started = json.loads(process.stdout.readline())
            ready = time.perf_counter() - began
            name = started["models"][0]["name"]
            with httpx.Client(base_url=started["url"], headers=bearer(started)) as http:
                ask = milliseconds(
                    lambda: http.post(f"/v1/models/{name}/predict", json={"inputs": [given]}).raise_for_status()
                )
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
            loaded = Path(f"/proc/{process.pid}/maps").read_text()
        finally:
            process.terminate()
    return {
        "ready_s": round(ready, 2),
        "peak_mb": round(peak),
        "answer_ms": ask,
        "runtime": started["models"][0]["runtime"],
        "tensorflow_loaded": "tensorflow" in loaded,
    }


def sides(bundle: str, fitted: str) -> None:
    """In a process of its own, since it imports TensorFlow: prints milliseconds a picture of each side."""
    import numpy as np

    from aiaas.backends.tensorflow import _cnn
    from aiaas.bundle import load

    portable = load(Path(bundle)).model.network  # type: ignore[attr-defined]
    keras = _cnn.load(Path(fitted)).network.network  # type: ignore[attr-defined]
    picture = np.random.default_rng(1).integers(0, 256, (1, *keras.input_shape[1:])).astype(np.float32)
    taken = {
        "onnx_ms": milliseconds(lambda: portable(picture)),
        "keras_call_ms": milliseconds(lambda: np.asarray(keras(picture, training=False))),
        "keras_predict_ms": milliseconds(lambda: keras.predict(picture, verbose=0)),
    }
    times = {f"times_{name}": round(taken[f"keras_{name}_ms"] / taken["onnx_ms"], 1) for name in ("call", "predict")}
    apart = float(np.abs(portable(picture) - np.asarray(keras(picture, training=False))).max())
    print(json.dumps({**taken, **times, "difference": apart}))


def milliseconds(ask: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The median of many calls, after some that do not count."""
    taken = []
    for number in range(rounds + 10):
        began = time.perf_counter()
        ask()
        if number >= 10:
            taken.append(time.perf_counter() - began)
    return round(statistics.median(taken) * 1e3, 3)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--sides"]:
        sides(*sys.argv[2:])
    else:
        main()
