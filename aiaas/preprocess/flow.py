"""Takes the rows of one segment through the steps of a pass, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aiaas import steps
from aiaas.contracts import Batch, Judges, Sifted, Stateful, Step, Surveys
from aiaas.preprocess.dropped import EMPTY, Dropped
from aiaas.preprocess.plan import Pass, Plan
from aiaas.preprocess.reading import content, filled
from aiaas.preprocess.rows import UNNAMED, Rows, joined
from aiaas.preprocess.split import TRAIN
from aiaas.steps._content import digests, fingerprints


@dataclass(frozen=True, slots=True)
class Told:
    """What was concluded before a pass: the states of steps by their number, and of the rows of the segment, as they
    were surveyed, the verdicts of the first step, or the parts that they were cut into."""

    states: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    rows: NDArray[Any] | None = None


@dataclass(slots=True)
class Link:
    """A step in its place, the features it is given, and how many rows came and went. `empty` counts those that it left
    without text, `made` those that it made of others."""

    number: int
    name: str
    step: Step
    features: dict[str, str]
    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("in", "out", "empty"), 0))


class Flow:
    """The links of a pass, `closing` being the step that it ends before and surveys for."""

    def __init__(self, plan: Plan, span: Pass, told: Told) -> None:
        self.plan, self.span = plan, span
        self.dropped = Dropped(plan.addresses)
        self.drawn_alone = True
        """Whether the side of every row was drawn from what stands in it now."""
        self.named = 0
        """Rows whose side the data said, when they were divided."""
        self._told = told
        self._at = 0
        self.links: list[Link] = []
        features = self._skip(plan, span, told)
        for number in range(span.begin, span.end):
            step = build(plan, number, features, told.states)
            self.links.append(Link(number, plan.steps[number].name, step, features))
            features = steps.reshaped(step, features)
        self.features = features
        self.closing: Any = build(plan, span.end, features, {}) if span.closes == "survey" else None

    def _skip(self, plan: Plan, span: Pass, told: Told) -> dict[str, str]:
        """The features at the beginning of the pass."""
        features = plan.columns.types
        for number in range(span.begin):
            features = steps.reshaped(build(plan, number, features, told.states), features)
        return features

    def run(self, source: Iterable[Rows]) -> Iterator[Rows]:
        """The rows as the pass leaves them, batch by batch."""
        for rows in source:
            if self.span.opens == "cut":
                rows.aside["part"] = self._next(len(rows))
            for link in self.links:
                rows = self._divide(rows, link.number, link.features)
                if not len(rows):
                    break
                rows = self._through(link, rows)
            rows = self._divide(rows, self.span.end, self.features)
            if len(rows):
                yield rows

    def surveyed(self, rows: Rows) -> Batch:
        """Those rows that the closing step is to know of."""
        return _learned(rows, self.closing)[1].batch

    # --- division

    def _divide(self, rows: Rows, place: int, features: Mapping[str, str]) -> Rows:
        if not (self.plan.stable and place == self.plan.divided and self.span.divides_at(place) and len(rows)):
            return rows
        named, keys = rows.aside["part"].copy(), rows.aside["key"]
        self.named += int((named != UNNAMED).sum())
        self.drawn_alone &= bool((named == UNNAMED).all() and not keys.any())
        rows.aside["part"] = self.plan.sides.draw(named, self.keys(rows, features))
        return rows

    def keys(self, rows: Rows, features: Mapping[str, str]) -> NDArray[np.uint64]:
        """What decides the side of each row (n,): what stands in it, unless that was said before."""
        known = rows.aside["key"]
        if known.all():
            return known.copy()
        # The exact cut keeps its digests: which rows it takes is published with what models reached on them.
        rows.contents = content((fingerprints if self.plan.stable else digests)(rows.batch, list(features)))
        return np.where(known == 0, rows.contents[:, 0], known)

    # --- steps

    def _next(self, rows: int) -> NDArray[Any]:
        """What was concluded of the next rows."""
        assert self._told.rows is not None
        self._at += rows
        return self._told.rows[self._at - rows : self._at]

    def _through(self, link: Link, rows: Rows) -> Rows:
        """What a step makes of the rows that it is given; the others pass by in their places."""
        step = link.step
        given = rows.aside["part"] == TRAIN if step.ROWS == "train" else np.ones(len(rows), dtype=bool)
        pieces: list[tuple[NDArray[np.intp], NDArray[np.uint8] | None]] = []
        if link.number == self.span.begin and self.span.opens == "survey" and isinstance(step, Judges):
            known, chosen = _learned(rows, step)
            verdicts = np.zeros(len(rows), np.uint8)
            verdicts[known] = self._next(len(chosen))
            pieces.append((np.flatnonzero(given & known), verdicts))
            pieces.append((np.flatnonzero(given & ~known), None))
        else:
            pieces.append((np.flatnonzero(given), None))
        made: list[Rows] = []
        places: list[NDArray[np.intp]] = []
        for chosen_places, judged in pieces:
            if len(chosen_places):
                whole = len(chosen_places) == len(rows)
                piece = rows if whole else rows.take(chosen_places)
                mapped, came = self._mapped(link, piece, None if judged is None else judged[chosen_places])
                made.append(mapped)
                places.append(chosen_places[came])
        passing = np.flatnonzero(~given)
        if len(passing):
            made.append(rows.take(passing))
            places.append(passing)
        return _in_order(made, places) if len(made) > 1 else made[0]

    def _mapped(self, link: Link, rows: Rows, verdicts: NDArray[np.uint8] | None) -> tuple[Rows, NDArray[np.intp]]:
        """The rows that a step made, and the place among `rows` that each came from."""
        sifted = steps.mapped(link.step, rows.batch, verdicts)
        whole = sifted.places == range(len(rows))
        places = np.asarray(sifted.places, dtype=np.intp)
        aside = rows.aside.copy() if whole else self._aside(rows, places, link)
        done = self._without_empty(link, rows, Rows(aside, batch=sifted.rows), places)
        self.dropped.add(str(link.number), link.name, rows, _reasons(sifted, len(rows)))
        link.rows["in"] += len(rows)
        link.rows["out"] += len(done[0])
        return done

    def _aside(self, rows: Rows, places: NDArray[np.intp], link: Link) -> Any:
        """What is kept of rows that were made of others: what it was of those. Pieces of one row stay together: their
        side is decided by what that row was."""
        aside = rows.aside[places]
        again = np.zeros(len(rows), dtype=bool)
        again[places[1:][places[1:] == places[:-1]]] = True
        if again.any() and link.number < self.plan.divided:
            several = np.flatnonzero(again & (rows.aside["key"] == 0))
            keys = np.zeros(len(rows), np.uint64)
            if len(several):
                keys[several] = content(digests(rows.take(several).batch, list(link.features)))[:, 0]
            aside["key"] = np.where(aside["key"] == 0, keys[places], aside["key"])
        return aside

    def _without_empty(
        self, link: Link, before: Rows, rows: Rows, places: NDArray[np.intp]
    ) -> tuple[Rows, NDArray[np.intp]]:
        """The rows in which a text is left, and their places."""
        full = filled(rows.batch, self.plan.columns.texts)
        if full is None:
            return rows, places
        mask = np.asarray(full, dtype=bool)
        gone = places[~mask].tolist()
        self.dropped.add(str(link.number), link.name, before, dict.fromkeys(gone, EMPTY))
        link.rows["empty"] += len(gone)
        return rows.take(np.flatnonzero(mask)), places[mask]


def build(plan: Plan, number: int, features: Mapping[str, str], states: Mapping[int, Mapping[str, Any]]) -> Step:
    """The step with this number for these features; ready where it is told what it learned."""
    spec = plan.steps[number]
    step = steps.build(spec.name, spec.params, list(features), plan.columns.target)
    if number in states and isinstance(step, Stateful):
        step.restore(states[number])
    return step


def _reasons(sifted: Sifted, rows: int) -> Mapping[int, str]:
    """Why each row went of which nothing came."""
    if sifted.places == range(rows):
        return {}
    gone = sorted(set(range(rows)) - set(sifted.places))
    return {place: sifted.reasons.get(place, "left out") for place in gone}


def _learned(rows: Rows, step: Surveys) -> tuple[NDArray[np.bool_], Rows]:
    """Which of the rows a step surveys, and these."""
    if step.LEARNS_FROM == "all":
        return np.ones(len(rows), dtype=bool), rows
    mask = rows.aside["part"] == TRAIN
    return mask, rows if mask.all() else rows.take(np.flatnonzero(mask))


def _in_order(made: list[Rows], places: list[NDArray[np.intp]]) -> Rows:
    """Pieces of a batch as one again, in the order of what they came from."""
    whole = joined(made)
    order = np.argsort(np.concatenate(places), kind="stable")
    return whole if (order[1:] > order[:-1]).all() else whole.take(order)
