"""The audit: whatever is done to a chain shows, but that its end was cut off, which a noted head shows."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiaas import audit
from aiaas.audit import Chain, Head, members
from aiaas.audit.chain import _last_line
from aiaas.errors import UsageError, VerificationError
from tests.conftest import Aiaas, answer


def written(folder: Path, count: int, *, most: int = 1 << 20) -> Head:
    chain = Chain(folder, most=most)
    for number in range(count):
        chain.add(members(event="request", tenant="甲", number=number))
    head = Head(chain.name, chain.seq - 1, chain.head)
    chain.close()
    return head


def lines(folder: Path, name: str = "0-000001.jsonl") -> list[bytes]:
    return (folder / name).read_bytes().splitlines(keepends=True)


def test_an_entry_is_chained_to_the_one_before_it_as_the_guide_says(tmp_path: Path) -> None:
    written(tmp_path, 2)
    before = hashlib.sha256(b"aiaas audit 0").hexdigest()
    for line in lines(tmp_path):
        entry = json.loads(line)
        body = line.partition(b',"hash":"')[0]
        assert entry["hash"] == hashlib.sha256(before.encode() + body).hexdigest()
        before = entry["hash"]
    assert json.loads(lines(tmp_path)[1]) | {"hash": ""} == {
        "seq": 2,
        "event": "request",
        "tenant": "甲",
        "number": 1,
        "hash": "",
    }


def test_a_chain_goes_on_where_it_ended(tmp_path: Path) -> None:
    first = written(tmp_path, 3)
    second = written(tmp_path, 4)
    assert (first.entries, second.entries) == (3, 7)
    assert audit.verify(tmp_path, {"0": first}) == [second]


def test_two_processes_write_two_chains_and_a_third_goes_on_with_the_first_that_is_free(tmp_path: Path) -> None:
    first, second = Chain(tmp_path), Chain(tmp_path)
    assert (first.name, second.name) == ("0", "1")
    first.add(members(a=1))
    second.add(members(b=1), members(b=2))
    first.close()
    third = Chain(tmp_path)
    assert (third.name, third.seq) == ("0", 2)
    third.close()
    second.close()
    assert [(each.chain, each.entries) for each in audit.verify(tmp_path)] == [("0", 1), ("1", 2)]


def test_a_chain_is_cut_into_files(tmp_path: Path) -> None:
    head = written(tmp_path, 50, most=1000)
    head = written(tmp_path, 50, most=1000)
    files = sorted(path.name for path in tmp_path.glob("*.jsonl"))
    assert len(files) > 10
    assert files[1] == "0-000002.jsonl"
    assert all((tmp_path / name).stat().st_size <= 1000 for name in files)
    assert audit.verify(tmp_path) == [head]
    assert [each["number"] for each in audit.entries(tmp_path)] == [*range(50), *range(50)]


def edit(position: int, old: bytes, new: bytes) -> Callable[[list[bytes]], list[bytes]]:
    return lambda found: [*found[:position], found[position].replace(old, new), *found[position + 1 :]]


def rehashed(found: list[bytes]) -> list[bytes]:
    """The third entry altered, with a hash that fits it."""
    body = found[2].partition(b',"hash":"')[0].replace(b'"number":2', b'"number":9')
    before = json.loads(found[1])["hash"]
    digest = hashlib.sha256(before.encode() + body).hexdigest().encode()
    return [*found[:2], body + b',"hash":"' + digest + b'"}\n', *found[3:]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit(2, b'"number":2', b'"number":9'), "0-000001.jsonl:3: entry 3 does not follow"),
        (edit(2, "甲".encode(), "乙".encode()), "0-000001.jsonl:3: entry 3 does not follow"),
        (edit(2, b'"hash":"', b'"hash":"0'), "0-000001.jsonl:3 is no entry"),
        (edit(2, b'{"seq":3', b'{"seq":03'), "entry 3 does not follow"),
        (rehashed, "entry 4 does not follow"),
        (lambda found: [*found[:2], *found[3:]], "0-000001.jsonl:3 holds entry 4 in the place of 3"),
        (lambda found: found[1:], "holds entry 2 in the place of 1"),
        (lambda found: [*found[:2], found[2], found[2], *found[3:]], "holds entry 3 in the place of 4"),
        (lambda found: [found[0], found[2], found[1], *found[3:]], "holds entry 3 in the place of 2"),
        (lambda found: [*found[:2], b"\n", *found[2:]], "0-000001.jsonl:3 is no entry"),
        (lambda found: [*found[:2], b"[" * 100_000 + b"\n", *found[2:]], "0-000001.jsonl:3 is no entry"),
        (lambda found: [found[0][:-1] + b" \n", *found[1:]], "0-000001.jsonl:1 is no entry"),
    ],
)
def test_whatever_is_changed_shows(tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], message: str) -> None:
    written(tmp_path, 5)
    path = tmp_path / "0-000001.jsonl"
    path.write_bytes(b"".join(change(lines(tmp_path))))
    with pytest.raises(VerificationError) as caught:
        audit.verify(tmp_path)
    assert message in caught.value.message


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_byte_can_be_another(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("audit")
    head = written(folder, 4)
    path = folder / "0-000001.jsonl"
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(VerificationError):
        audit.verify(folder, {"0": head})


def test_a_file_that_is_missing_or_of_another_chain_shows(tmp_path: Path) -> None:
    written(tmp_path, 50, most=1000)
    (tmp_path / "0-000003.jsonl").unlink()
    with pytest.raises(VerificationError, match="is not the file that comes next, number 3"):
        audit.verify(tmp_path)
    other = tmp_path / "other"
    written(other, 3)
    (other / "0-000001.jsonl").rename(other / "1-000001.jsonl")
    with pytest.raises(VerificationError, match="entry 1 does not follow"):
        audit.verify(other)


def test_what_was_cut_off_or_made_anew_shows_by_a_head_that_was_noted(tmp_path: Path) -> None:
    head = written(tmp_path, 5)
    path = tmp_path / "0-000001.jsonl"
    path.write_bytes(b"".join(lines(tmp_path)[:3]))
    assert audit.verify(tmp_path)[0].entries == 3
    with pytest.raises(VerificationError, match="chain 0 ends after entry 3, not 5"):
        audit.verify(tmp_path, {"0": head})
    path.unlink()
    with pytest.raises(VerificationError, match="chain 0 is missing"):
        audit.verify(tmp_path, {"0": head})
    chain = Chain(tmp_path)
    for _ in range(6):
        chain.add(members(event="forged"))
    chain.close()
    assert audit.verify(tmp_path)[0].entries == 6
    with pytest.raises(VerificationError, match="entry 5 is another than was noted"):
        audit.verify(tmp_path, {"0": head})


def test_a_line_that_a_killed_process_left_is_taken_away(tmp_path: Path) -> None:
    written(tmp_path, 3)
    path = tmp_path / "0-000001.jsonl"
    with path.open("ab") as file:
        file.write(b'{"seq":4,"event":"requ')
    assert audit.verify(tmp_path)[0].entries == 3  # it may just be being written
    head = written(tmp_path, 1)
    assert head.entries == 4
    assert audit.verify(tmp_path) == [head]
    assert len(lines(tmp_path)) == 4


def test_a_new_file_that_holds_nothing_yet_is_gone_on_with(tmp_path: Path) -> None:
    written(tmp_path, 3)
    (tmp_path / "0-000002.jsonl").write_bytes(b'{"seq":4,"ev')
    head = written(tmp_path, 1)
    assert (head.entries, audit.verify(tmp_path)) == (4, [head])


def test_a_chain_that_does_not_end_with_an_entry_is_not_gone_on_with(tmp_path: Path) -> None:
    written(tmp_path, 3)
    with (tmp_path / "0-000001.jsonl").open("ab") as file:
        file.write(b"something else\n")
    with pytest.raises(VerificationError, match="is no entry") as caught:
        Chain(tmp_path)
    assert caught.value.hint
    assert "audit verify" in caught.value.hint


@pytest.mark.parametrize("size", [0, 1, 100, 1 << 16, 200_000])
@pytest.mark.parametrize("rest", [b"", b"half"])
def test_the_last_line_of_a_file_is_found_however_long_it_is(tmp_path: Path, size: int, rest: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"first\n" + b"x" * size + b"\n" + rest)
    with path.open("rb") as file:
        assert _last_line(file.fileno(), path.stat().st_size) == (size + 7, b"x" * size + b"\n")
    path.write_bytes(rest)
    with path.open("rb") as file:
        assert _last_line(file.fileno(), len(rest)) == (0, b"")


def test_a_full_disk_leaves_no_half_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = Chain(tmp_path)
    chain.add(members(a=1))
    real = os.write

    def full(file: int, data: bytes) -> int:
        if len(data) < 50:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data[: len(data) - 40])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        chain.add(members(a=2))
    monkeypatch.setattr(os, "write", real)
    chain.add(members(a=3))
    chain.close()
    assert [(each["seq"], each["a"]) for each in audit.entries(tmp_path)] == [(1, 1), (2, 3)]
    assert audit.verify(tmp_path)[0].entries == 2


def test_a_next_file_that_cannot_be_made_is_the_next_that_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Chain(tmp_path, most=100)
    chain.add(members(a=1))

    def full(path: Path, flags: int, mode: int = 0) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", full)
        with pytest.raises(OSError, match="No space"):
            chain.add(members(a=2))
    chain.add(members(a=3))
    chain.close()
    assert audit.verify(tmp_path)[0].entries == 2
    assert sorted(path.name for path in tmp_path.glob("*.jsonl")) == ["0-000001.jsonl", "0-000002.jsonl"]


def test_a_process_that_is_killed_leaves_a_chain_that_the_next_goes_on_with(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from aiaas.audit import Chain, members
chain = Chain(Path(sys.argv[1]), most=50_000)
number = 0
while True:
    chain.add(*(members(number=number + each) for each in range(5)))
    number += 5
    if number == 1000:
        print("writing", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "writing\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    entries = audit.verify(tmp_path)[0].entries
    assert entries >= 1000
    head = written(tmp_path, 2)
    assert head.entries >= entries + 2
    assert audit.verify(tmp_path) == [head]


def test_the_command(project: Path, aiaas: Aiaas) -> None:
    nothing = aiaas("audit", "verify")
    assert nothing.returncode == 0
    assert "no audit in this workspace" in nothing.stderr
    assert not (project / ".aiaas").exists()
    folder = project / ".aiaas" / "audit"
    head = written(folder, 3)
    told = aiaas("audit", "verify", "--json")
    assert answer(told)["chains"] == [head.as_dict()]
    (project / "heads.json").write_text(told.stdout, "utf-8")
    assert head.hash in aiaas("audit", "verify", "--heads", "heads.json").stdout
    assert len(aiaas("audit", "list", "--tenant", "甲").stdout.splitlines()) == 3
    assert aiaas("audit", "list", "--tenant", "乙").stdout == ""

    (folder / "0-000001.jsonl").write_bytes(b"".join(lines(folder)[:2]))
    cut = aiaas("audit", "verify", "--heads", "heads.json", "--json")
    assert cut.returncode == 7
    assert "ends after entry 2, not 3" in json.loads(cut.stdout)["error"]["message"]
    (project / "heads.json").write_text("[]", "utf-8")
    assert aiaas("audit", "verify", "--heads", "heads.json").returncode == UsageError.status
