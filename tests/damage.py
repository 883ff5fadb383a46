"""Right requests, damaged."""

from __future__ import annotations

import random
from typing import Any

MARK = "SECRET~MARK"
"""No name of anything can be like it, nor the id of a request: those are told again."""
ODD: list[Any] = [
    None, True, -1, 0.5, 1e308, 10**290, 2**63, "", MARK, "\0", "9" * 400, [], {}, [[]], [None], [1, MARK], {MARK: 1},
    {"b64": MARK}, {"b64": "AAAA"}, {"binary_data_size": 3},
]  # fmt: skip
KEYS = [MARK, "parameters", "data", "inputs", "instances", "params", "outputs", "stream", "stop", "dimensions"]


def damaged(value: Any, chance: random.Random) -> Any:
    """The value, with something odd in some places."""
    if chance.random() < 0.12:
        return chance.choice(ODD)
    match value:
        case dict():
            made = {name: damaged(each, chance) for name, each in value.items() if chance.random() > 0.05}
            return made | ({chance.choice(KEYS): chance.choice(ODD)} if chance.random() < 0.15 else {})
        case list():
            made_list = [damaged(each, chance) for each in value]
            return made_list * chance.choice([0, 3, 200]) if chance.random() < 0.1 else made_list
    return value


def bent(body: bytes, chance: random.Random) -> bytes:
    """The bytes, some of them others, with some behind them."""
    changed = bytearray(body)
    for _ in range(3):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed) + chance.randbytes(chance.choice([0, 1, 8, 64]))
