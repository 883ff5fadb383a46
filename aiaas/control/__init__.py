"""Who may ask what of the service: tenants, their keys and quotas, in a database, and in memory what a request needs.

`Control` makes, lists, replaces and revokes; `Keyring` tells true keys from false ones in each worker; `Ledger` holds
what was used, for all workers of a machine. None of this knows of HTTP.
"""

from aiaas.control.control import Control
from aiaas.control.keys import Key, NewKey, Scope, UnknownError
from aiaas.control.ledger import Ledger, Over
from aiaas.control.quotas import Account, Amounts, Quota
from aiaas.control.ring import Keyring, RefusedError

__all__ = [
    "Account",
    "Amounts",
    "Control",
    "Key",
    "Keyring",
    "Ledger",
    "NewKey",
    "Over",
    "Quota",
    "RefusedError",
    "Scope",
    "UnknownError",
]
