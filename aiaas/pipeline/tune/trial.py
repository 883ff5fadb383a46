"""One trial: the recipe with its settings up to the fit, judged on the validation rows, and its run in MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aiaas.errors import Abandoned, AiaasError, Interrupted, MissingPackageError, RemoteError
from aiaas.pipeline.run import Listener, reach
from aiaas.pipeline.stages import STAGES, Work
from aiaas.pipeline.tune.objectives import Objective, measure
from aiaas.pipeline.tune.study import Begun
from aiaas.recipe import Recipe
from aiaas.track import Run
from aiaas.workspace import Artefact, keys

_STAGES = ("collect", "preprocess", "train")


class Attempt:
    """A trial on its way. `base` is the work of the search; its recipe is the one whose values are tried."""

    def __init__(self, begun: Begun, base: Work, wanted: Sequence[Objective], *, pruning: bool) -> None:
        self.begun, self.base, self.wanted = begun, base, wanted
        self._watched = wanted[0] if pruning and len(wanted) == 1 else None
        self._worse = False
        self._run: Run | None = None

    def carry(self, parent: Run, listener: Listener | None) -> AiaasError | None:
        """Do it, and tell the study what came of it: an error where that is that it failed.

        What would fail every trial is raised and the trial left as it is: a package that is missing, a full disk.
        Raises Interrupted, after which whoever comes next goes on with it.
        """
        try:
            recipe = self.base.recipe.with_values(self.begun.values)
            self._track(recipe, parent)
            self._judge(replace(self.base, recipe=recipe, report=self._report, enough=lambda: self._worse), listener)
        except Abandoned:
            self.begun.pruned()
            self._end(parent, "KILLED", "pruned")
        except Exception as error:
            if isinstance(error, Interrupted) or _of_all(error):
                self._end(parent, "KILLED", "interrupted")
                raise
            failed = error if isinstance(error, AiaasError) else AiaasError(f"a fault of ours: {error!r}")
            self.begun.failed(failed.message)
            self._end(parent, "FAILED", "failed")
            return failed
        except BaseException:
            self._end(parent, "KILLED", "interrupted")
            raise
        else:
            self._end(parent, "FINISHED", "done")
        return None

    def _judge(self, work: Work, listener: Listener | None) -> None:
        made: dict[str, Artefact] = {}
        for name in _STAGES:
            key = keys.digest_json(STAGES[name].inputs(work, made))
            try:
                made[name], told = reach(work, STAGES[name], made, None, listener)
            except Abandoned:
                work.workspace.forget_checkpoints(key)
                raise
            if listener:
                listener.stage_ends(told)
        found = measure(self.wanted, work, made, made["train"])
        assert self._run is not None
        self._run.metrics({f"validation.{name}": value for name, value in found.items()})
        self._run.tags({"aiaas.model_digest": made["train"].summary["model_digest"]})
        self._run.tags({f"aiaas.{stage}.key": artefact.key for stage, artefact in made.items()})
        for name in ("training.json", "history.jsonl", "curves.svg"):
            if (made["train"].path / name).exists():
                self._run.artifact(made["train"].path / name, f"train/{name}")
        self.begun.done([found[each.name] for each in self.wanted], found, made["train"].key)

    def _report(self, step: int, metrics: Mapping[str, float]) -> None:
        """What a fit tells; epochs are counted where it has some, for their steps depend on what is tried."""
        if self._run:
            self._run.metrics({f"train.{name}": value for name, value in metrics.items()}, step=step)
        value = self._watched.halfway(metrics) if self._watched else None
        if value is not None and self.begun.report(int(metrics.get("epoch", step)), value):
            self._worse = True

    def _track(self, recipe: Recipe, parent: Run) -> None:
        self._run = Run.start(
            self.base.workspace, recipe.name, source=recipe.file, verb=self.base.verb, parent=parent.id
        )
        self._run.params(recipe.flat())
        self._run.text("recipe.yaml", recipe.to_yaml())
        number = self.begun.number
        self._run.tags(
            {
                "aiaas.group": self.base.group,
                "aiaas.label": f"trial {number}",
                "aiaas.trial": number,
                "aiaas.trial.state": "running",
            }
        )
        self._run.flush()

    def _end(self, parent: Run, status: str, told: str) -> None:
        if self._run:
            self._run.tags({"aiaas.trial.state": told})
            self._run.end(status)  # type: ignore[arg-type]
            parent.child(self._run)


def _of_all(error: Exception) -> bool:
    """Whether it is no fault of the settings: the trials to come would fail alike."""
    if isinstance(error, MissingPackageError | RemoteError | OSError | MemoryError):
        return True
    return isinstance(error.__cause__, OSError)
