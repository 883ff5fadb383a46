"""How scores become answers, found on the validation rows: a temperature, and from which score on a label is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aiaas import decision, plugins
from aiaas.contracts import Signature
from aiaas.decision import Decision, Reached
from aiaas.errors import DataError
from aiaas.evaluate.scoring import Scored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aiaas.recipe import Evaluate


@dataclass(frozen=True, slots=True)
class Decided:
    """What was found, and by the label what its threshold reaches on the validation rows."""

    decision: Decision = field(default_factory=Decision)
    thresholds: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    def applied(self, raw: Scored) -> Scored:
        """What the model gives once its temperature is applied."""
        kept = self.decision.temperature
        return raw if kept is None else replace(raw, scores=decision.scaled(raw.scores, kept))

    def judged(self, scored: Scored, signature: Signature, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """The thresholds with what they reach on the test rows."""
        answers = signature.decide(scored.scores)
        classes = metrics.get("intervals", {}).get("classes", {})
        found = {}
        for label, each in self.thresholds.items():
            number, (aim,) = signature.labels.index(label), each["asked"]
            test = decision.reached(scored.targets == number, answers == number)._asdict()
            interval = classes.get(label, {}).get(aim)
            found[label] = {**each, "test": {**test, "interval": interval}}
        return found


def decided(section: Evaluate, validation: Callable[[], Scored], signature: Signature) -> Decided:
    """What the recipe wants to be decided; `validation` gives the model's scores of the validation rows, and is called
    only where they are needed.

    A temperature that the rows do not tell stays None; so does a threshold that no score reaches, and `reached` is
    false. Raises DataError without validation rows, for a label that the model does not know, and where no label is
    left without a threshold.
    """
    key = section.decides
    if key is None:
        return Decided()
    _refuse_labels(section, signature)
    scored = validation()
    if not len(scored):
        raise DataError(
            "there are no validation rows to decide by",
            where=f"evaluate.{key}",
            hint="give preprocess.split.validation a share, or leave it out",
        )
    temperature = decision.fit(scored.targets, scored.scores) if section.calibrate else None
    found = Decided(Decision(temperature))
    return _with_thresholds(section, found.applied(scored), found, signature) if section.thresholds else found


def nothing() -> Scored:
    """The scores of no rows."""
    import numpy as np

    return Scored(np.empty(0, np.int64), np.empty((0, 1), np.float32))


def _with_thresholds(section: Evaluate, scored: Scored, found: Decided, signature: Signature) -> Decided:
    """Each is found as if it were the only one; what they reach together is what counts."""
    least: dict[str, float] = {}
    for label, wanted in section.thresholds.items():
        number = signature.labels.index(label)
        chosen = decision.choose(scored.targets == number, scored.scores[:, number], *wanted.aim)
        if chosen is not None:
            least[label] = chosen
    made = replace(found.decision, thresholds=least)
    answers = made.of(signature).decide(scored.scores)
    told = {
        label: _told(signature.labels.index(label), wanted.aim, least.get(label), scored, answers)
        for label, wanted in section.thresholds.items()
    }
    return Decided(made, told)


def _told(
    number: int, aim: tuple[Any, float], threshold: float | None, scored: Scored, answers: NDArray[np.intp]
) -> dict[str, Any]:
    """What a threshold reaches on the validation rows; where that is too little, `best` is the most that can be."""
    inside = scored.targets == number
    reached: Reached = decision.reached(inside, answers == number)
    share = getattr(reached, aim[0])
    met = threshold is not None and decision.is_reached(share, aim[1])
    best = share if threshold is not None else decision.most_precise(inside, scored.scores[:, number])
    return {
        "asked": dict([aim]),
        "threshold": threshold,
        "reached": met,
        **({} if met else {"best": best}),
        "validation": reached._asdict(),
    }


def _refuse_labels(section: Evaluate, signature: Signature) -> None:
    """Thresholds for labels that there are, and not for all of them."""
    for label in section.thresholds:
        if label not in signature.labels:
            close = plugins.nearest(label, signature.labels)
            raise DataError(
                f"the model does not know the label {label!r}; it knows {', '.join(signature.labels[:10])}",
                where=f"evaluate.thresholds.{label}",
                hint=f"did you mean {close!r}?" if close else None,
            )
    if section.thresholds and len(section.thresholds) == len(signature.labels):
        raise DataError(
            "every label has a threshold, so that none is left for rows that reach none",
            where="evaluate.thresholds",
            hint="leave one out; with two labels a threshold of one decides both",
        )
