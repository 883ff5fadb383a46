"""Archives as sources of files: which members are read, and what of an archive is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from test_sources_files import context, failure, rows

from aiaas.sources import _archives, files

CSV = b"text,label\ngood,1\nbad,0\n"
FOUND = {"text": ["good", "bad"], "label": [1, 0]}


def packed(path: Path, members: dict[str, bytes]) -> Path:
    """An archive of the kind that its name says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return path
    plain = io.BytesIO()
    mode: Any = {".gz": "w:gz", ".tgz": "w:gz", ".bz2": "w:bz2"}.get(path.suffix, "w")
    with tarfile.open(fileobj=plain, mode=mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    data = plain.getvalue()
    compress: dict[str, Callable[[bytes], bytes]] = {".xz": lzma.compress, ".zst": zstandard.compress}
    path.write_bytes(compress.get(path.suffix, bytes)(data))
    return path


def zipped_as(path: Path, members: dict[str, bytes], encoding: str) -> None:
    """A zip whose names are in an encoding of which it says nothing."""

    class Info(zipfile.ZipInfo):
        def _encodeFilenameFlags(self) -> tuple[bytes, int]:
            return self.filename.encode(encoding), 0

    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(Info(name), data)


def special(path: Path, kind: bytes, link: str = "") -> None:
    """A tar that holds a good table and then a member of another kind."""
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("a.csv")
        info.size = len(CSV)
        archive.addfile(info, io.BytesIO(CSV))
        info = tarfile.TarInfo("odd")
        info.type, info.linkname = kind, link
        archive.addfile(info)


# --- what is read --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", _archives.ENDINGS)
def test_every_kind_is_read(tmp_path: Path, ending: str) -> None:
    packed(tmp_path / f"a{ending}", {"inner/reviews.csv": CSV})
    assert rows(tmp_path, f"a{ending}") == FOUND
    assert not list((tmp_path / "cache").iterdir()), "what was unpacked is gone"


def test_members_are_chosen_by_a_glob_or_a_folder(tmp_path: Path) -> None:
    members = {"a.csv": CSV, "b.csv": b"text,label\nfine,1\n", "read.me": b"x", "texts/pos/1.txt": b"yes"}
    packed(tmp_path / "a.zip", members)
    assert rows(tmp_path, "a.zip", members="*.csv")["text"] == ["good", "bad", "fine"]
    assert rows(tmp_path, "a.zip", members="b.csv")["text"] == ["fine"]
    assert rows(tmp_path, "a.zip", members="texts") == {"text": ["yes"], "label": ["pos"]}
    error = failure(tmp_path, "a.zip", members="c.csv")
    assert error.where == "a.zip, members 'c.csv'"
    assert str(error.hint) == "did you mean 'b.csv' or 'a.csv'?"
    assert "ending" in failure(tmp_path, "a.zip").message, "read.me has no format"


@pytest.mark.parametrize("top", ["", "flowers/", "a/b/"])
def test_folders_in_an_archive_are_classes(tmp_path: Path, top: str) -> None:
    members = {f"{top}{kind}/{n}.png": f"{kind}{n}".encode() for kind in ("rose", "lily") for n in range(2)}
    packed(tmp_path / "a.tar.gz", {**members, "__MACOSX/._1.png": b"x", f"{top}.DS_Store": b"x"})
    assert rows(tmp_path, "a.tar.gz") == {
        "image": [b"lily0", b"lily1", b"rose0", b"rose1"],
        "label": ["lily", "lily", "rose", "rose"],
    }


def test_a_table_names_pictures_in_its_archive(tmp_path: Path) -> None:
    packed(tmp_path / "a.zip", {"d/labels.csv": b"image,label\nx.png,1\n", "d/pics/x.png": b"PIC"})
    said = {"members": "d/labels.csv", "picture_folder": "pics"}
    assert rows(tmp_path, "a.zip", **said) == {"image": [b"PIC"], "label": [1]}


def test_places_and_origins_name_the_archive(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"one/a.csv": CSV})
    params = files.Params(source="a.zip")
    (batch,) = files.read(params, context(tmp_path))
    assert batch.where(1) == "a.zip/one/a.csv:3"  # type: ignore[attr-defined]
    (origin,) = files.origins(params, context(tmp_path))
    assert (origin.location, origin.bytes) == ("a.zip", path.stat().st_size)
    assert files.fingerprint(params, context(tmp_path)) == {"a.zip": origin.sha256}
    assert failure(tmp_path, "a.zip", sha256="0" * 64).message.startswith("the checksum differs")
    packed(tmp_path / "b.zip", {"a.csv": b"a,b\n1\n"})
    assert failure(tmp_path, "b.zip").where == "b.zip/a.csv:2"


# --- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../../evil.csv", "leaves the folder"),
        ("a/../../evil.csv", "leaves the folder"),
        ("..\\evil.csv", "leaves the folder"),
        ("/etc/evil.csv", "has an absolute name"),
        ("C:/evil.csv", "has an absolute name"),
        ("\\\\host\\evil.csv", "has an absolute name"),
    ],
)
@pytest.mark.parametrize("ending", [".zip", ".tar"])
def test_members_that_leave_the_folder(tmp_path: Path, name: str, why: str, ending: str) -> None:
    packed(tmp_path / f"a{ending}", {"a.csv": CSV, name: b"a,b\n1,2\n"})
    for said in ({}, {"members": "a.csv"}):
        error = failure(tmp_path, f"a{ending}", **said)
        assert error.message == f"the archive is refused: {name!r} {why}"
        assert error.where == f"a{ending}"
    assert not (tmp_path.parent / "evil.csv").exists()


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (tarfile.SYMTYPE, "is a symbolic link"),
        (tarfile.LNKTYPE, "is a hard link"),
        (tarfile.CHRTYPE, "is a device"),
        (tarfile.BLKTYPE, "is a device"),
        (tarfile.FIFOTYPE, "is a device"),
    ],
)
def test_links_and_devices(tmp_path: Path, kind: bytes, why: str) -> None:
    special(tmp_path / "a.tar", kind, "/etc/passwd")
    assert failure(tmp_path, "a.tar").message == f"the archive is refused: 'odd' {why}"
    assert rows(tmp_path, "a.tar", members="a.csv") == FOUND, "what is not wanted does no harm"


def test_links_and_devices_in_a_zip(tmp_path: Path) -> None:
    for mode, why in ((stat.S_IFLNK, "is a symbolic link"), (stat.S_IFCHR, "is a device")):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            info = zipfile.ZipInfo("odd.csv")
            info.external_attr = (mode | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
        assert failure(tmp_path, "a.zip").message == f"the archive is refused: 'odd.csv' {why}"


def test_an_encrypted_member(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.csv": CSV})
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # the flags of the member and of its entry
        data[data.index(magic) + offset] |= 1
    path.write_bytes(data)
    assert failure(tmp_path, "a.zip").message == "the archive is refused: 'a.csv' is encrypted"


@pytest.mark.parametrize("ending", [".zip", ".tar"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_come_twice(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    if ending == ".zip":
        with zipfile.ZipFile(path, "w") as zipped:
            for name in ("a.csv", "./a.csv"):
                zipped.writestr(name, CSV)
    else:
        with tarfile.open(path, "w") as tar:
            for name in ("a.csv", "./a.csv"):
                info = tarfile.TarInfo(name)
                info.size = len(CSV)
                tar.addfile(info, io.BytesIO(CSV))
    assert "stands in it twice" in failure(tmp_path, path.name).message


def test_a_file_that_is_a_folder_too(tmp_path: Path) -> None:
    packed(tmp_path / "a.zip", {"a.csv": CSV, "a.csv/b.csv": CSV})
    assert "is both a file and a folder" in failure(tmp_path, "a.zip").message


def test_names_that_no_file_may_have(tmp_path: Path) -> None:
    packed(tmp_path / "a.tar", {"x" * 300 + ".csv": CSV})
    assert "has a name that no file may have" in failure(tmp_path, "a.tar").message


@pytest.mark.parametrize("ending", [".zip", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"])
def test_bombs(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_archives, "_SURELY_HARMLESS", 10**6)
    path = packed(tmp_path / f"a{ending}", {"a.csv": CSV, "b.csv": b"0" * (30 * 2**20)})
    error = failure(tmp_path, f"a{ending}")
    assert "'b.csv' makes more come out than 250 times" in error.message
    assert path.stat().st_size < 10**6
    assert not list((tmp_path / "cache").iterdir())
    error = failure(tmp_path, f"a{ending}", max_unpacked="20MB")
    assert "max_unpacked" in error.message or "250 times" in error.message


def test_what_is_passed_over_counts_where_it_must_be_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_archives, "_SURELY_HARMLESS", 10**6)
    for ending in (".zip", ".tar.gz"):
        packed(tmp_path / f"a{ending}", {"a.csv": CSV, "b.csv": b"0" * (30 * 2**20)})
    assert rows(tmp_path, "a.zip", members="a.csv") == FOUND
    assert "250 times" in failure(tmp_path, "a.tar.gz", members="a.csv").message


def test_a_header_that_would_fill_the_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("a.csv")
    info.pax_headers = {"comment": "x" * (40 * 2**20)}
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info)
    assert "a header has more than 16,777,216 bytes" in failure(tmp_path, "a.tar.gz").message


def test_more_than_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed(tmp_path / "a.zip", {f"{n}.csv": CSV for n in range(30)})
    assert len(rows(tmp_path, "a.zip")["text"]) == 60
    error = failure(tmp_path, "a.zip", max_unpacked=100)
    assert "makes more than max_unpacked come out: 100 bytes are allowed" in error.message
    monkeypatch.setattr(_archives, "MEMBERS", 20)
    assert "is the 21th member; 20 are allowed" in failure(tmp_path, "a.zip").message


def test_a_zip_that_lies_about_sizes_is_damaged(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.csv": CSV * 1000})
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\1\2")
    data[entry + 24 : entry + 28] = struct.pack("<I", 10)  # what it says it unpacks to
    path.write_bytes(data)
    assert "the archive is damaged" in failure(tmp_path, "a.zip").message


@pytest.mark.parametrize("ending", _archives.ENDINGS)
def test_damaged_archives(tmp_path: Path, ending: str) -> None:
    texts = json.dumps([n * 7919 % 10_007 for n in range(20_000)]).encode()
    path = packed(tmp_path / f"a{ending}", {"a.csv": texts})
    whole = path.read_bytes()
    for data in (whole[: len(whole) // 2], b"no archive at all" * 100, b""):
        path.write_bytes(data)
        error = failure(tmp_path, path.name)
        assert error.where == path.name
        assert not list((tmp_path / "cache").iterdir())


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"])
def test_a_tar_that_breaks_off_between_two_members_is_not_taken_for_whole(tmp_path: Path, ending: str) -> None:
    """tarfile takes a header that is missing or broken for the end, and what follows would be lost without a word."""
    plain = packed(tmp_path / "whole.tar", {"a.csv": CSV, "b.csv": CSV}).read_bytes()
    second = 2 * tarfile.BLOCKSIZE
    scribbled = plain[:second] + b"x" * tarfile.BLOCKSIZE + plain[second + tarfile.BLOCKSIZE :]
    compress: dict[str, Callable[[bytes], bytes]] = {
        ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstandard.compress
    }  # fmt: skip
    path = tmp_path / f"a{ending}"
    for data in (plain[:second], plain[: second + 100], scribbled):
        path.write_bytes(compress.get(path.suffix, bytes)(data))
        assert "the archive is damaged" in failure(tmp_path, path.name).message
    path.write_bytes(compress.get(path.suffix, bytes)(plain[: 2 * second + tarfile.BLOCKSIZE]))  # one block of zeros
    assert len(rows(tmp_path, path.name)["text"]) == 4


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
@pytest.mark.parametrize("ending", [".zip", ".tar"])
def test_names_of_which_an_archive_does_not_say_the_encoding(tmp_path: Path, ending: str, encoding: str) -> None:
    """As Windows packs folders in China; without this the labels would be other characters."""
    path = tmp_path / f"a{ending}"
    members = {f"评论/{kind}/第{n}条.txt": f"{kind}{n}".encode() for kind in ("正面", "负面") for n in range(2)}
    if ending == ".zip":
        zipped_as(path, members, encoding)
    else:
        with tarfile.open(path, "w", encoding=encoding, format=tarfile.GNU_FORMAT) as tar:
            for name, data in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    assert rows(tmp_path, path.name)["label"] == ["正面", "正面", "负面", "负面"]


def test_names_of_western_windows_are_not_taken_for_chinese(tmp_path: Path) -> None:
    names = ("Müller", "Größe", "Überschrift", "café crème")
    zipped_as(tmp_path / "a.zip", {f"{name}/1.txt": b"yes" for name in names}, "cp437")
    assert sorted(rows(tmp_path, "a.zip")["label"]) == sorted(names)


def test_an_archive_in_an_archive_and_members_of_none(tmp_path: Path) -> None:
    packed(tmp_path / "a.zip", {"b.zip": packed(tmp_path / "b.zip", {"a.csv": CSV}).read_bytes()})
    assert failure(tmp_path, "a.zip").message == "b.zip is an archive inside the archive"
    (tmp_path / "a.csv").write_bytes(CSV)
    assert "members: is for archives" in failure(tmp_path, "a.csv", members="*").message
    packed(tmp_path / "c.zip", {})
    assert "no file in the archive" in failure(tmp_path, "c.zip").message


def test_what_a_killed_process_left_is_taken_away(tmp_path: Path) -> None:
    packed(tmp_path / "a.zip", {"a.csv": CSV})
    names = ("999999999-a", "999999998-b", f"{os.getpid()}-c")
    old, young, alive = (tmp_path / "cache" / f"unpacked-{name}" for name in names)
    for folder in (old, young, alive):
        folder.mkdir(parents=True)
        (folder / "half.csv").write_bytes(CSV)
    for folder in (old, alive):
        os.utime(folder, (1, 1))
    assert rows(tmp_path, "a.zip") == FOUND
    assert [folder.exists() for folder in (old, young, alive)] == [False, True, True]
