"""The source `sql`, on SQLite: what is read, what is refused, what may not be written, what is told."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from aiaas import plugins
from aiaas.contracts import SourceContext
from aiaas.errors import AiaasError, DataError, MissingPackageError, RemoteError
from aiaas.sources import _database, _statement, sql

ALL = "SELECT text, stars FROM reviews ORDER BY id"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A database of 12,000 reviews."""
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE reviews (id INTEGER PRIMARY KEY, text TEXT, stars INTEGER, price REAL)")
        lines = [(n, f"{n} 房间", n % 5 + 1, n / 4) for n in range(12_000)]
        connection.executemany("INSERT INTO reviews VALUES (?, ?, ?, ?)", lines)
    connection.close()
    return tmp_path


def said(query: str = ALL, source: str = "sql:sqlite:///shop.db", **more: Any) -> sql.Params:
    return sql.Params(source=source, query=query, **more)


def context(base: Path, **more: Any) -> SourceContext:
    return SourceContext(base, base / "cache", **more)


def failure(params: sql.Params, base: Path, **more: Any) -> AiaasError:
    with pytest.raises(AiaasError) as caught:
        list(sql.read(params, context(base, **more)))
    return caught.value


def test_rows_are_streamed_in_batches(shop: Path) -> None:
    batches = list(sql.read(said(), context(shop)))
    assert [len(batch["text"]) for batch in batches][:3] == [100, 400, 1600]
    assert max(len(batch["text"]) for batch in batches) <= 5000
    assert [text for batch in batches for text in batch["text"]] == [f"{n} 房间" for n in range(12_000)]
    assert plugins.source("sql:sqlite:///x") is sql


def test_long_texts_make_small_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_database, "BYTES", 100_000)
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE reviews (id INTEGER PRIMARY KEY, text TEXT, stars INTEGER)")
        connection.executemany("INSERT INTO reviews VALUES (?, ?, 1)", [(n, "x" * 5000) for n in range(500)])
    connection.close()
    sizes = [len(batch["text"]) for batch in sql.read(said(), context(tmp_path))]
    assert sizes[0] == 100
    assert set(sizes[1:]) == {20}


def test_nothing_in_a_query_is_a_parameter(shop: Path) -> None:
    query = "SELECT text, '50%s :x ?' AS odd, stars % 2 AS half FROM reviews WHERE text LIKE '7%' ORDER BY id LIMIT 1"
    assert list(sql.read(said(query), context(shop))) == [{"text": ["7 房间"], "odd": ["50%s :x ?"], "half": [1]}]


# --- only reading --------------------------------------------------------------------------------------------------

WRITES = [
    "INSERT INTO reviews VALUES (1, 'x', 1, 1)",
    "UPDATE reviews SET stars = 1",
    "delete from reviews",
    "DROP TABLE reviews",
    "SELECT 1; DELETE FROM reviews",
    "SELECT 1;;\n DELETE FROM reviews --",
    "WITH gone AS (DELETE FROM reviews RETURNING *) SELECT * FROM gone",
    "SELECT * INTO other FROM reviews",
    "SELECT * FROM reviews FOR UPDATE",
    "SELECT * FROM reviews FOR SHARE",
    "/* SELECT */ DELETE FROM reviews",
    "-- SELECT\nDELETE FROM reviews",
    "SELECT 1 /*! ; DELETE FROM reviews */",
    "SELECT 1 /* /* */ ; DELETE FROM reviews -- */",
    "SELECT '\\'; DELETE FROM reviews; --'",
    "SELECT 'a\\'' ; DELETE FROM reviews; -- '",
    "SELECT 1 AS a$x$; COMMIT; DELETE FROM reviews; --$x$",
    "SELECT 1 -- \r; COMMIT; DELETE FROM reviews",
    "SELECT $é$ ' $é$; COMMIT; DELETE FROM reviews; -- '",
    'SELECT "x\\"" ; DELETE FROM reviews; -- "',
    "SELECT 1 ；DELETE FROM reviews",
    "PRAGMA writable_schema = 1",
    "ATTACH 'x.db' AS x",
    "VACUUM",
    "EXPLAIN DELETE FROM reviews",
    "CALL clean()",
    "SET TRANSACTION READ WRITE",
    "COPY reviews TO '/tmp/x'",
    "",
    "   -- nothing\n",
    "SELECT 'never closed",
    "SELECT 1 /* never closed",
]


@pytest.mark.parametrize("query", WRITES)
def test_a_statement_that_writes_is_refused_before_it_runs(shop: Path, query: str) -> None:
    before = hashlib.sha256((shop / "shop.db").read_bytes()).hexdigest()
    assert _statement.refusal(query)
    with pytest.raises(ValidationError):
        said(query)
    for text in (query, f"{query} "):
        with pytest.raises((AiaasError, ValidationError)):
            list(sql.read(said().model_copy(update={"query": text or ";"}), context(shop)))
    assert hashlib.sha256((shop / "shop.db").read_bytes()).hexdigest() == before


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1",
        "  select 'DELETE; --' as \"update\", [drop], `insert` from t; ",
        "(SELECT 1) UNION (SELECT 2)",
        "WITH a AS (SELECT 1) SELECT replace(x, 'a', 'b') FROM a",
        "VALUES (1), (2)",
        "TABLE reviews",
        "SELECT $tag$ ; DROP TABLE x $tag$, $$;$$, E'it\\'s;'",
        "SELECT deleted_at, updates FROM x -- ; delete",
        "SELECT 1 /* ; delete from x */",
        "SELECT 'it''s; delete'",
        "SELECT 删除 FROM 评论",
    ],
)
def test_a_statement_that_reads_is_not_refused(query: str) -> None:
    assert _statement.refusal(query) is None


def test_the_database_itself_refuses_to_write(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second net, where the first has a hole."""
    monkeypatch.setattr(_statement, "refusal", lambda statement: None)
    for query in ("DELETE FROM reviews", "CREATE TABLE x (n)", "PRAGMA user_version = 7"):
        list_of = said().model_copy(update={"query": query})
        with pytest.raises(AiaasError, match=r"readonly|refuses"):
            list(sql.read(list_of, context(shop)))
    with sqlite3.connect(shop / "shop.db") as connection:
        assert connection.execute("SELECT count(*) FROM reviews").fetchone() == (12_000,)
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)
    connection.close()


# --- what is told --------------------------------------------------------------------------------------------------


def test_what_is_wrong_is_told(shop: Path) -> None:
    error = failure(said(source="sql:sqlite:///shp.db"), shop)
    assert (error.message, error.where) == ("there is no such database", "sql:sqlite:///shp.db")
    assert "'shop.db'" in str(error.hint)
    error = failure(said("SELECT txt FROM reviews"), shop)
    assert isinstance(error, DataError)
    assert "no such column: txt" in error.message
    assert "two columns called 'a'" in failure(said("SELECT 1 AS a, 2 AS a"), shop).message
    assert "in memory" in failure(said(source="sql:sqlite://"), shop).message
    (shop / "no.db").write_text("this is no database at all, it only looks so" * 100)
    assert "not a database" in failure(said(source="sql:sqlite:///no.db"), shop).message
    assert isinstance(failure(said(source="sql:nosuch://host/x"), shop), MissingPackageError)
    assert isinstance(failure(said(source="sql:mysql+nosuch://host/x"), shop), MissingPackageError)
    with pytest.raises(ValidationError, match="sql:DIALECT"):
        said(source="sql:shop.db")


def test_a_database_that_is_not_there_and_secrets(tmp_path: Path) -> None:
    error = failure(said(source="sql:postgresql+psycopg://someone:hushhush@127.0.0.1:9/x", timeout=2), tmp_path)
    assert isinstance(error, RemoteError)
    assert "cannot be reached" in error.message
    assert "hushhush" not in str(error.as_dict())
    assert "someone" not in str(error.as_dict())
    assert error.where == "sql:postgresql+psycopg://127.0.0.1:9/x"


def test_a_query_that_computes_for_ever_is_stopped(shop: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    started = time.monotonic()
    error = failure(said(endless, timeout=0.3), shop)
    assert isinstance(error, RemoteError)
    assert "took longer than 0.3 s" in error.message
    assert time.monotonic() - started < 10


def test_a_text_that_is_no_unicode_is_told(shop: Path) -> None:
    error = failure(said("SELECT CAST(x'ff41' AS TEXT) AS text"), shop)
    assert isinstance(error, DataError)
    assert "UTF-8" in error.message


# --- whether it changed --------------------------------------------------------------------------------------------


def test_a_file_of_sqlite_is_known_by_its_bytes(shop: Path) -> None:
    before = dict(sql.fingerprint(said(), context(shop)))
    assert before == {
        "database": "sql:sqlite:///shop.db",
        "query": ALL,
        "sha256": hashlib.sha256((shop / "shop.db").read_bytes()).hexdigest(),
    }
    connection = sqlite3.connect(shop / "shop.db")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("UPDATE reviews SET stars = 5 WHERE id = 1")
    connection.commit()
    after = dict(sql.fingerprint(said(), context(shop)))
    assert after["log"]
    assert next(iter(sql.read(said(), context(shop))))["stars"][1] == 5, "what stands in the log alone is read"
    connection.close()


def test_a_file_of_sqlite_may_be_pinned(shop: Path) -> None:
    digest = hashlib.sha256((shop / "shop.db").read_bytes()).hexdigest()
    assert sql.fingerprint(said(sha256=digest), context(shop))["sha256"] == digest
    with pytest.raises(DataError, match="the checksum differs"):
        sql.fingerprint(said(sha256="0" * 64), context(shop))
    with pytest.raises(DataError, match="a server has none"):
        sql.fingerprint(said(source="sql:postgresql+psycopg://127.0.0.1/x", sha256=digest), context(shop))


def test_a_server_is_asked_for_a_version_or_known_by_when_it_was_asked(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_database.Database, "file", None)  # as if it were a server

    def connect(self: Any) -> Any:
        return self.url.set(database=str(shop / "shop.db"))

    monkeypatch.setattr(_database.Database, "_address", connect)
    first = dict(sql.fingerprint(said(), context(shop)))
    assert dict(sql.fingerprint(said(), context(shop))) == first
    time.sleep(0.01)
    anew = dict(sql.fingerprint(said(), context(shop, refresh=True)))
    assert anew["asked"] > first["asked"]
    assert dict(sql.fingerprint(said(), context(shop))) == anew
    (origin,) = sql.origins(said(), context(shop, refresh=True))
    assert origin.revision == anew["asked"], "where it came from is what was read"
    versioned = said(version="SELECT count(*), max(id) FROM reviews")
    assert sql.fingerprint(versioned, context(shop))["version"] == "[12000, 11999]"
    with pytest.raises(DataError, match="gives 2 rows"):
        sql.fingerprint(said(version="SELECT id FROM reviews LIMIT 2"), context(shop))
    alone = context(shop, offline=True)
    assert sql.fingerprint(versioned, alone)["version"] == "[12000, 11999]", "as it was last said"
    with pytest.raises(RemoteError, match="offline"):
        sql.fingerprint(said(version="SELECT max(id) FROM reviews"), alone)
    with pytest.raises(RemoteError, match="offline"):
        list(sql.read(versioned, alone))


def test_a_dialect_that_is_none_is_told(shop: Path) -> None:
    with pytest.raises(MissingPackageError, match="SQLAlchemy knows no database 'nosuch'"):
        list(sql.read(sql.Params(source="sql:nosuch://x/y", query="SELECT 1"), context(shop)))
