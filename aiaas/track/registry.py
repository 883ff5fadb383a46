"""The local registry: which bundle is which version of which model, and where the aliases stand.

A model is a folder with a `registry.json`, replaced atomically under a lock, so that `infer` and `serve` find a bundle
in milliseconds and without MLflow. The sender makes the numbers equal to MLflow's and carries alias moves there.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from aiaas import offline
from aiaas.errors import DataError, UsageError
from aiaas.plugins import nearest
from aiaas.track.reference import CHAMPION, NAME, Reference, Version, parse_reference
from aiaas.track.values import finite
from aiaas.workspace import atomic

__all__ = ["CHAMPION", "Reference", "Registry", "Version", "parse_reference"]

SCHEMA = 1
_ALIAS = re.compile(r"(?!v[0-9]+$|latest$)[A-Za-z0-9_-]{1,255}", re.IGNORECASE)


class Registry:
    """The models below one folder (`models/` of a workspace)."""

    def __init__(self, models: Path) -> None:
        self.models = models
        self.root = models.parent

    # --- reading --------------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        return sorted(path.parent.name for path in self.models.glob("*/registry.json"))

    def versions(self, name: str) -> list[Version]:
        """Every version of the model, oldest first; UsageError when there is no such model."""
        entry = self._known(name)
        return [self._version(name, entry, int(number)) for number in sorted(entry["versions"], key=int)]

    def aliases(self, name: str) -> dict[str, int]:
        return dict(self._known(name)["aliases"])

    def resolve(self, name: str, *, alias: str | None = None, version: int | None = None) -> Version:
        """The version that was asked for, by default the champion.

        A name that is not known here is looked for in MLflow when MLFLOW_TRACKING_URI is set; offline, among what was
        fetched from there. Raises UsageError that names what there is.
        """
        if not self.has(name) and os.environ.get("MLFLOW_TRACKING_URI"):
            from aiaas.track.fetch import fetch, fetched

            if not offline.asked():
                return fetch(self.root, name, alias=alias, version=version)
            if known := fetched(self.root, name, alias=alias, version=version):
                return known
        entry = self._known(name)
        if version is None:
            number = entry["aliases"].get(alias or CHAMPION)
            if number is None:
                there = ", ".join(f"{each}@{number}" for each, number in sorted(entry["aliases"].items()))
                raise UsageError(
                    f"no version of {name} is {alias or CHAMPION!r}; aliases: {there or 'none'}",
                    hint=f"aiaas models alias {name}/VERSION {alias or CHAMPION} gives one this alias",
                )
            version = int(number)
        elif str(version) not in entry["versions"]:
            raise UsageError(f"{name} has no version {version}; versions: {', '.join(entry['versions'])}")
        return self._version(name, entry, version)

    def has(self, name: str) -> bool:
        return (self.models / name / "registry.json").is_file()

    # --- changing -------------------------------------------------------------------------------------------------

    def register(
        self,
        name: str,
        *,
        bundle: Path,
        digest: str,
        alias: str | None = None,
        metrics: Mapping[str, Any] | None = None,
        run: str | None = None,
    ) -> Version:
        """Make the bundle a version of the model and set `alias` on it; the same digest again is the same version."""
        with self._change(name) as entry:
            number = _number_of(entry, digest)
            if number is None:
                number = max(map(int, entry["versions"]), default=0) + 1
            known = entry["versions"].get(
                str(number), {"created": time.time(), "run": run, "run_id": None, "remote": None}
            )
            relative = bundle.absolute()
            if relative.is_relative_to(self.root.absolute()):
                relative = relative.relative_to(self.root.absolute())
            entry["versions"][str(number)] = {
                **known,
                "bundle": str(relative),
                "digest": digest,
                "metrics": finite(metrics or known.get("metrics", {})),
            }
            if alias:
                _move(entry, alias, number, "set")
            return self._version(name, entry, number)

    def set_alias(self, name: str, alias: str, number: int) -> Version:
        """Let `alias` stand on version `number`."""
        self.resolve(name, version=number)
        with self._change(name) as entry:
            _move(entry, alias, number, "set")
            return self._version(name, entry, number)

    def rollback(self, name: str, alias: str = CHAMPION) -> Version:
        """Put `alias` back on the version it stood on before; again, and it goes one further back."""
        self.resolve(name, alias=alias)
        with self._change(name) as entry:
            stood: list[int] = []
            for move in (move for move in entry["moves"] if move["alias"] == alias):
                if move["kind"] == "rollback":
                    stood.pop()
                else:
                    stood.append(move["version"])
            if len(stood) < 2:
                raise UsageError(
                    f"{alias!r} of {name} has stood on no version before {entry['aliases'][alias]}",
                    hint=f"aiaas models alias {name}/VERSION {alias} sets it",
                )
            _move(entry, alias, stood[-2], "rollback")
            return self._version(name, entry, stood[-2])

    # --- in step with MLflow --------------------------------------------------------------------------------------

    def confirm(self, name: str, digest: str, *, uri: str, number: int, run_id: str) -> Version:
        """MLflow at `uri` holds the bundle as version `number`: give it that number here too.

        A version that has this number here and not there moves to a free one.
        """
        with self._change(name) as entry:
            here = _number_of(entry, digest)
            if here is None:
                raise UsageError(f"{name} has no version with digest {digest[:12]}")
            if here != number:
                moves = {here: number}
                if str(number) in entry["versions"]:
                    moves[number] = max(number, *map(int, entry["versions"])) + 1
                _renumber(entry, moves)
            entry["versions"][str(number)].update(remote={"uri": uri, "version": number}, run_id=run_id)
            return self._version(name, entry, number)

    def unsent_aliases(self, name: str) -> dict[str, int]:
        """Aliases whose last move MLflow has not seen."""
        entry = self._known(name)
        return {alias: entry["aliases"][alias] for alias in entry["unsent"]}

    def alias_sent(self, name: str, alias: str, number: int) -> None:
        with self._change(name) as entry:
            if entry["aliases"].get(alias) == number and alias in entry["unsent"]:
                entry["unsent"].remove(alias)

    # --- the file -------------------------------------------------------------------------------------------------

    def _version(self, name: str, entry: Mapping[str, Any], number: int) -> Version:
        known = entry["versions"][str(number)]
        return Version(
            name=name,
            number=number,
            path=self.root / known["bundle"],
            digest=known["digest"],
            created=known["created"],
            metrics=known["metrics"],
            aliases=tuple(sorted(alias for alias, at in entry["aliases"].items() if at == number)),
            run=known["run"],
            run_id=known["run_id"],
            remote=known["remote"],
        )

    def _known(self, name: str) -> dict[str, Any]:
        path = self.models / name / "registry.json"
        try:
            entry = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            there = self.names()
            close = nearest(name, there)
            raise UsageError(
                f"no model is called {name!r}; models: {', '.join(there) or 'none'}",
                where=str(self.models),
                hint=f"did you mean {close!r}?" if close else "aiaas run RECIPE makes one",
            ) from None
        except ValueError as error:
            raise DataError("the registry of a model cannot be read", where=str(path)) from error
        if entry["schema"] > SCHEMA:
            raise UsageError("a newer aiaas wrote this registry", where=str(path), hint="pip install --upgrade aiaas")
        return dict(entry)

    @contextmanager
    def _change(self, name: str) -> Iterator[dict[str, Any]]:
        if not re.fullmatch(NAME, name):
            raise UsageError(f"a model cannot be called {name!r}; allowed: letters, digits, '.', '_' and '-'")
        folder = self.models / name
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "registry.lock"):
            new: dict[str, Any] = {"schema": SCHEMA, "versions": {}, "aliases": {}, "moves": [], "unsent": []}
            entry = self._known(name) if self.has(name) else new
            yield entry
            atomic.write_json(folder / "registry.json", entry)


def _number_of(entry: Mapping[str, Any], digest: str) -> int | None:
    return next((int(number) for number, known in entry["versions"].items() if known["digest"] == digest), None)


def _move(entry: dict[str, Any], alias: str, number: int, kind: str) -> None:
    if not _ALIAS.fullmatch(alias):
        raise UsageError(
            f"an alias cannot be called {alias!r}; allowed: letters, digits, '_' and '-'",
            hint="v1, v2, … and latest mean something else to MLflow",
        )
    if entry["aliases"].get(alias) == number:
        return
    entry["aliases"][alias] = number
    entry["moves"].append({"alias": alias, "version": number, "kind": kind, "time": time.time()})
    entry["unsent"] = [*(each for each in entry["unsent"] if each != alias), alias]


def _renumber(entry: dict[str, Any], moves: Mapping[int, int]) -> None:
    entry["versions"] = {str(moves.get(int(number), int(number))): known for number, known in entry["versions"].items()}
    entry["aliases"] = {alias: moves.get(number, number) for alias, number in entry["aliases"].items()}
    for move in entry["moves"]:
        move["version"] = moves.get(move["version"], move["version"])
