"""The caller by the key that a request carries."""

from __future__ import annotations

from starlette.datastructures import Headers

from aiaas.control import Key, Keyring, RefusedError
from aiaas.serve.calls import Caller
from aiaas.serve.errors import NoKeyError

_HINT = "send the header Authorization: Bearer KEY; whoever runs the service makes one with aiaas keys create"


class Keyed:
    """Whoever has a valid key may ask, as far as it goes. It is taken from `Authorization: Bearer`, which the clients
    of all protocols can send, or from `X-API-Key`; never from an address, which ends up in logs."""

    def __init__(self, ring: Keyring) -> None:
        self._ring = ring
        self._callers: dict[str, tuple[Key, Caller]] = {}

    def caller(self, headers: Headers) -> Caller:
        given = _given(headers)
        if given is None:
            raise NoKeyError("a key is needed", hint=_HINT)
        try:
            key = self._ring.find(given)
        except RefusedError as refused:
            raise NoKeyError(str(refused), hint=_HINT) from None
        known = self._callers.get(key.name)
        if known is None or known[0] is not key:  # another after each change
            known = self._callers[key.name] = key, _caller(key)
        return known[1]


def _given(headers: Headers) -> str | None:
    given = headers.getlist("authorization")
    if len(given) > 1:  # what stands before us may have looked at another one than we would
        return None
    scheme, _, rest = (given[0] if given else "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    return headers.get("x-api-key")


def _caller(key: Key) -> Caller:
    limited = tuple(account for account in key.accounts if account.limited)
    return Caller(key.name, key.tenant, key.scopes, key.models, limited)
