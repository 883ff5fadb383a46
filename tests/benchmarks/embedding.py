"""Vectors of many short texts: torch/text_embedding in each of its forms, against `encode` of sentence-transformers
with the same weights, in texts a second; and the cosine of its vectors with theirs.

    pip install sentence-transformers  # for this benchmark only
    python tests/benchmarks/embedding.py ENCODER TEXTS [--count N] [--rounds N] [--prefix P]

ENCODER is a folder; TEXTS is a file with a text a line, or with tabs, where the last field is the text. The forms are
asked in turn, so that a drift of the machine meets them alike; the ratio is the median of the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measure import report
from numpy.typing import NDArray

Encode = Callable[[list[str]], "NDArray[np.float32]"]
LENGTH = 256
THEIRS = "sentence_transformers"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prefix", default="")
    asked = parser.parse_args()
    lines = asked.texts.read_text("utf-8").splitlines()
    texts = list(dict.fromkeys(line.rpartition("\t")[2] for line in lines if line.strip()))[: asked.count]
    with tempfile.TemporaryDirectory() as folder:
        forms = {THEIRS: theirs(asked.encoder, asked.prefix), **ours(asked.encoder, asked.prefix, Path(folder), texts)}
        seconds: dict[str, list[float]] = {name: [] for name in forms}
        vectors: dict[str, NDArray[np.float32]] = {}
        for encode in forms.values():
            encode(texts[:200])
        for _ in range(asked.rounds):
            for name, encode in forms.items():
                began = time.perf_counter()
                vectors[name] = encode(texts)
                seconds[name].append(time.perf_counter() - began)
    report("embedding", encoder=asked.encoder.name, texts=len(texts), **figures(seconds, vectors, len(texts)))


def theirs(encoder: Path, prefix: str) -> Encode:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(encoder), device="cpu")
    model.max_seq_length = LENGTH
    return lambda texts: np.asarray(model.encode([prefix + text for text in texts], normalize_embeddings=True))


def ours(encoder: Path, prefix: str, folder: Path, texts: list[str]) -> dict[str, Encode]:
    """`predict` of the model that the framework runs, in both precisions, and of both portable forms."""
    from datasets import Dataset

    from aiaas import plugins
    from aiaas.contracts import Signature, Training

    module: Any = plugins.architecture("torch", "text_embedding")
    rows = Dataset.from_dict({"text": texts[:100]})
    forms: dict[str, Encode] = {}
    for precision in ("float32", "bfloat16"):
        params = module.Params(encoder=str(encoder), max_length=LENGTH, prefix=prefix, precision=precision)
        signature = Signature({"text": "string"}, None)
        training = Training(
            "text-embedding", signature, 0, folder / "checkpoints", module.Settings(), files={"encoder": encoder}
        )
        model = module.fit(params, rows, rows.select([]), training)
        forms[f"torch_{precision}"] = model.predict
        if precision == "float32":
            for name in ("model", "onnx", "int8"):
                (folder / name).mkdir()
            model.save(folder / "model")
            module.export(folder / "model", folder / "onnx")
            module.quantize(folder / "onnx", folder / "int8")
            forms |= {name: module.load_portable(folder / name).predict for name in ("onnx", "int8")}
    return forms


def figures(
    seconds: dict[str, list[float]], vectors: dict[str, NDArray[np.float32]], count: int
) -> dict[str, dict[str, float]]:
    """Of each form: texts a second, how many times as fast as theirs, and the least and the mean cosine with theirs."""
    found = {}
    for name, taken in seconds.items():
        cosines = (vectors[name] * vectors[THEIRS]).sum(axis=1)
        found[name] = {
            "texts_a_second": round(count / statistics.median(taken), 1),
            "times_as_fast": round(statistics.median(a / b for a, b in zip(seconds[THEIRS], taken, strict=True)), 2),
            "least_cosine": round(float(cosines.min()), 5),
            "mean_cosine": round(float(cosines.mean()), 5),
        }
    return found


if __name__ == "__main__":
    main()
