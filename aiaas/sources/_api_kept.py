"""The pages of an API as they are kept: one file a page, written whole or not at all, so that a reading goes on where it
was interrupted.

    api/DIGEST/state.json        which reading this is, and how it ended, once it has
    api/DIGEST/READING/000001    a page: a line of JSON about it, then the answer as UTF-8
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from aiaas.contracts import SourceContext
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
    """A reading of all pages: `name` says when it began, `finished` when it ended, in seconds since 1970."""

    folder: Path
    name: str
    ended: Ended | None = None
    finished: float = 0.0

    def pages(self, most: int) -> Iterator[Page]:
        """Those that are kept, in order, at most so many."""
        for number in range(1, most + 1):
            path = self._place(number)
            if not path.is_file():
                return
            note, _, text = path.read_bytes().partition(b"\n")
            yield Page(text=text.decode("utf-8"), **json.loads(note))

    def holds(self, wanted: int) -> bool:
        """Whether that many pages are kept, or all that there are."""
        return self.ended == "last page" or self._place(wanted).is_file()

    def keep(self, number: int, page: Page) -> None:
        note = {name: value for name, value in asdict(page).items() if name != "text"}
        atomic.write_bytes(self._place(number), json.dumps(note).encode() + b"\n" + page.text.encode("utf-8"))

    def end(self, how: Ended | None, when: float) -> Reading:
        """Note how it ended, None that it goes on; what earlier readings kept is removed."""
        ended = replace(self, ended=how, finished=when)
        state = {"reading": self.name, "ended": how, "finished": when}
        atomic.write_json(self.folder / "state.json", state)
        for other in self.folder.iterdir():
            if other.is_dir() and other.name != self.name:
                shutil.rmtree(other, ignore_errors=True)
        return ended

    def _place(self, number: int) -> Path:
        return self.folder / self.name / f"{number:06}"


def folder_of(cache: Path, identity: Any) -> Path:
    """Where the pages lie in the cache, under the digest of what decides which they are."""
    return cache / "api" / keys.digest_json(identity)[:32]


def known(folder: Path) -> bool:
    """Whether it was ever read, or begun to be."""
    return (folder / "state.json").is_file()


def current(folder: Path, context: SourceContext) -> Reading | None:
    """The reading that is used: the last one, where it is not to be read again and this command did not do so yet."""
    try:
        state = json.loads((folder / "state.json").read_text("utf-8"))
    except FileNotFoundError:
        return None
    found = Reading(folder, state["reading"], state["ended"], state["finished"])
    stale = context.refresh and not context.offline and found.ended and found.finished < context.began
    return None if stale else found


def begin(folder: Path, context: SourceContext) -> Reading:
    """A new reading."""
    return Reading(folder, name_of_new(context)).end(None, 0.0)


def name_of_new(context: SourceContext) -> str:
    """What a reading that this command begins is called: after when the command began, so that it is known before."""
    return datetime.fromtimestamp(context.began, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
