"""Where rows came from, as a person and a script are told: by collect, and by a model that learned from them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.conftest import Aiaas, answer


def test_collect_says_where_rows_came_from_and_went(aiaas: Aiaas, project: Path) -> None:
    with (project / "good.txt").open("a", encoding="utf-8") as stream:
        stream.write("\n  \n")
    done = aiaas("collect", "tiny.yaml", "--json")
    good, bad = answer(done)["data"]["sources"]
    assert (good["source"], good["read"], good["rows"], good["dropped"]) == ("good.txt", 122, 120, {"without text": 2})
    assert good["sha256"] == hashlib.sha256((project / "good.txt").read_bytes()).hexdigest()
    assert good["when"].endswith("+00:00")
    assert bad["dropped"] == {}
    assert "240 rows from 2 sources, 2 left out" in done.stderr
    (kept,) = (project / ".aiaas" / "artefacts" / "collect").glob("*/dropped.arrow")
    assert kept.stat().st_size > 0
    assert answer(aiaas("collect", "tiny.yaml", "--json"))["data"]["sources"] == [good, bad], (
        "also where nothing was made"
    )


def test_rows_left_out_do_not_make_another_data_set(aiaas: Aiaas, project: Path) -> None:
    before = answer(aiaas("preprocess", "tiny.yaml", "--json"))["stages"]
    with (project / "good.txt").open("a", encoding="utf-8") as stream:
        stream.write("\n")
    after = answer(aiaas("preprocess", "tiny.yaml", "--json"))["stages"]
    assert not after[0]["cached"]
    assert (after[1]["cached"], after[1]["key"]) == (True, before[1]["key"])


def test_a_model_says_what_it_learned_from(aiaas: Aiaas, project: Path) -> None:
    said = ("--set", "collect[0].licence=CC0", "--json")
    digests = {answer(aiaas("run", "tiny.yaml", *said, "--workspace", name))["model"]["digest"] for name in ("a", "b")}
    assert len(digests) == 1, "when rows were fetched makes no other bundle"
    shown = answer(aiaas("models", "show", "tiny@champion", "--json", "--workspace", "a"))["versions"][0]
    good, bad = shown["data"]["sources"]
    assert (good["source"], good["rows"], good["licence"]) == ("good.txt", 120, "CC0")
    assert good["sha256"] == hashlib.sha256((project / "good.txt").read_bytes()).hexdigest()
    assert good["when"].endswith("+00:00")
    assert bad["licence"] is None
    told = aiaas("models", "show", "tiny@champion", "--workspace", "a").stdout
    assert f"good.txt: 120 rows, fetched {good['when']}, sha256 {good['sha256']}, licence CC0\n" in told
    bundle = json.loads((Path(shown["bundle"]) / "bundle.json").read_text("utf-8"))
    assert [each["source"] for each in bundle["data"]["sources"]] == ["good.txt", "bad.txt"]
    assert all("when" not in each for each in bundle["data"]["sources"])
