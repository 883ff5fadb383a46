"""A key as everybody may see it, and what may be asked of one."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, get_args

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from aiaas import plugins
from aiaas.control.quotas import Account, Quota
from aiaas.control.tables import AccountRow, KeyRow, TenantRow
from aiaas.errors import UsageError

Scope = Literal["infer", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MODEL = re.compile(r"[^\x00-\x1f\x7f/]{1,200}")


class UnknownError(UsageError):
    """There is no such key, or no such tenant."""


@dataclass(frozen=True, slots=True)
class Key:
    """Whom a key belongs to and what it opens. `name` is its public part; `models` is None for all of them; `accounts`
    are the key's own and its tenant's. Times are seconds since the epoch."""

    name: str
    tenant: str
    scopes: frozenset[Scope]
    models: frozenset[str] | None
    accounts: tuple[Account, ...]
    created: float
    expires: float | None = None
    revoked: float | None = None
    replaced: str | None = None
    """The key that took its place."""

    def state(self, now: float) -> str:
        if self.revoked is not None:
            return "revoked"
        if self.expires is not None and self.expires <= now:
            return "expired"
        return "replaced" if self.replaced else "valid"

    def as_dict(self, now: float) -> dict[str, Any]:
        return {
            "key_id": self.name,
            "tenant": self.tenant,
            "scopes": sorted(self.scopes),
            "models": None if self.models is None else sorted(self.models),
            "quota": str(self.accounts[0].quota),
            "state": self.state(now),
            "created": self.created,
            "expires": self.expires,
            "revoked": self.revoked,
            "replaced_by": self.replaced,
        }


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: `text` is all that opens something, and is nowhere kept."""

    text: str = field(repr=False)
    key: Key


def of_record(row: KeyRow) -> Key:
    """A key that is being changed."""
    own, tenant = row.account, row.tenant.account
    return _key(row, account(own.number, own.quota, "key"), account(tenant.number, tenant.quota, "tenant"))


def select_all() -> sa.Select[Any]:
    """All keys as plain rows, in any order, for `of_row`: a tenth of the time that records take."""
    own, shared = aliased(AccountRow), aliased(AccountRow)
    query = sa.select(
        *KeyRow.__table__.columns,
        own.number.label("own"),
        own.quota.label("own_quota"),
        shared.number.label("shared"),
        shared.quota.label("shared_quota"),
    )
    query = query.join(own, own.number == KeyRow.number).join(TenantRow, TenantRow.name == KeyRow.of)
    return query.join(shared, shared.number == TenantRow.number)


def of_row(row: Any) -> Key:
    return _key(row, account(row.own, row.own_quota, "key"), account(row.shared, row.shared_quota, "tenant"))


@lru_cache(1 << 16)
def account(number: int, quota: str, whose: str) -> Account:
    return Account(number, Quota.parse(quota), whose)


def _key(row: Any, own: Account, tenant: Account) -> Key:
    scopes = frozenset(scope for scope in SCOPES if scope in row.scopes)
    models = None if row.models is None else frozenset(row.models)
    times = (row.created, row.expires, row.revoked)
    return Key(row.name, row.of, scopes, models, (own, tenant), *times, row.replaced)


def is_tenant(name: str) -> bool:
    """Whether a tenant can be called like that."""
    return _TENANT.fullmatch(name) is not None


def checked_tenant(name: str, where: str = "--tenant") -> str:
    if not is_tenant(name):
        raise UsageError(
            "a tenant is called by letters, digits, dots, dashes and underscores, 64 at most", where=where, hint="acme"
        )
    return name


def checked_life(seconds: float | None, where: str = "--expires") -> float | None:
    if seconds is not None and seconds <= 0:
        raise UsageError("a key that expires at once opens nothing", where=where, hint="such as 90d; without it, never")
    return seconds


def checked_scopes(scopes: Collection[str], where: str = "--scopes") -> list[str]:
    for scope in scopes:
        if scope not in SCOPES:
            close = plugins.nearest(scope, SCOPES)
            hint = f"did you mean {close!r}?" if close else "infer asks models, admin manages models and keys"
            raise UsageError(f"a scope is one of {', '.join(SCOPES)}", where=where, hint=hint)
    if not scopes:
        raise UsageError("a key without a scope opens nothing", where=where, hint="infer, admin, or both")
    return sorted(set(scopes))


def checked_models(models: Collection[str] | None, where: str = "--models") -> list[str] | None:
    if models is None:
        return None
    if not models:
        raise UsageError("a key without a model opens nothing", where=where, hint="leave it out to allow all models")
    for model in models:
        if not _MODEL.fullmatch(model):
            raise UsageError(
                "a model is meant by the name it is called by, without version or alias", where=where, hint="reviews"
            )
    return sorted(set(models))
