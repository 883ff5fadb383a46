"""The files and folders that an architecture reads besides the rows: what is in them, and where they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from aiaas import plugins
from aiaas.contracts import Folder, OfFolders, Origin, ReadsFiles, SourceContext
from aiaas.errors import DataError, RemoteError
from aiaas.recipe import ModelSection


def fingerprints(model: ModelSection, context: SourceContext) -> dict[str, Any]:
    """What decides whether they are the same as last time, under `files`; nothing for a model that reads none.

    Raises DataError, RemoteError or MissingPackageError.
    """
    found = _each(
        model,
        lambda source, params: source.fingerprint(params, context),
        lambda source, folder: source.folder_fingerprint(folder, context),
    )
    return {"files": found} if found else {}


def paths(model: ModelSection, context: SourceContext) -> dict[str, Path]:
    """Where each is on this machine, by the parameter that names it, fetched first where needed."""

    def path(source: Any, params: Any) -> Path:
        found = list(source.paths(params, context))
        if len(found) != 1:
            raise DataError(f"it names {len(found):,} files; it must be one", where=params.source)
        return Path(found[0])

    return _each(model, path, lambda source, folder: source.folder(folder, context))


def provenance(model: ModelSection, context: SourceContext) -> dict[str, Any]:
    """Where each came from, by the parameter that names it: its address, the revision and the licence as far as known,
    and the digest of every file. To be asked after `paths`."""
    return _each(
        model,
        lambda source, params: _told(params.source, source.origins(params, context)),
        lambda source, folder: _told(folder.address, source.folder_origins(folder, context)),
    )


def _told(address: str, origins: Any) -> dict[str, Any]:
    found: list[Origin] = list(origins)
    return {
        "address": address,
        "revision": next((each.revision for each in found if each.revision), None),
        "licence": next((each.licence for each in found if each.licence), None),
        "bytes": sum(each.bytes for each in found),
        "files": {each.location: each.sha256 for each in found},
    }


def _each(
    model: ModelSection, of_file: Callable[[Any, Any], Any], of_folder: Callable[[OfFolders, Folder], Any]
) -> dict[str, Any]:
    architecture = plugins.architecture(model.backend, model.architecture)
    named: Mapping[str, str | Folder] = architecture.files(model.params) if isinstance(architecture, ReadsFiles) else {}
    answers = {}
    for name, wanted in named.items():
        if isinstance(wanted, str):
            source = plugins.source(wanted)
            answers[name] = of_file(source, source.Params(source=wanted))
            continue
        try:
            answers[name] = of_folder(cast(OfFolders, plugins.source(wanted.address)), wanted)
        except RemoteError as error:
            error.hint = error.hint and f"{error.hint}: --set model.params.{name}=FOLDER"
            raise
    return answers
