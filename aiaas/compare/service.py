"""A service on the same rows: what it answers, how fast, and for which rows it does not."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from aiaas.compare.ground import Ground, judged_by, refuse_others
from aiaas.compare.measures import latency
from aiaas.compare.subjects import Costs, Subject
from aiaas.contracts import Answer, Signature, TellsScores
from aiaas.errors import DataError, RemoteError, UsageError

if TYPE_CHECKING:
    from aiaas.infer import RemoteModel

ALONE = 20
"""Rows that are asked one by one, to time them."""
AT_ONCE = 100
GIVE_UP = 5
"""Rows in a row that fail alone: nothing more is asked then."""
REFUSED, UNREADABLE, LATE, SILENT, NOT_ASKED = "refused", "unreadable", "timeout", "no answer", "not asked any more"


def ask(model: RemoteModel, name: str, ground: Ground) -> Subject:
    """The service's model as a subject. A row that it does not answer, alone and in time, is counted by why: the status
    of HTTP, or a word. Raises DataError where the model does something else or knows other labels, UsageError where
    its answers do not tell its scores."""
    import numpy as np

    refuse_others(ground, model.task, model.signature.labels, name)
    task = ground.task
    if not isinstance(task, TellsScores):
        raise UsageError(
            f"{name} writes, and what it writes does not say how likely the rows are to it",
            hint="compare the runs or the registered models",
        )
    asking = _Asking(model, list(chain.from_iterable(ground.requests(model.signature))))
    costs = asking.ask()
    signature = judged_by(ground, model.signature)
    scores = {place: told for place, answer in asking.answers.items() if (told := _told(task, answer, signature))}
    asking.failed |= {place: UNREADABLE for place in asking.answers if place not in scores}
    places = ground.places()
    there = np.array([place for place, row in enumerate(places.tolist()) if row in scores], np.intp)
    found = np.array([scores[row] for row in places[there].tolist()], np.float32)
    outputs = found.shape[1] if len(there) else len(signature.labels)
    kept = replace(ground.kept.at(there), signature=signature, scores=found.reshape(len(there), outputs))
    return Subject(name, "service", kept, costs, len(ground), _counted(asking, places.tolist()), ground.collected)


def _told(task: TellsScores, answer: Answer, signature: Signature) -> Sequence[float] | None:
    """The scores that an answer was made of; None where it does not tell them, or they are no numbers."""
    try:
        scores = task.told(answer, signature)
        return scores if all(math.isfinite(each) for each in scores) else None
    except (KeyError, TypeError, ValueError):
        return None


def silent(name: str, ground: Ground, error: RemoteError) -> Subject:
    """A service that could not even be asked what it is."""
    import numpy as np

    kept = ground.kept.at(np.empty(0, np.intp))
    return Subject(name, "service", kept, Costs(), len(ground), {why(error): len(ground)}, ground.collected)


def why(error: RemoteError | DataError) -> str:
    """The reason in a word, by which rows are counted."""
    import httpx

    if isinstance(error, DataError):
        return REFUSED
    if error.answered is not None:
        return str(error.answered)
    return LATE if isinstance(error.__cause__, httpx.TimeoutException) else SILENT


def _counted(asking: _Asking, places: Sequence[int]) -> dict[str, int]:
    return dict(Counter(asking.failed[place] for place in places if place in asking.failed).most_common())


@dataclass(slots=True)
class _Asking:
    """Asks for all inputs: some alone, the others together, and alone again those of a request that failed."""

    model: RemoteModel
    inputs: Sequence[Any]
    answers: dict[int, Answer] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    lost: int = 0
    """Rows in a row that failed alone."""

    def ask(self) -> Costs:
        """What the answers that came cost: those alone but for the first, which opens the connection."""
        alone = [seconds for place in range(min(ALONE, len(self.inputs))) if (seconds := self._alone(place))]
        began, before = time.perf_counter(), len(self.answers)
        for start in range(ALONE, len(self.inputs), AT_ONCE):
            self._together(range(start, min(start + AT_ONCE, len(self.inputs))))
        answered, seconds = len(self.answers) - before, time.perf_counter() - began
        median, most = latency(alone[1:] or alone)
        return Costs(median, most, rows_per_second=answered / seconds if answered else None)

    def _alone(self, place: int) -> float | None:
        """The seconds that it took, None where no answer came."""
        if self.lost >= GIVE_UP:
            self.failed[place] = NOT_ASKED
            return None
        began = time.perf_counter()
        try:
            (answer,) = self.model.answer([self.inputs[place]])
        except (RemoteError, DataError) as error:
            self.failed[place] = why(error)
            self.lost += 1
            return None
        seconds = time.perf_counter() - began
        self.lost = 0
        return seconds if self._take(place, answer) else None

    def _together(self, places: Sequence[int]) -> None:
        """Halved where it fails: most rows of a request are not at fault."""
        if len(places) <= 1 or self.lost >= GIVE_UP:
            for place in places:
                self._alone(place)
            return
        try:
            given = self.model.answer([self.inputs[place] for place in places])
        except (RemoteError, DataError):
            half = len(places) // 2
            self._together(places[:half])
            self._together(places[half:])
            return
        self.lost = 0
        for place, answer in zip(places, given, strict=True):
            self._take(place, answer)

    def _take(self, place: int, answer: Answer) -> bool:
        """Whether it is an answer: what is refused at once would make the service seem fast."""
        if isinstance(answer, dict) and "error" in answer:
            self.failed[place] = REFUSED
            return False
        self.answers[place] = answer
        return True
