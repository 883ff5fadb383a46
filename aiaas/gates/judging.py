"""All gates of an evaluation: on its figures, and against another model on its rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas import bundle, plugins
from aiaas.compare import Ground, answered, judged_by
from aiaas.contracts import Weighs
from aiaas.errors import DataError, TrainingError
from aiaas.evaluate import slices
from aiaas.evaluate.origin import Origin
from aiaas.gates.against import Pair, Side, hold, where
from aiaas.gates.figures import judge_figure, main_metric, of_thresholds
from aiaas.gates.verdict import Verdict
from aiaas.readable import figure
from aiaas.recipe.gate import AGAINST, OF_BUNDLE
from aiaas.statistics import Resamples
from aiaas.workspace import atomic

if TYPE_CHECKING:
    from aiaas.recipe import Evaluate
    from aiaas.recipe.gate import Against
    from aiaas.track import Version

FILE = "gates.json"


@dataclass(frozen=True, slots=True)
class Given:
    """What the stages before left: the collected rows, the folders of the preprocessed ones and of the evaluation; and
    the addresses of the sources, by their number."""

    collected: Path
    data: Path
    judged: Path
    addresses: tuple[str, ...] = ()


def judge(
    section: Evaluate, *, name: str, task: str, seed: int, champion: Version | None, given: Given, out: Path
) -> list[dict[str, Any]]:
    """The verdicts on all gates but those on the bundle, in the order of the recipe, and on thresholds that were not
    reached; written into `out` as well.

    `champion` is the version that the gate `against` of the model `name` stands for. A gate that cannot be judged (a
    metric that is not defined, a champion of other labels) is not met, and says why. Raises VerificationError and
    MissingPackageError where the champion cannot be loaded.
    """
    metrics = json.loads((given.judged / "metrics.json").read_text("utf-8"))
    better = plugins.task(task).METRICS
    verdicts = []
    for gate_name, gate in section.bounds.items():
        if gate_name not in OF_BUNDLE:
            verdicts.append(judge_figure(gate_name, gate, metrics, better))
    if asked := section.against:
        samples = section.intervals.samples or slices.SAMPLES
        judging = _Against(asked, metrics, section.slices, given, lambda rows: Resamples(rows, samples, seed))
        verdicts.append(judging.verdict(name, champion))
    order = list(section.gates)
    verdicts.sort(key=lambda each: order.index(each.metric))
    verdicts += of_thresholds(metrics.get("thresholds", {}))
    found = [verdict.as_dict() for verdict in verdicts]
    atomic.write_json(out / FILE, found)
    return found


@dataclass(frozen=True, slots=True)
class _Against:
    """The gate that names another model."""

    asked: Against
    metrics: dict[str, Any]
    sliced: tuple[str, ...]
    given: Given
    drawn: Callable[[int], Resamples]

    def verdict(self, name: str, champion: Version | None) -> Verdict:
        if champion is None:
            return self._said(True, f"no version of {name} is {self.asked.model} yet: there is nothing to fall behind")
        try:
            return self._judged(champion)
        except (DataError, TrainingError) as error:
            hint = f"; {error.hint}" if error.hint else ""
            return self._said(False, f"{_called(champion)} cannot be held against it: {error.message}{hint}")

    def _judged(self, champion: Version) -> Verdict:
        ground = Ground.read(self.given.collected, self.given.judged)
        metric = self.asked.metric or main_metric(self.metrics, ground.task.METRICS)
        if metric is None:
            return self._said(False, "no metric of the task is defined on these rows")
        if not isinstance(ground.task, Weighs):
            raise DataError("the task has no statistics, so no two models can be compared")
        if ground.divided:
            raise DataError(
                "rows of test are parts of collected rows, such as sentences of a text, which no request holds"
            )
        pair = self._pair(champion, ground)
        resamples = self.drawn(len(ground))
        held = hold(pair, self.asked, metric, resamples)
        if held is None:
            return self._said(False, f"{metric} is not defined on these rows")
        parts = where(pair, metric, self._masks(ground), resamples, self.asked.level)
        about = {"model": _called(champion), "digest": champion.digest, "level": self.asked.level}
        told = {**about, "margin": self.asked.margin, **held.as_dict(), "where": parts}
        p = "" if held.p is None else f", p {held.p:.2g} by {held.test}"
        note = (
            f"{metric} is {figure(held.after)}, that of {_called(champion)} {figure(held.before)} on the same "
            f"{len(pair):,} rows{p}"
        )
        return Verdict(AGAINST, str(self.asked), held.difference, not held.worse, note=note, against=told)

    def _pair(self, champion: Version, ground: Ground) -> Pair:
        """This model, as it was evaluated, and the champion, asked the same rows as requests."""
        loaded = bundle.load(champion.path, digest=champion.digest, version=str(champion.number))
        before = Side(answered(loaded, ground), judged_by(ground, loaded.signature))
        return Pair(ground.task, ground.targets, before, Side(ground.kept.scores, ground.signature))

    def _masks(self, ground: Ground) -> slices.Masks:
        if not self.sliced:
            return {}
        from datasets import Dataset

        rows = Dataset.from_file(str(self.given.data / "test.arrow"))
        origin = Origin(self.given.collected, ground.kept.rows)
        return slices.masks_of(self.sliced, ground.task, ground.signature, rows, origin, self.given.addresses)

    def _said(self, met: bool, why: str) -> Verdict:
        return Verdict(AGAINST, str(self.asked), None, met, note=why)


def _called(version: Version) -> str:
    return f"{version.name}/{version.number}"
