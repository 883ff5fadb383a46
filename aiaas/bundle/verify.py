"""Whether a bundle is as it was made: its own digest and that of every file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiaas.bundle import layout
from aiaas.errors import VerificationError
from aiaas.workspace import keys


def verify(directory: Path, digest: str | None = None) -> dict[str, Any]:
    """The manifest of the bundle in `directory`, after its own digest and that of every file were compared; `digest` is
    what a registry remembers of it. Raises VerificationError."""
    path = directory / layout.MANIFEST
    try:
        manifest = json.loads(path.read_text("utf-8"))
        schema, own = manifest["schema"], manifest["digest"]
        files = dict(manifest["files"])
    except FileNotFoundError:
        raise VerificationError("this folder is not a bundle: it has no bundle.json", where=str(directory)) from None
    except (ValueError, KeyError, TypeError) as error:
        raise VerificationError("bundle.json cannot be read", where=str(path), hint="deploy the model again") from error
    if not isinstance(schema, int) or schema > layout.SCHEMA:
        raise VerificationError(
            f"the bundle has schema {schema}, this aiaas reads up to {layout.SCHEMA}",
            where=str(path),
            hint="pip install --upgrade aiaas",
        )
    if keys.digest_json({name: value for name, value in manifest.items() if name != "digest"}) != own:
        raise VerificationError("bundle.json was altered", where=str(path), hint="deploy the model again")
    if digest is not None and digest != own:
        raise VerificationError(
            f"the bundle has digest {own[:12]}, the registry says {digest[:12]}",
            where=str(path),
            hint="deploy the model again",
        )
    _verify_files(directory, files)
    return dict(manifest)


def _verify_files(directory: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
    here = {str(path.relative_to(directory)): path for path in directory.rglob("*") if not path.is_dir()}
    here.pop(layout.MANIFEST, None)
    faults = [f"{name} is missing" for name in sorted(files.keys() - here.keys())]
    faults += [f"{name} does not belong to it" for name in sorted(here.keys() - files.keys())]
    for name in sorted(files.keys() & here.keys()):
        if here[name].is_symlink():
            faults.append(f"{name} is a symbolic link")
        elif here[name].stat().st_size != files[name]["bytes"] or keys.digest_file(here[name]) != files[name]["sha256"]:
            faults.append(f"{name} was altered")
    if faults:
        raise VerificationError(
            "the bundle is not as it was made: " + ", ".join(faults[:5]),
            where=str(directory),
            hint="deploy the model again",
        )
