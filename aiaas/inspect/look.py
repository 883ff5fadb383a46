"""The inspection: what is counted in one pass over all rows, and what is asked of a sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from aiaas import plugins
from aiaas.contracts import Advance, Finding, Place
from aiaas.errors import MissingPackageError
from aiaas.inspect import LEVELS, Depth, Progress, judge, labels, languages, near, personal, pictures, tables
from aiaas.inspect.equal import Rows as EqualRows
from aiaas.inspect.profile import Profile
from aiaas.inspect.report import Report, Rows, Sampled, Skipped
from aiaas.inspect.sample import CUT, Sample, draw, take
from aiaas.inspect.view import View

SHOWN = 20
_MORE = "aiaas inspect RECIPE looks at all"


class Budget(NamedTuple):
    """How many rows are looked at: compared for equality, drawn into the sample, compared as texts that may be nearly
    equal, and how many characters of these, decoded as pictures."""

    equal: int
    sample: int
    near: int
    characters: int
    pictures: int


BUDGETS: dict[Depth, Budget] = {
    "full": Budget(2**62, 50_000, 1_000_000, 200_000_000, 10_000),
    "short": Budget(250_000, 6_000, 50_000, 4_000_000, 1_000),
}


def look(
    view: View, task: str, of: Literal["collected", "preprocessed"], seed: int, depth: Depth, progress: Progress
) -> Report:
    """See `aiaas.inspect.preprocessed`."""
    return _Look(view, seed, depth, progress).report(task, of)


@dataclass
class _Look:
    view: View
    seed: int
    depth: Depth
    progress: Progress
    found: list[Finding] = field(default_factory=list)
    said: dict[str, Any] = field(default_factory=dict)
    sampled: list[Sampled] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def report(self, task: str, of: Literal["collected", "preprocessed"]) -> Report:
        view = self.view
        profile, equal = self._count()
        splits = {part: rows for part, rows in profile.splits.items() if part}
        sample = self._draw(profile)
        classes = profile.classes()
        self.said["columns"] = facts = profile.facts(sample.columns)
        self.found += judge.of_classes(classes, splits, judged=view.judged)
        self.found += judge.of_columns(facts, profile.rows)
        if equal:
            self._equal(equal)
        if view.named("text"):
            self._texts(profile, sample)
        if view.named("file"):
            self._pictures(profile)
        if names := view.named("feature"):
            leaks = tables.giving_away(view, sample, self.seed)
            self.found += judge.of_table(tables.constant(facts), tables.numbering(view, sample), leaks)
            self._personal(sample, names)
        if self.depth == "full" and view.label and view.judged and len(classes) > 1:
            self._labels(sample)
        return Report(
            task=task,
            depth=self.depth,
            of=of,
            seed=self.seed,
            rows=Rows(inspected=profile.rows, splits=splits),
            classes=classes,
            findings=tuple(sorted(self.found, key=lambda each: LEVELS.index(each.level))),
            sampled=tuple(self.sampled),
            skipped=tuple(self.skipped),
            **self.said,
        )

    def _count(self) -> tuple[Profile, EqualRows | None]:
        """One pass over all rows."""
        profile = Profile(self.view)
        equal = EqualRows(self.view) if self.view.rows <= BUDGETS[self.depth].equal else None
        if equal is None:
            self.skipped.append(Skipped(what="equal rows", why=f"there are {self.view.rows:,} rows", hint=_MORE))
        for piece in self.view:
            profile.add(piece)
            if equal:
                equal.add(piece)
            self.progress(Advance("inspect", profile.rows, of_rows=self.view.rows))
        return profile, equal

    def _draw(self, profile: Profile) -> Sample:
        size = BUDGETS[self.depth].sample
        sample = take(self.view, draw(profile.splits, size, self.seed))
        if len(sample) < profile.rows and self.view.named("text", "feature", "target"):
            self.sampled.append(Sampled(what="values", rows=len(sample), of=profile.rows))
        if sample.cut:
            self.sampled.append(Sampled(what="texts cut", rows=sample.cut, of=len(sample)))
        return sample

    def _equal(self, rows: EqualRows) -> None:
        equal, places = rows.found()
        self.said["equal"] = equal
        shown = [self.view.at(each[:SHOWN].tolist()) for each in places]
        self.found += judge.of_equal(equal, *shown)
        if equal.rows < self.view.rows:
            self.sampled.append(Sampled(what="equal rows", rows=equal.rows, of=self.view.rows))

    def _texts(self, profile: Profile, sample: Sample) -> None:
        names = self.view.named("text")
        if self.depth == "full":  # the model of languages takes a second to load, and none is more than a note
            self._languages(sample, names)
        self._near_texts(profile)
        self._personal(sample, names)

    def _languages(self, sample: Sample, names: list[str]) -> None:
        with self._where_installed("languages"):
            found, rows = languages.of(sample, names)
            self.said["languages"] = found
            self.found += judge.of_languages(found)
            if rows < len(sample):
                self.sampled.append(Sampled(what="languages", rows=rows, of=self.view.rows))

    def _near_texts(self, profile: Profile) -> None:
        budget = BUDGETS[self.depth]
        each = min(CUT, max(1.0, profile.characters / max(1, profile.rows)))
        size = min(budget.near, int(budget.characters / each))
        choice = draw(profile.splits, size, self.seed)
        count = sum(map(len, choice.values()))
        alike, rows = near.of_texts(
            self.view, choice, lambda done: self.progress(Advance("near duplicates", done, of_rows=count))
        )
        if count < profile.rows:
            self.sampled.append(Sampled(what="near duplicates", rows=count, of=profile.rows))
        pairs = [*near.first(alike.within), *near.first(alike.across)]
        shown = sorted({int(rows[row]) for pair in pairs for row in pair})
        places = dict(zip(shown, self.view.at(shown), strict=True))
        self._near(alike, profile, lambda row: places[int(rows[row])])

    def _near(
        self, alike: near.Alike, profile: Profile, place: Callable[[int], Place], *, of_pictures: bool = False
    ) -> None:
        self.said["near"] = counts = alike.counts(profile.splits)
        within, across = (
            [near.beside(place(row), place(other)) for row, other in near.first(found)]
            for found in (alike.within, alike.across)
        )
        self.found += judge.of_near(counts, within, across, pictures=of_pictures)

    def _pictures(self, profile: Profile) -> None:
        size = BUDGETS[self.depth].pictures
        album = pictures.look(self.view, draw(profile.splits, size, self.seed))
        self.said["pictures"] = facts = album.facts()
        if facts.rows < profile.rows:
            self.sampled.append(Sampled(what="pictures", rows=facts.rows, of=profile.rows))
        self.found += judge.of_pictures(facts, album.broken)
        self._near(album.alike(), profile, album.places.__getitem__, of_pictures=True)

    def _personal(self, sample: Sample, names: list[str]) -> None:
        with self._where_installed("personal data of some kinds"):
            plugins.require(personal.missing(), "finding phone numbers")
        held = personal.of(sample, names)
        self.said["personal"] = held.kinds
        places = [sample.places[row].model_copy(update={"shown": told}) for row, told in held.rows[:SHOWN]]
        self.found += judge.of_personal(held.kinds, len(held.rows), len(sample), places)
        # The least and the greatest number of such a column would be somebody's.
        facts = self.said["columns"]
        self.said["columns"] = tuple(
            each.model_copy(update={"numbers": None}) if each.name in held.columns else each for each in facts
        )

    def _labels(self, sample: Sample) -> None:
        if self.view.named("file"):
            why = "a fast model reads texts and rows, not pictures"
            self.skipped.append(Skipped(what="suspicious labels", why=why))
            return
        with self._where_installed("suspicious labels"):
            try:
                counts, wrong = labels.suspicious(self.view, sample, self.seed)
            except labels.Unsaid as reason:
                self.skipped.append(Skipped(what="suspicious labels", why=str(reason)))
                return
            self.said["labels"] = counts
            label = self.view.label or ""
            places = [
                place.model_copy(update={"shown": f"{sample.columns[label][row]}, rather {other}: {place.shown}"})
                for row, other in wrong
                for place in [sample.place(row)]
            ]
            self.found += judge.of_labels(counts, places)

    @contextmanager
    def _where_installed(self, what: str) -> Iterator[None]:
        """What needs a package that is not there is left out, and said."""
        try:
            yield
        except MissingPackageError as error:
            self.skipped.append(Skipped(what=what, why=error.message, hint=error.hint))
