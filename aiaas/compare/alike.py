"""Several models on one and the same rows, with one and the same labels: without that no figure compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any

from aiaas.errors import DataError
from aiaas.evaluate import Kept, matched

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aiaas.compare.subjects import Subject

_SHOWN = 10


def refuse_unlike(first: Kept, task: str, labels: Sequence[str], name: str) -> None:
    """DataError where the model `name` does something else than the first, or knows other labels."""
    if task != first.task:
        raise DataError(f"{name} does {task}, the rows are those of {first.task}: nothing is to be compared")
    own, others = set(first.signature.labels), set(labels)
    if own != others:
        told = [
            f"{who} {', '.join(map(repr, sorted(which)[:_SHOWN]))}"
            for who, which in ((f"only {name} knows", others - own), (f"{name} does not know", own - others))
            if which
        ]
        raise DataError(
            f"{name} has other labels: {'; '.join(told)}",
            hint="only models of the same labels compare; train one of them on the labels of the other",
        )


def relabelled(kept: Kept, labels: Sequence[str]) -> Kept:
    """The same with the labels in this order, which are those it knows."""
    import numpy as np

    own = list(kept.signature.labels)
    if own == list(labels):
        return kept
    places = np.array([labels.index(label) for label in own])
    targets = places[kept.targets] if len(kept.targets) else kept.targets
    scores = kept.scores[:, [own.index(label) for label in labels]]
    return replace(kept, signature=replace(kept.signature, labels=tuple(labels)), targets=targets, scores=scores)


def alike(base: Subject, others: Sequence[Subject]) -> dict[str, Kept]:
    """What each kept of the rows that all answered, in the order of `base`, and its labels in the order of `base`.

    Raises DataError where tasks or labels differ, or no row is common to all.
    """
    import numpy as np

    labels = base.kept.signature.labels
    for other in others:
        refuse_unlike(base.kept, other.kept.task, other.kept.signature.labels, other.name)
    pairs = [matched(base.kept.keys, each.kept.keys) for each in others]
    everywhere = np.arange(len(base.kept))
    common: NDArray[np.intp] = reduce(np.intersect1d, (mine for mine, _ in pairs), everywhere)
    if not len(common):
        raise DataError(
            f"no row was answered by all: {_counts(base, others, pairs)}",
            hint="split by the same seed and shares, or let all answer the same rows: aiaas compare … --on RECIPE",
        )
    found = {base.name: base.kept.at(common)}
    for other, (mine, theirs) in zip(others, pairs, strict=True):
        places = theirs[np.searchsorted(mine, common)]  # `mine` grows: pairs stand in the order of the base
        found[other.name] = relabelled(other.kept.at(places), labels)
    return found


def _counts(base: Subject, others: Sequence[Subject], pairs: Sequence[tuple[Any, Any]]) -> str:
    told = [
        f"{other.name} has {len(mine):,} of the {len(base.kept):,} of {base.name}"
        for other, (mine, _) in zip(others, pairs, strict=True)
    ]
    return ", ".join(told[:_SHOWN])
