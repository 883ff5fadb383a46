"""The pages of an API as they are kept: one file a page, written whole or not at all, so that a reading goes on where
it was interrupted, and the one before it stays until a new one is complete.

    api/DIGEST/READING/000001      a page: a line of JSON about it, then the answer as UTF-8
    api/DIGEST/READING/end.json    how the reading ended, once it has
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from aiaas.contracts import SourceContext
from aiaas.errors import DataError
from aiaas.workspace import atomic, keys

Ended = Literal["last page", "max_pages"]


@dataclass(frozen=True, slots=True)
class Page:
    """`url` is what was asked for, without secrets; `link` where the header Link says the next one is, `kind` what
    the server says that the answer is; `bytes` and `sha256` are of the answer as it came."""

    url: str
    text: str
    bytes: int
    sha256: str
    link: str | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading of all pages, in a folder that is called after when it began."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def ended(self) -> Ended | None:
        """How it ended; None while it has not, and where a page of it is gone since."""
        end = self._end()
        whole = all(self._place(number).is_file() for number in range(1, end.get("pages", 0) + 1))
        ended: Ended | None = end.get("ended") if whole else None
        return ended

    @property
    def finished(self) -> float:
        """When it ended, in seconds since 1970."""
        return float(self._end().get("finished", 0.0))

    def pages(self, most: int) -> Iterator[Page]:
        """Those that are kept, in order, at most so many."""
        for number in range(1, most + 1):
            path = self._place(number)
            if not path.is_file():
                return
            try:
                note, _, text = path.read_bytes().partition(b"\n")
                page = Page(text=text.decode("utf-8"), **json.loads(note))
            except (ValueError, TypeError) as error:
                told = f"what was kept of page {number:,} is damaged"
                raise DataError(told, where=str(path), hint="remove that file, and it is asked for again") from error
            yield page

    def holds(self, wanted: int) -> bool:
        """Whether that many pages are kept, or all that there are."""
        return self.ended == "last page" or self._place(wanted).is_file()

    def keep(self, number: int, page: Page) -> None:
        note = {name: value for name, value in asdict(page).items() if name != "text"}
        atomic.write_bytes(self._place(number), json.dumps(note).encode() + b"\n" + page.text.encode("utf-8"))

    def end(self, how: Ended, when: float, pages: int) -> None:
        """Note how it ended; the readings before it are removed."""
        atomic.write_json(self.folder / "end.json", {"ended": how, "finished": when, "pages": pages})
        for other in _readings(self.folder.parent):
            if other.name < self.name:
                shutil.rmtree(other.folder, ignore_errors=True)

    def _place(self, number: int) -> Path:
        return self.folder / f"{number:06}"

    def _end(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.folder / "end.json").read_text("utf-8")))
        except FileNotFoundError:
            return {}


def folder_of(cache: Path, identity: Any) -> Path:
    """Where the pages lie in the cache, under the digest of what decides which they are."""
    return cache / "api" / keys.digest_json(identity)[:32]


def current(folder: Path, context: SourceContext) -> Reading | None:
    """The reading that is used: the last one, or, where there is no network to go on with it, the last that ended.
    None where there is none, or where it is to be read again and this command did not do so yet."""
    found = _readings(folder)
    if context.offline:
        return next((each for each in reversed(found) if each.ended), found[-1] if found else None)
    if not found or (context.refresh and found[-1].ended and found[-1].finished < context.began):
        return None
    return found[-1]


def fresh(folder: Path, context: SourceContext) -> Reading:
    """A new reading, of which nothing is there before its first page is."""
    return Reading(folder / name_of_new(context))


def known(folder: Path) -> bool:
    """Whether it was ever read, or begun to be."""
    return bool(_readings(folder))


def name_of_new(context: SourceContext) -> str:
    """What a reading that this command begins is called: after when the command began, so that it is known before."""
    return datetime.fromtimestamp(context.began, UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def _readings(folder: Path) -> list[Reading]:
    """All that there are, the oldest first."""
    return [Reading(path) for path in sorted(folder.glob("*Z")) if (path / f"{1:06}").is_file()]
