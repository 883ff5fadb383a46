"""Collecting reviews of one file against reading the same with pandas and pyarrow to the same end: an Arrow file of
texts and labels, without rows that lack one. `python tests/benchmarks/collect.py [MEGABYTES]`, one core each."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from measure import AIAAS, run

WORDS = [
    "房间",
    "干净",
    "服务",
    "很好",
    "早餐",
    "一般",
    "位置",
    "方便",
    "前台",
    "热情",
    "价格",
    "便宜",
    "吵闹",
    "不推荐",
    "再来",
    "the",
    "room",
    "was",
    "clean",
    "and",
    "staff",
    "friendly",
]
FORMATS = ("csv", "jsonl", "lines", "parquet")
RECIPE = """\
schema: 1
name: collected
task: text-classification
collect: [{{source: rows.{ending}{label}}}]
model: {{backend: sklearn, architecture: naive_bayes}}
"""
PLAIN = {
    "csv": "import pandas; pandas.read_csv('rows.csv')[['text', 'label']].dropna().to_feather('out.arrow')",
    "jsonl": "import pandas; "
    "pandas.read_json('rows.jsonl', lines=True)[['text', 'label']].dropna().to_feather('out.arrow')",
    "lines": "import pyarrow as pa, pyarrow.feather as f; "
    "f.write_feather(pa.table({'text': open('rows.txt', encoding='utf-8').read().splitlines()}), 'out.arrow')",
    "parquet": "import pyarrow.parquet as p, pyarrow.feather as f; "
    "f.write_feather(p.read_table('rows.parquet', columns=['text', 'label']).drop_null(), 'out.arrow')",
}


def write(folder: Path, megabytes: int) -> None:
    """The same reviews in every format, until the CSV has so many megabytes."""
    import pyarrow as pa
    from pyarrow import parquet

    chance = random.Random(7)
    schema = pa.schema({"text": pa.string(), "label": pa.string(), "stars": pa.int64(), "price": pa.float64()})
    with (
        (folder / "rows.csv").open("w", encoding="utf-8", newline="") as table,
        (folder / "rows.jsonl").open("w", encoding="utf-8") as objects,
        (folder / "rows.txt").open("w", encoding="utf-8") as lines,
        parquet.ParquetWriter(folder / "rows.parquet", schema) as columns,
    ):
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(schema.names)
        while table.tell() < megabytes * 10**6:
            rows = []
            for _ in range(10_000):
                text = "，".join(chance.choices(WORDS, k=chance.randint(10, 40)))
                text = f'他说 "好", {text}' if chance.random() < 0.05 else text
                rows.append(
                    (text, chance.choice(("pos", "neg")), chance.randint(1, 5), chance.randint(100, 99_999) / 100)
                )
            writer.writerows(rows)
            objects.writelines(
                json.dumps(dict(zip(schema.names, row, strict=True)), ensure_ascii=False) + "\n" for row in rows
            )
            lines.writelines(f"{row[0]}\n" for row in rows)
            made = dict(zip(schema.names, map(list, zip(*rows, strict=True)), strict=True))
            columns.write_table(pa.table(made, schema=schema))


def main(megabytes: int) -> None:
    one = sorted(os.sched_getaffinity(0))[:1]
    os.sched_setaffinity(0, one)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write(folder, megabytes)
        for name in FORMATS:
            ending = "txt" if name == "lines" else name
            label = ", label: pos" if name == "lines" else ""
            (folder / "recipe.yaml").write_text(RECIPE.format(ending=ending, label=label))
            size = (folder / f"rows.{ending}").stat().st_size / 1e6
            shutil.rmtree(folder / ".aiaas", ignore_errors=True)
            ours = run([*AIAAS, "collect", "recipe.yaml", "--json"], folder, {"AIAAS_TRACKING": "off"})
            seconds = next(each["seconds"] for each in json.loads(ours.stdout)["stages"] if each["name"] == "collect")
            plain = run([sys.executable, "-c", PLAIN[name]], folder)
            figures = {
                "format": name,
                "megabytes": round(size),
                "aiaas": {
                    "mb_per_s": round(size / seconds, 1),
                    "wall": round(ours.wall, 1),
                    "peak_mb": round(ours.peak_mb),
                },
                "plain": {"mb_per_s": round(size / plain.wall, 1), "peak_mb": round(plain.peak_mb)},
            }
            print(json.dumps(figures, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
