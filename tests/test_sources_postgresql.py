"""The source `sql` on a real PostgreSQL."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from aiaas.contracts import SourceContext
from aiaas.errors import AiaasError, DataError, RemoteError
from aiaas.sources import _database, _statement, sql
from tests import postgres

pytestmark = pytest.mark.skipif(postgres.ready() is not None, reason=str(postgres.ready()))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with 30,000 reviews. Its folder is short: the path of a socket may have 107 characters."""
    import shutil
    import tempfile

    root = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        with postgres.cluster(root) as address:
            engine = sa.create_engine(address)
            with engine.begin() as connection:
                connection.execute(
                    sa.text("CREATE TABLE reviews (id int PRIMARY KEY, text text, price numeric, day date)")
                )
                lines = "SELECT n, n || ' 房间', n / 4.0, '2026-01-01' FROM generate_series(1, 30000) AS n"
                connection.execute(sa.text(f"INSERT INTO reviews {lines}"))
                connection.execute(sa.text("CREATE SEQUENCE counter"))
            engine.dispose()
            yield address
    finally:
        shutil.rmtree(root)


def said(server: str, query: str = "SELECT * FROM reviews ORDER BY id", **more: Any) -> sql.Params:
    return sql.Params(source=f"sql:{server}", query=query, **more)


def context(base: Path, **more: Any) -> SourceContext:
    return SourceContext(base, base / "cache", **more)


def failure(params: sql.Params, base: Path) -> AiaasError:
    with pytest.raises(AiaasError) as caught:
        list(sql.read(params, context(base)))
    return caught.value


def test_rows_come_through_a_cursor_of_the_server(server: str, tmp_path: Path) -> None:
    import datetime
    from decimal import Decimal

    batches = sql.read(said(server), context(tmp_path))
    first = next(batches)
    assert {name: values[0] for name, values in first.items()} == {
        "id": 1,
        "text": "1 房间",
        "price": Decimal("0.25"),
        "day": datetime.date(2026, 1, 1),
    }
    rest = list(batches)
    assert sum(len(batch["id"]) for batch in [first, *rest]) == 30_000
    asked = "SELECT name, statement FROM pg_cursors"
    (cursors,) = sql.read(said(server, asked), context(tmp_path))
    assert asked in cursors["statement"][0], "the query runs as a cursor, so rows are not fetched all at once"


def test_the_server_refuses_to_write(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = failure(said(server, "SELECT nextval('counter') AS n"), tmp_path)
    assert isinstance(error, DataError)
    assert "read-only transaction" in error.message
    monkeypatch.setattr(_statement, "refusal", lambda statement: None)
    for query in (
        "WITH gone AS (DELETE FROM reviews RETURNING id) SELECT * FROM gone",
        "INSERT INTO reviews VALUES (0, 'x', 1, '2026-01-01') RETURNING id",
        "SELECT * INTO other FROM reviews",
    ):
        assert failure(said(server, query), tmp_path)
    (batch,) = sql.read(said(server, "SELECT count(*) AS n FROM reviews"), context(tmp_path))
    assert batch == {"n": [30_000]}


def test_a_statement_that_is_only_half_understood_writes_nothing(server: str, tmp_path: Path) -> None:
    """In PostgreSQL a name may hold dollars, and a comment ends at a carriage return."""
    for query in ("SELECT 1 AS a$x$; COMMIT; DELETE FROM reviews; --$x$", "SELECT 1 --\r; COMMIT; DELETE FROM reviews"):
        with pytest.raises((AiaasError, ValidationError)):
            list(sql.read(said(server).model_copy(update={"query": query}), context(tmp_path)))
    (batch,) = sql.read(said(server, "SELECT count(*) AS n FROM reviews"), context(tmp_path))
    assert batch == {"n": [30_000]}


def test_what_the_server_says_is_told(server: str, tmp_path: Path) -> None:
    error = failure(said(server, "SELECT txt FROM reviews"), tmp_path)
    assert isinstance(error, DataError)
    assert 'column "txt" does not exist' in error.message
    assert error.where
    assert "tester" not in str(error.as_dict())
    error = failure(said(server, "SELECT pg_sleep(20)", timeout=0.5), tmp_path)
    assert isinstance(error, RemoteError)
    assert "took longer than 0.5 s" in error.message
    gone = failure(said(server.replace("/postgres?", "/nowhere?")), tmp_path)
    assert isinstance(gone, RemoteError)


def test_percent_signs_colons_and_quotes_pass(server: str, tmp_path: Path) -> None:
    query = "SELECT '50%s'::text AS a, 7 % 4 AS b, $x$;drop$x$ AS c, E'it\\'s' AS d"
    assert list(sql.read(said(server, query), context(tmp_path))) == [
        {"a": ["50%s"], "b": [3], "c": [";drop"], "d": ["it's"]}
    ]


def test_a_version_is_asked_for(server: str, tmp_path: Path) -> None:
    versioned = said(server, version="SELECT max(id), count(*) FROM reviews")
    assert sql.fingerprint(versioned, context(tmp_path))["version"] == "[30000, 30000]"
    plain = dict(sql.fingerprint(said(server), context(tmp_path)))
    assert set(plain) == {"database", "query", "asked"}
    assert plain["database"] == "sql:postgresql+psycopg:///postgres"
    (origin,) = sql.origins(versioned, context(tmp_path))
    assert (origin.sha256, origin.revision) == (None, "[30000, 30000]")


def test_a_server_that_falls_silent_is_given_up(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when its machine loses power: then it cannot say itself that it takes too long."""
    monkeypatch.setattr(_database, "GRACE", 0.5)
    batches = sql.read(said(server, timeout=0.5), context(tmp_path))
    next(batches)
    engine = sa.create_engine(server)
    with engine.connect() as connection:
        asked = "SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction' AND pid != pg_backend_pid()"
        (pid,) = connection.execute(sa.text(asked)).scalars()
    engine.dispose()
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(RemoteError, match=r"the database was silent for 0.5 s"):
            list(batches)
        assert time.monotonic() - began < 10
    finally:
        os.kill(pid, signal.SIGCONT)
    assert len(list(sql.read(said(server, "SELECT 1 AS n"), context(tmp_path)))) == 1


def test_what_takes_a_connection_and_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_database, "GRACE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql+psycopg://me:hunter2@127.0.0.1:{silent.getsockname()[1]}/shop"
        error = failure(said(address, timeout=0.5), tmp_path)
    assert isinstance(error, RemoteError)
    assert "hunter2" not in str(error.as_dict())
