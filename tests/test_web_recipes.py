"""The recipes that read the web, each against a small server of its own."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from aiaas import recipe
from aiaas.errors import RecipeError
from tests import apiserver, crawlsite, hiding
from tests.conftest import BAD, GOOD, RECIPE, Aiaas, answer, comments
from tests.crawlsite import Answer, Site

RECIPES = Path(__file__).parent.parent / "recipes"


def test_reviews_from_an_api(aiaas: Aiaas, project: Path) -> None:
    reviews = [{"body": text, "rating": {"verdict": "good"}} for text in comments(GOOD, 120, 1)]
    reviews += [{"body": text, "rating": {"verdict": "bad"}} for text in comments(BAD, 120, 2)]
    random.Random(3).shuffle(reviews)
    with apiserver.serve(apiserver.Api(rows=reviews, size=50, token="geheim-token")) as api:
        words = [str(RECIPES / "reviews_api.yaml"), "--set", f"collect.0.source={api.url}/next"]
        without = aiaas("run", *words, "--json")
        assert without.returncode == 2
        assert "REVIEWS_TOKEN" in without.stdout
        secret = {"REVIEWS_TOKEN": "geheim-token"}
        first = aiaas("run", *words, "--json", environment=secret)
        assert first.returncode == 0, first
        said = answer(first)
        assert said["metrics"]["accuracy"] >= 0.8
        asked = len(api.asked)
        assert asked == 5
        again = aiaas("run", *words, "--json", environment={"REVIEWS_TOKEN": "another-token"})
        assert all(stage["cached"] for stage in answer(again)["stages"])
        assert len(api.asked) == asked
        refreshed = aiaas("run", *words, "--refresh", "--json", environment=secret)
        stages = {stage["name"]: stage["cached"] for stage in answer(refreshed)["stages"]}
        assert (stages["collect"], stages["preprocess"]) == (False, True)  # equal rows stop the change there
    everything = "".join(
        path.read_text("utf-8", "replace") for path in (project / ".aiaas").rglob("*") if path.is_file()
    )
    assert "geheim-token" not in everything + first.stdout + first.stderr
    assert "${env:REVIEWS_TOKEN}" in everything


def test_topics_from_a_crawl(aiaas: Aiaas) -> None:
    with crawlsite.serve(
        Site(pages=0, special=sections(60), robots="User-agent: *\nDisallow: /sport/secret\n")
    ) as site:
        words = [str(RECIPES / "topics_crawl.yaml")]
        for number, name in enumerate(("sport", "money")):
            words += [
                "--set",
                f"collect.{number}.source=crawl:{site.url}/{name}/",
                "--set",
                f"collect.{number}.delay=0",
            ]
        refused = aiaas("run", *words, "--json")
        assert refused.returncode == 8
        assert "no public address" in answer(refused)["error"]["message"]
        assert not site.asked
        words += ["--set", "collect.0.private=true", "--set", "collect.1.private=['127.0.0.1/32']"]
        done = aiaas("run", *words, "--json")
        assert done.returncode == 0, done
        assert answer(done)["metrics"]["accuracy"] >= 0.8
        assert not {"/sport/secret", "/weather/"} & set(site.asked)
        asked = site.asked.total()
        offline = aiaas("run", *words, "--offline", "--json")
        assert all(stage["cached"] for stage in answer(offline)["stages"])
        assert site.asked.total() == asked


@pytest.mark.parametrize(
    ("name", "hide", "missing"),
    [
        ("topics_crawl", "trafilatura", "trafilatura"),
        ("topics_crawl", "protego", "protego"),
        ("reviews_api", "jsonpath,python-jsonpath", "python-jsonpath"),
    ],
)
def test_missing_packages_are_named_with_the_command_that_brings_them(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str, hide: str, missing: str
) -> None:
    monkeypatch.setenv("REVIEWS_TOKEN", "geheim-token")
    file = str(RECIPES / f"{name}.yaml")
    assert hiding.aiaas(project, "recipe", "validate", file, hide=hide)[0] == 0
    status, _, said, _ = hiding.aiaas(project, "collect", file, hide=hide)
    assert status == 4
    assert f"needs the package {missing}" in said
    assert "pip install 'aiaas[data]'" in said


@pytest.mark.parametrize("auth", ["{bearer: hunter2}", "{headers: {X-Foo: hunter2}}", "{query: {k: hunter2}}"])
def test_a_recipe_holds_no_secret_of_an_api(project: Path, auth: str) -> None:
    api = f"{{source: 'https://example.org/a', label: pos, api: {{fields: {{token: $.token}}, auth: {auth}}}}}"
    (project / "tiny.yaml").write_text(RECIPE.replace("{source: good.txt, label: pos}", api), "utf-8")
    with pytest.raises(RecipeError) as caught:
        recipe.read(project / "tiny.yaml", environ={})
    (fault,) = caught.value.faults
    assert fault.path.startswith("collect[0].api.auth.")
    assert "a recipe holds no secret" in fault.message
    assert "hunter2" not in f"{fault}"
    known = api.replace("hunter2", '"${env:KEY}"')
    (project / "tiny.yaml").write_text(RECIPE.replace("{source: good.txt, label: pos}", known), "utf-8")
    assert recipe.read(project / "tiny.yaml", environ={}).missing_secrets({}) == ["KEY"]


def sections(pages: int) -> dict[str, Any]:
    """Two sections of a site with articles that differ in their words."""
    words = {
        "sport": ["球队", "比赛", "进球", "教练", "冠军", "球迷", "联赛", "射门"],
        "money": ["股票", "市场", "银行", "利率", "投资", "基金", "上涨", "债券"],
    }
    made: dict[str, Any] = {}
    for name, known in words.items():
        chance = random.Random(name)
        links = [f"/{name}/{number}" for number in range(pages)]
        made[f"/{name}/"] = giving("目录", "今天的内容都在这里。", [*links, f"/{name}/secret", "/weather/"])
        for number, link in enumerate(links):
            text = "，".join("".join(chance.sample(known, 3)) for _ in range(8))
            made[link] = giving(f"报道 {number}", f"{text}。", [f"/{name}/"])
    return made


def giving(title: str, text: str, links: list[str]) -> Any:
    shown = "".join(f"<li><a href='{link}'>另一篇</a></li>" for link in links)
    article = f"<article><h1>{title}</h1><p>{text}</p></article>"
    html = f"<html lang=zh><title>{title}</title><nav><ul>{shown}</ul></nav>{article}"

    def give(headers: dict[str, str]) -> Answer:
        return 200, {"Content-Type": "text/html; charset=utf-8"}, html.encode()

    return give
