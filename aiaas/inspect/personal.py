"""Personal data in a sample: which kinds, in how many rows, and where; never the data themselves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from aiaas import plugins
from aiaas.inspect.sample import Sample
from aiaas.pii import KINDS, Finder

_AT_ONCE = 1000


@cache
def finder() -> Finder:
    """One of all kinds; without those whose package is not installed."""
    whole = Finder()
    if all(plugins.installed(whole.requires).values()):
        return whole
    return Finder([kind for kind in KINDS if not Finder([kind]).requires])


def missing() -> tuple[str, ...]:
    """Packages without which some kinds are not found."""
    return tuple(name for name, version in plugins.installed(Finder().requires).items() if version is None)


@dataclass(frozen=True, slots=True)
class Personal:
    """The rows that hold each kind, the most frequent first; of each row that holds any its place in the sample and the
    kinds, with their columns where there are several; and the columns."""

    kinds: dict[str, int]
    rows: list[tuple[int, str]]
    columns: frozenset[str]


def of(sample: Sample, names: list[str]) -> Personal:
    """What the columns `names` hold."""
    columns: set[str] = set()
    found: dict[int, list[str]] = defaultdict(list)
    rows: dict[str, set[int]] = defaultdict(set)
    for name in names:
        values = sample.columns[name]
        for start in range(0, len(values), _AT_ONCE):
            texts = [_text(value) for value in values[start : start + _AT_ONCE]]
            for text, _, _, kind in finder().find(texts):
                columns.add(name)
                rows[kind].add(start + text)
                found[start + text].append(kind if len(names) == 1 else f"{kind} in {name!r}")
    kinds = Counter({kind: len(each) for kind, each in rows.items()})
    told = [(row, ", ".join(dict.fromkeys(found[row]))) for row in sorted(found)]
    return Personal(dict(kinds.most_common()), told, frozenset(columns))


def _text(value: object) -> str:
    """What may hold personal data; a real number holds none."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def hider() -> Callable[[str], str]:
    """What puts the name of the kind in place of personal data, for all that is shown of a row."""

    def hide(text: str) -> str:
        for _, start, end, kind in reversed(finder().find([text])):
            text = f"{text[:start]}[{kind}]{text[end:]}"
        return text

    return hide
