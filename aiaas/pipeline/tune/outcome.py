"""What a search found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from aiaas.pipeline.tune.objectives import Objective
from aiaas.pipeline.tune.study import Search, Values

State = Literal["done", "pruned", "failed", "running"]
_STATES: Mapping[str, State] = {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running"}


@dataclass(frozen=True, slots=True)
class Trial:
    """What was tried and came of it: `values` of the objectives in their order, `metrics` of the validation rows,
    `reported` what the fit told halfway. `key` is that of its training."""

    number: int
    state: State
    settings: Values
    values: Sequence[float] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None
    error: str | None = None
    key: str | None = None
    reported: Mapping[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: Any, search: Search) -> Trial:
        """One as Optuna keeps it."""
        told = kept.user_attrs
        state = _STATES[kept.state.name]
        begin, end = told.get("spent", (0.0, 0.0))
        return cls(
            kept.number,
            state,
            search.settings(kept.params),
            tuple(kept.values) if state == "done" else (),
            told.get("metrics", {}),
            round(end - begin, 3) if "spent" in told else None,
            told.get("error"),
            told.get("key"),
            dict(kept.intermediate_values),
        )

    def as_dict(self, wanted: Sequence[Objective]) -> dict[str, Any]:
        values = {each.name: value for each, value in zip(wanted, self.values, strict=False)}
        more = {"metrics": dict(self.metrics), "seconds": self.seconds, "error": self.error, "key": self.key}
        said = {"number": self.number, "state": self.state, "settings": self.settings, "values": values}
        return said | {name: each for name, each in more.items() if each}


@dataclass(slots=True)
class Outcome:
    """A search as it stands: all trials of all processes that took part, of which this one did `here`. `first` is the
    recipe as it was, where the space has it; `file` the recipe with the best settings."""

    group: str
    wanted: Sequence[Objective]
    rows: int
    limit: int
    trials: Sequence[Trial] = ()
    importance: Mapping[str, float] = field(default_factory=dict)
    here: int = 0
    file: Path | None = None
    page: Path | None = None
    run_id: str | None = None
    seconds: float = 0.0
    was: Values | None = None

    @property
    def done(self) -> list[Trial]:
        return [each for each in self.trials if each.state == "done"]

    @property
    def front(self) -> list[Trial]:
        """Those that no other is better than in every respect, best by the first objective first; with one objective
        the best alone, the earliest of equals."""
        found: list[Trial] = []
        for each in sorted(self.done, key=lambda trial: (*self._costs(trial), trial.number)):
            if not any(self._beats(other, each) for other in found):
                found.append(each)
        return found

    @property
    def best(self) -> Trial | None:
        return next(iter(self.front), None)

    @property
    def first(self) -> Trial | None:
        """The trial of the recipe as it stands."""
        return next((each for each in self.done if each.settings == self.was), None)

    def count(self, state: State) -> int:
        return sum(each.state == state for each in self.trials)

    def as_dict(self) -> dict[str, Any]:
        best, first = self.best, self.first
        return {
            "group": self.group,
            "run_id": self.run_id,
            "seconds": self.seconds,
            "metric": [each.name for each in self.wanted],
            "validation_rows": self.rows,
            "counts": {state: self.count(state) for state in _STATES.values()},
            "done_here": self.here,
            "best": best.as_dict(self.wanted) if best else None,
            "first": first.as_dict(self.wanted) if first else None,
            "front": [each.number for each in self.front],
            "importance": dict(self.importance),
            "recipe": str(self.file) if self.file else None,
            "page": str(self.page) if self.page else None,
            "trials": [each.as_dict(self.wanted) for each in self.trials],
        }

    def _costs(self, trial: Trial) -> list[float]:
        """Its values, the lower the better."""
        pairs = zip(self.wanted, trial.values, strict=True)
        return [-value if each.better == "higher" else value for each, value in pairs]

    def _beats(self, one: Trial, other: Trial) -> bool:
        """Whether `one` is nowhere worse: of equals the first counts."""
        return all(a <= b for a, b in zip(self._costs(one), self._costs(other), strict=True))
