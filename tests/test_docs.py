"""The documents say what is so: commands parse, links lead somewhere, the example backend works as printed."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main
import yaml

from aiaas import plugins, recipe
from aiaas.cli import app
from tests.conftest import RECIPE

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BEFORE_A_COMMAND = {"$", "!", "-", "run:", "if", "then", "else", "do", "while", "until", "time"}


USAGE: Any = typer.BadParameter.__base__
"""What typer raises for a command line that it cannot read; it has no public name of its own."""


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- commands ----------------------------------------------------------------------------------------------------


def commands(text: str) -> Iterator[list[str]]:
    """The words after `aiaas` of every command in the lines of a shell, wherever in a pipe it stands."""
    for line in text.replace("\\\n", " ").splitlines():
        if not re.search(r"\baiaas ", line):
            continue
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.wordchars += "@:=,+%$[]{}"
        words: list[str] = []
        for word in [*lexer, ";"]:
            if not re.fullmatch(r"[();<>|&]+", word):
                words.append(word)
                continue
            if ">" in word and words[-1:] in (["1"], ["2"]):  # 2>/dev/null
                words.pop()
            while words and (words[0] in BEFORE_A_COMMAND or re.match(r"\w+=", words[0])):
                words.pop(0)
            if words[:1] == ["aiaas"]:
                yield words[1:]
            words = []


def shell(page: Path) -> Iterator[str]:
    """The lines of a page's fenced blocks that a person types: those after `$ ` where a block has any."""
    for language, block in FENCE.findall(page.read_text("utf-8")):
        if language in {"python", "toml", "text"}:
            continue
        typed = re.findall(r"^\$ ((?:.*\\\n)*.*)", block, re.MULTILINE)
        yield "\n".join(typed) if typed else re.sub(r"^\s*(- run:|#)\s", "", block, flags=re.MULTILINE)


def parse(words: list[str]) -> None:
    """Parse as the real command line would, and run nothing; raises what it would say."""
    command: Any = typer.main.get_command(app)
    context = None
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        context = typer.Context(command, parent=context)
        _, command, words = command.resolve_command(context, words)
    command.make_context("aiaas", list(words), parent=context)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_on_a_page_is_a_real_one(page: Path) -> None:
    for text in shell(page):
        for words in commands(text):
            if words[0].startswith("$"):  # a script's verb; such scripts have tests that run them
                continue
            try:
                parse(words)
            except typer.Exit:  # --help and --version end here
                pass
            except USAGE as error:
                pytest.fail(f"aiaas {shlex.join(words)}: {error.format_message()}")


def test_the_pages_hold_commands() -> None:
    found = {words[0] for page in PAGES for text in shell(page) for words in commands(text)}
    assert {"run", "plan", "infer", "serve", "recipe", "runs", "models", "cache"} <= found


def test_commands_are_found_wherever_they_stand() -> None:
    lines = [
        "echo 'a | b' | aiaas infer m - 2>/dev/null",
        "A=1 aiaas run r.yaml \\",
        "  --set 'x=>= 1' && aiaas serve m &",
        "# aiaas no",
    ]
    found = list(commands("\n".join(lines)))
    assert found == [["infer", "m", "-"], ["run", "r.yaml", "--set", "x=>= 1"], ["serve", "m"]]


@pytest.mark.parametrize(
    "line",
    [
        "run r.yaml --sett a=1",
        "run",
        "run r.yaml another.yaml",
        "rum r.yaml",
        "recipe shw r.yaml",
        "recipe",
        "infer m --format xml",
        "serve m --port many",
    ],
)
def test_a_command_that_is_none_is_found(line: str) -> None:
    with pytest.raises(USAGE):
        parse(line.split())


# --- links and reference -----------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """What a link may say after #, by GitHub's rule."""
    text = FENCE.sub("", page.read_text("utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "data" / "README.md"], ids=name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text("utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = [(index.parent / target).resolve() for target in re.findall(r"\]\(([^)#\s]+)", index.read_text("utf-8"))]
    assert {page for page in PAGES if page != index} <= {*linked}
    assert len(linked) == len({*linked}), "it is the navigation of the site as well"


def script(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_page_on_the_architecture_names_every_room() -> None:
    shown = FENCE.findall((ROOT / "docs" / "architecture.md").read_text("utf-8"))[0][1]
    rooms = [path.relative_to(ROOT / "aiaas") for path in (ROOT / "aiaas").iterdir() if path.name[0] not in "_."]
    names = [f"{room}/" if (ROOT / "aiaas" / room).is_dir() else str(room) for room in rooms if room.suffix != ".typed"]
    assert sorted(re.findall(r"^  (\S+)", shown, re.MULTILINE)) == sorted(names)


def test_the_guide_names_every_step() -> None:
    page = (ROOT / "docs" / "guides" / "data.md").read_text("utf-8")
    page = page.partition("\n## Steps\n")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|(?:[^|]*\|){4}$", page, re.MULTILINE)) == sorted(plugins.names("steps"))


def test_the_reference_is_current() -> None:
    done = script("docs/reference/make.py", "--check")
    assert done.returncode == 0, done.stderr


def test_ci_finds_the_one_test_command_of_the_readme() -> None:
    done = script(".ci/readme_command.py")
    assert done.returncode == 0, done.stderr
    (command,) = done.stdout.splitlines()
    assert command.startswith("pip install ")
    assert command.endswith("pytest")


# --- recipes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_a_recipe_says_its_command_and_what_to_expect(path: Path) -> None:
    command, expect, third = path.read_text("utf-8").splitlines()[:3]
    verb = "tune" if recipe.read(path, environ={}).tune else "run"
    assert list(commands(command.removeprefix("# "))) == [[verb, name(path)]]
    parse([verb, name(path)])
    assert re.fullmatch(r"# \S.*", expect)
    assert not third.startswith("#")


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "zh" / "README.md"], ids=name)
def test_the_recipe_of_the_readme_is_the_one_in_the_folder(page: Path) -> None:
    shown = next(block for language, block in FENCE.findall(page.read_text("utf-8")) if language == "yaml")
    path = ROOT / shown.partition("\n")[0].removeprefix("# ")
    assert yaml.safe_load(shown) == yaml.safe_load(path.read_text("utf-8"))


def test_the_chinese_readme_promises_and_lists_the_same() -> None:
    english, chinese = ((ROOT / page).read_text("utf-8") for page in ("README.md", "docs/zh/README.md"))
    for pattern in (r"^- \*\*", r"`[a-z]\w+_\w+`", r"^## "):
        assert len(re.findall(pattern, english, re.MULTILINE)) == len(re.findall(pattern, chinese, re.MULTILINE)), (
            pattern
        )


# --- add a backend -----------------------------------------------------------------------------------------------

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment in which the package of docs/add-a-backend.md is installed beside aiaas."""
    page = (ROOT / "docs" / "add-a-backend.md").read_text("utf-8")
    (project,) = [tomllib.loads(block) for language, block in FENCE.findall(page) if language == "toml"]
    (module,) = [block for language, block in FENCE.findall(page) if language == "python"]
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    paths = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", "venv", paths))
    packages = sysconfig.get_path("purelib")
    (site / "parent.pth").write_text(f"import site; site.addsitedir({packages!r})\n", "utf-8")
    ((group, points),) = project["project"]["entry-points"].items()
    ((point, target),) = points.items()
    info = site / f"{project['project']['name'].replace('-', '_')}-{project['project']['version']}.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {project['project']['name']}\nVersion: {project['project']['version']}\n"
    (info / "METADATA").write_text(metadata, "utf-8")
    (info / "entry_points.txt").write_text(f"[{group}]\n{point} = {target}\n", "utf-8")
    (site / f"{target}.py").write_text(module, "utf-8")
    return Path(sysconfig.get_path("scripts", "venv", paths)) / "python"


@pytest.fixture
def its_aiaas(installed: Path, project: Path) -> Run:
    """The command line in that environment, in a folder with reviews and a recipe that names the architecture."""
    model = "  backend: numpy\n  architecture: centroid\n"
    text, count = re.subn(r"(?<=^model:\n)(?:  .*\n)+", model, RECIPE, flags=re.MULTILINE)
    assert count == 1
    (project / "tiny.yaml").write_text(text, "utf-8")
    environment = {**os.environ, "AIAAS_TRACKING": "off", "PYTHONUTF8": "1"}

    def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [installed, "-m", "aiaas", *words],
            cwd=project,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_example_backend_goes_from_recipe_to_answers(its_aiaas: Run) -> None:
    done = its_aiaas("run", "tiny.yaml", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["metrics"]["accuracy"] > 0.7
    assert said["model"]["alias"] == "champion"
    answers = its_aiaas("infer", "tiny", stdin="房间干净，服务热情\n房间脏乱，服务冷淡\n\n")
    assert [json.loads(line)["label"] for line in answers.stdout.splitlines()][:2] == ["pos", "neg"], answers
    again = json.loads(its_aiaas("run", "tiny.yaml", "--json").stdout)
    assert all(stage["cached"] for stage in again["stages"])


def test_the_example_backend_is_checked_like_ours(its_aiaas: Run) -> None:
    done = its_aiaas("recipe", "validate", "tiny.yaml", "--set", "model.params.sharpness=0")
    assert done.returncode == 2
    assert "model.params.sharpness: must be greater than 0, found 0" in done.stderr
    done = its_aiaas("recipe", "validate", "tiny.yaml", "--set", "model.params.sharpnes=1")
    assert "did you mean 'sharpness'?" in done.stderr


def test_a_changed_backend_trains_again(its_aiaas: Run, installed: Path) -> None:
    assert its_aiaas("train", "tiny.yaml").returncode == 0
    (module,) = installed.parent.parent.rglob("aiaas_centroid.py")
    text = module.read_text("utf-8")
    try:
        module.write_text(text.replace("8191", "127"), "utf-8")
        planned = json.loads(its_aiaas("plan", "tiny.yaml", "--json").stdout)
    finally:
        module.write_text(text, "utf-8")
    cached = {stage["name"]: stage["cached"] for stage in planned["stages"]}
    assert cached["preprocess"]
    assert not cached["train"]


def test_a_backend_that_answers_otherwise_is_judged_and_packaged_again(its_aiaas: Run, installed: Path) -> None:
    before = json.loads(its_aiaas("run", "tiny.yaml", "--json").stdout)
    (module,) = installed.parent.parent.rglob("aiaas_centroid.py")
    text = module.read_text("utf-8")
    try:
        module.write_text(text.replace("@ self.weights.T", "@ self.weights[::-1].T"), "utf-8")
        done = its_aiaas("run", "tiny.yaml", "--json")
    finally:
        module.write_text(text, "utf-8")
    after = json.loads(done.stdout)
    assert after["model_digest"] == before["model_digest"]
    assert done.returncode == 6
    assert after["metrics"]["accuracy"] < 0.5 < before["metrics"]["accuracy"]


def test_the_example_backend_meets_the_contract(installed: Path) -> None:
    done = subprocess.run(
        [installed, "-m", "pytest", "tests/conformance", "-k", "centroid", "-p", "no:cacheprovider", "-n", "0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed, done.stdout
    assert int(passed[1]) >= 15, done.stdout  # the rest is about a portable form and about writing, which it has not
