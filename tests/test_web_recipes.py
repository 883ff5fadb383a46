"""The recipes that read the web, each against a small server of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiaas import recipe
from aiaas.errors import RecipeError
from tests import hiding, recipe_servers
from tests.conftest import RECIPE, Aiaas, answer

RECIPES = Path(__file__).parent.parent / "recipes"


def test_reviews_from_an_api(aiaas: Aiaas, project: Path) -> None:
    with recipe_servers.reviews() as served:
        words = [str(RECIPES / "reviews_api.yaml"), "--set", *served.words]
        without = aiaas("run", *words, "--json")
        assert without.returncode == 2
        assert "REVIEWS_TOKEN" in without.stdout
        first = aiaas("run", *words, "--json", environment=served.environment)
        assert first.returncode == 0, first
        said = answer(first)
        assert said["metrics"]["accuracy"] >= 0.8
        asked = len(served.server.asked)
        assert asked == 5
        again = aiaas("run", *words, "--json", environment={"REVIEWS_TOKEN": "another-token"})
        assert all(stage["cached"] for stage in answer(again)["stages"])
        assert len(served.server.asked) == asked
        refreshed = aiaas("run", *words, "--refresh", "--json", environment=served.environment)
        stages = {stage["name"]: stage["cached"] for stage in answer(refreshed)["stages"]}
        assert (stages["collect"], stages["preprocess"]) == (False, True)  # equal rows stop the change there
    everything = "".join(
        path.read_text("utf-8", "replace") for path in (project / ".aiaas").rglob("*") if path.is_file()
    )
    assert recipe_servers.TOKEN not in everything + first.stdout + first.stderr
    assert "${env:REVIEWS_TOKEN}" in everything


def test_topics_from_a_crawl(aiaas: Aiaas) -> None:
    with recipe_servers.topics() as served:
        words = [str(RECIPES / "topics_crawl.yaml"), *(word for each in served.words for word in ("--set", each))]
        refused = aiaas("run", *words, "--json")
        assert refused.returncode == 8
        assert "no public address" in answer(refused)["error"]["message"]
        assert not served.server.asked
        words += ["--set", "collect.0.private=true", "--set", "collect.1.private=['127.0.0.1/32']"]
        done = aiaas("run", *words, "--json")
        assert done.returncode == 0, done
        assert answer(done)["metrics"]["accuracy"] >= 0.8
        assert not {"/sport/secret", "/weather/"} & set(served.server.asked)
        asked = served.server.asked.total()
        offline = aiaas("run", *words, "--offline", "--json")
        assert all(stage["cached"] for stage in answer(offline)["stages"])
        assert served.server.asked.total() == asked


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
