"""recipes/reviews_zh_bert.yaml with an encoder of this machine, against a plain script with transformers' Trainer, in
samples a second; and its answers against those of recipes/reviews_zh_nb.yaml on the same rows held out (McNemar).

    python tests/benchmarks/finetuning.py ENCODER [--steps N | --whole] [--set PATH=VALUE]...

The plain script takes N steps (60) before and after ours, whose batches are as long as any; with --whole it takes one
epoch and is judged: half an hour with an encoder such as e5-small.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from measure import AIAAS, RECIPES, report, run

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("encoder", type=Path)
parser.add_argument("--steps", type=int, default=60)
parser.add_argument("--whole", action="store_true")
parser.add_argument("--set", action="append", default=[], dest="sets")
asked = parser.parse_args()
ENCODER = str(asked.encoder.absolute())
PLAIN = [sys.executable, str(Path(__file__).parent / "plain" / "bert_reviews.py"), ENCODER]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        bayes = json.loads(run([*AIAAS, "run", str(RECIPES / "reviews_zh_nb.yaml"), "--json"], here).stdout)
        data = artefact(here, bayes, "preprocess")
        steps = [] if asked.whole else [str(asked.steps)]
        plain = [of_script(run([*PLAIN, str(data), *steps], here).stdout)]
        sets = [word for each in [f"model.params.encoder={ENCODER}", *asked.sets] for word in ("--set", each)]
        taken = run([*AIAAS, "run", str(RECIPES / "reviews_zh_bert.yaml"), "--json", *sets], here)
        told = json.loads(taken.stdout)
        if artefact(here, told, "preprocess") != data:
            sys.exit("the recipes no longer split the reviews alike")
        if not asked.whole:
            plain.append(of_script(run([*PLAIN, str(data), *steps], here).stdout))
        seconds = next(stage["seconds"] for stage in told["stages"] if stage["name"] == "train")
        training = json.loads((artefact(here, told, "train") / "training.json").read_text("utf-8"))
        samples = training["rows"]["train"] * training["notes"]["epochs"]
        theirs = statistics.median(each["samples_a_second"] for each in plain)
        report(
            "finetuning",
            plain=plain,
            aiaas={
                "accuracy": told["metrics"]["accuracy"],
                "samples_a_second": round(samples / seconds, 1),
                "train_seconds": seconds,
                "all_seconds": round(taken.wall, 1),
                "peak_mb": round(taken.peak_mb),
            },
            ratio=round(samples / seconds / theirs, 2),
            naive_bayes={"accuracy": bayes["metrics"]["accuracy"], **mcnemar(here, data, bayes, told)},
        )


def of_script(said: str) -> dict[str, Any]:
    """What the script tells, below what the Trainer prints."""
    told: dict[str, Any] = json.loads(said.splitlines()[-1])
    return told


def artefact(here: Path, told: dict[str, Any], stage: str) -> Path:
    """Where the workspace keeps what a stage of a run made."""
    key = next(each["key"] for each in told["stages"] if each["name"] == stage)
    return here / ".aiaas" / "artefacts" / stage / key


def mcnemar(here: Path, data: Path, *runs: dict[str, Any]) -> dict[str, Any]:
    """Rows that one of two models alone gets right, and how probable so uneven a share is by chance (two-sided)."""
    from datasets import Dataset
    from scipy.stats import binomtest

    rows = Dataset.from_file(str(data / "test.arrow"))
    names = rows.features["label"].names
    (here / "rows.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in rows["text"]), "utf-8")
    right = []
    for told in runs:
        answers = run([*AIAAS, "infer", told["model"]["name"], "rows.jsonl"], here).stdout.splitlines()
        right.append([json.loads(a)["label"] == names[t] for a, t in zip(answers, rows["label"], strict=True)])
    first = sum(a and not b for a, b in zip(*right, strict=True))
    second = sum(b and not a for a, b in zip(*right, strict=True))
    return {"alone_right": first, "encoder_alone_right": second, "p": binomtest(first, first + second).pvalue}


main()
