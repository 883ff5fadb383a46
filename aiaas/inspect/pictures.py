"""The pictures of a sample: kinds, sizes, what is broken, and which of them look alike."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from aiaas.contracts import Place
from aiaas.errors import DataError
from aiaas.inspect.near import Alike, alike, numbered
from aiaas.inspect.report import Pictures
from aiaas.inspect.sample import Choice, chosen
from aiaas.inspect.view import View
from aiaas.pictures import Header, examine
from aiaas.pictures.alike import Looks, joined, looks, pairs

_SIZES = 8


@dataclass(slots=True)
class Album:
    """What was seen of the pictures; of each that is whole the split, the place and what it looks like."""

    headers: list[Header] = field(default_factory=list)
    broken: list[Place] = field(default_factory=list)
    parts: list[str | None] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    seen: list[Looks] = field(default_factory=list)

    def facts(self) -> Pictures:
        areas = sorted((each.width * each.height, each.width, each.height) for each in self.headers) or [(0, 0, 0)]
        sizes = Counter(f"{each.width} x {each.height}" for each in self.headers)
        return Pictures(
            rows=len(self.headers) + len(self.broken),
            broken=len(self.broken),
            kinds=dict(sorted(Counter(each.kind for each in self.headers).items())),
            modes=dict(sorted(Counter(each.mode for each in self.headers).items())),
            sizes=dict(sizes.most_common(_SIZES)),
            smallest=areas[0][1:],
            largest=areas[-1][1:],
        )

    def alike(self) -> Alike:
        """Which of the whole pictures look alike."""
        parts = np.array([numbered(part) for part in self.parts], np.int8)
        found = pairs(joined(self.seen))
        return alike(parts, [(found[:, 1], found[:, 0])])


def look(view: View, choice: Choice) -> Album:
    """Look at the chosen pictures, a batch at a time; of each some kilobytes are kept."""
    album = Album()
    name = view.named("file")[0]
    for piece, rows in chosen(view, choice):
        files = piece.rows.column(name)
        data = [files[int(row)].as_py() or b"" for row in rows]
        whole: list[bytes] = []
        for row, file, found in zip(rows.tolist(), data, examine(data), strict=True):
            place = view.bare_place(piece, row)
            if isinstance(found, DataError):
                album.broken.append(place.model_copy(update={"shown": found.message}))
                continue
            album.headers.append(found)
            album.parts.append(piece.part)
            album.places.append(place)
            whole.append(file)
        album.seen.append(looks(whole))
    return album
