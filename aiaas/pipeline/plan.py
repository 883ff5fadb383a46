"""What a run would do: for each stage whether it is there already, and if not, what changed since the last run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiaas.errors import UsageError
from aiaas.pipeline.differences import differences, of_sources
from aiaas.pipeline.stages import STAGES, Stage, Work, there
from aiaas.plugins import nearest
from aiaas.workspace import Artefact, keys

FIRST = "it has not run yet in this workspace"


@dataclass(frozen=True, slots=True)
class Planned:
    """`key` is None where it depends on what an earlier stage will make."""

    name: str
    key: str | None
    cached: bool
    why: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "key": self.key, "cached": self.cached, "why": list(self.why)}


def plan(work: Work, until: str = "deploy") -> list[Planned]:
    """For each stage up to `until`: cached or to run, and why. Computes nothing and fetches nothing."""
    work.recipe.sources()  # a secret that is not set is said with its place, before anything else
    work = replace(work, recipe=work.recipe.settled(), looking=True)
    planned: list[Planned] = []
    made: dict[str, Artefact] = {}
    for stage in stages_until(until):
        waiting = next((name for name in reversed(stage.after) if name not in made), None)
        if waiting:
            planned.append(Planned(stage.name, None, False, (f"{waiting} runs before it",)))
            continue
        inputs = stage.inputs(work, made)
        key = keys.digest_json(inputs)
        found = there(work, stage, key)
        if found:
            made[stage.name] = found
        why = () if found else tuple(changes_since_last(work, stage, inputs))
        planned.append(Planned(stage.name, key, found is not None, why))
    return planned


def stages_until(name: str) -> list[Stage]:
    """The stages from the first to `name`, in order. To evaluate is to judge: what follows it up to `deploy` belongs to
    it. UsageError where there is none called so."""
    order = list(STAGES)
    if name not in order:
        close = nearest(name, order)
        hint = f"did you mean {close!r}?" if close else None
        raise UsageError(f"there is no stage {name!r}; stages: {', '.join(order)}", hint=hint)
    end = order.index("deploy") if name == "evaluate" else order.index(name) + 1
    return [STAGES[each] for each in order[:end]]


def changes_since_last(work: Work, stage: Stage, inputs: Mapping[str, Any]) -> list[str]:
    """Why this key is new: what differs from the inputs the recipe's last run had."""
    last_key = work.workspace.last(work.recipe.name).get(stage.name)
    if last_key is None:
        return [FIRST]
    last = there(work, stage, last_key)
    if last is None:
        return ["what the last run made is gone, or altered"]
    if stage.name == "collect":
        return of_sources(last.inputs, inputs)
    return [str(change) for change in differences(last.inputs, inputs)]
