"""From what was counted to what a person should know: names, levels, sentences, and from where on each is said."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from aiaas.contracts import Finding, Place
from aiaas.contracts.findings import Name
from aiaas.inspect.report import Class, Equal, Facts, Labels, Lengths, Near, Pictures
from aiaas.inspect.tables import Leak

FEW_TEST = 50
"""Rows of test below which a share is known to no better than 14 points."""
FEW_OF_CLASS = 10
UNEVEN, VERY_UNEVEN = 4, 20
"""How many times more rows the largest class has than the smallest."""
MISSING, MOSTLY_MISSING = 0.05, 0.5
REPEATED = 0.05
CONTRADICTING = 0.005
SHARED, MOSTLY_SHARED = 0.01, 0.05
"""The share of test that is nearly in train: the accuracy is wrong by so much at most."""
FEW_SHARED = 5
SUSPICIOUS = 0.02
LONG = 20
"""How many times longer the longest text is than 95 of 100."""
MIXED = 0.05
PLACES = 20
UNUSABLE, MALFORMED = "with a file that cannot be used", "malformed"
"""Why `collect` leaves out a row, as it counts them; what it says of a single one begins as in `KINDS`."""
KINDS = {"its file cannot be used": UNUSABLE}
_SHOWN = 5


def finding(name: Name, level: str, message: str, hint: str, count: int = 0, places: Sequence[Place] = ()) -> Finding:
    return Finding.model_validate(
        {"name": name, "level": level, "message": message, "hint": hint, "count": count, "places": places[:PLACES]}
    )


def of_classes(classes: Sequence[Class], splits: Mapping[str, int], *, judged: bool) -> Iterator[Finding]:
    """Whether there are enough rows, of each class too, and as many of one as of another."""
    test = splits.get("test", 0)
    if 0 < test < FEW_TEST:
        yield finding(
            "few-rows",
            "warning",
            f"test has {rows(test)}: what is measured on them says little, a share is known to ±{_interval(test):.0%}",
            "bring more rows, or give test a larger share",
            test,
        )
    if not judged or not classes:
        return
    if len(classes) == 1:
        told = f"all {rows(classes[0].rows)} have the label {classes[0].label!r}; a classifier needs two at least"
        yield finding("one-class", "fatal", told, "add rows with another label, or name the right column", 1)
        return
    few = [each for each in classes if each.rows < FEW_OF_CLASS]
    if few:
        told = listed([f"{each.label!r} {each.rows}" for each in few])
        hint = "bring more rows of them, merge them with others, or leave them out"
        many = "1 class has" if len(few) == 1 else f"{len(few):,} classes have"
        yield finding("few-rows", "warning", f"{many} fewer than {FEW_OF_CLASS} rows: {told}", hint, len(few))
    most, least = classes[0], classes[-1]
    if most.rows >= UNEVEN * least.rows:
        yield finding(
            "imbalance",
            "warning" if most.rows >= VERY_UNEVEN * least.rows else "note",
            f"the class {most.label!r} has {most.rows / least.rows:,.0f} times as many rows as {least.label!r} "
            f"({most.rows:,} and {least.rows:,})",
            "judge by f1 or balanced accuracy instead of accuracy; balance or weigh the classes",
            least.rows,
        )


def of_columns(columns: Sequence[Facts], count: int) -> Iterator[Finding]:
    """Values that are missing, and texts much longer than the others."""
    for each in columns:
        share = each.missing / max(1, count)
        if share >= MISSING:
            yield finding(
                "missing-values",
                "warning" if share >= MOSTLY_MISSING else "note",
                f"the column {each.name!r} is empty in {each.missing:,} of {rows(count)} ({share:.0%})",
                "find out why, leave the column out, or fill it",
                each.missing,
            )
        if each.lengths:
            yield from _of_lengths(each.name, each.lengths)


def _of_lengths(name: str, lengths: Lengths) -> Iterator[Finding]:
    if lengths.longest >= LONG * max(1, lengths.p95):
        told = f"the longest {name} has {lengths.longest:,} characters, and 95 of 100 at most {lengths.p95:,}"
        hint = "look whether several texts stand in one; leave such rows out, or cut them"
        yield finding("long-texts", "note", told, hint, 1, [lengths.longest_at])


def of_table(constant: Sequence[str], numbering: Sequence[str], leaks: Sequence[Leak]) -> Iterator[Finding]:
    """Columns that say nothing, or too much."""
    giving_away = [leak.name for leak in leaks]
    if giving_away:
        yield finding(
            "leaking-column",
            "fatal" if any(leak.certain for leak in leaks) else "warning",
            f"{columns(giving_away)} the target away: nothing else is needed to know it",
            "leave out what is not known when the question is asked; accept it where it is known",
            len(giving_away),
        )
    if constant:
        told = f"{columns(constant, 'says', 'say')} the same in every row"
        yield finding("constant-column", "warning", told, "leave it out: nothing can be learned of it", len(constant))
    if numbering := [name for name in numbering if name not in giving_away]:
        told = f"{columns(numbering, 'has', 'have')} another value in every row and names it only"
        yield finding("id-column", "warning", told, "leave it out: a model learns it by heart", len(numbering))


def of_equal(
    equal: Equal, repeated: Sequence[Place], contradicting: Sequence[Place], shared: Sequence[Place]
) -> Iterator[Finding]:
    """Rows that are equal."""
    if count := sum(equal.shared.values()):
        told = " and ".join(f"{rows(rows_)} of {part}" for part, rows_ in equal.shared.items() if rows_)
        hint = "add the step deduplicate, after every step that changes the rows"
        told += f" {verb(count, 'stands', 'stand')} in train as well"
        yield finding("test-in-train", "fatal", told, hint, count, shared)
    if equal.repeated:
        share = equal.repeated / equal.rows
        told = f"{rows(equal.repeated)} ({percent(share)}) {verb(equal.repeated, 'repeats', 'repeat')} an earlier one"
        level = "warning" if share >= REPEATED else "note"
        yield finding("duplicates", level, told, "add the step deduplicate", equal.repeated, repeated)
    if equal.contradicting:
        share = equal.contradicting / equal.rows
        yield finding(
            "contradicting-labels",
            "warning" if share >= CONTRADICTING else "note",
            f"{rows(equal.contradicting)} ({percent(share)}) equal another one of another label",
            "decide which label is right; the step deduplicate drops such rows",
            equal.contradicting,
            contradicting,
        )


def of_near(near: Near, alike: Sequence[Place], shared: Sequence[Place], *, pictures: bool) -> Iterator[Finding]:
    """Rows that are nearly equal. Where a part of train was compared, more of test is in it than was found: that much
    is enough to stop for, and what it may be in all is enough to warn of."""
    if near.shared:
        share, compared = near.shared / near.test, near.train / near.of_train
        fatal = share >= MOSTLY_SHARED and near.shared >= FEW_SHARED
        told = (
            f"{near.shared:,} of {rows(near.test)} of test ({percent(share)}) {verb(near.shared, 'stands', 'stand')} "
        )
        told += "nearly the same in train"
        told += f", of which {near.train:,} of {rows(near.of_train)} were compared" if compared < 1 else ""
        yield finding(
            "near-test-in-train",
            "fatal" if fatal else "warning" if share / compared >= SHARED else "note",
            told,
            "leave out one of each pair" if pictures else "add the step near_duplicates",
            near.shared,
            shared,
        )
    if near.alike:
        share, said = near.alike / near.rows, ("looks like", "look like") if pictures else ("is nearly", "are nearly")
        yield finding(
            "alike-pictures" if pictures else "near-duplicates",
            "warning" if share >= REPEATED else "note",
            f"{near.alike:,} of {rows(near.rows)} ({percent(share)}) {verb(near.alike, *said)} an earlier one",
            "leave out one of each pair" if pictures else "add the step near_duplicates",
            near.alike,
            alike,
        )


def of_pictures(pictures: Pictures, broken: Sequence[Place]) -> Iterator[Finding]:
    """Pictures that cannot be decoded, and those of several kinds."""
    if pictures.broken:
        told = f"{pictures.broken:,} of {pictures.rows:,} pictures cannot be decoded"
        hint = "replace them, or leave them out with on_error: skip"
        yield finding("broken-pictures", "fatal", told, hint, pictures.broken, broken)
    if len(pictures.modes) > 1:
        told = f"pictures are of several modes: {listed([f'{n:,} {mode}' for mode, n in pictures.modes.items()])}"
        hint = "look whether the mode goes with the class; else nothing: the model brings them to one"
        yield finding("mixed-pictures", "note", told, hint, len(pictures.modes))


def of_left_out(left_out: Mapping[str, int], places: Mapping[str, Sequence[Place]]) -> Iterator[Finding]:
    """What could not be read at all, by the reason for which it was left out."""
    if count := left_out.get(UNUSABLE, 0):
        told = "1 file is damaged or no picture" if count == 1 else f"{count:,} files are damaged or no pictures"
        hint = "replace them, or leave them out with on_error: skip"
        yield finding("broken-pictures", "fatal", told, hint, count, places.get(UNUSABLE, ()))
    if count := left_out.get(MALFORMED, 0):
        told = "1 row is malformed" if count == 1 else f"{count:,} rows are malformed"
        hint = "correct them, or leave them out with on_error: skip"
        yield finding("broken-rows", "warning", told, hint, count, places.get(MALFORMED, ()))


def of_labels(labels: Labels, places: Sequence[Place]) -> Iterator[Finding]:
    """Labels that are probably wrong."""
    if labels.suspicious:
        share = labels.suspicious / labels.rows
        yield finding(
            "suspicious-labels",
            "warning" if share >= SUSPICIOUS else "note",
            f"{labels.suspicious:,} of {rows(labels.rows)} ({percent(share)}) probably "
            f"{verb(labels.suspicious, 'has', 'have')} a wrong label",
            "look at those that are shown, the likeliest first, and correct them",
            labels.suspicious,
            places,
        )


def of_personal(kinds: Mapping[str, int], count: int, looked: int, places: Sequence[Place]) -> Iterator[Finding]:
    """Personal data; `count` rows of those `looked` at hold some."""
    if count:
        told = listed([f"{kind} {rows_:,}" for kind, rows_ in kinds.items()])
        message = f"{count:,} of {rows(looked)} {verb(count, 'holds', 'hold')} personal data: {told}"
        yield finding("personal-data", "warning", message, "add the step mask_pii", count, places)


def of_languages(languages: Mapping[str, float]) -> Iterator[Finding]:
    """Texts of several languages."""
    several = [(name, share) for name, share in languages.items() if share >= MIXED]
    if len(several) > 1:
        told = listed([f"{name} {share:.0%}" for name, share in several])
        hint = "take a model that knows them all, or keep one with the step language"
        yield finding("mixed-languages", "note", f"the texts are of several languages: {told}", hint, len(several))


def _interval(count: int) -> float:
    """Half the width of the 95 % interval of a share of one half."""
    return 1.96 * math.sqrt(0.25 / count)


def rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def verb(count: int, one: str, several: str) -> str:
    return one if count == 1 else several


def percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "< 0.1%"


def listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def columns(names: Sequence[str], one: str = "gives", several: str = "give") -> str:
    told = listed([repr(name) for name in names])
    return f"the column {told} {one}" if len(names) == 1 else f"the columns {told} {several}"
