"""A bundle by the name a person gives: NAME, NAME@ALIAS, NAME/VERSION, or a folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiaas.bundle import layout
from aiaas.bundle.load import Bundle, load, runtime_of
from aiaas.bundle.verify import verify
from aiaas.track.registry import Registry, parse_reference
from aiaas.workspace import Workspace


def runtime(folder: Path) -> str | None:
    """What runs the model of the bundle in `folder`, as it says, unverified; None where no bundle is there any more."""
    manifest = _said(folder)
    return None if manifest is None else runtime_of(manifest)


def precision(folder: Path) -> str | None:
    """In what its numbers are kept, as `runtime` says it; None as well where that is the framework's own affair."""
    return (_said(folder) or {}).get("precision")


def data(folder: Path) -> dict[str, Any] | None:
    """Where the rows came from that the model learned, and what became of them; None where the bundle does not say."""
    return (_said(folder) or {}).get("data")


def _said(folder: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads((folder / layout.MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None


@dataclass(frozen=True, slots=True)
class Located:
    """Where the bundle of a model lies. `digest` is what a registry remembers of it; None where only a folder was
    named."""

    name: str
    path: Path
    digest: str | None = None
    version: str | None = None

    def load(self) -> Bundle:
        """Verify and load it."""
        return load(self.path, digest=self.digest, version=self.version)


def locate(reference: str, workspace: Workspace) -> Located:
    """Where the bundle lies that `reference` names, unverified; UsageError when no such model is registered here,
    VerificationError for a folder that is no bundle."""
    folder = Path(reference).expanduser()
    if (folder / layout.MANIFEST).is_file() or reference.startswith((".", "/", "~")):
        said = _said(folder) or verify(folder)
        return Located(str(said.get("name", "")), folder.absolute())
    return registered(reference, workspace)


def registered(reference: str, workspace: Workspace) -> Located:
    """The same of NAME, NAME@ALIAS or NAME/VERSION alone: no folder is looked for."""
    name, alias, version = parse_reference(reference)
    entry = Registry(workspace.models).resolve(name, alias=alias, version=version)
    return Located(entry.name, entry.path, entry.digest, str(entry.number))


def find(reference: str, workspace: Workspace) -> Bundle:
    """Verify and load the bundle that `reference` names; UsageError when no such model is registered here."""
    return locate(reference, workspace).load()
