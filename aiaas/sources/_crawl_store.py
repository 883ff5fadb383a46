"""What a crawl knows, in one SQLite file, written page by page: which addresses there are, what came of each, and the
pages themselves. So it goes on where it was interrupted, and a later crawl asks only for what changed."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from aiaas.errors import DataError
from aiaas.sources._crawl_page import Came, Kept, Known

_SCHEMA = """
CREATE TABLE IF NOT EXISTS crawl (finished REAL);
CREATE TABLE IF NOT EXISTS pages (
  id INTEGER PRIMARY KEY,
  url TEXT NOT NULL UNIQUE,
  host TEXT NOT NULL,
  depth INTEGER NOT NULL,      -- links from the beginning
  hops INTEGER NOT NULL,       -- redirects from the link
  state TEXT NOT NULL,         -- waiting, came (its links are not read yet), done; old: of the crawl before
  asked INTEGER NOT NULL DEFAULT 0,  -- whether the server answered
  tries INTEGER NOT NULL DEFAULT 0,
  why TEXT,                    -- why it gives no row, where it does not
  kind TEXT, language TEXT, etag TEXT, modified TEXT, fetched TEXT, bytes INTEGER, sha256 TEXT, canonical TEXT,
  rules TEXT, body BLOB
);
CREATE INDEX IF NOT EXISTS waiting ON pages (state, depth, host, id);
CREATE TABLE IF NOT EXISTS robots (host TEXT PRIMARY KEY, text TEXT NOT NULL, fetched REAL NOT NULL);
"""
_KEPT = "id, url, depth, body, kind, sha256, fetched, etag, modified, language, rules"
_GIVING = (
    "WHERE state = 'done' AND why IS NULL AND (canonical IS NULL OR NOT EXISTS ("
    "SELECT 1 FROM pages AS other WHERE other.url = page.canonical AND other.state = 'done' "
    "AND other.why IS NULL AND other.canonical IS NULL)) ORDER BY depth, url"
)
_FULL = ("disk is full", "disk I/O error")


class Store:
    """Of one crawl. Every method that writes does so whole, or not at all."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    # --- the crawl ---

    @property
    def finished(self) -> float | None:
        """When it ended, in seconds since 1970; None while it has not."""
        finished: float | None = self._one("SELECT finished FROM crawl")
        return finished

    def begin(self, url: str, host: str) -> None:
        """A new crawl, from one address. What the one before found is kept to ask whether it changed."""
        with self._whole():
            self._db.execute("DELETE FROM crawl")
            self._db.execute("DELETE FROM robots")
            self._db.execute("INSERT INTO crawl VALUES (NULL)")
            self._db.execute("UPDATE pages SET state = 'old'")
            self._add(url, host, 0, 0)

    def end(self, when: float) -> None:
        """It has seen all: pages of the crawl before that no link leads to any more are forgotten."""
        with self._whole():
            self._db.execute("DELETE FROM pages WHERE state = 'old'")
            self._db.execute("UPDATE crawl SET finished = ?", (when,))

    def copy(self, path: Path) -> None:
        """The whole into another file."""
        with closing(sqlite3.connect(path)) as other:
            self._db.backup(other)

    # --- what is to be done ---

    def next_of_hosts(self) -> list[Known]:
        """Of each host the first address that waits, among those that are the fewest links away."""
        depth = self._one("SELECT min(depth) FROM pages WHERE state = 'waiting'")
        rows = self._db.execute(
            "SELECT id, url, host, depth, hops, tries, etag, modified FROM pages WHERE id IN "
            "(SELECT min(id) FROM pages WHERE state = 'waiting' AND depth = ? GROUP BY host) ORDER BY id",
            (depth,),
        )
        return [Known(*row) for row in rows]

    def unread(self) -> list[Kept]:
        """Pages that came before the crawl was interrupted, and whose links are not known yet."""
        return list(self._select("WHERE state = 'came'"))

    def asked(self) -> int:
        """How many pages servers answered for."""
        return int(self._one("SELECT count(*) FROM pages WHERE asked AND state != 'old'") or 0)

    def size(self) -> int:
        """Bytes of the pages that are there."""
        return int(self._one("SELECT sum(bytes) FROM pages WHERE state IN ('came', 'done') AND why IS NULL") or 0)

    def waiting(self) -> int:
        return int(self._one("SELECT count(*) FROM pages WHERE state = 'waiting'") or 0)

    # --- what came of it ---

    def came(self, page: Known, came: Came) -> Kept:
        """Keep a page before anything is made of it."""
        self._db.execute(
            "UPDATE pages SET state = 'came', asked = 1, why = NULL, kind = ?, language = ?, etag = ?, modified = ?, "
            "fetched = ?, bytes = ?, sha256 = ?, rules = ?, body = ? WHERE id = ?",
            (came.kind, came.language, came.etag, came.modified, came.fetched, len(came.body), came.sha256,
             came.rules, zlib.compress(came.body), page.id),
        )  # fmt: skip
        return Kept(page.id, page.url, page.depth, came)

    def unchanged(self, page: Known) -> Kept:
        """The page is as it was in the crawl before."""
        self._db.execute("UPDATE pages SET state = 'came', asked = 1, why = NULL WHERE id = ?", (page.id,))
        return next(self._select("WHERE id = ?", page.id))

    def read(self, page: Kept, links: Iterable[tuple[str, str]], canonical: str | None, why: str | None) -> None:
        """What a page links to, as addresses with their hosts; `why` it gives no row, where it does not."""
        with self._whole():
            for url, host in links:
                self._add(url, host, page.depth + 1, 0)
            self._db.execute(
                "UPDATE pages SET state = 'done', canonical = ?, why = ? WHERE id = ?", (canonical, why, page.id)
            )

    def moved(self, page: Known, url: str, host: str, why: str) -> None:
        """It redirects to another address, which is asked for in its place."""
        with self._whole():
            self._add(url, host, page.depth, page.hops + 1)
            self.nothing(page, why, asked=True)

    def nothing(self, page: Known, why: str, *, asked: bool) -> None:
        """There is nothing to be had; `asked` says that the server was."""
        self._db.execute(
            "UPDATE pages SET state = 'done', asked = ?, why = ?, body = NULL, etag = NULL, modified = NULL "
            "WHERE id = ?",
            (asked, why, page.id),
        )

    def later(self, page: Known, tries: int) -> None:
        """It is to be asked for once more."""
        self._db.execute("UPDATE pages SET state = 'waiting', asked = 0, tries = ? WHERE id = ?", (tries, page.id))

    def why(self, url: str) -> str | None:
        """Why an address gives no row; None where it does, or is not known."""
        row = self._db.execute("SELECT why FROM pages WHERE url = ? AND state = 'done'", (url,)).fetchone()
        return row[0] if row else None

    # --- robots.txt ---

    def robots(self, host: str) -> tuple[str, float] | None:
        """What it said, and when."""
        row = self._db.execute("SELECT text, fetched FROM robots WHERE host = ?", (host,)).fetchone()
        return (str(row[0]), float(row[1])) if row else None

    def keep_robots(self, host: str, text: str, when: float) -> None:
        self._db.execute("INSERT OR REPLACE INTO robots VALUES (?, ?, ?)", (host, text, when))

    # --- what was found ---

    def beginning(self) -> tuple[str, str | None]:
        """What came of the address that the crawl began at, where its redirects end: its state, and why it is none."""
        row = self._db.execute(
            "SELECT state, why FROM pages WHERE depth = 0 AND state != 'old' ORDER BY hops DESC, id DESC"
        )
        state, why = row.fetchone()
        return str(state), why

    def pages(self) -> Iterator[Kept]:
        """Every page that may give a row, the nearest first, one at a time: one that says that another page is its
        proper form gives none where that one is there."""
        yield from self._select(_GIVING)

    def versions(self) -> Iterator[tuple[str, int, str, str]]:
        """Of the same pages address, bytes, digest, and what the server calls their version, or when they came."""
        query = f"SELECT url, bytes, sha256, coalesce(etag, fetched) FROM pages AS page {_GIVING}"  # noqa: S608 - as below
        yield from self._db.execute(query)

    def reasons(self) -> dict[str, int]:
        """How many pages give no row, by reason."""
        rows = self._db.execute(
            "SELECT why, count(*) FROM pages WHERE state = 'done' AND why IS NOT NULL GROUP BY why ORDER BY 2 DESC, 1"
        )
        return {str(why): int(count) for why, count in rows}

    # --- the file ---

    def _add(self, url: str, host: str, depth: int, hops: int) -> None:
        """An address that was not known, or only from the crawl before, waits."""
        self._db.execute(
            "INSERT INTO pages (url, host, depth, hops, state) VALUES (?, ?, ?, ?, 'waiting') "
            "ON CONFLICT (url) DO UPDATE SET state = 'waiting', depth = excluded.depth, hops = excluded.hops, "
            "tries = 0, asked = 0, why = NULL WHERE state = 'old'",
            (url, host, depth, hops),
        )

    def _select(self, which: str, *values: Any) -> Iterator[Kept]:
        query = f"SELECT {_KEPT} FROM pages AS page {which}"  # noqa: S608 - nothing of it comes from outside
        for id_, url, depth, body, *rest in self._db.execute(query, values):
            yield Kept(id_, url, depth, Came(zlib.decompress(body), *rest))

    @contextmanager
    def _whole(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _one(self, query: str) -> Any:
        row = self._db.execute(query).fetchone()
        return row[0] if row else None


@contextmanager
def opened(path: Path, where: str) -> Iterator[Store]:
    """The store in a file, which appears. DataError where the disk is full, or the file is no store any more."""
    try:
        store = Store(path)
        try:
            yield store
        finally:
            store.close()
    except sqlite3.Error as error:
        if any(told in str(error) for told in _FULL):
            hint = "make room (aiaas cache gc) or choose another disk with --workspace, then run the same command"
            raise DataError("the disk is full", where=str(path.parent), hint=hint) from error
        told = f"what was crawled cannot be read: {error}"
        raise DataError(told, where=where, hint=f"remove {path.parent}, and it is crawled anew") from error
