"""The workspace keeps what was made whole, and nothing else."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aiaas.errors import DataError, UsageError
from aiaas.workspace import Workspace, atomic, keys
from aiaas.workspace.gc import cached, collect_garbage, kept_for, only


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "work")


def make(workspace: Workspace, inputs: dict[str, object], text: str = "made") -> str:
    with workspace.build("stage", inputs) as draft:
        (draft.path / "file.txt").write_text(text)
        draft.summary["said"] = text
    return keys.digest_json(inputs)


def test_an_artefact_is_found_by_the_digest_of_its_inputs(workspace: Workspace) -> None:
    key = make(workspace, {"a": 1})
    found = workspace.find("stage", key)
    assert found is not None
    assert (found.path / "file.txt").read_text() == "made"
    assert found.summary == {"said": "made"}
    assert found.bytes == 4
    assert workspace.find("stage", keys.digest_json({"a": 2})) is None


def test_the_digest_tells_what_was_made_and_not_how_it_was_asked_for(workspace: Workspace) -> None:
    first, second, third = (
        workspace.find("stage", make(workspace, {"a": number}, text)) for number, text in ((1, "x"), (2, "x"), (3, "y"))
    )
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.digest == second.digest != third.digest


def test_what_stands_aside_does_not_count_in_the_digest(workspace: Workspace) -> None:
    digests = set()
    for moment in ("today", "tomorrow"):
        with workspace.build("stage", {"when": moment}) as draft:
            (draft.path / "rows").write_text("rows")
            (draft.path / "when").write_text(moment)
            draft.aside.add("when")
        found = workspace.find("stage", keys.digest_json({"when": moment}))
        assert found
        digests.add(found.digest)
    assert len(digests) == 1


def test_a_failed_draft_leaves_nothing(workspace: Workspace) -> None:
    def fail() -> None:
        with workspace.build("stage", {"a": 1}) as draft:
            (draft.path / "half").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert workspace.find("stage", keys.digest_json({"a": 1})) is None
    assert list(workspace.temporary.iterdir()) == []


def test_a_folder_without_a_manifest_is_no_artefact_and_is_replaced(workspace: Workspace) -> None:
    folder = workspace.folder("stage", keys.digest_json({"a": 1}))
    folder.mkdir(parents=True)
    (folder / "half").write_text("half")
    assert workspace.find("stage", folder.name) is None
    make(workspace, {"a": 1})
    assert sorted(path.name for path in folder.iterdir()) == ["file.txt", "manifest.json"]


def test_a_damaged_manifest_is_said_with_what_to_do(workspace: Workspace) -> None:
    key = make(workspace, {"a": 1})
    (workspace.folder("stage", key) / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="manifest") as raised:
        workspace.find("stage", key)
    assert str(workspace.folder("stage", key)) in str(raised.value.hint)
    with pytest.raises(DataError, match="manifest"):
        list(workspace)


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_text("ma")])
def test_an_artefact_without_all_of_its_files_is_none_and_is_replaced(
    workspace: Workspace, damage: Callable[[Path], object]
) -> None:
    key = make(workspace, {"a": 1})
    damage(workspace.folder("stage", key) / "file.txt")
    assert workspace.find("stage", key) is None
    make(workspace, {"a": 1})
    found = workspace.find("stage", key)
    assert found is not None
    assert (found.path / "file.txt").read_text() == "made"


def test_a_killed_process_leaves_a_sound_workspace(workspace: Workspace) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from aiaas.workspace import Workspace\n"
        "w = Workspace.open(Path(sys.argv[1]))\n"
        "with w.in_use(), w.lock('k'), w.build('stage', {'a': 1}) as draft:\n"
        "    (draft.path / 'half').write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(workspace.root)], check=False)
    assert killed.returncode == -9
    with workspace.lock("k"):
        make(workspace, {"a": 1})
    assert collect_garbage(workspace, dry_run=True)[0].key == keys.digest_json({"a": 1})
    assert len(list(workspace.temporary.iterdir())) == 1
    collect_garbage(workspace)
    assert list(workspace.temporary.iterdir()) == []


def test_two_processes_make_one_artefact_once(workspace: Workspace) -> None:
    code = (
        "import sys, time; from pathlib import Path; from aiaas.workspace import Workspace, keys\n"
        "w = Workspace.open(Path(sys.argv[1])); key = keys.digest_json({'a': 1})\n"
        "with w.lock(key):\n"
        "    if w.find('stage', key) is None:\n"
        "        with w.build('stage', {'a': 1}) as draft:\n"
        "            (draft.path / 'f').write_text('x'); time.sleep(0.3); print('made')\n"
    )
    command = [sys.executable, "-c", code, str(workspace.root)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate()[0] for process in running]
    assert sorted(said) == ["", "", "made\n"]


def test_gc_keeps_what_recipes_and_models_need(workspace: Workspace) -> None:
    needed, served, idle = (make(workspace, {"a": number}) for number in range(3))
    workspace.remember("reviews", "stage", needed)
    atomic.write_json(
        workspace.models / "reviews" / "registry.json", {"versions": {"1": {"bundle": f"artefacts/deploy/{served}/b"}}}
    )
    assert kept_for(workspace) == {needed: ["reviews"], served: ["reviews/1"]}
    assert [each.key for each in collect_garbage(workspace, older_than_days=1)] == []
    assert [each.key for each in collect_garbage(workspace)] == [idle]
    assert {each.key for each in workspace} == {needed, served}


def test_gc_removes_nothing_while_a_registry_cannot_be_read(workspace: Workspace) -> None:
    make(workspace, {"a": 1})
    (workspace.models / "broken").mkdir(parents=True)
    (workspace.models / "broken" / "registry.json").write_text("{")
    with pytest.raises(DataError, match="registry of a model cannot be read"):
        collect_garbage(workspace)
    assert len(list(workspace)) == 1


def test_gc_waits_for_nobody_and_disturbs_nobody(workspace: Workspace) -> None:
    code = (
        "import sys; from pathlib import Path; from aiaas.workspace import Workspace\n"
        "with Workspace.open(Path(sys.argv[1])).in_use():\n"
        "    print('in', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(workspace.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "in\n"
        with pytest.raises(UsageError, match="another command"):
            collect_garbage(workspace)
        other.communicate()
    assert collect_garbage(workspace) == []


def test_a_key_may_be_given_by_its_beginning(workspace: Workspace) -> None:
    key = make(workspace, {"a": 1})
    assert only(workspace, key[:8]).key == key
    with pytest.raises(UsageError, match="no artefact"):
        only(workspace, "zz")


def test_a_full_disk_is_said_and_the_old_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file.json"
    atomic.write_json(target, {"old": True})

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(DataError, match="disk is full") as raised:
        atomic.write_json(target, {"new": True})
    assert "aiaas cache gc" in str(raised.value.hint)
    assert json.loads(target.read_text()) == {"old": True}
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]


def test_a_workspace_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        Workspace.open(tmp_path / "work")


def test_gc_keeps_what_a_fit_may_go_on_from_for_a_week(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path)
    for name, days in (("new", 1), ("old", 8)):
        folder = workspace.checkpoints / name
        folder.mkdir(parents=True)
        (folder / "checkpoint.npz").write_bytes(b"x")
        then = time.time() - days * 86_400
        for path in (folder / "checkpoint.npz", folder):
            os.utime(path, (then, then))
    collect_garbage(workspace)
    assert [path.name for path in workspace.checkpoints.iterdir()] == ["new"]
    workspace.forget_checkpoints("new")
    workspace.forget_checkpoints("never there")
    assert not list(workspace.checkpoints.iterdir())


def test_gc_removes_what_is_only_dear_to_compute(workspace: Workspace) -> None:
    assert cached(workspace) == {}
    used, idle = workspace.cache / "vectors" / "used.npz", workspace.cache / "idle.npz"
    for file, days in ((used, 0), (idle, 3)):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"12345")
        os.utime(file, (time.time() - days * 86_400,) * 2)
    assert cached(workspace) == {used: 5, idle: 5}
    assert cached(workspace, older_than_days=2) == {idle: 5}
    collect_garbage(workspace, dry_run=True)
    assert len(cached(workspace)) == 2
    collect_garbage(workspace, older_than_days=2)
    assert list(cached(workspace)) == [used]
    collect_garbage(workspace)
    assert cached(workspace) == {}
