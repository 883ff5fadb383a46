"""The files that an architecture reads besides the rows: what is in them, and where they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiaas import plugins
from aiaas.contracts import ReadsFiles, SourceContext
from aiaas.errors import DataError
from aiaas.recipe import ModelSection


def fingerprints(model: ModelSection, context: SourceContext) -> dict[str, Any]:
    """What decides whether they are the same as last time, under `files`; nothing for a model that reads none.

    Raises DataError, RemoteError or MissingPackageError.
    """
    found = _each(model, lambda source, params: source.fingerprint(params, context))
    return {"files": found} if found else {}


def paths(model: ModelSection, context: SourceContext) -> dict[str, Path]:
    """Where each file is on this machine, by the parameter that names it, fetched first where needed."""

    def path(source: Any, params: Any) -> Path:
        found = list(source.paths(params, context))
        if len(found) != 1:
            raise DataError(f"it names {len(found):,} files; it must be one", where=params.source)
        return Path(found[0])

    return _each(model, path)


def _each(model: ModelSection, ask: Callable[[Any, Any], Any]) -> dict[str, Any]:
    architecture = plugins.architecture(model.backend, model.architecture)
    named: Mapping[str, str] = architecture.files(model.params) if isinstance(architecture, ReadsFiles) else {}
    answers = {}
    for name, address in named.items():
        source = plugins.source(address)
        answers[name] = ask(source, source.Params(source=address))
    return answers
