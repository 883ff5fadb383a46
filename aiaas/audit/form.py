"""The bytes of a chain: what an entry looks like, what its hash is, and how files are called."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

_MARK = b',"hash":"'
_END = b'"}\n'
_TAIL = len(_MARK) + 64 + len(_END)
_SEQ = re.compile(rb'\{"seq":(\d{1,18}),')
_FILE = re.compile(r"(\d{1,6})-(\d{6})\.jsonl")


def first_hash(chain: str) -> str:
    """What stands before the first entry: another one for each chain, so that they cannot be exchanged."""
    return hashlib.sha256(f"aiaas audit {chain}".encode()).hexdigest()


def sealed(seq: int, members: str, before: str) -> tuple[bytes, str]:
    """The line of an entry and its hash; `members` are those of a JSON object, `before` is the hash before it."""
    body = f'{{"seq":{seq},{members}'.encode()
    digest = hash_of(body, before)
    return body + _MARK + digest.encode() + _END, digest


def hash_of(body: bytes, before: str) -> str:
    return hashlib.sha256(before.encode() + body).hexdigest()


def parted(line: bytes) -> tuple[int, bytes, str] | None:
    """The number, the bytes that are hashed, and the hash of a line; None where it is no entry."""
    body, tail = line[:-_TAIL], line[-_TAIL:]
    seq = _SEQ.match(body)
    if seq is None or not tail.startswith(_MARK) or not tail.endswith(_END):
        return None
    return int(seq[1]), body, tail[len(_MARK) : -len(_END)].decode("ascii", "replace")


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """A file of a chain."""

    number: int
    path: Path


def segments(folder: Path) -> dict[str, list[Segment]]:
    """The files of each chain in `folder`, in their order."""
    found: dict[str, list[Segment]] = {}
    for path in folder.glob("*.jsonl"):
        if name := _FILE.fullmatch(path.name):
            found.setdefault(name[1], []).append(Segment(int(name[2]), path))
    return {chain: sorted(found[chain]) for chain in sorted(found, key=int)}


def segment(folder: Path, chain: str, number: int) -> Segment:
    return Segment(number, folder / f"{chain}-{number:06d}.jsonl")
