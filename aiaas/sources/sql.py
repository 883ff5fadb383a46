"""The rows that a query gives, of any database that SQLAlchemy speaks with: streamed, and never written to.

{source: "sql:postgresql+psycopg://reader:${env:PASSWORD}@host/shop", query: "select text, label from reviews"}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field, field_validator

from aiaas.contracts import Batch, Origin, SourceContext, SourceParams
from aiaas.sources import _database, _statement
from aiaas.sources._params import Sha256

SCHEMES = ("sql",)


class Params(SourceParams):
    """A query to a database."""

    query: str = Field(
        min_length=1,
        description="One statement that reads: SELECT …, WITH … SELECT …, VALUES … or TABLE …. With ORDER BY equal "
        "data gives equal rows in equal order.",
    )
    version: str | None = Field(
        None,
        min_length=1,
        description="A cheap query whose answer changes when the rows do, such as select max(changed) from reviews; "
        "asked at each run. Without it the rows are read anew with --refresh only; a file of SQLite needs none.",
    )
    sha256: Sha256 | None = Field(
        None, description="Of a file of SQLite: what its digest must be, 64 hexadecimal digits."
    )
    timeout: float = Field(
        60.0, gt=0, le=3600, description="Seconds the database may stay silent, above 0, at most 3600."
    )

    @field_validator("source")
    @classmethod
    def _names_a_database(cls, value: str) -> str:
        rest = value.removeprefix("sql:")
        if not rest.startswith("${env:") and "://" not in rest:
            raise ValueError("it must read sql:DIALECT://…, such as sql:sqlite:///shop.db, or sql:${env:DATABASE_URL}")
        return value

    @field_validator("query", "version")
    @classmethod
    def _only_reads(cls, value: str | None) -> str | None:
        if value is not None and "${env:" not in value and (why := _statement.refusal(value)):
            raise ValueError(f"the statement is refused: {why}")
        return value


def fingerprint(params: Params, context: SourceContext) -> Mapping[str, Any]:
    """The database, the query, and what tells of its rows: the digest of a file of SQLite, the answer to `version:`, or
    else the moment in which the rows were first asked for, or asked for anew by `context.refresh`."""
    database = _database.Database(params, context)
    return {"database": database.shown, "query": params.query, **database.state()}


def read(params: Params, context: SourceContext) -> Iterator[Batch]:
    """The rows in batches, through a cursor of the database. Raises DataError for what the database refuses,
    RemoteError where it cannot be reached, MissingPackageError without its driver."""
    return _database.Database(params, context).rows()


def origins(params: Params, context: SourceContext) -> Sequence[Origin]:
    """The database, without credentials; the digest is that of SQLite's file, None of a server."""
    read = replace(context, refresh=False)  # what was read, not what would be asked anew
    return [_database.Database(params, read).origin()]
