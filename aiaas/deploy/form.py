"""Which form of a model goes into the bundle: the framework's own, the portable one where it answers alike, or the
int8 form of that where it gets hardly more wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas import bundle, plugins, tasks
from aiaas.contracts import Example, Model, Portable, Quantizable, Signature, Task
from aiaas.decision import tempered
from aiaas.deploy.compare import Answers, Comparison, ask, compare
from aiaas.deploy.loss import OfLabels, Quantised, accuracy_drop, loss
from aiaas.errors import AiaasError, ExportError, MissingPackageError

if TYPE_CHECKING:
    from datasets import Dataset

    from aiaas.recipe import Deploy, Recipe

ROWS = 2048
BATCH = 64  # as they come in a service; a batch of pictures is in memory at once
FLOAT, INT8 = "float32", "int8"


@dataclass(frozen=True, slots=True)
class Form:
    """The folder of a model, what runs it, with which packages and in what precision (None: as the framework does); how
    it was compared with the other forms, and how much accuracy it loses on the same rows, None where no label is right
    or wrong."""

    folder: Path
    runtime: str
    packages: Mapping[str, str]
    precision: str | None = None
    comparison: Comparison | None = None
    bytes: Mapping[str, int] = field(default_factory=dict)
    int8: Quantised | None = None
    accuracy_drop: float | None = None

    def summary(self) -> dict[str, Any]:
        """For whoever reads what was deployed: `name` of the runtime and `precision`, the comparison with the size of
        each form, and under `int8` what that form loses, whether it was taken or not."""
        if self.comparison is None:
            return {"name": self.runtime}
        compared = {**self.comparison.as_dict(), "bytes": dict(self.bytes)}
        int8 = {"int8": self.int8.as_dict()} if self.int8 else {}
        drop = {"accuracy_drop": self.accuracy_drop}
        return {"name": self.runtime, "precision": self.precision, **compared, **drop, **int8}


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a fit left: the model's folder, the packages it was made with, what it takes, and the split rows; and the
    temperature that was fitted for its scores."""

    folder: Path
    packages: Mapping[str, str]
    signature: Signature
    data: Path
    temperature: float | None = None

    def held_out(self) -> Dataset:
        """Rows that the model has not learned from: spread over the validation split, or over the test split where
        there is none."""
        from datasets import Dataset

        splits = (Dataset.from_file(str(self.data / f"{name}.arrow")) for name in ("validation", "test"))
        rows = next(rows for rows in splits if len(rows))
        return rows.select(range(0, len(rows), max(1, len(rows) // ROWS))[:ROWS])


def choose(recipe: Recipe, fitted: Fitted, scratch: Path, warn: Callable[[str], None]) -> Form:
    """The form that the recipe wants. Others than the native one are written into the empty folder `scratch`.

    Where the recipe leaves the choice, a form that cannot be made or answers differently is said to `warn`, and the
    next one serves: int8, portable, native. Where it asks for that form, raises ExportError, or MissingPackageError.
    """
    model, section = recipe.model, recipe.deploy
    architecture = plugins.architecture(model.backend, model.architecture)
    native = Form(fitted.folder, bundle.NATIVE, fitted.packages)
    if section.runtime == "native" or not isinstance(architecture, Portable):
        return native
    forms = _Forms(recipe, architecture, fitted, scratch, warn)
    try:
        return forms.best()
    except (ExportError, MissingPackageError) as error:
        if section.runtime == "portable" or section.quantize == INT8:
            raise
        warn(f"{_why(error)}; {model.backend} itself answers")
        return native


def tools(architecture: Any, section: Deploy) -> dict[str, str | None]:
    """The packages that decide whether there can be a portable form and what it holds, each with its version."""
    if section.runtime == "native" or not isinstance(architecture, Portable):
        return {}
    needed = [*architecture.EXPORT_REQUIRES, *architecture.RUNTIME_REQUIRES]
    if section.quantize != "none" and isinstance(architecture, Quantizable):
        needed += architecture.QUANTIZE_REQUIRES
    return plugins.installed(needed)


@dataclass(frozen=True, slots=True)
class _Forms:
    """The forms of one model: made, asked, compared."""

    recipe: Recipe
    architecture: Any
    fitted: Fitted
    scratch: Path
    warn: Callable[[str], None]

    def best(self) -> Form:
        """The int8 form where it passes, else the portable one. Raises ExportError where that answers differently, or
        where the recipe insists on int8."""
        packages = plugins.require(self.architecture.RUNTIME_REQUIRES, self._named("portable"))
        plugins.require(self.architecture.EXPORT_REQUIRES, self._named("portable"))
        folders = {"portable": self._folder("portable")}
        self.architecture.export(self.fitted.folder, folders["portable"])
        if int8 := self._quantised(folders["portable"]):
            folders[INT8] = int8
        rows, signature = self.fitted.held_out(), self.fitted.signature
        target = signature.target
        task = plugins.task(self.recipe.task)
        native, answers = ask(*self._models(folders), _batches(rows, task, signature))
        comparison = compare(native, _given(answers["portable"]), signature)
        _check(comparison, self.recipe.deploy)
        sizes = {name: _size(folder) for name, folder in {"native": self.fitted.folder, **folders}.items()}
        drop = accuracy_drop(native, _given(answers["portable"]), rows[target] if target else [], task, signature)
        portable = Form(
            folders["portable"], self.architecture.RUNTIME, packages, FLOAT, comparison, sizes, accuracy_drop=drop
        )
        if INT8 not in folders:
            return portable
        return self._judged(portable, folders[INT8], native, answers[INT8], rows)

    def _models(self, folders: Mapping[str, Path]) -> tuple[Model, dict[str, Model]]:
        """The native model, and those in the other forms, as a service would load them."""
        warmth = self.fitted.temperature
        loaded = {name: tempered(self.architecture.load_portable(folder), warmth) for name, folder in folders.items()}
        return tempered(self.architecture.load(self.fitted.folder), warmth), loaded

    def _quantised(self, portable: Path) -> Path | None:
        """The folder of the int8 form; None where the recipe wants none, or where there cannot be one."""
        if self.recipe.deploy.quantize == "none" or not isinstance(self.architecture, Quantizable):
            return None
        out = self._folder(INT8)
        try:
            plugins.require(self.architecture.QUANTIZE_REQUIRES, self._named(INT8))
            self.architecture.quantize(portable, out)
        except (ExportError, MissingPackageError) as error:
            self._refuse(error)
            return None
        return out

    def _judged(
        self, portable: Form, folder: Path, native: Answers, answers: Answers | ExportError, rows: Dataset
    ) -> Form:
        """The int8 form in place of the portable one, where it loses little enough."""
        target, quantised = self.fitted.signature.target, None
        targets = rows[target] if target else []
        try:
            found = _given(answers)
            task = plugins.task(self.recipe.task)
            quantised = Quantised(found.speed, loss(native, found, targets, task, self.fitted.signature))
            quantised.loss.check(self.recipe.deploy)
        except ExportError as error:
            self._refuse(error)
            return replace(portable, int8=quantised)
        drop = quantised.loss.drop if isinstance(quantised.loss, OfLabels) else None
        return replace(portable, folder=folder, precision=INT8, int8=quantised, accuracy_drop=drop)

    def _refuse(self, error: AiaasError) -> None:
        """The int8 form cannot be taken: an error where the recipe insists on it."""
        if self.recipe.deploy.quantize == INT8:
            raise error
        self.warn(f"{_why(error)}; the portable form answers in float32")

    def _named(self, form: str) -> str:
        return f"the {form} form of {self.recipe.model.backend}/{self.recipe.model.architecture}"

    def _folder(self, name: str) -> Path:
        folder = self.scratch / name
        folder.mkdir()
        return folder


def _given(answers: Answers | ExportError) -> Answers:
    if isinstance(answers, ExportError):
        raise answers
    return answers


def _why(error: AiaasError) -> str:
    return error.message + (f" ({error.hint})" if isinstance(error, MissingPackageError) else "")


def _check(comparison: Comparison, section: Deploy) -> None:
    """Refuse a portable form that answers differently."""
    if comparison.difference > section.tolerance:
        raise ExportError(
            f"the portable form answers differently: a score by up to {comparison.difference:.2g} on "
            f"{comparison.rows:,} held-out rows, {comparison.changed:.2%} of which get another label; "
            f"deploy.tolerance allows {section.tolerance:g}",
            hint="set deploy.runtime to native, or deploy.tolerance higher where so much is harmless",
        )


def _batches(rows: Dataset, task: Task, signature: Signature) -> Iterator[list[Example]]:
    for batch in rows.iter(BATCH):
        yield tasks.examples(batch, task, signature)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
