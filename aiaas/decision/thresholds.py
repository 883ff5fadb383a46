"""From which score on a label is answered, so that its precision or recall is what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Aim = Literal["precision", "recall"]
_ROUNDING = 1e-9
"""A share that misses another by so little is that share: 0.1 of 30 rows is 3 of them."""


class Reached(NamedTuple):
    """How many rows are of the label, and answered with it; and the shares, None where they are of nothing."""

    rows: int
    answered: int
    precision: float | None
    recall: float | None


def reached(inside: NDArray[np.bool_], answered: NDArray[np.bool_]) -> Reached:
    """What answering the rows `answered` (n,) with a label reaches, of which those `inside` (n,) are."""
    rows, given, right = int(inside.sum()), int(answered.sum()), int((inside & answered).sum())
    return Reached(rows, given, right / given if given else None, right / rows if rows else None)


def choose(inside: NDArray[np.bool_], scores: NDArray[Any], aim: Aim, value: float) -> float | None:
    """The least score of a label at which it is answered, of its `scores` (n,) on rows that are of it where `inside`.

    For a precision the lowest threshold that reaches it, which leaves the highest recall; for a recall the highest one.
    It lies midway between two scores, so that another runtime's rounding does not carry a row over it. None where no
    threshold reaches the value.
    """
    import numpy as np

    if not inside.any():
        return None
    likely, answered, right = _from_the_highest(inside, scores)
    shares = right / (answered if aim == "precision" else inside.sum())
    good = np.flatnonzero(shares >= value - _ROUNDING)
    if not good.size:
        return None
    last = int(good[-1] if aim == "precision" else good[0])
    below = likely[last + 1] if last + 1 < len(likely) else 0.0
    return float((likely[last] + below) / 2)


def most_precise(inside: NDArray[np.bool_], scores: NDArray[Any]) -> float | None:
    """The highest precision that any threshold reaches; None without rows of the label."""
    _, answered, right = _from_the_highest(inside, scores)
    return float((right / answered).max()) if inside.any() else None


def is_reached(share: float | None, value: float) -> bool:
    """Whether a share is as high as was asked for."""
    return share is not None and share >= value - _ROUNDING


def _from_the_highest(
    inside: NDArray[np.bool_], scores: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """The different scores, the highest first; and how many rows have at least each, all and those inside."""
    import numpy as np

    found, place = np.unique(-np.asarray(scores, np.float64), return_inverse=True)
    answered = np.cumsum(np.bincount(place, minlength=len(found)))
    right = np.cumsum(np.bincount(place[inside], minlength=len(found)))
    return -found, answered, right
