"""What a model answers to, and who may ask it: services, their keys, logs and runtimes; offline, personal data, CI."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from aiaas.audit import Chain
from aiaas.track import Registry
from aiaas.workspace import Workspace
from tests import conftest, writer
from tests.typed import FENCE, ROOT, Guide

INSTALLS = "installs a package; the tests have it"
REVIEWS = ["房间很干净，服务也好", "太吵了，再也不来", "前台热情，位置方便"]


def block(page: str, language: str, word: str) -> str:
    """The block of a page that holds a word."""
    text = (ROOT / "docs" / "guides" / f"{page}.md").read_text("utf-8")
    found = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return next(each for each in found if word in each)


def reviews(folder: Path) -> None:
    """The texts that the recipe of `conftest` learns from."""
    for name, words, seed in (("good", conftest.GOOD, 1), ("bad", conftest.BAD, 2)):
        (folder / f"{name}.txt").write_text("\n".join(conftest.comments(words, 120, seed)) + "\n", "utf-8")


def others(folder: Path, *names: str) -> None:
    """The model of the workspace under further names."""
    space = Workspace.open(folder / ".aiaas")
    (version,) = Registry(space.models).versions("reviews-zh-nb")
    for name in names:
        Registry(space.models).register(name, bundle=version.path, digest=version.digest, alias="champion")


def serving(folder: Path) -> None:
    (folder / "reviews.txt").write_text("\n".join(REVIEWS) + "\n", "utf-8")
    made = writer.write(folder / "written")
    registry = Registry(Workspace.open(folder / ".aiaas").models)
    registry.register("poems", bundle=folder / "written" / "bundle", digest=made.digest, alias="champion")


def runtimes(folder: Path) -> None:
    """A network that has learned for an epoch, and its recipe."""
    text = (ROOT / "recipes" / "digits_cnn.yaml").read_text("utf-8")
    text = text.replace("epochs: 15", "epochs: 1").replace(">= 0.97", ">= 0.1")
    (folder / "recipe.yaml").write_text(text, "utf-8")
    subprocess.run([sys.executable, "-m", "aiaas", "run", "recipe.yaml", "--quiet"], cwd=folder, check=True)


def monitoring(folder: Path) -> None:
    """What a service has written of the request that the page shows, and of one that was refused."""
    answered = json.loads(block("monitoring", "json", '"decision"'))
    refused = answered | {"status": 422, "decision": "refused", "code": "data"}
    lines = [json.dumps(each, separators=(",", ":")) for each in (answered, refused)]
    logs = folder / ".aiaas" / "logs"
    logs.mkdir(exist_ok=True)
    (logs / "access-0.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    chain = Chain(folder / ".aiaas" / "audit")
    chain.add('"event":"opened"', *(f'"event":"request",{line[1:-1]}' for line in lines))
    chain.close()


def operations(folder: Path) -> None:
    others(folder, "churn", "tickets", "a", "b", "c", "d")
    (folder / "tests").symlink_to(ROOT / "tests")


def privacy(folder: Path) -> None:
    """A recipe with the step as the page shows it."""
    reviews(folder)
    step = block("privacy", "yaml", "key: ${env:PII_KEY}")
    recipe = conftest.RECIPE.replace("name: tiny", "name: reviews")
    steps = "    - clean\n" + "".join(f"    {line}\n" for line in step.splitlines()) + "    - deduplicate\n"
    (folder / "recipe.yaml").write_text(recipe.replace("steps: [clean, deduplicate]\n", f"steps:\n{steps}"), "utf-8")


def uncollected(folder: Path) -> None:
    """All but the rows is there, so that the run trains nothing."""
    for name in ("artefacts/collect", "recipes"):
        shutil.rmtree(folder / ".aiaas" / name)


def ci(folder: Path) -> None:
    """A clone of a repository with the script, a recipe and its data; what is mailed must be good news."""
    made, clone = folder / "made", folder / "models"
    (made / "recipes").mkdir(parents=True)
    reviews(made / "recipes")
    (made / "recipes" / "reviews.yaml").write_text(conftest.RECIPE, "utf-8")
    script = next(text for _, language, text in FENCE.findall(Guide("ci").path.read_text("utf-8")) if language == "sh")
    (made / "model.sh").write_text(script, "utf-8")
    (made / "mail.sh").write_text('echo "$@"; cat; [ "$2" = "reviews: 0" ]\n', "utf-8")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "A model"], ["clone", "-q", ".", str(clone)]):
        subprocess.run([*git, *words], cwd=made, check=True)


GUIDES = [
    Guide("serving", prepare=serving, home="reviews"),
    Guide("serving-runtimes", prepare=runtimes, apart={"pip install": INSTALLS}, slow=True),
    Guide(
        "access",
        home="reviews",
        instead={
            "10.0.0.5": "127.0.0.1",
            "0.0.0.0": "127.0.0.1",
            # A PostgreSQL is asked for the same in test_control_postgresql.
            "postgresql://aiaas:PASSWORD@db.internal/aiaas": "sqlite:///keys.db",
        },
        slow=True,  # three services
    ),
    Guide(
        "monitoring",
        prepare=monitoring,
        home="reviews",
        apart={"pip install": INSTALLS} | ({} if shutil.which("jq") else {"jq": "there is none here"}),
    ),
    Guide(
        "operations",
        prepare=operations,
        home="reviews",
        instead={
            "swaps ": "swaps --times 2 ",
            "stops ": "stops --times 1 ",
            "kills ": "kills --seconds 6 ",
            "WORKSPACE MODEL MODEL MODEL": ".aiaas a b c",
        },
        slow=True,
    ),
    Guide(
        "privacy",
        prepare=privacy,
        apart={
            "pip install 'aiaas[presidio]'": "installs a package that no test has",
            "python -m spacy download": "fetches a model of spaCy",
        },
    ),
    Guide("protocols", home="reviews"),
    Guide("offline", prepare=uncollected, home="reviews"),
    Guide(
        "ci",
        prepare=ci,
        instead={"/srv/models": "models", "mail -s": "sh mail.sh -s"},
        apart={"#!/bin/sh": "a file, not typed: the next command runs it, and test_ci_recipes"},
    ),
]
