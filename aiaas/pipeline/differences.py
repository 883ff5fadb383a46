"""What differs between the inputs of a stage and those that its last run had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiaas.workspace import keys

_SHOWN = 3


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


def of_sources(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The same of what `collect` reads: what the recipe says otherwise, then by source what changed in the data."""
    told = [str(change) for change in differences(_without_data(before), _without_data(after))]
    for name in after:
        old: Any = before.get(name)
        new: Any = after[name]
        if not _is_source(old) or not _is_source(new) or old["source"] != new["source"]:
            continue  # told as what the recipe says
        if changes := _of_data(old["data"], new["data"]):
            told.append(f"the source {new['source']} changed: {'; '.join(changes)}")
    return told


def _of_data(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What a person makes of fingerprints: files that came, went, or hold something else."""
    came = [name for name in after if name not in before]
    gone = [name for name in before if name not in after]
    other = [name for name in after if name in before and before[name] != after[name]]
    told = [f"{name} was {_short(before[name])}, is {_short(after[name])}" for name in other[:_SHOWN]]
    told += [f"{len(other) - _SHOWN:,} more are not what they were"] if len(other) > _SHOWN else []
    for names, what in ((came, "new"), (gone, "gone")):
        if names:
            more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
            told.append(f"{what}: {', '.join(names[:_SHOWN])}{more}")
    return told


def _is_source(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("data"), Mapping) and "source" in value


def _without_data(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {key: each for key, each in value.items() if key != "data"} if _is_source(value) else value
        for name, value in inputs.items()
    }


def _short(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(each, Mapping) and len(each) == 1 for each in value):
        return f"[{', '.join(next(iter(each)) for each in value)}]"  # steps, by their names
    text = value if isinstance(value, str) else keys.canonical(value).decode()
    return f"{text[:12]}…" if len(text) == 64 and text.isalnum() else text if len(text) <= 80 else f"{text[:79]}…"
