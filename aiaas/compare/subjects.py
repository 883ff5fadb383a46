"""Those that are compared: what each answered to which rows, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Literal

from aiaas.evaluate import Kept, kept

Kind = Literal["run", "model", "service"]
Protection = Callable[[Sequence[str]], list[str]]
"""Makes texts fit to be shown."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What it costs to have and to ask a model; None is not known.

    `latency_ms` is the median of one row alone and `latency_p95_ms` what 95 of 100 keep below; `rows_per_second` is for
    rows in batches; `memory_mb` the most that a process with nothing but this model took; `size_mb` that of its files;
    `training_seconds` what the fit took, as long as it was not one that was there already.
    """

    latency_ms: float | None = None
    latency_p95_ms: float | None = None
    rows_per_second: float | None = None
    memory_mb: float | None = None
    size_mb: float | None = None
    training_seconds: float | None = None

    def as_dict(self) -> dict[str, float | None]:
        return asdict(self)

    def known(self) -> dict[str, float]:
        return {name: value for name, value in self.as_dict().items() if value is not None}


COSTS: Mapping[str, Literal["higher", "lower"]] = {
    each.name: "higher" if each.name == "rows_per_second" else "lower" for each in fields(Costs)
}
"""Which way each is better."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One of those that are compared. `kept` holds the rows that it answered, none where it answered none; of `asked`
    rows the others `failed`, counted by why: a status of HTTP, or a word.

    `collected` is where its rows come from, an Arrow stream, to show some of them; `protect` what makes their texts fit
    for that, where its recipe says so. `notes` are what is to be known of it.
    """

    name: str
    kind: Kind
    kept: Kept
    costs: Costs = Costs()
    asked: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)
    collected: Path | None = None
    protect: Protection | None = None
    notes: Sequence[str] = ()


def of_evaluation(
    name: str,
    judged: Path,
    costs: Costs | None = None,
    *,
    collected: Path | None = None,
    protect: Protection | None = None,
) -> Subject:
    """A model by what its evaluation in the folder `judged` kept. DataError where it kept no scores."""
    scores = kept(judged)
    return Subject(name, "run", scores, costs or Costs(), len(scores), collected=collected, protect=protect)
