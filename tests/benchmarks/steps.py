"""How fast each step is, on one core: reviews of synthetic_reviews.py, and a table made by lot.

    python tests/benchmarks/steps.py --rows 50000
    python tests/benchmarks/steps.py --rows 50000 --pandas     # the same work as pandas would write it, where it can

Says MB/s of what stands in the rows (UTF-8, 8 bytes a number), what is surveyed and what is mapped taken together.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from aiaas import steps
from aiaas.contracts import Batch, Judges, Surveys

sys.path.insert(0, str(Path(__file__).parent))
BATCH = 4096
TEXT: dict[str, list[dict[str, Any]]] = {
    "lowercase": [{}],
    "clean": [{}],
    "chinese": [{"conversion": "t2s"}, {"conversion": "s2t"}],
    "stem": [{}],
    "sentences": [{"method": "rule"}],
    "language": [{"keep": ["zh", "en"]}],
    "length": [{"min": 4}, {"min": 4, "unit": "words"}, {"min": 4, "unit": "tokens"}],
    "deduplicate": [{}],
    "near_duplicates": [{}, {"unit": "word"}],
    "labels": [{"map": {"pos": "good"}}, {"min_rows": 10}],
    "sample": [{"share": 0.5}, {"rows": 10_000}],
    "balance": [{"method": "under"}],
    "augment": [{"operations": [operation]} for operation in ("swap", "delete", "noise")],
}
TABLE: dict[str, list[dict[str, Any]]] = {
    "impute": [{"method": method} for method in ("mean", "median", "most_frequent")],
    "clip": [{}],
    "scale": [{"method": method} for method in ("standard", "min_max", "robust")],
    "encode": [
        *({"columns": ["word"], "method": method} for method in ("one_hot", "ordinal", "hashed")),
        {"columns": ["day"], "method": "date"},
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--only", help="one step")
    parser.add_argument("--pandas", action="store_true")
    asked = parser.parse_args()
    speeds: dict[str, float] = {}
    for rows, cases in ((reviews(asked.rows), TEXT), (table(asked.rows), TABLE)):
        size = weight(rows)
        if asked.pandas:
            work: dict[str, Callable[[], Any]] = plain(rows)
        else:
            work = {
                f"{name} {json.dumps(params) if params else ''}".strip(): partial(run, name, params, rows)
                for name, several in cases.items()
                for params in several
            }
        for name, job in work.items():
            if asked.only in (None, name.partition(" ")[0]):
                speeds[name] = round(size / 1e6 / seconds(job), 1)
    print(json.dumps({"rows": asked.rows, "megabytes_a_second": speeds}, indent=2))


def seconds(job: Callable[[], Any]) -> float:
    began = time.process_time()
    job()
    return time.process_time() - began


def reviews(count: int) -> Batch:
    from synthetic_reviews import BLOCK, block

    made = [row for number in range(-(-count // BLOCK)) for row in block(0, number)][:count]
    return {"text": [text for text, _ in made], "label": [label for _, label in made]}


def table(count: int) -> Batch:
    chance = random.Random(0)
    words = [f"word {number}" for number in range(50)]
    return {
        **{
            f"number {column}": [None if chance.random() < 0.05 else chance.gauss(0, 1) for _ in range(count)]
            for column in range(8)
        },
        "word": chance.choices(words, k=count),
        "day": [
            f"20{chance.randrange(10, 26)}-0{chance.randrange(1, 10)}-1{chance.randrange(10)}" for _ in range(count)
        ],
        "label": chance.choices(["a", "b"], [9, 1], k=count),
    }


def weight(rows: Batch) -> int:
    """Bytes of the features."""
    return sum(
        len(value.encode()) if isinstance(value, str) else 8
        for name, values in rows.items()
        if name != "label"
        for value in values
    )


def batches(rows: Batch) -> Iterator[Batch]:
    for start in range(0, len(rows["label"]), BATCH):
        yield {name: values[start : start + BATCH] for name, values in rows.items()}


def run(name: str, params: dict[str, Any], rows: Batch) -> None:
    step = steps.build(name, params, [column for column in rows if column != "label"], "label")
    if isinstance(step, Surveys):
        with tempfile.TemporaryDirectory() as scratch:
            step.conclude([step.survey(batch) for batch in batches(rows)], Path(scratch))
    at = 0
    for batch in batches(rows):
        height = len(batch["label"])
        steps.mapped(step, batch, step.verdicts(at, at + height) if isinstance(step, Judges) else None)
        at += height


def plain(rows: Batch) -> dict[str, Callable[[], Any]]:
    """What pandas has for some of the steps; of texts with `.str`."""
    import pandas

    frame = pandas.DataFrame({name: values for name, values in rows.items() if name != "label"})
    if "text" in frame:
        texts = frame["text"].astype(object)
        return {
            "lowercase": lambda: texts.str.lower(),
            "length": lambda: frame[texts.str.len() >= 4],
            'length {"min": 4, "unit": "words"}': lambda: frame[texts.str.split().str.len() >= 4],
            "sentences": lambda: texts.str.split(r"(?<=[。！？.!?])", regex=True).explode(),
            "language": lambda: frame[texts.str.count("[\u4e00-\u9fff]") > 4],
            "deduplicate": lambda: frame.drop_duplicates(),
            "sample": lambda: frame.sample(frac=0.5, random_state=0),
        }
    numbers = frame.select_dtypes("number")
    return {
        "impute": lambda: numbers.fillna(numbers.median()),
        "clip": lambda: numbers.clip(numbers.quantile(0.01), numbers.quantile(0.99), axis=1),
        "scale": lambda: (numbers - numbers.mean()) / numbers.std(),
        "encode": lambda: pandas.get_dummies(frame["word"]),
        "encode (date)": lambda: pandas.to_datetime(frame["day"]).dt.year,
    }


if __name__ == "__main__":
    main()
