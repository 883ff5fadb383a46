"""What the database holds. Times are seconds since the epoch."""

from __future__ import annotations

from sqlalchemy import JSON, ForeignKey, LargeBinary, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

SCHEMA = 1


class Base(DeclarativeBase):
    pass


class State(Base):
    """One row. `generation` grows with every change, so that whoever remembers the rest knows when to read it again;
    `mark` tells which secret the keys were made with."""

    __tablename__ = "aiaas_state"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    schema: Mapped[int]
    database: Mapped[str] = mapped_column(String(32))
    mark: Mapped[str] = mapped_column(String(16))
    generation: Mapped[int]


class AccountRow(Base):
    """What a key or a tenant may use. Its number is never given again, since use is added up under it."""

    __tablename__ = "aiaas_accounts"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - as SQLAlchemy has it
    number: Mapped[int] = mapped_column(primary_key=True)
    quota: Mapped[str]


class TenantRow(Base):
    __tablename__ = "aiaas_tenants"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int] = mapped_column(ForeignKey(AccountRow.number))
    created: Mapped[float]
    account: Mapped[AccountRow] = relationship(lazy="joined", innerjoin=True)


class KeyRow(Base):
    """A key. One that took the place of another shares its account, so that rotating gives nobody a second quota."""

    __tablename__ = "aiaas_keys"
    name: Mapped[str] = mapped_column(String(10), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    of: Mapped[str] = mapped_column(ForeignKey(TenantRow.name), index=True)
    number: Mapped[int] = mapped_column(ForeignKey(AccountRow.number))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    models: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    created: Mapped[float]
    expires: Mapped[float | None]
    revoked: Mapped[float | None]
    replaced: Mapped[str | None] = mapped_column(String(10))
    tenant: Mapped[TenantRow] = relationship(lazy="joined", innerjoin=True)
    account: Mapped[AccountRow] = relationship(lazy="joined", innerjoin=True)
