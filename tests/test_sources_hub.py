"""The source `hub`: its streams on a local folder of the same format, its questions to a server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import huggingface_hub.constants
import pytest
from pydantic import ValidationError
from test_sources_files import context

from aiaas.errors import RemoteError
from aiaas.sources import hub
from tests.fileserver import Site, serve

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PARAMS = hub.Params(source="hf:someone/reviews")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server that answers what the hub's API answers to the one question asked of it."""
    info = json.dumps({"id": "someone/reviews", "sha": COMMIT, "siblings": [], "private": False}).encode()
    paths = [f"/api/datasets/someone/reviews{end}" for end in ("", "/revision/main", "/revision/v1")]
    with serve(Site(dict.fromkeys(paths, info), etag=None)) as site:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", site.url)
        yield site


def test_a_dataset_of_parquet_files_is_streamed(tmp_path: Path) -> None:
    import datasets

    names = datasets.ClassLabel(names=["neg", "pos"])
    features = datasets.Features({"text": datasets.Value("string"), "label": names, "n": datasets.Value("int32")})
    rows = {"text": [f"text {n}" for n in range(2500)], "label": [n % 3 - 1 for n in range(2500)], "n": [*range(2500)]}
    (tmp_path / "data").mkdir()
    datasets.Dataset.from_dict(rows, features).to_parquet(tmp_path / "data" / "train-00000-of-00001.parquet")
    batches = list(hub.batches(hub.open_dataset(str(tmp_path / "data"), PARAMS, None)))
    assert [len(batch["n"]) for batch in batches] == [1000, 1000, 500]
    assert [text for batch in batches for text in batch["text"]] == rows["text"]
    assert batches[0]["label"][:6] == [None, "neg", "pos", None, "neg", "pos"]


def test_pictures_stay_as_the_files_hold_them(tmp_path: Path) -> None:
    import datasets

    features = datasets.Features({"image": datasets.Image()})
    rows = {"image": [{"bytes": b"no picture at all", "path": None}]}
    datasets.Dataset.from_dict(rows, features).to_parquet(tmp_path / "test.parquet")
    (batch,) = hub.batches(hub.open_dataset(str(tmp_path), PARAMS.model_copy(update={"hub_split": "test"}), None))
    assert batch["image"][0]["bytes"] == b"no picture at all"


def test_offline_is_said_with_what_to_do(tmp_path: Path) -> None:
    offline = replace(context(tmp_path), offline=True)
    for call in (hub.fingerprint, lambda *about: list(hub.read(*about))):
        with pytest.raises(RemoteError) as caught:
            call(PARAMS, offline)
        assert caught.value.status == 8
        assert caught.value.where == "hf:someone/reviews"
        assert "--set" in str(caught.value.hint)


def test_a_hub_that_cannot_be_reached_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(RemoteError, match="cannot be reached") as caught:
        list(hub.read(PARAMS, context(tmp_path)))
    assert "parquet" in str(caught.value.hint)


def questions(api: Site) -> int:
    """How often the dataset was asked after; the hub's own client asks other things the first time."""
    return sum(path.startswith("/api/datasets/") for path, _, _ in api.asked)


def test_the_commit_is_asked_once_and_again_on_refresh(api: Site, tmp_path: Path) -> None:
    here = context(tmp_path)
    expected = {"address": "hf:someone/reviews", "revision": COMMIT}
    assert hub.fingerprint(PARAMS, here) == hub.fingerprint(PARAMS, here) == expected
    assert hub.fingerprint(PARAMS, replace(here, offline=True)) == expected
    assert questions(api) == 1
    hub.fingerprint(PARAMS, replace(here, refresh=True))
    assert questions(api) == 2
    (origin,) = hub.origins(PARAMS, here)
    assert (origin.revision, origin.sha256) == (COMMIT, None)


def test_a_commit_in_the_recipe_needs_no_question(tmp_path: Path) -> None:
    params = PARAMS.model_copy(update={"revision": COMMIT})
    assert hub.fingerprint(params, replace(context(tmp_path), offline=True))["revision"] == COMMIT


@pytest.mark.parametrize(
    ("code", "told"),
    [("RepoNotFound", "no such dataset"), ("RevisionNotFound", "no revision"), ("Other", "the hub answers: .*404")],
)
def test_what_the_hub_has_not_is_said(api: Site, tmp_path: Path, code: str, told: str) -> None:
    api.refusals = [(404, {"X-Error-Code": code})]
    with pytest.raises(RemoteError, match=told):
        hub.fingerprint(PARAMS, context(tmp_path))


@pytest.mark.parametrize("address", ["hf:", "hf:a/b/c", "hf:a b"])
def test_half_an_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="hf:OWNER/NAME"):
        hub.Params(source=address)
