"""A database through SQLAlchemy: opened to read only, asked within a time, its rows streamed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from aiaas import plugins
from aiaas.contracts import Batch, Origin, SourceContext
from aiaas.errors import AiaasError, DataError, MissingPackageError, RemoteError, first_line
from aiaas.sources import _asked, _found, _statement
from aiaas.sources._found import File
from aiaas.sources._patience import RAISE, Clock, Silent, in_time

if TYPE_CHECKING:
    import sqlalchemy as sa

    from aiaas.sources.sql import Params

ROWS = 5000
FIRST = 100
BYTES = 32 * 2**20
"""Rows of a batch: few at first, then as many as hold about so many bytes."""

GRACE = 2.0
"""Seconds beyond its timeout that a server is left to say itself that it takes too long."""

_STEPS = 10_000  # of SQLite's machine between two looks at the clock
_READ_ONLY = {
    **dict.fromkeys(("postgresql", "cockroachdb", "oracle"), "SET TRANSACTION READ ONLY"),
    **dict.fromkeys(("mysql", "mariadb"), "START TRANSACTION READ ONLY"),
}
"""What makes a transaction one that only reads; in any other database nothing is ever committed."""
_DRIVERS = {"postgresql": "psycopg[binary]", "mysql": "pymysql", "mariadb": "pymysql", "oracle": "oracledb"}
_ELSEWHERE = "export the rows to a file where it is reached, and name that: --set 'collect[0].source=FILE'"
T = TypeVar("T")


class Database:
    """The database that a source names. Its address is shown without credentials."""

    def __init__(self, params: Params, context: SourceContext) -> None:
        plugins.require(("sqlalchemy",), "a database")
        import sqlalchemy as sa

        self.params = params
        self.context = context
        self._clock = Clock(params.timeout)
        try:
            self.url = sa.engine.make_url(params.source.removeprefix("sql:"))
        except sa.exc.ArgumentError as error:
            hint = "sql:DIALECT://user:${env:PASSWORD}@host/name"
            raise DataError("it is no address of a database", where="sql:…", hint=hint) from error
        self.kind = self.url.get_backend_name()
        bare = sa.URL.create(self.url.drivername, host=self.url.host, port=self.url.port, database=self.url.database)
        self.shown = f"sql:{bare.render_as_string()}"
        for statement in (params.query, params.version):  # with values of the environment in it, only now
            if statement and (why := _statement.refusal(statement)):
                raise DataError(f"the statement is refused: {why}", where=self.shown, hint="a source only reads")

    @property
    def file(self) -> File | None:
        """SQLite's file; DataError where there is none."""
        name = self.url.database
        if self.kind != "sqlite":
            return None
        if not name or name == ":memory:" or name.startswith("file:"):
            hint = "sql:sqlite:///FILE, relative to the recipe, or sql:sqlite:////FILE"
            raise DataError("a database in memory holds nothing to read", where=self.shown, hint=hint)
        path = self.context.base / Path(name).expanduser()
        if not path.is_file():
            hint = _found.near(path, self.context.base) or f"looked for {path}"
            raise DataError("there is no such database", where=self.shown, hint=hint)
        return File(path, self.shown)

    def state(self) -> dict[str, str]:
        """What tells whether the rows are the same, as far as that can be told without reading them."""
        if self.params.sha256:
            self._verify(self.params.sha256)
        if file := self.file:
            log = file.path.with_name(f"{file.path.name}-wal")
            pending = log.is_file() and log.stat().st_size > 0
            return {"sha256": file.digest(), **({"log": File(log, self.shown).digest()} if pending else {})}
        if self.params.version is None:
            return {"asked": _asked.moment(f"{self.url.render_as_string()}\0{self.params.query}", self.context)}
        question = f"{self.url.render_as_string()}\0{self.params.version}"
        if self.context.offline:
            if known := _asked.said(question, self.context):
                return {"version": known}
            raise RemoteError("--offline forbids asking the database", where=self.shown, hint=_ELSEWHERE)
        with self._connected() as connection:
            found = self._execute(connection, self.params.version).fetchmany(2)
        if len(found) != 1:
            raise DataError(f"version: gives {len(found) or 'no'} rows; it must give one", where=self.shown)
        answer = json.dumps(list(found[0]), default=str, ensure_ascii=False)
        _asked.remember(question, answer, self.context)
        return {"version": answer}

    def _verify(self, pinned: str) -> None:
        if not (file := self.file):
            hint = "pin what it exports"
            raise DataError("sha256 pins a file; a server has none", where=self.shown, hint=hint)
        if (found := file.digest()) != pinned:
            message = f"the checksum differs: expected sha256 {pinned}, found {found}"
            raise DataError(message, where=self.shown, hint="pin the new one if the change is meant")

    def origin(self) -> Origin:
        file = self.file
        size, digest = (file.path.stat().st_size, file.digest()) if file else (0, None)
        stated = self.state()
        return Origin(
            self.shown, size, digest, self.params.licence, revision=stated.get("version") or stated.get("asked")
        )

    def rows(self) -> Iterator[Batch]:
        """The rows of the query in batches of some thousands, and of some MiB."""
        if self.context.offline and not self.file:
            raise RemoteError("--offline forbids asking the database", where=self.shown, hint=_ELSEWHERE)
        with self._connected() as connection:
            result = self._execute(connection, self.params.query)
            names = _names(list(result.keys()), self.shown)
            size = FIRST
            while found := self._fetched(result, size):
                yield {name: list(column) for name, column in zip(names, zip(*found, strict=True), strict=True)}
                size = _fitting(found, size)

    # --- talking to it ---------------------------------------------------------------------------------------------

    def _execute(self, connection: sa.Connection, statement: str) -> Any:
        """Run a statement as it stands: nothing in it is taken for a parameter."""
        streamed = connection.execution_options(stream_results=True, max_row_buffer=FIRST, no_parameters=True)
        return self._in_time(lambda: streamed.exec_driver_sql(statement))

    def _fetched(self, result: Any, size: int) -> list[tuple[Any, ...]]:
        self._clock.since = time.monotonic()
        return self._in_time(lambda: [tuple(row) for row in result.fetchmany(size)])

    def _in_time(self, call: Callable[[], T]) -> T:
        """What a server answers, given up when it does not; SQLite computes within this process, by its own clock."""
        if self.kind == "sqlite":
            return call()
        told = f"the database was silent for {self.params.timeout:g} s"
        return in_time(call, self.params.timeout + GRACE, Silent(told, where=self.shown, hint=RAISE))

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        """A connection that cannot write, rolled back at the end. What goes wrong in the block is told as ours."""
        import sqlalchemy as sa

        try:
            engine = sa.create_engine(self._address(), poolclass=sa.pool.NullPool, connect_args=self._arguments())
        except sa.exc.NoSuchModuleError as error:
            message = f"SQLAlchemy knows no database {self.url.drivername!r}"
            hint = "check the address, or install the package that brings it"
            raise MissingPackageError(message, where=self.shown, hint=hint) from error
        except ImportError as error:
            package = _DRIVERS.get(self.kind) or error.name or "the driver of the dialect"
            message = f"{self.url.drivername} needs a package that is not installed: {first_line(error)}"
            raise MissingPackageError(message, where=self.shown, hint=f"pip install '{package}'") from error
        try:
            with self._opened(engine) as connection:
                self._in_time(lambda: self._forbid_writing(connection))
                yield connection
        except (AiaasError, GeneratorExit):
            raise
        except sa.exc.SQLAlchemyError as error:
            raise self._told(error) from error
        except UnicodeDecodeError as error:
            raise DataError(f"a text is not in the encoding that it says: {error.reason}", where=self.shown) from error
        finally:
            engine.dispose()

    @contextmanager
    def _opened(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        connection = self._in_time(engine.connect)
        try:
            yield connection
        finally:
            self._end(connection)

    def _end(self, connection: sa.Connection) -> None:
        """Roll back and close; where the server does not even answer to that, throw the connection away."""

        def well() -> None:
            connection.rollback()
            connection.close()

        if self.kind == "sqlite":
            well()
            return
        for end in (well, connection.invalidate):
            with suppress(Exception):
                in_time(end, GRACE, Silent(""))
                return

    def _address(self) -> sa.URL:
        if file := self.file:
            path = quote(file.path.absolute().as_posix())
            return self.url.set(database=f"file:{path}", query={"mode": "ro", "uri": "true"})
        return self.url

    def _arguments(self) -> dict[str, Any]:
        seconds = max(1, round(self.params.timeout))
        if self.kind == "sqlite":
            return {"timeout": seconds}
        if self.kind == "postgresql" and self.url.get_driver_name() in ("psycopg", "psycopg2"):
            return {"connect_timeout": seconds}
        if self.url.get_driver_name() == "pymysql":
            return {"connect_timeout": seconds, "read_timeout": seconds}
        return {}

    def _forbid_writing(self, connection: sa.Connection) -> None:
        if self.kind == "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = ON")
            driver: Any = connection.connection.dbapi_connection
            driver.set_progress_handler(self._clock, _STEPS)  # it computes within this process
            return
        if statement := _READ_ONLY.get(self.kind):
            connection.exec_driver_sql(statement)
        if self.kind == "postgresql":  # it bounds each fetch, for a cursor is asked in statements of its own
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {round(self.params.timeout * 1000)}")

    def _told(self, error: Exception) -> AiaasError:
        import sqlalchemy as sa

        told = first_line(Exception(str(getattr(error, "orig", None) or error)))
        for secret in (self.url.password, self.url.username):
            told = told.replace(str(secret), "…") if secret else told
        if "timeout" in told or "interrupted" in told:
            hint = "raise timeout:, or ask for less"
            return RemoteError(
                f"the database took longer than {self.params.timeout:g} s: {told}", where=self.shown, hint=hint
            )
        connecting = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) and self.kind != "sqlite"
        if connecting and not _of_the_statement(error):
            return RemoteError(f"the database cannot be reached: {told}", where=self.shown, hint=_ELSEWHERE)
        return DataError(f"the database refuses the query: {told}", where=self.shown, hint="check query:")


def _names(names: list[str], where: str) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        hint = "give each its own name with AS"
        raise DataError(f"the query gives two columns called {twice[0]!r}", where=where, hint=hint)
    return names


def _fitting(found: list[tuple[Any, ...]], size: int) -> int:
    """How many rows to ask for next, so that a batch stays within `BYTES`."""
    sample = found[:: max(1, len(found) // 50)]
    held = sum(len(value) for row in sample for value in row if isinstance(value, str | bytes)) // len(sample)
    return max(1, min(ROWS, BYTES // max(held, 1), size * 4))


def _of_the_statement(error: Any) -> bool:
    """Whether the server refused the statement: PostgreSQL then gives a state, which a lost connection has not."""
    state: Mapping[str, Any] | Any = getattr(getattr(error, "orig", None), "sqlstate", None)
    return bool(state) and not str(state).startswith(("08", "57", "28", "3D"))
