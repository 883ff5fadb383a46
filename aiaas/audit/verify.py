"""Whether chains are as they were written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiaas.audit import form
from aiaas.errors import VerificationError

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: how many entries it has and the hash of the last. Kept elsewhere, it tells later that nothing
    up to it was changed."""

    chain: str
    entries: int
    hash: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def verify(folder: Path, heads: Mapping[str, Head] | None = None) -> list[Head]:
    """The heads of all chains in `folder`, after each hash was computed again. `heads` are those that were noted
    before, by their chain. Raises VerificationError that names what was changed."""
    noted = dict(heads or {})
    faults: list[str] = []
    found = []
    for chain, files in form.segments(folder).items():
        walk = _Walk(chain, noted.pop(chain, None))
        faults += walk.faults(files)
        found.append(walk.head)
    faults += [f"chain {chain} is missing" for chain in noted]
    if faults:
        more = f", and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise VerificationError(
            "the audit is not as it was written: " + "; ".join(faults[:SHOWN]) + more,
            where=str(folder),
            hint="compare it with a copy; the entries before the first that is named are as they were written",
        )
    return found


class _Walk:
    """Through one chain, from its first entry to its last."""

    def __init__(self, chain: str, noted: Head | None) -> None:
        self.head = Head(chain, 0, form.first_hash(chain))
        self._noted = noted

    def faults(self, files: list[form.Segment]) -> Iterator[str]:
        expected = 1
        for segment in files:
            if segment.number != expected:
                yield f"{segment.path.name} is not the file that comes next, number {expected}"
            expected = segment.number + 1
            yield from self._file(segment, last=segment is files[-1])
        if self._noted and self.head.entries < self._noted.entries:
            yield f"chain {self.head.chain} ends after entry {self.head.entries}, not {self._noted.entries}"

    def _file(self, segment: form.Segment, *, last: bool) -> Iterator[str]:
        with segment.path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n") and last:
                    return  # it is being written, or its writer was killed
                yield from self._entry(line, f"{segment.path.name}:{number}")

    def _entry(self, line: bytes, place: str) -> Iterator[str]:
        parts = form.parted(line)
        if parts is None:
            yield f"{place} is no entry"
            return
        seq, body, digest = parts
        expected = self.head.entries + 1
        if seq != expected:
            yield f"{place} holds entry {seq} in the place of {expected}"
        elif form.hash_of(body, self.head.hash) != digest:
            yield f"{place}: entry {seq} does not follow from what stands before it"
        elif self._noted and self._noted.entries == seq and self._noted.hash != digest:
            yield f"{place}: entry {seq} is another than was noted"
        self.head = Head(self.head.chain, seq, digest)
