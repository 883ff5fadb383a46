"""Which form of a model goes into the bundle: the framework's own, or the portable one where it answers alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas import bundle, plugins, tasks
from aiaas.contracts import Architecture, Example, Portable, Signature, Task
from aiaas.deploy.compare import Comparison, compare
from aiaas.errors import ExportError, MissingPackageError

if TYPE_CHECKING:
    from aiaas.recipe import Deploy, Recipe

ROWS = 1024
BATCH = 64  # as they come in a service; a batch of pictures is in memory at once


@dataclass(frozen=True, slots=True)
class Form:
    """The folder of a model, what runs it and with which packages, and how it was compared with the other form."""

    folder: Path
    runtime: str
    packages: Mapping[str, str]
    comparison: Comparison | None = None
    bytes: Mapping[str, int] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """For whoever reads what was deployed: `runtime`, and the comparison with the size of each form."""
        compared = {**self.comparison.as_dict(), "bytes": dict(self.bytes)} if self.comparison else {}
        return {"name": self.runtime, **compared}


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a fit left: the model's folder, the packages it was made with, what it takes, and the split rows."""

    folder: Path
    packages: Mapping[str, str]
    signature: Signature
    data: Path


def choose(recipe: Recipe, fitted: Fitted, scratch: Path, warn: Callable[[str], None]) -> Form:
    """The form that the recipe wants. The portable one is written into the empty folder `scratch`.

    Where the recipe leaves the choice, a portable form that cannot be made or answers differently is said to `warn`;
    where it asks for that form, raises ExportError, or MissingPackageError.
    """
    architecture = plugins.architecture(recipe.model.backend, recipe.model.architecture)
    native = Form(fitted.folder, bundle.NATIVE, fitted.packages)
    if recipe.deploy.runtime == "native" or not isinstance(architecture, Portable):
        return native
    try:
        return _portable(recipe, architecture, fitted, scratch)
    except (ExportError, MissingPackageError) as error:
        if recipe.deploy.runtime == "portable":
            raise
        todo = f" ({error.hint})" if isinstance(error, MissingPackageError) else ""
        warn(f"{error.message}{todo}; {recipe.model.backend} itself answers")
        return native


def tools(architecture: Architecture, section: Deploy) -> dict[str, str | None]:
    """The packages that decide whether there can be a portable form and what it holds, each with its version."""
    if section.runtime == "native" or not isinstance(architecture, Portable):
        return {}
    return plugins.installed([*architecture.EXPORT_REQUIRES, *architecture.RUNTIME_REQUIRES])


def _portable(recipe: Recipe, architecture: Any, fitted: Fitted, scratch: Path) -> Form:
    name = f"the portable form of {recipe.model.backend}/{recipe.model.architecture}"
    packages = plugins.require(architecture.RUNTIME_REQUIRES, name)
    plugins.require(architecture.EXPORT_REQUIRES, name)
    architecture.export(fitted.folder, scratch)
    comparison = compare(
        architecture.load(fitted.folder),
        architecture.load_portable(scratch),
        _held_out(fitted, plugins.task(recipe.task)),
        labelled=bool(fitted.signature.labels),
    )
    _check(comparison, recipe.deploy)
    sizes = {"native": _size(fitted.folder), "portable": _size(scratch)}
    return Form(scratch, architecture.RUNTIME, packages, comparison, sizes)


def _check(comparison: Comparison, section: Deploy) -> None:
    """Refuse a portable form that answers differently."""
    if comparison.difference > section.tolerance:
        raise ExportError(
            f"the portable form answers differently: a score by up to {comparison.difference:.2g} on "
            f"{comparison.rows:,} held-out rows, {comparison.changed:.2%} of which get another label; "
            f"deploy.tolerance allows {section.tolerance:g}",
            hint="set deploy.runtime to native, or deploy.tolerance higher where so much is harmless",
        )


def _held_out(fitted: Fitted, task: Task) -> Iterator[list[Example]]:
    """Rows that the model has not learned from, as examples in batches: spread over the validation split, or over the
    test split where there is none."""
    from datasets import Dataset

    splits = (Dataset.from_file(str(fitted.data / f"{name}.arrow")) for name in ("validation", "test"))
    rows = next(rows for rows in splits if len(rows))
    chosen = rows.select(range(0, len(rows), max(1, len(rows) // ROWS))[:ROWS])
    for batch in chosen.iter(BATCH):
        yield tasks.examples(batch, task, fitted.signature)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
