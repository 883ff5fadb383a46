"""Cleaning as the step `clean` does it, and the same written with pandas `.str`; prints the seconds it took.

    python tests/benchmarks/plain/clean.py aiaas|pandas DATA.arrow [ROWS]

Both are given the texts as they have them: lists of 4,096, and one Series. Reading is not counted.
"""

import html
import sys
import time

import pyarrow as pa

ROWS = 500_000


def texts(path: str, rows: int) -> list[str]:
    with pa.memory_map(path) as file, pa.ipc.open_stream(file) as reader:
        found: list[str] = []
        for batch in reader:
            found += batch.column("text").to_pylist()
            if len(found) >= rows:
                break
    return found[:rows]


def with_aiaas(found: list[str]) -> float:
    from aiaas import steps

    step = steps.build("clean", {}, ["text"], None)
    batches = [{"text": found[start : start + 4096]} for start in range(0, len(found), 4096)]
    started = time.perf_counter()
    for batch in batches:
        step.apply(batch)
    return time.perf_counter() - started


def with_pandas(found: list[str]) -> float:
    import pandas as pd

    column = pd.Series(found)
    started = time.perf_counter()
    column = column.str.normalize("NFKC")
    column = column.str.replace(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]", "", regex=True)
    column = column.str.replace(
        r"[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]", "", regex=True
    )
    column = column.str.replace(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>", " ", regex=True)
    column = column.str.replace(r"</?[A-Za-z][^<>]*>", " ", regex=True)
    column = column.map(html.unescape)
    column = column.str.replace(r"\s+", " ", regex=True).str.strip()
    return time.perf_counter() - started


side, path = sys.argv[1:3]
rows = texts(path, int(sys.argv[3]) if len(sys.argv) > 3 else ROWS)
print(with_aiaas(rows) if side == "aiaas" else with_pandas(rows))
