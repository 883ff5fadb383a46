"""`aiaas run recipes/prose_zh_lstm.yaml` against 3-gram models of nltk over the same characters of the same texts, in
bits a character of the same held-out texts. Then characters a second that the service streams, early and late.

    python tests/benchmarks/generation.py [PATH=VALUE]...

Each PATH=VALUE is a `--set` of the recipe, such as train.epochs=1.

Both sides know the characters that stand at least twice in the training texts; any other is the unknown one, to which
both add the cost of naming one among all characters of Unicode that are not known. Both say where a text ends.
nltk's Kneser-Ney counts all its n-grams again for every character that it scores, hours for these texts: its two other
interpolated models stand in.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
from measure import AIAAS, RECIPES, bearer, report, run

UNICODE = 0x110000 - 0x800  # all characters but the halves of surrogate pairs
LENGTH = 10_000
EDGE = 1_000
START, END, UNKNOWN = "<s>", "</s>", "<UNK>"


def main() -> None:
    changes = [word for value in sys.argv[1:] for word in ("--set", value)]
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        taken = run([*AIAAS, "run", str(RECIPES / "prose_zh_lstm.yaml"), "--json", *changes], here)
        told = json.loads(taken.stdout)
        key = next(stage["key"] for stage in told["stages"] if stage["name"] == "preprocess")
        data = here / ".aiaas" / "artefacts" / "preprocess" / key
        streamed = stream(here, told["model"]["name"])
        ours = told["metrics"]
        report(
            "generation",
            bits_a_character=round(ours["bits_per_character"], 4),
            perplexity=round(ours["perplexity"], 2),
            seconds=round(taken.wall, 1),
            processor_seconds=round(taken.cpu, 1),
            peak_mb=round(taken.peak_mb),
            **{
                name: round(bits, 4) for name, bits in trigrams(texts(data / "train.arrow"), texts(data / "test.arrow"))
            },
            **streamed,
        )


def texts(file: Path) -> list[str]:
    from datasets import Dataset

    return list(Dataset.from_file(str(file))["text"])


def trigrams(train: Sequence[str], test: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Bits a character of `test` in nltk's interpolated 3-gram models of `train`."""
    from nltk.lm import AbsoluteDiscountingInterpolated, Vocabulary, WittenBellInterpolated
    from nltk.util import everygrams

    counts = Counter("".join(train))
    known = {character for character, count in counts.items() if count >= 2}

    def padded(text: str) -> list[str]:
        return [START, START, *(each if each in known else UNKNOWN for each in text), END]

    models: dict[str, Any] = {
        "nltk_witten_bell": WittenBellInterpolated(3, vocabulary=Vocabulary()),
        "nltk_absolute_discounting": AbsoluteDiscountingInterpolated(3, discount=0.75, vocabulary=Vocabulary()),
    }
    for name, model in models.items():
        # START never comes next: a gram that ends with it would cost the others of their probability.
        grams = ([gram for gram in everygrams(padded(text), max_len=3) if gram[-1] != START] for text in train)
        model.fit(grams, vocabulary_text=[*known, UNKNOWN, START, END])
        bits, characters = 0.0, 0
        for text in test:
            tokens = padded(text)
            characters += len(text)
            bits += tokens.count(UNKNOWN) * math.log2(UNICODE - len(known))
            for place in range(2, len(tokens)):
                bits -= math.log2(model.unmasked_score(tokens[place], tuple(tokens[place - 2 : place])))
        yield name, bits / characters


def stream(here: Path, name: str) -> dict[str, Any]:
    """Characters a second of one long text from the service, and of its first and last part."""
    body = {"inputs": ["新华社"], "options": {"max_length": LENGTH, "min_length": LENGTH}, "stream": True}
    process = subprocess.Popen([*AIAAS, "serve", name, "--port", "0", "--json"], cwd=here, stdout=subprocess.PIPE)
    try:
        assert process.stdout
        started = json.loads(process.stdout.readline())
        url = started["url"]
        with (
            httpx.Client(timeout=60, trust_env=False, headers=bearer(started)) as client,
            client.stream("POST", f"{url}/v1/models/{name}/predict", json=body) as response,
        ):
            at = [time.perf_counter() for line in response.iter_lines() if line == "event: token"]
    finally:
        process.terminate()
        process.wait()
    assert len(at) == LENGTH
    return {
        "characters_a_second": round((LENGTH - 1) / (at[-1] - at[0])),
        "first_thousand": round((EDGE - 1) / (at[EDGE - 1] - at[0])),
        "last_thousand": round((EDGE - 1) / (at[-1] - at[-EDGE])),
    }


if __name__ == "__main__":
    main()
