"""The service beside those that people use: requests a second, waiting times, memory, of all sides in one run.

    pip install litserve scikit-learn  # in an environment of its own, for this benchmark only
    python tests/benchmarks/service.py texts FOLDER --litserve-python PYTHON [--seconds 15] [--rounds 3]
    python tests/benchmarks/service.py single FOLDER --litserve-python PYTHON
    python tests/benchmarks/service.py encoder FOLDER --litserve-python PYTHON --encoder ENCODER
    python tests/benchmarks/service.py flood FOLDER

texts: one review a request on 64 connections, for recipes/reviews_zh_nb.yaml, beside LitServe and MLflow's server with
the same features and estimator of scikit-learn; single: the same on one. encoder: vectors of texts of 128 tokens on 32
connections, in int8, beside LitServe with transformers (float32, eager attention). flood: what a tenant waits while
another asks twenty times as much as its quota allows.

The service has keys, quotas, metrics, the audit and the access log on. All servers stay up, one is asked at a time; wrk
asks, on the same cores. FOLDER keeps a workspace for each model, which is trained once.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from operator import mul
from pathlib import Path
from typing import Any

import peers
from load import Load, Server, in_turn, load, medians, said, told, wrk
from measure import AIAAS, RECIPES, report, run

REVIEWS, VECTORS = "reviews-zh-nb", "vectors"
LENGTH = 128
TOGETHER = 32
"""Texts that LitServe computes together at most: as many as there are connections, which is what we do."""
QUOTA, FLOOD = 100, 20
"""Requests a second that a tenant may ask, and how many times as many it does."""
STEADY = 100
"""Requests a second of the other tenant."""
VECTOR_OF: dict[str, Callable[[Any], list[float]]] = {
    "aiaas": lambda said: said["outputs"][0].get("embedding") or list(said["outputs"][0]["scores"].values()),
    "litserve": lambda said: said.get("vector") or said["scores"],
    "mlflow": lambda said: said["predictions"][0],
}
"""Numbers that an answer holds, which should be the same on all sides."""
COMPARED = 50


def texts(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    return beside_both(asked, folder, asked.connections or 64)


def single(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    return beside_both(asked, folder, asked.connections or 1)


def beside_both(asked: argparse.Namespace, folder: Path, connections: int) -> dict[str, Any]:
    workspace = made(asked.folder, REVIEWS, RECIPES / "reviews_zh_nb.yaml")
    train, test = split(workspace, "train"), [text for text, _ in split(workspace, "test")]
    (folder / "train.json").write_text(json.dumps(train, ensure_ascii=False), "utf-8")
    run([asked.mlflow_python, str(peers.PLAIN / "serve_mlflow.py"), str(folder / "train.json"), str(folder)])
    with ExitStack() as stack:
        ours = peers.aiaas(folder, workspace, REVIEWS, asked.workers, test)
        model = str(folder / "model.joblib")
        lit = peers.litserve(folder, asked.litserve_python, "serve_litserve.py", test, model)
        flow = peers.mlflow(folder, asked.mlflow_python, folder / "mlflow", test)
        servers = {"aiaas": ours, "litserve": lit, "mlflow": flow}
        return compared({name: stack.enter_context(each) for name, each in servers.items()}, connections, asked)


def encoder(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    workspace = made(asked.folder, VECTORS, vectors_recipe(asked.encoder, asked.folder))
    long = passages()
    words = (str(asked.encoder), str(LENGTH), str(TOGETHER))
    with ExitStack() as stack:
        ours = peers.aiaas(folder, workspace, VECTORS, asked.workers, long)
        lit = peers.litserve(folder, asked.litserve_python, "serve_litserve_encoder.py", long, *words)
        servers = {"aiaas": ours, "litserve": lit}
        found = {name: stack.enter_context(each) for name, each in servers.items()}
        return compared(found, asked.connections or 32, asked)


def compared(servers: dict[str, Server], connections: int, asked: argparse.Namespace) -> dict[str, Any]:
    cosines = least_cosines(servers)
    taken = in_turn(servers, connections, asked.seconds, asked.rounds)
    figures = {name: medians(loads) for name, loads in taken.items()}
    ours = figures["aiaas"]["requests_a_second"]
    times = {
        f"times_{name}": round(ours / each["requests_a_second"], 2) for name, each in figures.items() if name != "aiaas"
    }
    return {"connections": connections, "workers": asked.workers, **figures, **times, "least_cosine": cosines}


def least_cosines(servers: dict[str, Server]) -> dict[str, float]:
    """How alike the answers of each peer are to ours, where they are least alike."""
    numbers = {
        name: [VECTOR_OF[name](each) for each in said(server, COMPARED) or ()] for name, server in servers.items()
    }
    return {
        name: round(min(map(cosine, numbers["aiaas"], theirs)), 5)
        for name, theirs in numbers.items()
        if name != "aiaas"
    }


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(map(mul, one, other)) / (math.hypot(*one) * math.hypot(*other))


def flood(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """A steady tenant alone and beside the other, in turn."""
    workspace = made(asked.folder, REVIEWS, RECIPES / "reviews_zh_nb.yaml")
    test = [text for text, _ in split(workspace, "test")]
    header = f"Authorization: Bearer {peers.new_key(workspace, 'flood', f'requests={QUOTA}/s')}"
    alone: list[Load] = []
    beside: list[Load] = []
    floods: list[dict[str, Any]] = []
    with peers.aiaas(folder, workspace, REVIEWS, asked.workers, test) as steady:
        flooding = replace(steady, header=header)
        load(steady, 8, 3, STEADY)
        for _ in range(2 * asked.rounds):
            alone.append(load(steady, 8, asked.seconds, STEADY))
            # A tenth more: what an answer takes comes on top of each pause.
            at_work = wrk(flooding, asked.connections or 40, asked.seconds + 1, 1.1 * FLOOD * QUOTA)
            beside.append(load(steady, 8, asked.seconds, STEADY))
            floods.append(told(at_work))
    asking = [each["requests"] / each["seconds"] for each in floods]
    answered = [(each["requests"] - each["status"]) / each["seconds"] for each in floods]
    return {
        "workers": asked.workers,
        "alone": medians(alone),
        "beside": medians(beside),
        "flood": {"a_second": statistics.median(asking), "answered_a_second": statistics.median(answered)},
        "times_p99": round(medians(beside)["p99_ms"] / medians(alone)["p99_ms"], 2),
    }


def made(folder: Path, model: str, recipe: Path) -> Path:
    """The workspace of a model, which is trained where it is not there yet."""
    workspace = folder / model
    if not (workspace / "models" / model).is_dir():
        run([*AIAAS, "run", str(recipe), "--quiet", "--workspace", str(workspace)])
    return workspace


def split(workspace: Path, name: str) -> list[tuple[str, str]]:
    """Texts and labels of a split of the reviews, as the model was given them."""
    from datasets import Dataset

    (path,) = (workspace / "artefacts" / "preprocess").glob(f"*/{name}.arrow")
    rows = Dataset.from_file(str(path))
    return list(zip(rows["text"], rows["label"], strict=True))


def passages() -> list[str]:
    """English of this project's own pages, each more than `LENGTH` tokens, of which both sides read so many."""
    pages = sorted((RECIPES.parent / "docs").rglob("*.md"))
    words = " ".join(page.read_text("utf-8") for page in pages).split()
    return [" ".join(words[start : start + LENGTH]) for start in range(0, len(words) - LENGTH, LENGTH)]


def vectors_recipe(encoder: Path, folder: Path) -> Path:
    """A recipe for an encoder, whose portable form is int8."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "passages.txt").write_text("\n".join(passages()), "utf-8")
    recipe = {
        "schema": 1,
        "name": VECTORS,
        "task": "text-embedding",
        "collect": [{"source": str(folder / "passages.txt"), "format": "lines"}],
        "model": {
            "backend": "torch",
            "architecture": "text_embedding",
            "params": {"encoder": str(encoder.resolve()), "pooling": "mean", "normalise": True, "max_length": LENGTH},
        },
        "deploy": {"alias": "champion", "runtime": "portable", "quantize": "int8"},
    }
    path = folder / "vectors.yaml"
    path.write_text(json.dumps(recipe, indent=1), "utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds: dict[str, Callable[[argparse.Namespace, Path], dict[str, Any]]] = {
        each.__name__: each for each in (texts, single, encoder, flood)
    }
    parser.add_argument("what", choices=kinds)
    parser.add_argument("folder", type=lambda given: Path(given).absolute())
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--connections", type=int)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--litserve-python", default=sys.executable, help="a Python that has litserve")
    parser.add_argument("--mlflow-python", default=sys.executable, help="a Python that has mlflow")
    parser.add_argument("--encoder", type=Path, help="the folder of an encoder such as all-MiniLM-L6-v2")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report(f"service: {asked.what}", **kinds[asked.what](asked, Path(folder)))


if __name__ == "__main__":
    main()
