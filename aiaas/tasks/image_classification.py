"""Give each picture one of the labels it was trained on."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from aiaas import pictures
from aiaas.contracts import Column, Inspection, Signature
from aiaas.errors import DataError
from aiaas.pictures import MEDIA_TYPES
from aiaas.tasks._bare import unwrapped
from aiaas.tasks._classification import METRICS, answer, class_statistics, measure, statistics, told

__all__ = [
    "COLUMNS",
    "MEDIA_TYPES",
    "METRICS",
    "OPEN",
    "answer",
    "class_statistics",
    "decode",
    "example",
    "inspection",
    "measure",
    "request",
    "statistics",
    "told",
]

COLUMNS = (Column("image", "file"), Column("label", "label"))
OPEN = False
_ALLOWED = 'a JPEG or PNG as base64, bare or as {"image": "…"}'


def example(row: Mapping[str, Any], signature: Signature) -> bytes:
    """The encoded picture of a row."""
    return bytes(row["image"])


def request(row: Mapping[str, Any], signature: Signature) -> dict[str, Any]:
    """`{"image": base64}`."""
    return {"image": base64.b64encode(row["image"]).decode("ascii")}


def decode(value: Any, signature: Signature) -> dict[str, Any]:
    """A picture as a row: its bytes, or base64 or a `data:` URL of them, bare or as `{"image": …}`.

    Its header is looked at, its pixels are not. Raises DataError for anything else and for a picture that is refused;
    no message repeats what was sent.
    """
    value = unwrapped(value, "image", _ALLOWED)
    if isinstance(value, str):
        value = _bytes(value)
    if not isinstance(value, bytes):
        raise DataError(f"a picture is needed: {_ALLOWED}")
    pictures.header(value)
    return {"image": value}


def _bytes(text: str) -> bytes:
    if text.startswith("data:"):
        head, comma, text = text.partition(",")
        if not comma or not head.endswith(";base64"):
            raise DataError("the data: URL holds no base64", hint="such as data:image/png;base64,…")
    if len(text) > pictures.MAX_BYTES * 3 // 2:
        raise DataError(f"the picture is too large; at most {pictures.MAX_BYTES:,} bytes are taken")
    try:
        return binascii.a2b_base64("".join(text.split()).encode("ascii"), strict_mode=True)
    except ValueError:  # binascii.Error is one, and so is what is not ASCII
        raise DataError(f"the text is not base64; a picture is needed: {_ALLOWED}") from None


class _Inspection:
    """Decodes every picture, so that a damaged one is known before a training comes upon it."""

    def __init__(self) -> None:
        self._sizes: list[tuple[int, int]] = []
        self._kinds: dict[str, int] = {}

    def look(self, files: Sequence[bytes]) -> list[str | None]:
        found = pictures.examine(files)
        for each in found:
            if isinstance(each, pictures.Header):
                self._see(each)
        return [each.message if isinstance(each, DataError) else None for each in found]

    def _see(self, header: pictures.Header) -> None:
        self._kinds[header.kind] = self._kinds.get(header.kind, 0) + 1
        ends = [*self._sizes, (header.width, header.height)]
        self._sizes = [min(ends, key=_area), max(ends, key=_area)]

    def report(self) -> Mapping[str, Any]:
        """How many there are of each kind of file, the smallest and the largest, as [width, height], and all of it in
        words."""
        if not self._sizes:
            return {}
        smallest, largest = self._sizes
        sizes = [f"{width} x {height}" for width, height in dict.fromkeys(self._sizes)]
        counts = ", ".join(f"{count:,} {kind.upper()}" for kind, count in sorted(self._kinds.items()))
        return {
            **self._kinds,
            "smallest": list(smallest),
            "largest": list(largest),
            "told": f"{counts} of {' to '.join(sizes)} pixels",
        }


def _area(size: tuple[int, int]) -> tuple[int, tuple[int, int]]:
    return size[0] * size[1], size


def inspection() -> Inspection:
    return _Inspection()
