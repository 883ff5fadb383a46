"""Tenants and keys: made, listed, replaced, revoked. What changes is known to every worker at its next request."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from aiaas import plugins
from aiaas.control import keys, secret
from aiaas.control.database import Database
from aiaas.control.generation import Generation
from aiaas.control.keys import Key, NewKey, UnknownError, of_record, of_row
from aiaas.control.ledger import Ledger
from aiaas.control.quotas import Quota
from aiaas.control.tables import AccountRow, KeyRow, State, TenantRow
from aiaas.errors import UsageError
from aiaas.workspace import Workspace, atomic


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All keys by name, with the digests that tell true ones; as of `generation` of the database."""

    generation: int
    keys: dict[str, tuple[bytes, Key]]


class Control:
    """Who may ask what, as the database at `url` knows it; the workspace's own where that is None.

    Raises what `Database` does. `close` it, or use it as a context.
    """

    def __init__(self, workspace: Workspace, url: str | None = None) -> None:
        self.workspace = workspace
        self._folder = workspace.root / "control"
        """Its own folder, which only who runs the service may read."""
        with atomic.disk_errors(self._folder / "control.db"):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.secret = secret.read(self._folder)
            self.database = Database(self._folder, url, secret.mark(self.secret))
            self.generation = Generation(self._folder / "generation")

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *failed: object) -> None:
        self.close()

    def close(self) -> None:
        self.generation.close()
        self.database.close()

    def ledger(self) -> Ledger:
        """What was used of the quotas; of this database, since another counts other accounts."""
        return Ledger(self._folder / f"use-{self.database.name}")

    # --- reading --------------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Everything that answering a request needs to know."""
        with self.database.read() as session:
            generation = session.get_one(State, 1).generation
            rows = session.execute(keys.select_all())
            return Snapshot(generation, {row.name: (row.digest, of_row(row)) for row in rows})

    def changed(self, generation: int) -> bool:
        """Whether the database is another than it was in that generation."""
        with self.database.read() as session:
            return session.scalar(sa.select(State.generation)) != generation

    def listed(self, tenant: str | None = None) -> list[Key]:
        """The keys, of one tenant or of all, oldest first."""
        if tenant is not None and not keys.is_tenant(tenant):
            return []
        query = keys.select_all().order_by(KeyRow.created, KeyRow.name)
        with self.database.read() as session:
            return list(map(of_row, session.execute(query if tenant is None else query.where(KeyRow.of == tenant))))

    def tenants(self) -> dict[str, Quota]:
        """What all keys of a tenant may use together."""
        with self.database.read() as session:
            rows = session.scalars(sa.select(TenantRow).order_by(TenantRow.name))
            return {row.name: Quota.parse(row.account.quota) for row in rows}

    # --- changing -------------------------------------------------------------------------------------------------

    @contextmanager
    def _change(self) -> Iterator[Session]:
        with self.database.change() as session:
            yield session
        self.generation.grow()

    def create(
        self,
        tenant: str,
        *,
        scopes: Collection[str] = ("infer",),
        models: Collection[str] | None = None,
        seconds: float | None = None,
        quota: Quota = Quota(),  # noqa: B008 - frozen
    ) -> NewKey:
        """A key of `tenant`, which is known from then on; it expires after `seconds`."""
        keys.checked_tenant(tenant)
        keys.checked_life(seconds)
        allowed = {"scopes": keys.checked_scopes(scopes), "models": keys.checked_models(models)}
        with self._change() as session:
            return self._create(session, tenant, allowed, seconds, quota)

    def first(self, tenant: str) -> NewKey | None:
        """A key for everything, where there is none at all yet."""
        with self.database.read() as session:
            if _any(session):
                return None
        with self._change() as session:
            if _any(session):
                return None  # another process was faster
            return self._create(session, tenant, {"scopes": list(keys.SCOPES), "models": None}, None, Quota())

    def _create(
        self, session: Session, tenant: str, allowed: dict[str, list[str] | None], seconds: float | None, quota: Quota
    ) -> NewKey:
        now = time.time()
        name, text = secret.new_key()
        digest = secret.digest(self.secret, text)
        row = KeyRow(name=name, digest=digest, tenant=_owner(session, tenant), created=now, **allowed)
        row.expires = None if seconds is None else now + seconds
        row.account = AccountRow(quota=str(quota))
        session.add(row)
        session.flush()
        return NewKey(text, of_record(row))

    def rotate(self, name: str, *, overlap: float = 0.0, seconds: float | None = None) -> NewKey:
        """A key that takes the place of another, which is valid for `overlap` seconds more. It may do the same, shares
        the quota, and expires after `seconds`, or after as long as the other was made for."""
        keys.checked_life(seconds)
        with self._change() as session:
            before = self._known(session, name)
            now = time.time()
            key = of_record(before)
            if (state := key.state(now)) != "valid":
                raise UsageError(f"the key is {state}", where="KEY", hint="only a valid key can be rotated")
            if seconds is None and before.expires is not None:
                seconds = before.expires - before.created
            allowed = {"scopes": before.scopes, "models": before.models}
            made, text = secret.new_key()
            row = KeyRow(name=made, digest=secret.digest(self.secret, text), created=now, **allowed)
            row.expires = None if seconds is None else now + seconds
            row.tenant, row.account = before.tenant, before.account
            before.replaced = made
            before.expires = min(now + overlap, before.expires or now + overlap)
            session.add(row)
            session.flush()
            return NewKey(text, of_record(row))

    def revoke(self, *names: str) -> list[Key]:
        """Let these keys open nothing from now on, or none of them where one is not known; again is no fault."""
        with self._change() as session:
            rows = [self._known(session, name) for name in names]
            for row in rows:
                row.revoked = row.revoked or time.time()
            return [of_record(row) for row in rows]

    def revoke_all(self, tenant: str) -> list[Key]:
        """Let no key of the tenant open anything; those that were valid."""
        with self._change() as session:
            self._tenant(session, tenant)
            now = time.time()
            rows = [row for row in session.scalars(sa.select(KeyRow).where(KeyRow.of == tenant)) if not row.revoked]
            for row in rows:
                row.revoked = now
            return [of_record(row) for row in rows]

    def limit(self, tenant: str, quota: Quota) -> None:
        """Let all keys of the tenant together use no more than `quota`; the tenant may be new."""
        keys.checked_tenant(tenant)
        with self._change() as session:
            _owner(session, tenant).account.quota = str(quota)

    def _known(self, session: Session, name: str) -> KeyRow:
        name = secret.name_of(name) or name
        row = session.get(KeyRow, name) if secret.is_name(name) else None
        if row is None:
            close = plugins.nearest(name, session.scalars(sa.select(KeyRow.name)))
            hint = f"did you mean {close!r}?" if close else "aiaas keys list shows them"
            raise UnknownError("there is no such key", where="KEY", hint=hint)
        return row

    def _tenant(self, session: Session, name: str) -> TenantRow:
        row = session.get(TenantRow, name) if keys.is_tenant(name) else None
        if row is None:
            there = list(session.scalars(sa.select(TenantRow.name)))
            close = plugins.nearest(name, there)
            hint = f"did you mean {close!r}?" if close else "aiaas keys list shows them"
            raise UnknownError("there is no such tenant", where="--tenant", hint=hint)
        return row


def _any(session: Session) -> bool:
    """Whether there is a key."""
    return bool(session.scalar(sa.select(sa.exists().where(KeyRow.name.is_not(None)))))


def _owner(session: Session, tenant: str) -> TenantRow:
    """The tenant, who is known from here on."""
    row = session.get(TenantRow, tenant)
    if row is None:
        row = TenantRow(name=tenant, created=time.time(), account=AccountRow(quota=""))
        session.add(row)
    return row
