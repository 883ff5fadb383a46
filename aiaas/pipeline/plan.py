"""What a run would do: for each stage whether it is there already, and if not, what changed since the last run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiaas.pipeline.stages import STAGES, Stage, Work, there
from aiaas.workspace import Artefact, keys

FIRST = "it has not run yet in this workspace"


@dataclass(frozen=True, slots=True)
class Change:
    """One value of a stage's inputs that differs from the last run's. `before` is None where it is new, `after` where
    it is gone."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.path == "code":
            return "aiaas itself changed"
        if self.before is None:
            return f"{self.path} is new: {_short(self.after)}"
        if self.after is None:
            return f"{self.path} is gone, was {_short(self.before)}"
        return f"{self.path} changed from {_short(self.before)} to {_short(self.after)}"


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
    """The stages from the first to `name`, in order."""
    order = list(STAGES)
    return [STAGES[each] for each in order[: order.index(name) + 1]]


def changes_since_last(work: Work, stage: Stage, inputs: Mapping[str, Any]) -> list[str]:
    """Why this key is new: what differs from the inputs the recipe's last run had."""
    last_key = work.workspace.last(work.recipe.name).get(stage.name)
    if last_key is None:
        return [FIRST]
    last = there(work, stage, last_key)
    if last is None:
        return ["what the last run made is gone, or altered"]
    return [str(change) for change in differences(last.inputs, inputs)]


def differences(before: Any, after: Any, path: str = "") -> list[Change]:
    """Every leaf in which two JSON values differ, by dotted path."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        found = []
        for name in [*before, *(name for name in after if name not in before)]:
            found += differences(before.get(name), after.get(name), f"{path}.{name}" if path else name)
        return found
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            change
            for index, pair in enumerate(zip(before, after, strict=True))
            for change in differences(*pair, f"{path}[{index}]")
        ]
    return [] if before == after else [Change(path, before, after)]


def _short(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(each, Mapping) and len(each) == 1 for each in value):
        return f"[{', '.join(next(iter(each)) for each in value)}]"  # steps, by their names
    text = value if isinstance(value, str) else keys.canonical(value).decode()
    return f"{text[:12]}…" if len(text) == 64 and text.isalnum() else text if len(text) <= 80 else f"{text[:79]}…"
