"""An architecture that reads a folder, from the recipe to the bundle: addresses, keys, provenance, what fits keep."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest

from aiaas import pipeline, plugins, recipe
from aiaas.errors import DataError, RecipeError, RemoteError
from aiaas.pipeline.stages import Work
from aiaas.recipe import Recipe
from aiaas.workspace import Workspace, keys
from tests.hubserver import COMMIT, Hub, serve

CONTENT = {"odds.json": b'{"x": 0.5}', "model.safetensors": b"weights", "README.md": b"not wanted"}


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAAS_TRACKING", "off")
    point = EntryPoint("toy/folder", "tests.folder_toy", "aiaas.architectures")
    monkeypatch.setattr(plugins, "_registered", lambda room: {point.name: point} if room == "architectures" else {})


@pytest.fixture
def encoder(project: Path) -> Path:
    (project / "encoder").mkdir()
    for name, body in CONTENT.items():
        (project / "encoder" / name).write_bytes(body)
    return project / "encoder"


def read(project: Path, address: str, *overrides: str) -> Recipe:
    model = f"model={{backend: toy, architecture: folder, params: {{encoder: {address!r}}}}}"
    return recipe.read(project / "tiny.yaml", [model, "evaluate.gates={}", *overrides])


def work(project: Path, address: str, *overrides: str, **how: Any) -> Work:
    return Work(read(project, address, *overrides), Workspace.open(project / ".aiaas"), **how)


def trained(project: Path, result: pipeline.Result) -> dict[str, Any]:
    key = next(stage.key for stage in result.stages if stage.name == "train")
    found = Workspace.open(project / ".aiaas").find("train", key)
    assert found is not None
    return dict(found.summary)


def test_a_bad_address_is_a_fault_of_the_recipe_with_its_line(project: Path) -> None:
    text = (project / "tiny.yaml").read_text("utf-8")
    begin, end = text.index("model:"), text.index("evaluate:")
    for address, message in {
        "https://example.org/encoder": "gives no folder; it must be a path, package:NAME/path or hf:OWNER/NAME",
        "s4:encoder": "unknown kind of source 's4:'",
        "s3://bucket/encoder": "gives no folder",
        "package:encoder": "it must read package:NAME/path",
        "hf:a/b/c": "it must read hf:OWNER/NAME",
    }.items():
        lines = ["model:", "  backend: toy", "  architecture: folder", "  params:", f"    encoder: {address!r}", ""]
        (project / "bad.yaml").write_text(text[:begin] + "\n".join(lines) + text[end:], "utf-8")
        with pytest.raises(RecipeError) as caught:
            recipe.read(project / "bad.yaml")
        (fault,) = caught.value.faults
        assert (fault.path, message in fault.message) == ("model.params.encoder", True)
        assert fault.where.endswith(f":{text[:begin].count(chr(10)) + 5}:14")


def test_a_name_of_the_hub_without_its_scheme_is_understood_and_said(project: Path) -> None:
    for address in ("someone/encoder", "bert-base-chinese"):
        with pytest.raises(DataError, match="no such folder") as caught:
            pipeline.run(work(project, address))
        assert f"hf:{address}" in str(caught.value.hint)


def test_what_is_in_the_folder_decides_the_key_and_is_recorded(encoder: Path, project: Path) -> None:
    result = pipeline.run(work(project, "encoder"))
    digests = {f"encoder/{name}": keys.digest_bytes(CONTENT[name]) for name in ("model.safetensors", "odds.json")}
    origin = {"address": "encoder", "revision": None, "licence": None, "bytes": 17, "files": digests}
    assert trained(project, result)["origins"] == {"encoder": origin}
    assert result.bundle
    assert json.loads((result.bundle / "bundle.json").read_text("utf-8"))["origins"] == {"encoder": origin}
    assert all(stage.cached for stage in pipeline.run(work(project, "encoder")).stages)
    (encoder / "README.md").write_text("is altered")
    assert all(stage.cached for stage in pipeline.plan(work(project, "encoder")))
    (encoder / "odds.json").write_text('{"x": 0.75}')
    train = next(stage for stage in pipeline.plan(work(project, "encoder")) if stage.name == "train")
    assert not train.cached
    assert train.why[0].startswith("files.encoder.odds.json changed")


def test_a_fit_finds_what_an_earlier_one_kept(encoder: Path, project: Path) -> None:
    assert trained(project, pipeline.run(work(project, "encoder")))["notes"] == {"kept": False}
    (encoder / "odds.json").write_text('{"x": 0.75}')
    assert trained(project, pipeline.run(work(project, "encoder")))["notes"] == {"kept": True}


def test_the_run_remembers_where_an_encoder_came_from(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(project / "hub"))
    with serve(Hub("someone/encoder", CONTENT)) as hub:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.url)
        place = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", place)
        result = pipeline.run(work(project, "hf:someone/encoder", "model.params.revision=v1"))
    origin = trained(project, result)["origins"]["encoder"]
    assert (origin["address"], origin["revision"]) == ("hf:someone/encoder", COMMIT)
    (journal,) = (project / ".aiaas" / "runs").glob("*/journal.jsonl")
    events = [json.loads(line) for line in journal.read_text("utf-8").splitlines()]
    tags = {name: value for event in events for name, value in event.get("values", {}).items()}
    assert tags["aiaas.origin.encoder"] == "hf:someone/encoder"
    assert tags["aiaas.origin.encoder.revision"] == COMMIT
    assert len(tags["aiaas.origin.encoder.digest"]) == 64


def test_without_the_hub_the_way_round_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(project / "hub"))
    with pytest.raises(RemoteError) as caught:
        pipeline.run(work(project, "hf:someone/encoder", offline=True))
    assert caught.value.status == 8
    assert "not here yet: odds.json, *.safetensors" in caught.value.message
    hint = str(caught.value.hint)
    assert "hf download someone/encoder" in hint
    assert hint.endswith(": --set model.params.encoder=FOLDER")


def test_what_was_fetched_is_enough_when_the_hub_is_gone(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(project / "hub"))
    with serve(Hub("someone/encoder", CONTENT)) as hub:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.url)
        place = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", place)
        found = pipeline.fetch(work(project, "hf:someone/encoder"))
    assert (found.files["encoder"]["address"], found.files["encoder"]["bytes"]) == ("hf:someone/encoder", 17)
    result = pipeline.run(work(project, "hf:someone/encoder", offline=True), "train")
    assert trained(project, result)["origins"] == found.files


def test_a_fetch_of_what_cannot_be_had_fails_before_the_rows_are_read(project: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        pipeline.fetch(work(project, "nowhere"))
    assert not list(Workspace.open(project / ".aiaas").of_stage("collect"))
