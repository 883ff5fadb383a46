"""A package of somebody else adds a source, a step, a task and an architecture: tests/extension, installed and used."""

from __future__ import annotations

import json
import mailbox
import os
import random
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path

import pytest

EXTENSION = Path(__file__).parent / "extension"
STARS = {
    1: ["terrible", "broken", "never again", "waste of money"],
    2: ["disappointing", "slow", "rude reply"],
    3: ["average", "nothing special", "it works"],
    4: ["good", "friendly", "quick delivery"],
    5: ["wonderful", "perfect", "love it", "best ever"],
}
USE = """\
import json, sys
import aiaas
from aiaas import plugins
from aiaas.errors import RecipeError

told = {}
try:
    aiaas.plan("rating.yaml", set=["model.params.l2=0", "preprocess.steps=[unqoute]", "evaluate.gates.f1='>= 1'"])
except RecipeError as error:
    told["faults"] = [f"{fault.message} {fault.hint}" for fault in error.faults]
result = aiaas.run("rating.yaml")
model = aiaas.load("mail-rating")
told["metrics"] = result.metrics
told["steps"] = result.data["steps"]
told["source"] = result.data["sources"][0]
told["answers"] = model.predict(["perfect, love it\\n> terrible\\n-- \\nbroken", {"text": "broken, never again"}])
told["replayed"] = model.replay()
told["cached"] = [stage.cached for stage in aiaas.run("rating.yaml").stages]
told["names"] = {room: plugins.names(room) for room in ("sources", "steps", "tasks", "architectures")}
told["from"] = plugins.find("steps", "unquote").__file__
json.dump(told, sys.stdout)
"""


def mails(path: Path) -> None:
    """Sixty for each number of stars, each with something quoted and a signature that say the contrary."""
    chance = random.Random(5)
    box = mailbox.mbox(path)
    for number in range(300):
        stars = number % 5 + 1
        mail = EmailMessage()
        mail["Subject"], mail["X-Stars"] = f"Order {number}", str(stars)
        contrary = chance.choice(STARS[6 - stars])
        words = ", ".join(chance.sample(STARS[stars], 2))
        mail.set_content(f"Order {number}: {words}.\n> {contrary}\n-- \n{contrary}\n")
        box.add(mail)
    box.close()


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a process says that has the package installed beside aiaas."""
    folder = tmp_path_factory.mktemp("extension")
    built = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index"]
    copy = folder / "source"
    files = [each for each in EXTENSION.rglob("*") if each.suffix in (".py", ".toml")]
    for each in files:  # what building leaves is not left in the tests
        (copy / each.relative_to(EXTENSION)).parent.mkdir(parents=True, exist_ok=True)
        (copy / each.relative_to(EXTENSION)).write_bytes(each.read_bytes())
    options = ["--no-deps", "--no-build-isolation", "--target", str(folder / "site"), str(copy)]
    done = subprocess.run([*built, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    mails(folder / "feedback.mbox")
    (folder / "rating.yaml").write_bytes((EXTENSION / "rating.yaml").read_bytes())
    environment = {**os.environ, "PYTHONPATH": str(folder / "site"), "AIAAS_TRACKING": "off", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_its_plug_ins_stand_beside_ours(used: dict[str, dict[str, list[str]]]) -> None:
    names = used["names"]
    assert {"mbox", "files"} <= set(names["sources"])
    assert {"unquote", "clean"} <= set(names["steps"])
    assert {"text-rating", "text-classification"} <= set(names["tasks"])
    assert {"numpy/ridge", "sklearn/naive_bayes"} <= set(names["architectures"])
    assert "site" in Path(str(used["from"])).parts


def test_all_of_them_carry_a_recipe_from_mails_to_answers(used: dict[str, dict[str, float]]) -> None:
    metrics = used["metrics"]
    assert metrics["mae"] < 0.8
    assert metrics["within_one"] > 0.9
    assert "mae" in str(metrics["intervals"]), metrics["intervals"]
    assert used["replayed"]
    assert all(used["cached"])


def test_what_it_reads_has_a_provenance(used: dict[str, dict[str, object]]) -> None:
    source = used["source"]
    assert source["rows"] == 300
    assert len(str(source["sha256"])) == 64


def test_its_step_runs_on_rows_and_on_requests(used: dict[str, list[dict[str, object]]]) -> None:
    (step,) = [each for each in used["steps"] if each["name"] == "unquote"]
    assert step["report"] == {"lines": 300 * 4}  # the quoted one, and from the dashes to the empty one at the end
    happy, angry = used["answers"]
    assert happy["stars"] in (4, 5)
    assert angry["stars"] in (1, 2)


def test_its_faults_are_told_like_ours(used: dict[str, list[str]]) -> None:
    told = "\n".join(used["faults"])
    assert "must be greater than 0" in told
    assert "did you mean 'unquote'?" in told
    assert "within_one" in told


def test_the_page_about_it_shows_the_package_as_it_is() -> None:
    page = (EXTENSION.parents[1] / "docs" / "extend.md").read_text("utf-8")
    modules = [each for each in EXTENSION.glob("aiaas_mail/*.py") if each.name != "__init__.py"]
    assert len(modules) == 4
    for file in (EXTENSION / "pyproject.toml", EXTENSION / "rating.yaml", *modules):
        assert f"\n{file.read_text('utf-8')}```\n" in page, file.name
