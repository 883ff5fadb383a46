"""Who may ask how much."""

from __future__ import annotations

from collections.abc import Set
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from aiaas.serve.calls import Call
from aiaas.serve.errors import QuotaError, UnavailableError, logger

if TYPE_CHECKING:
    from aiaas.control import Account, Ledger
    from aiaas.serve.models import Live

ALL, SIZES, COSTS = frozenset({0, 1, 2, 3}), frozenset({1, 2}), frozenset({2, 3})
"""Places in `Amounts`: all that is counted; what is known of a request that was read, and of one that was answered."""
_LATER = "send it again after the seconds in Retry-After"


class Admission(Protocol):
    """Raises QuotaError before work is done for which there is no quota."""

    def enter(self, call: Call) -> None:
        """A request has come; nothing of it but its head was read."""

    def admit(self, call: Call, live: Live) -> None:
        """Its rows and tokens are known; nothing was computed."""

    def settle(self, call: Call) -> None:
        """It is over, and `call.spent` and `call.written` are what it cost."""


class Unlimited:
    """Everyone may ask as much as the limits of a request allow."""

    def enter(self, call: Call) -> None: ...

    def admit(self, call: Call, live: Live) -> None: ...

    def settle(self, call: Call) -> None: ...


class Quotas:
    """What keys and tenants may use, added up over all workers. Of a request that comes when anything is used up, not
    even the body is read: to refuse must be cheaper than to answer."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def enter(self, call: Call) -> None:
        self._take(call, (1.0, 0.0, 0.0, 0.0), ALL)

    def admit(self, call: Call, live: Live) -> None:
        self._take(call, (0.0, float(call.rows), float(call.tokens), 0.0), SIZES)

    def settle(self, call: Call) -> None:
        if accounts := _limited(call, COSTS):
            with suppress(OSError):  # it was let in, so there was room; what was computed is answered
                self._ledger.add(accounts, (0.0, 0.0, float(call.written), call.spent.computed))

    def _take(self, call: Call, cost: tuple[float, float, float, float], places: Set[int]) -> None:
        if not (accounts := _limited(call, places)):
            return
        try:
            over = self._ledger.take(accounts, cost, places)
        except OSError as error:
            logger.error("what is used of the quotas cannot be counted: %s", error.strerror)
            raise UnavailableError("the quota of this key cannot be counted just now", 1.0, hint=_LATER) from None
        if over is not None:
            raise QuotaError(str(over), over.after, hint=f"{_LATER}, or less at once")


def _limited(call: Call, places: Set[int]) -> list[Account]:
    return [account for account in call.caller.accounts if not account.limited.isdisjoint(places)]
