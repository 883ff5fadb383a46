"""A record that shows when it was changed: entries chained by hash.

A chain is a series of files of JSON lines, `0-000001.jsonl`, `0-000002.jsonl`, …, which one process at a time adds to.
Each entry ends with the SHA-256 of the hash before it and of its own bytes, so that none can be altered, left out, put
in or moved without all that follow being made anew. Who can do that as well is found out by a note of a chain's last
hash that was kept elsewhere: `verify` compares with such notes.
"""

from aiaas.audit.chain import Chain, members
from aiaas.audit.read import entries
from aiaas.audit.verify import Head, verify

__all__ = ["Chain", "Head", "entries", "members", "verify"]
