"""What differs between what a lock says and what is here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiaas.pipeline import differences
from aiaas.pipeline.lock.form import Environment, Git, Lock
from aiaas.recipe import Recipe

SHOWN = 20
"""Differences that a person is shown."""
_MADE = ("rows", "model", "collected", "judged")
"""Of a stage's inputs, what earlier stages made: that they came out otherwise is told of them."""
TOLD = ("release", "processor", "processors", "git.commit", "git.diff")
"""Of the machine, what no lock is refused for: what comes of it shows whether it matters."""
PLATFORM = ("system", "machine")
"""What nobody brings back on this machine."""
_INSTALLERS = {"pip", "setuptools", "wheel", "uv"}
"""Packages that install others and take no part in a run."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A value of the environment: `lock` or `here` is None where it is missing."""

    path: str
    lock: Any
    here: Any

    def __str__(self) -> str:
        return f"{self.path}: {said(self.lock)} in the lock, {said(self.here)} here"

    @property
    def binds(self) -> bool:
        """Whether a run that is held to the lock is refused for it."""
        return self.path not in TOLD

    def as_dict(self) -> dict[str, Any]:
        return {"path": self.path, "lock": self.lock, "here": self.here}


def of_recipe(lock: Lock, here: Recipe) -> list[differences.Change]:
    """What a recipe says otherwise; its search aside, which is no part of a run."""
    return differences.differences(lock.recipe.values, here.settled().resolved())


def of_environment(lock: Environment, here: Environment) -> list[Difference]:
    """Every value that differs, the packages last, by name."""
    before, after = lock.model_dump(exclude={"packages"}), here.model_dump(exclude={"packages"})
    found = [Difference(name, before[name], after[name]) for name in before if before[name] != after[name]]
    old, new = _packages(lock), _packages(here)
    names = (name for name in sorted({**old, **new}) if old.get(name) != new.get(name))
    return [*found, *(Difference(f"packages.{name}", old.get(name), new.get(name)) for name in names)]


def of_git(lock: Git | None, here: Git | None) -> list[Difference]:
    """The commit, and what the files had besides."""
    if lock is None or here is None:
        return []
    pairs = {"git.commit": (lock.commit, here.commit), "git.diff": (lock.diff_sha256, here.diff_sha256)}
    return [Difference(name, *pair) for name, pair in pairs.items() if pair[0] != pair[1]]


def of_inputs(stage: str, lock: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """What a stage is made of and the lock's was not, but for what earlier stages made."""
    if stage == "collect":
        return differences.of_sources(lock, here)
    found = differences.differences(lock, here)
    return [str(change) for change in found if change.path not in _MADE]


def _packages(environment: Environment) -> dict[str, str]:
    """By the name under which all spellings of a package are the same."""
    named = {name.lower().replace("_", "-").replace(".", "-"): of for name, of in environment.packages.items()}
    return {name: version for name, version in named.items() if name not in _INSTALLERS}


def said(value: Any) -> str:
    """A value of the environment for a person."""
    if value is None:
        return "none"
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)


def listed(told: list[str]) -> str:
    """Lines below a first one, with their number where they are many."""
    more = [f"and {len(told) - SHOWN} more"] if len(told) > SHOWN else []
    return "".join(f"\n  {line}" for line in [*told[:SHOWN], *more])
