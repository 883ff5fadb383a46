"""Keeps the first of texts that are nearly equal: spun, cut, or a word apart.

Two texts are as similar as the share of their shingles, runs of a few characters or words, that both have (Jaccard).
Candidates are found by MinHash, then compared exactly. A row costs a few bytes of memory; the rest is on disk.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from aiaas import contracts
from aiaas.contracts import Batch, Sifted, sift
from aiaas.steps._columns import chosen, joined
from aiaas.steps._content import KEPT, SIZE, digests, shortened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aiaas.contracts.steps import Survey
    from aiaas.near import Sketcher

_KEEP, _NEAR, _SHOWN = range(3)
"""Verdicts; of the example number n, the row that is kept has `_SHOWN` + 2n and the one that goes 1 more."""


class Params(contracts.Params):
    """What counts as nearly equal, and what is reported."""

    columns: list[str] | None = Field(
        None, description="The columns whose texts are compared, together; by default all features."
    )
    threshold: float = Field(
        0.8, ge=0.3, le=1, description="The share of their shingles that two texts have in common, at least."
    )
    unit: Literal["character", "word"] = Field(
        "character", description="What shingles are made of; a Chinese character is a word too. Case does not count."
    )
    size: int | None = Field(
        None,
        ge=1,
        le=32,
        description="Units in a shingle; by default 3 in texts mostly of Chinese, Japanese or Korean, and 5 characters "
        "or 2 words in others.",
    )
    same_label: bool = Field(False, description="Only rows with the same label count as nearly equal.")
    examples: int = Field(5, ge=0, le=100, description="How many pairs the report shows.")


class Step:
    """A row goes when it is similar to one before it that stays; rows without text stay."""

    ON_REQUEST: ClassVar[bool] = False
    ROWS: ClassVar[Literal["all", "train"]] = "all"
    LEARNS_FROM: ClassVar[Literal["all", "train"]] = "all"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        self.columns = chosen(params.columns, columns)
        self.params: Params = params
        self._label = label
        self._sketcher: Sketcher | None = None
        self._verdicts: NDArray[np.uint8] | None = None
        self._similarities: list[float] = []
        self._examples: list[dict[str, Any]] = []
        self._counts = {"near_duplicates": 0, "other_label": 0}

    # --- what is similar

    def survey(self, batch: Batch) -> Survey:
        """What the search needs, and `labels` (n,): 64 bits of the label, or 0."""
        import numpy as np

        texts = joined(batch, self.columns)
        labels = np.zeros(len(texts), np.uint64)
        if self._label is not None:
            known = {value: digests({"": [value]}, [""]) for value in set(batch[self._label])}
            whole = np.frombuffer(b"".join([known[value] for value in batch[self._label]]), dtype="<u8")
            labels = whole.reshape(-1, SIZE // 8)[:, 0]
        return {**self._search().sketch(texts), "labels": labels}

    def _search(self) -> Sketcher:
        if self._sketcher is None:
            from aiaas.near import Sketcher

            self._sketcher = Sketcher(self.params.threshold, self.params.unit, self.params.size)
        return self._sketcher

    def conclude(self, surveys: Iterable[Survey], scratch: Path) -> None:
        import numpy as np

        from aiaas.near import pairs

        labels: list[NDArray[np.uint64]] = []

        def noted() -> Iterator[Survey]:
            for survey in surveys:
                labels.append(np.asarray(survey["labels"]))
                yield survey

        found = pairs(noted(), self.params.threshold, scratch)
        first: list[tuple[int, int, float]] = []  # of the pairs shown, those whose second row comes first
        whole: NDArray[np.uint64] | None = None
        for part in found:
            if whole is None:
                whole = np.concatenate(labels)
                self._verdicts = np.full(len(whole), _KEEP, np.uint8)
            first = self._first([*first, *self._drop(part, whole)])
        if self._verdicts is None:
            self._verdicts = np.full(sum(map(len, labels)), _KEEP, np.uint8)
        self._counts["near_duplicates"] = int((self._verdicts == _NEAR).sum())
        for number, (second, kept, similarity) in enumerate(first):
            self._verdicts[[kept, second]] = _SHOWN + 2 * number, _SHOWN + 2 * number + 1
            self._similarities.append(similarity)

    def _drop(self, part: NDArray[np.void], labels: NDArray[np.uint64]) -> Iterator[tuple[int, int, float]]:
        """Let rows go that are similar to one that stays. Pairs come in the order of their first row, so what becomes
        of it is known by then."""
        assert self._verdicts is not None
        same = labels[part["first"]] == labels[part["second"]]
        if self.params.same_label:
            part, same = part[same], same[same]
        gone = self._verdicts
        for (first, second, similarity), equal in zip(part.tolist(), same.tolist(), strict=True):
            if gone[first] == _KEEP and gone[second] == _KEEP:
                gone[second] = _NEAR
                self._counts["other_label"] += not equal
                yield second, first, similarity

    def _first(self, shown: list[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
        """The pairs to show: of each row that stays the one that comes first, and of these the first."""
        of_each: dict[int, tuple[int, int, float]] = {}
        for pair in shown:
            of_each[pair[1]] = min(pair, of_each.get(pair[1], pair))
        return heapq.nsmallest(self.params.examples, of_each.values())

    def verdicts(self, start: int, stop: int) -> NDArray[np.uint8]:
        assert self._verdicts is not None
        return self._verdicts[start:stop]

    # --- what becomes of the rows

    def apply(self, batch: Batch) -> Batch | Sifted:
        raise TypeError("near_duplicates judges rows by what was concluded of all")

    def judge(self, batch: Batch, verdicts: NDArray[np.uint8]) -> Batch | Sifted:
        if not verdicts.any():
            return batch
        for place in (verdicts >= _SHOWN).nonzero()[0].tolist():
            number, goes = divmod(int(verdicts[place]) - _SHOWN, 2)
            row = {name: shortened(batch[name][place], KEPT) for name in self.columns}
            label = {"label": batch[self._label][place]} if self._label is not None else {}
            self._examples.append({"number": number, "goes": bool(goes), "row": row, **label})
        gone = (verdicts == _NEAR) | ((verdicts >= _SHOWN) & ((verdicts - _SHOWN) % 2 == 1))
        return sift(batch, ["nearly equal to a row before it" if each else None for each in gone.tolist()])

    def report(self) -> Mapping[str, Any]:
        return {**self._counts, "examples": self._examples}

    def summarise(self, report: Mapping[str, Any]) -> Mapping[str, Any]:
        """The examples as pairs, with their similarity."""
        pairs: dict[int, dict[str, Any]] = {}
        for each in report["examples"]:
            row = {"row": {name: shortened(value) for name, value in each["row"].items()}}
            row |= {"label": each["label"]} if "label" in each else {}
            pairs.setdefault(each["number"], {})["gone" if each["goes"] else "kept"] = row
        told = [{"similarity": round(self._similarities[number], 3), **pairs[number]} for number in sorted(pairs)]
        return {**report, "examples": told}
