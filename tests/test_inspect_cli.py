"""`aiaas inspect`, and what a run says of its rows: one object, a table, a page, and status 3 for what is fatal."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from aiaas import recipe
from aiaas.errors import RecipeError
from aiaas.inspect.report import schema
from tests.conftest import Aiaas, answer
from tests.inspect_toys import reviews, write

SCHEMA = Path(__file__).parent.parent / "docs" / "reference" / "inspect.schema.json"


def checked(said: dict[str, Any]) -> dict[str, Any]:
    """The object, after it was held against the schema that is documented."""
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(said)
    return said


def leaking(project: Path, count: int = 30) -> None:
    """Let the recipe's rows come divided, `count` of those of test nearly as they stand in train."""
    rows = reviews(200)
    for label in ("pos", "neg"):
        texts = [text for text, each in rows if each == label]
        (project / f"{label}.txt").write_text("\n".join(texts) + "\n", "utf-8")
        near = [f"{text}！" for text in texts[:count]] + [text for text, each in reviews(60, 1) if each == label]
        (project / f"{label}-test.txt").write_text("\n".join(near) + "\n", "utf-8")
    sources = [
        {"source": f"{label}{end}.txt", "label": label, "split": split}
        for label in ("pos", "neg")
        for end, split in (("", "train"), ("-test", "test"))
    ]
    text = (project / "tiny.yaml").read_text("utf-8")
    head, _, tail = text.partition("collect:")
    tail = tail[tail.index("preprocess:") :].replace(
        "{train: 0.6, validation: 0.1, test: 0.3}", "{train: 0.6, test: 0.4}"
    )
    (project / "leak.yaml").write_text(f"{head}collect: {json.dumps(sources)}\n{tail}", "utf-8")


# --- a recipe -----------------------------------------------------------------------------------------------------


def test_a_recipe_is_collected_once(aiaas: Aiaas, project: Path) -> None:
    done = aiaas("inspect", "tiny.yaml", "--json")
    assert done.returncode == 0, done.stderr
    said = checked(answer(done))
    assert (said["ok"], said["of"], said["depth"]) == (True, "preprocessed", "full")
    assert said["rows"]["collected"] == 240
    assert sum(said["rows"]["splits"].values()) == said["rows"]["inspected"]
    ran = answer(aiaas("run", "tiny.yaml", "--json"))
    assert [stage["name"] for stage in ran["stages"] if stage["cached"]] == ["collect", "preprocess"]
    assert {each["name"] for each in ran["findings"]} <= {each["name"] for each in said["findings"]}


def test_overrides_reach_what_is_looked_at(aiaas: Aiaas) -> None:
    said = answer(aiaas("inspect", "tiny.yaml", "--json", "--set", "preprocess.steps=[]"))
    assert said["rows"]["splits"] != {}
    assert aiaas("inspect", "tiny.yaml", "--set", "preprocess.stps=[]").returncode == 2


def test_a_run_stops_where_test_is_nearly_in_train_unless_the_recipe_accepts_it(aiaas: Aiaas, project: Path) -> None:
    leaking(project)
    ended = aiaas("run", "leak.yaml", "--json")
    assert ended.returncode == 3, ended.stderr
    said = answer(ended)
    assert said["error"]["code"] == "data"
    assert said["error"]["message"].startswith("near-test-in-train: ")
    assert "inspect: {accept: [near-test-in-train]}" in said["error"]["hint"]
    assert [stage["name"] for stage in said["stages"]] == ["collect", "preprocess", "inspect"]
    assert aiaas("run", "leak.yaml").returncode == 3  # from the cache as well
    looked = aiaas("inspect", "leak.yaml", "--json")
    assert looked.returncode == 3
    assert checked(answer(looked))["ok"] is False
    accepted = answer(aiaas("run", "leak.yaml", "--json", "--set", "inspect.accept=[near-test-in-train]"))
    assert accepted["ok"] is True
    assert [stage["name"] for stage in accepted["stages"] if stage["cached"]] == ["collect", "preprocess", "inspect"]
    assert [(each["name"], each["accepted"]) for each in accepted["findings"] if each["level"] == "fatal"] == [
        ("near-test-in-train", True)
    ]


def test_rows_of_test_in_train_are_refused_unless_the_recipe_accepts_them(aiaas: Aiaas, project: Path) -> None:
    good = (project / "good.txt").read_text("utf-8").splitlines()
    (project / "test.txt").write_text("\n".join([*good[:3], *(f"别的话 {number}" for number in range(9))]), "utf-8")
    (project / "rest.txt").write_text("\n".join(f"另一句 {number}" for number in range(9)), "utf-8")
    sources = "[{source: good.txt, label: pos, split: train}, {source: bad.txt, label: neg, split: train}, "
    sources += "{source: test.txt, label: pos, split: test}, {source: rest.txt, label: neg, split: test}]"
    said = ("--json", "--set", f"collect={sources}", "--set", "preprocess.steps=[clean]", "--set", "evaluate.gates={}")
    refused = aiaas("run", "tiny.yaml", *said)
    assert refused.returncode == 3
    assert "of 21 rows of test stand in train as well" in answer(refused)["error"]["message"]
    assert "inspect: {accept: [test-in-train]}" in answer(refused)["error"]["hint"]
    accepting = ("--set", "inspect.accept=[test-in-train, near-test-in-train]")
    accepted = answer(aiaas("run", "tiny.yaml", *said, *accepting))
    assert accepted["ok"] is True, accepted
    assert ("test-in-train", True) in [(each["name"], each["accepted"]) for each in accepted["findings"]]
    assert aiaas("run", "tiny.yaml", *said).returncode == 3, "what was accepted once is no longer"


def test_what_preprocess_refuses_is_a_finding(aiaas: Aiaas, project: Path) -> None:
    (project / "bad.txt").write_text((project / "good.txt").read_text("utf-8"), "utf-8")
    ended = aiaas("inspect", "tiny.yaml", "--json")
    assert ended.returncode == 3
    said = checked(answer(ended))
    assert said["of"] == "collected"
    assert said["findings"][0]["name"] in {"refused", "one-class"}
    one = aiaas("inspect", "tiny.yaml", "--json", "--set", "collect=[{source: good.txt, label: pos}]")
    assert [each["name"] for each in answer(one)["findings"] if each["level"] == "fatal"] == ["one-class"]
    assert "accept" not in answer(one)["error"]["hint"]


def test_a_name_that_is_no_finding_is_refused_with_the_nearest(project: Path) -> None:
    with pytest.raises(RecipeError) as raised:
        recipe.read(project / "tiny.yaml", ["inspect.accept=[near-test-in-trian]"])
    assert raised.value.faults[0].hint == "did you mean 'near-test-in-train'?"
    with pytest.raises(RecipeError):
        recipe.read(project / "tiny.yaml", ["inspect.accept=[one-class]"])


def test_a_run_says_little_of_its_rows(aiaas: Aiaas, project: Path) -> None:
    done = aiaas("run", "tiny.yaml")
    lines = [line for line in done.stderr.splitlines() if line.startswith("inspect")]
    assert len(lines) == 1
    planned = answer(aiaas("plan", "tiny.yaml", "--json"))
    assert [stage["name"] for stage in planned["stages"]][2] == "inspect"


# --- a file -------------------------------------------------------------------------------------------------------


def test_a_file_is_looked_at_as_it_is(aiaas: Aiaas, project: Path) -> None:
    write(project / "r.csv", ("review", "cat"), reviews(120))
    done = aiaas("inspect", "r.csv", "--json")
    assert done.returncode == 0, done.stderr
    said = checked(answer(done))
    assert said["guessed"] == {"text": "review", "label": "cat"}
    assert said["subject"] == "r.csv"
    assert not (project / ".aiaas").exists()


def test_bad_files_end_with_their_status_and_one_object(aiaas: Aiaas, project: Path) -> None:
    (project / "empty.csv").write_bytes(b"")
    (project / "noise.csv").write_bytes(bytes(range(256)) * 20)
    for file in ("none.csv", "empty.csv", "noise.csv", "none.yaml"):
        ended = aiaas("inspect", file, "--json")
        assert ended.returncode in (2, 3), (file, ended.stderr)
        assert answer(ended)["ok"] is False
        assert "Traceback" not in ended.stderr
    write(project / "r.csv", ("text", "label"), reviews(20))
    assert aiaas("inspect", "r.csv", "--set", "a=1").returncode == 2
    assert aiaas("inspect", "tiny.yaml", "--label", "a").returncode == 2
    assert aiaas("inspect", "r.csv", "--html", "nowhere/page.html").returncode == 2


def test_the_table_fits_a_terminal_and_carries_no_codes(aiaas: Aiaas, project: Path) -> None:
    rows = [*reviews(120), ("\x1b[31m红\x07 \x1b]0;title\x07", "p\x1b[0mos")]
    write(project / "r.csv", ("text", "label"), rows)
    done = aiaas("inspect", "r.csv")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout
    assert "few-rows" in done.stdout


# --- the page -----------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a page is made of: its tags, and whatever it would fetch or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.asks: list[str] = []
        self.said: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.asks += [
            f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "srcset") or name.startswith("on")
        ]
        if tag not in ("meta", "br") and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def test_the_page_stands_alone_and_shows_data_as_text(aiaas: Aiaas, project: Path) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    rows = [*reviews(120), (f"{evil}{evil}", evil), (f"{evil}{evil}", evil)]
    write(project / "r.csv", ("text", "label"), rows)
    assert aiaas("inspect", "r.csv", "--html", "page.html").returncode == 0
    text = (project / "page.html").read_text("utf-8")
    page = Page(text)
    assert page.open == []
    assert page.asks == []
    assert not {"script", "img", "link", "iframe"} & set(page.tags)
    assert page.tags.count("svg") >= 2
    assert evil in "".join(page.said)
    assert not re.search(r"https?://|url\(|@import", text)
    assert "prefers-color-scheme: dark" in text


def test_the_schema_that_is_documented_is_that_of_the_code() -> None:
    assert json.loads(SCHEMA.read_text("utf-8")) == schema()
    jsonschema.Draft202012Validator.check_schema(schema())
