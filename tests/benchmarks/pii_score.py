"""How well personal data were found in the labelled texts of data/pii: recall and precision by kind."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "data" / "pii"
Span = tuple[int, int, str]
Find = Callable[[Sequence[str]], list[list[Span]]]
"""Texts → the spans in each."""


def texts(part: str) -> list[dict[str, Any]]:
    """The rows of a part: `text`, `language`, `spans` of [start, end, kind]."""
    lines = (DATA / f"{part}.jsonl").read_text("utf-8").split("\n")  # a text may hold U+2028
    return [json.loads(line) for line in lines if line]


@dataclass
class Score:
    """A value is found when spans of its kind cover every letter and digit of it, an address when they cover half of
    it. A span is right when half of what it and a value of its kind cover together is covered by both."""

    gold: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, str, str]] = field(default_factory=list)
    """`missed` or `wrong`, the kind with what stands there, the text."""

    def recall(self, kind: str | None = None) -> float:
        return _share(self.found, self.gold, kind)

    def precision(self, kind: str | None = None) -> float:
        return _share(self.right, self.told, kind)

    def by_kind(self) -> dict[str, dict[str, float]]:
        return {
            kind: {
                "values": self.gold[kind],
                "recall": round(self.recall(kind), 4),
                "precision": round(self.precision(kind), 4),
            }
            for kind in sorted(self.gold)
        }


def _share(part: Counter[str], whole: Counter[str], kind: str | None) -> float:
    above, below = (part[kind], whole[kind]) if kind else (part.total(), whole.total())
    return above / below if below else 1.0


def score(rows: Iterable[dict[str, Any]], find: Find) -> Score:
    rows = list(rows)
    made = Score()
    for row, spans in zip(rows, find([row["text"] for row in rows]), strict=True):
        text, gold = row["text"], [tuple(each) for each in row["spans"]]
        for start, end, kind in gold:
            made.gold[kind] += 1
            covered = _covered(spans, kind)
            wanted = {place for place in range(start, end) if kind == "address" or text[place].isalnum()}
            least = len(wanted) / 2 if kind == "address" else len(wanted)
            if len(wanted & covered) >= least:
                made.found[kind] += 1
            else:
                made.faults.append(("missed", f"{kind} {text[start:end]}", text))
        for start, end, kind in spans:
            made.told[kind] += 1
            own = set(range(start, end))
            others = [set(range(first, last)) for first, last, other in gold if other == kind]
            if any(len(own & other) * 2 >= len(own | other) for other in others):
                made.right[kind] += 1
            else:
                made.faults.append(("wrong", f"{kind} {text[start:end]}", text))
    return made


def _covered(spans: Iterable[Span], kind: str) -> set[int]:
    return {place for start, end, other in spans if other == kind for place in range(start, end)}


def ours(texts: Sequence[str]) -> list[list[Span]]:
    """What `aiaas.pii` finds."""
    from aiaas.pii import Finder

    spans: list[list[Span]] = [[] for _ in texts]
    for each in Finder().find(texts):
        spans[each.text].append((each.start, each.end, each.kind))
    return spans
