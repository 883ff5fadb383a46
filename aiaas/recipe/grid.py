"""Several values in one `--set`: `model.params.alpha=0.1,0.5,1.0` is three, and two such make a grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from aiaas.errors import UsageError

LARGEST = 1000
_OPEN, _CLOSE, _QUOTES = "[{", "]}", "\"'"


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the grid: what it is called, and the texts PATH=VALUE that lead there."""

    label: str
    overrides: tuple[str, ...]


def grid(words: Sequence[str]) -> list[Point]:
    """Every combination of the values, the last word's going round first. A word without `=` is left to whoever reads
    the recipe. Raises UsageError where there is but one, or more than a person wants."""
    unread = tuple(word for word in words if "=" not in word)
    values = {word.partition("=")[0].strip(): items(word) for word in words if word not in unread}
    several = [name for name, found in values.items() if len(found) > 1]
    if not several:
        raise UsageError(
            "there is nothing to sweep: no --set has several values",
            where="--sweep",
            hint="for example --set model.params.alpha=0.1,0.5,1.0",
        )
    count = prod(map(len, values.values()))
    if count > LARGEST:
        raise UsageError(
            f"the grid has {count:,} points, and {LARGEST:,} are the most",
            where="--sweep",
            hint="give fewer values, or let aiaas tune search among them",
        )
    found = []
    for chosen in product(*values.values()):
        pairs = dict(zip(values, chosen, strict=True))
        label = ", ".join(f"{name.rpartition('.')[2]}={pairs[name]}" for name in several)
        found.append(Point(label, (*(f"{name}={value}" for name, value in pairs.items()), *unread)))
    return found


def items(word: str) -> list[str]:
    """The values of PATH=A,B,C; commas within brackets, braces and quotes divide nothing. Raises UsageError for an
    empty or a repeated value."""
    name, _, text = word.partition("=")
    found, depth, quote = [""], 0, ""
    for character in text:
        if character == "," and not depth and not quote:
            found.append("")
            continue
        if quote:
            quote = "" if character == quote else quote
        elif character in _QUOTES and not found[-1].strip(" [{,:"):
            quote = character
        depth += (character in _OPEN and not quote) - (character in _CLOSE and not quote)
        found[-1] += character
    found = [each.strip() for each in found]
    if len(found) > 1 and not all(found):
        raise UsageError(f"a value is missing between the commas of {text!r}", where=f"--set {name}")
    if len(set(found)) < len(found):
        raise UsageError(f"a value is twice in {text!r}", where=f"--set {name}")
    return found
