"""Who may ask how much."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING, Protocol

from aiaas.serve.calls import Call
from aiaas.serve.errors import QuotaError

if TYPE_CHECKING:
    from aiaas.control import Account, Ledger
    from aiaas.serve.models import Live

ALL, SIZES, COSTS = frozenset({0, 1, 2, 3}), frozenset({1, 2}), frozenset({2, 3})
"""Places in `Amounts`: all that is counted; what is known of a request that was read, and of one that was answered."""


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
            self._ledger.add(accounts, (0.0, 0.0, float(call.written), call.spent.computed))

    def _take(self, call: Call, cost: tuple[float, float, float, float], places: Set[int]) -> None:
        if not (accounts := _limited(call, places)):
            return
        over = self._ledger.take(accounts, cost, places)
        if over is not None:
            hint = "send it again after the seconds in Retry-After, or less at once"
            raise QuotaError(str(over), over.after, hint=hint)


def _limited(call: Call, places: Set[int]) -> list[Account]:
    return [account for account in call.caller.accounts if not account.limited.isdisjoint(places)]
