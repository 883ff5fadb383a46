"""What a person must know before believing a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from aiaas.contracts import Task, Weighs
from aiaas.evaluate import Kept, matched
from aiaas.evaluate.notes import FEW

if TYPE_CHECKING:
    from aiaas.compare.subjects import Subject


def of(base: Subject, others: Sequence[Subject], standing: Mapping[str, Kept], task: Task) -> list[str]:
    """Sentences, the weightiest first; none where there is nothing to be said."""
    rows = len(standing[base.name])
    told = [_of_failed(each, rows) for each in (base, *others) if each.failed]
    if rows < FEW:
        told.append(f"there {'is 1 row' if rows == 1 else f'are {rows} rows'} that all answered: too few to judge by")
    told += [each for other in others if len(other.kept) and (each := _of_other_rows(base, other))]
    told += [each for other in others if other.name in standing if (each := _of_targets(base, other, standing))]
    told += [note for each in (base, *others) for note in each.notes]
    if not isinstance(task, Weighs):
        told.append("the task has no statistics, so there are no intervals and no tests")
    return told


def _of_failed(subject: Subject, rows: int) -> str:
    failed = sum(subject.failed.values())
    counted = ", ".join(f"{count:,} {why}" for why, count in sorted(subject.failed.items(), key=lambda each: -each[1]))
    if not len(subject.kept):
        return f"{subject.name} answered none of {subject.asked:,} rows ({counted}): nothing is said of it"
    return (
        f"{subject.name} did not answer {failed:,} of {subject.asked:,} rows ({counted}): all figures are of the "
        f"{rows:,} rows that all answered, and say nothing of the others"
    )


def _of_other_rows(base: Subject, other: Subject) -> str | None:
    """Where two were judged on different rows, how few they have in common."""
    common = len(matched(base.kept.keys, other.kept.keys)[0])
    if common == min(len(base.kept), len(other.kept)):
        return None
    return (
        f"{other.name} and {base.name} have {common:,} test rows in common, of {len(other.kept):,} and "
        f"{len(base.kept):,}: what is compared is how they do on these"
    )


def _of_targets(base: Subject, other: Subject, standing: Mapping[str, Kept]) -> str | None:
    mine, theirs = standing[base.name].targets, standing[other.name].targets
    if len(mine) != len(theirs):
        return None
    if differ := int((mine != theirs).sum()):
        return f"{differ:,} of {len(mine):,} rows have another target in {other.name}: {base.name}'s are taken for all"
    return None
