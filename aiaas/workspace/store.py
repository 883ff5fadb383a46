"""Artefacts by content key: a folder that appears whole, its manifest written last."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, ReadWriteLock, Timeout

from aiaas.errors import DataError, UsageError
from aiaas.workspace import atomic, keys

MANIFEST = "manifest.json"
SCHEMA = 1
_TOLD = ("stage", "key", "digest", "inputs", "summary", "seconds", "created")


@dataclass(frozen=True, slots=True)
class Artefact:
    """What a stage made. `inputs` is what its key was computed from, `digest` what its files hold."""

    stage: str
    key: str
    path: Path
    digest: str
    inputs: Mapping[str, Any]
    summary: Mapping[str, Any]
    seconds: float
    created: float
    sizes: Mapping[str, int] = field(repr=False)

    @classmethod
    def open(cls, path: Path) -> Artefact:
        """What the manifest in `path` says; FileNotFoundError without one, DataError for one that cannot be read."""
        try:
            manifest = json.loads((path / MANIFEST).read_text("utf-8"))
            return cls(
                **{name: manifest[name] for name in _TOLD},
                path=path,
                sizes={name: entry["bytes"] for name, entry in manifest["files"].items()},
            )
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                "the manifest of an artefact cannot be read",
                where=str(path / MANIFEST),
                hint=f"remove the folder and run the same command again: rm -r {path}",
            ) from error

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values())

    def is_whole(self) -> bool:
        """Whether every file is there in its size; what stands in it is compared where that must be sure."""
        try:
            return all((self.path / name).stat().st_size == size for name, size in self.sizes.items())
        except FileNotFoundError:
            return False


@dataclass(slots=True)
class Draft:
    """A folder to write into; what it holds when the block ends becomes the artefact of these `inputs`.

    Files named in `aside` do not count in the digest: they say when or how, not what.
    """

    path: Path
    inputs: Mapping[str, Any]
    summary: dict[str, Any] = field(default_factory=dict)
    aside: set[str] = field(default_factory=set)


class Workspace:
    """The folder `.aiaas` of a project, safe under several commands at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.artefacts = root / "artefacts"
        self.runs = root / "runs"
        self.models = root / "models"
        self.downloads = root / "downloads"
        self.checkpoints = root / "checkpoints"
        self.cache = root / "cache"
        self.recipes = root / "recipes"
        self.locks = root / "locks"
        self.temporary = root / "tmp"
        self.mlflow_artifacts = root / "mlflow"
        self.audit = root / "audit"
        self.logs = root / "logs"
        self.reproduced = root / "reproduced"

    @classmethod
    def open(cls, path: Path | None = None) -> Workspace:
        """The workspace at `path`, by default `.aiaas` in the working directory; made when it is not there."""
        space = cls.look(path)
        root = space.root
        with atomic.disk_errors(root):
            for folder in (root, root / "locks", root / "tmp"):
                folder.mkdir(parents=True, exist_ok=True)
            ignore = root / ".gitignore"
            if not ignore.exists():
                atomic.write_text(ignore, "*\n")
        return space

    @classmethod
    def look(cls, path: Path | None = None) -> Workspace:
        """The same as it stands, for those who only read: nothing is made, so it may be absent, or not writable."""
        root = (path or Path(".aiaas")).expanduser().absolute()
        if root.exists() and not root.is_dir():
            raise UsageError("the workspace is a file, not a folder", where=str(root), hint="choose another folder")
        return cls(root)

    @property
    def mlflow_uri(self) -> str:
        return f"sqlite:///{self.root / 'mlflow.db'}"

    def folder(self, stage: str, key: str) -> Path:
        return self.artefacts / stage / key

    def find(self, stage: str, key: str) -> Artefact | None:
        """The artefact with this key, or None where a part of it is missing; finding one counts as using it."""
        path = self.folder(stage, key)
        try:
            artefact = Artefact.open(path)
        except FileNotFoundError:
            return None
        if not artefact.is_whole():
            return None
        with suppress(OSError):  # a workspace that may only be read
            os.utime(path / MANIFEST)
        return artefact

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Wait until no other process holds `name`; a killed process holds nothing."""
        with FileLock(self.locks / f"{name}.lock"):
            yield

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Held while artefacts are made or read by key, so that none is removed meanwhile."""
        with ReadWriteLock(self.locks / "use.db").read_lock():
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Held while artefacts are removed; UsageError when another command is at work here."""
        try:
            with ReadWriteLock(self.locks / "use.db").write_lock(timeout=0, blocking=False):
                yield
        except Timeout:
            raise UsageError(
                "another command is at work in this workspace", where=str(self.root), hint="try again when it is done"
            ) from None

    @contextmanager
    def build(self, stage: str, inputs: Mapping[str, Any]) -> Iterator[Draft]:
        """A draft that is published under the key of `inputs` when the block ends without an exception.

        The caller holds `lock(key)` and has seen that `find` gives nothing.
        """
        key = keys.digest_json(inputs)
        folder = self.temporary / f"{stage}.{key[:12]}.{os.getpid()}.{secrets.token_hex(4)}"
        started = time.perf_counter()
        draft = Draft(folder, inputs)
        try:
            with atomic.disk_errors(self.root):
                folder.mkdir(parents=True)
                yield draft
                self._publish(stage, key, draft, time.perf_counter() - started)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _publish(self, stage: str, key: str, draft: Draft, seconds: float) -> None:
        files = keys.digest_files(draft.path)
        content = {name: entry["sha256"] for name, entry in files.items() if name not in draft.aside}
        manifest = {
            "schema": SCHEMA,
            "stage": stage,
            "key": key,
            "digest": keys.digest_json(content),
            "inputs": draft.inputs,
            "summary": draft.summary,
            "seconds": round(seconds, 3),
            "created": time.time(),
            "files": files,
        }
        atomic.sync_tree(draft.path)
        atomic.write_json(draft.path / MANIFEST, manifest)
        target = self.folder(stage, key)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():  # without a manifest or a file that it names: half an artefact is no artefact
            shutil.rmtree(target)
        draft.path.rename(target)
        atomic.sync_folder(target.parent)

    def __iter__(self) -> Iterator[Artefact]:
        """Every artefact, by stage and key."""
        yield from self.of_stage("*")

    def of_stage(self, stage: str) -> Iterator[Artefact]:
        """Those of one stage."""
        for manifest in sorted(self.artefacts.glob(f"{stage}/*/{MANIFEST}")):
            yield Artefact.open(manifest.parent)

    def used_at(self, artefact: Artefact) -> float:
        """When the artefact was last made or used, in seconds since the epoch."""
        return (artefact.path / MANIFEST).stat().st_mtime

    # --- what a recipe last used ----------------------------------------------------------------------------------

    def last(self, recipe: str) -> dict[str, str]:
        """`{stage: key}` of the last run of the recipe with this name."""
        try:
            return dict(json.loads((self.recipes / f"{recipe}.json").read_text("utf-8")))
        except (FileNotFoundError, ValueError):
            return {}

    def forget_checkpoints(self, key: str) -> None:
        """Remove what an interrupted fit would have gone on from: the artefact with this key is made."""
        shutil.rmtree(self.checkpoints / key, ignore_errors=True)

    def remember(self, recipe: str, stage: str, key: str) -> None:
        with self.lock(f"recipe-{recipe}"):
            atomic.write_json(self.recipes / f"{recipe}.json", {**self.last(recipe), stage: key})
