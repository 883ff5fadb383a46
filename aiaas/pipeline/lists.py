"""The files that steps name, such as a list of synonyms: what is in them, and the parameters made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from aiaas import plugins
from aiaas.contracts import OfFiles, ReadsLists, SourceContext
from aiaas.errors import DataError
from aiaas.recipe.models import Preprocess, StepSpec


def fingerprints(section: Preprocess, context: SourceContext) -> dict[str, Any]:
    """What decides whether they are the same as last time, under `lists`, by step and parameter; nothing where no step
    names any. Raises DataError, RemoteError or MissingPackageError."""
    found = {}
    for number, spec in enumerate(section.steps):
        for name, address in _named(spec).items():
            source = plugins.source(address)
            found[f"{number}.{spec.name}.{name}"] = source.fingerprint(source.Params(source=address), context)
    return {"lists": found} if found else {}


def addresses(section: Preprocess) -> set[str]:
    """What the steps name."""
    return {address for spec in section.steps for address in _named(spec).values()}


def read(section: Preprocess, context: SourceContext) -> Preprocess:
    """How rows are preprocessed, with what stands in the files in place of their addresses; they are fetched first
    where needed."""
    return section.model_copy(update={"steps": tuple(_read(spec, context) for spec in section.steps)})


def _read(spec: StepSpec, context: SourceContext) -> StepSpec:
    named = _named(spec)
    if not named:
        return spec
    files = {}
    for name, address in named.items():
        source = plugins.source(address)
        paths = list(cast(OfFiles, source).paths(source.Params(source=address), context))
        if len(paths) != 1:
            raise DataError(f"{spec.name} wants one file of {address}, which names {len(paths):,}", where=address)
        files[name] = paths[0]
    module = cast(ReadsLists, plugins.step(spec.name))
    return spec.model_copy(update={"params": module.read(spec.params, files)})


def _named(spec: StepSpec) -> Mapping[str, str]:
    module = plugins.step(spec.name)
    return module.files(spec.params) if isinstance(module, ReadsLists) else {}
