"""The form of a lock: JSON, every member known or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aiaas.errors import DataError, LockError
from aiaas.strictjson import loads
from aiaas.workspace import atomic

NAME = "recipe.lock"
"""What it is called among the things that a run keeps."""
SCHEMA = 1
SUFFIX = ".lock"
Metric = float | Literal["nan", "inf", "-inf"] | None
"""Of the test rows; what JSON has no number for is a word."""
_MAX_BYTES = 256 << 20
_MAX_DEPTH = 64
_HINT = "a lock is what a run keeps as recipe.lock, and what aiaas run --lock writes"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LockedRecipe(_Part):
    """The recipe as it was resolved. `file` is its path from the top of its repository, or its name where there is
    none; `rows_base` where the relative paths of its rows start, from its folder, where that is another."""

    name: str
    file: str | None
    rows_base: str | None
    digest: str
    values: dict[str, Any]


class LockedStage(_Part):
    """What a stage was made of and what came of it: `key` is the digest of `inputs`, `digest` that of what it made."""

    name: str
    key: str
    digest: str
    inputs: dict[str, Any]


class Environment(_Part):
    """Interpreter, machine and packages. `gpus` are names; `processors` counts the cores that a run may use."""

    aiaas: str
    python: str
    implementation: str
    system: str
    release: str
    machine: str
    processor: str | None
    processors: int | None
    gpus: list[str]
    packages: dict[str, str]


class Git(_Part):
    """The repository of the recipe: `diff` is what tracked files had besides the commit, None where that was more than
    is kept; its sha256 is known then too."""

    commit: str
    dirty: bool | None
    diff: str | None
    diff_sha256: str | None


class Lock(_Part):
    """A run in a file. `seeds` are by their place in the recipe; `metrics` are of the test rows."""

    schema_: Literal[1] = Field(1, alias="schema")
    kind: Literal["aiaas-lock"] = "aiaas-lock"
    written: str
    run: str | None
    verb: str
    recipe: LockedRecipe
    seeds: dict[str, int]
    stages: list[LockedStage] = Field(min_length=1)
    metrics: dict[str, Metric]
    model_digest: str | None
    environment: Environment
    git: Git | None

    def stage(self, name: str) -> LockedStage | None:
        return next((each for each in self.stages if each.name == name), None)

    def write(self, path: Path) -> None:
        """Write it whole or not at all."""
        atomic.write_text(path, self.to_json())

    def to_json(self) -> str:
        return self.model_dump_json(by_alias=True, indent=1) + "\n"


def beside(recipe: Path) -> Path:
    """The lock that belongs to a recipe: called like it, in its folder."""
    return recipe.with_suffix(SUFFIX)


def read(path: Path) -> Lock:
    """The lock in a file. Raises LockError where there is none, or what is there is no lock."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise LockError("it is too large to be a lock", where=str(path), hint=_HINT)
        value = loads(path.read_bytes().decode("utf-8"), max_depth=_MAX_DEPTH)
    except FileNotFoundError:
        raise LockError("there is no such lock", where=str(path), hint=_HINT) from None
    except OSError as error:
        raise LockError(f"it cannot be read: {error.strerror}", where=str(path), hint=_HINT) from None
    except UnicodeDecodeError:
        raise LockError("it is no lock: not UTF-8", where=str(path), hint=_HINT) from None
    except DataError as error:
        raise LockError(f"it is no lock: {error.message}", where=str(path), hint=_HINT) from None
    return _checked(value, path)


def refuse_other(path: Path) -> None:
    """Raises LockError where a lock is to be written and something else stands, such as that of another tool: a lock
    alone is written over, also a damaged one."""
    if path.is_dir():
        raise LockError("a folder stands where the lock is to be", where=str(path), hint="take it away")
    if path.is_file() and b'"kind": "aiaas-lock"' not in _head(path):
        raise LockError(
            "the file is no lock of ours, and stays as it is",
            where=str(path),
            hint="take it away, or call the recipe otherwise",
        )


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(1 << 10)
    except OSError as error:
        raise LockError(f"it cannot be read: {error.strerror}", where=str(path), hint=_HINT) from None


def _checked(value: Any, path: Path) -> Lock:
    if not isinstance(value, dict) or value.get("kind") != "aiaas-lock":
        raise LockError("it is no lock: JSON of another kind", where=str(path), hint=_HINT)
    if value.get("schema") != SCHEMA:
        raise LockError(
            f"it is a lock of schema {value.get('schema')!r}, this aiaas reads {SCHEMA}",
            where=str(path),
            hint="use the aiaas that wrote it; environment.aiaas says which",
        )
    try:
        return Lock.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise LockError(f"it is a damaged lock: {place}: {first['msg']}", where=str(path), hint=_HINT) from None
