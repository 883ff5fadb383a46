"""The database of keys and tenants: SQLite in the workspace, or PostgreSQL where several machines share it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from aiaas import environment, plugins
from aiaas.control.tables import SCHEMA, Base, State
from aiaas.environment import REFERENCE
from aiaas.errors import DataError, RemoteError, SecretError, UsageError, VerificationError, first_line

WAIT = 10
"""Seconds for a database that is silent, or that another process writes to."""
_BOUNDS = {
    "connect_timeout": WAIT,
    "options": f"-c statement_timeout={WAIT * 1000}",
    # A machine that is gone says nothing: without these the kernel waits for it for hours.
    "tcp_user_timeout": WAIT * 1000,
    "keepalives_idle": WAIT,
    "keepalives_interval": WAIT,
    "keepalives_count": 1,
}
"""For PostgreSQL's own library."""
_LOCK = 0x61696161
"""Of PostgreSQL's advisory locks: who makes the tables."""


class Database:
    """The database at `url`, or the file `control.db` in `folder`; its tables are made when they are not there.

    `mark` is that of the secret that keys are made with. Raises UsageError for an address that is none, RemoteError
    where no database answers, VerificationError for one of a newer aiaas, SecretError for another secret.
    """

    def __init__(self, folder: Path, url: str | None, mark: str) -> None:
        self._url = sa.make_url(f"sqlite:///{folder / 'control.db'}") if url is None else _parsed(url)
        self.elsewhere = self._url.get_backend_name() != "sqlite"
        """Whether others than the processes of this machine may change it."""
        self.engine = self._engine()
        try:
            self.name = self._known(mark)
        except BaseException:
            self.close()
            raise

    def _known(self, mark: str) -> str:
        """The name of the database, which is found to be of this schema and this secret."""
        with self.errors():
            self._make(mark)
            with Session(self.engine) as session:
                state = session.get_one(State, 1)
        if state.schema > SCHEMA:
            raise VerificationError("a newer aiaas made this database", where=self.shown, hint="upgrade aiaas")
        if state.mark != mark:
            raise SecretError(
                "the keys in this database were made with another secret",
                where=self.shown,
                hint="give every machine the same AIAAS_KEY_SECRET, or the same file control/secret in its workspace",
            )
        return state.database

    @property
    def shown(self) -> str:
        """Its address without a password."""
        return self._url.render_as_string(hide_password=True)

    def _engine(self) -> sa.Engine:
        if self.elsewhere:
            plugins.require(("psycopg",), "a PostgreSQL for keys")
            return sa.create_engine(self._url, connect_args=_BOUNDS, pool_pre_ping=True, pool_size=1, max_overflow=4)
        engine = sa.create_engine(self._url, connect_args={"timeout": WAIT}, poolclass=sa.NullPool)

        @sa.event.listens_for(engine, "connect")
        def _(connection: Any, record: Any) -> None:
            connection.execute("PRAGMA foreign_keys = ON")

        return engine

    def _make(self, mark: str) -> None:
        """The tables and the row of `State`, unless they are there. One process at a time."""
        with self.engine.connect() as connection:
            if sa.inspect(connection).has_table(State.__tablename__):
                return
        with self.engine.connect() as connection:
            if self.elsewhere:
                connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            Base.metadata.create_all(connection)
            if connection.scalar(sa.select(State.id)) is None:
                row = {"id": 1, "schema": SCHEMA, "database": secrets.token_hex(8), "mark": mark, "generation": 0}
                connection.execute(sa.insert(State).values(row))
            connection.commit()

    @contextmanager
    def change(self) -> Iterator[Session]:
        """A transaction that changes something. Whoever changes something else meanwhile waits: the first that each
        does is to count the generation up."""
        with self.errors(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            session.execute(sa.update(State).values(generation=State.generation + 1))
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        with self.errors(), Session(self.engine) as session:
            yield session

    @contextmanager
    def errors(self) -> Iterator[None]:
        """What the database says, as errors of ours: without statements and their values."""
        try:
            yield
        except sa.exc.DBAPIError as error:
            said = first_line(error.orig) if isinstance(error.orig, Exception) else "it failed"
            if self.elsewhere:
                raise RemoteError(
                    f"the database of the keys does not answer: {environment.mask(said)}",
                    where=self.shown,
                    hint="is it running, and is the address right? AIAAS_DATABASE or --database names it",
                ) from None
            raise DataError(f"the database of the keys cannot be used: {said}", where=self.shown) from None

    def close(self) -> None:
        self.engine.dispose()


def _parsed(text: str) -> sa.URL:
    """The address; a driver is chosen where it names none."""
    if REFERENCE.fullmatch(text):
        text = environment.value(text, "--database")
    hint = "such as postgresql://aiaas:PASSWORD@host/aiaas; without it the workspace holds the keys"
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise UsageError("this is no address of a database", where="--database", hint=hint) from None
    if url.password:
        environment.remember("AIAAS_DATABASE", str(url.password))
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in {"postgresql+psycopg", "sqlite"} or (url.drivername == "sqlite" and not url.database):
        raise UsageError("the database must be a PostgreSQL, or a file of SQLite", where="--database", hint=hint)
    return url
