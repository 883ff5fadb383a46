"""What a recipe may say. Frozen; every field is described here once, for faults, the reference and the JSON Schema."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    Field,
    PrivateAttr,
    SerializeAsAny,
    field_validator,
    model_serializer,
)

from aiaas.contracts import Params, SourceParams
from aiaas.contracts.findings import Acceptable
from aiaas.recipe.document import Document
from aiaas.recipe.evaluate import Evaluate
from aiaas.recipe.split import Split
from aiaas.recipe.tune import Tune

NAME_PATTERN = r"^[a-z0-9][a-z0-9-]*$"


class StepSpec(Params):
    """One step; in YAML its name alone, or `{name: {parameter: value}}`."""

    name: str = Field(description="Which step: the name of a file in steps/, or of a plug-in.")
    params: SerializeAsAny[Params] = Field(default_factory=Params, description="The step's own parameters.")

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        return {self.name: self.params.model_dump(mode="json", by_alias=True)}


class Preprocess(Params):
    """What is done with the rows before a model sees them."""

    steps: tuple[StepSpec, ...] = Field((), description="Steps in the order in which they run.")
    split: Split = Field(default_factory=Split, description="How the rows are divided.")


class Inspect(Params):
    """What is known of the rows, and not to be held against them."""

    accept: tuple[Acceptable, ...] = Field(
        (), description="Findings that are neither told nor stop a run, by name; a fatal one not named here does."
    )


class ModelSection(Params):
    """What learns."""

    backend: str = Field(description="The framework: the name of a folder in backends/, or of a plug-in.")
    architecture: str = Field(description="The model: the name of a file in the backend's folder, or of a plug-in.")
    params: SerializeAsAny[Params] = Field(default_factory=Params, description="The architecture's hyper-parameters.")


class Deploy(Params):
    """How the registered model is called."""

    alias: str = Field(
        "champion",
        pattern=r"^[A-Za-z][A-Za-z0-9_-]*$",
        max_length=64,
        description="The alias moved to the new version; NAME alone means NAME@champion.",
    )

    runtime: Literal["auto", "native", "portable"] = Field(
        "auto",
        description="What answers: portable (ONNX Runtime, without the framework; refused when it answers "
        "differently), native (the framework), or auto: portable where the model has such a form and it agrees.",
    )
    tolerance: float = Field(
        1e-3, gt=0, le=1, description="How far a score of the portable form may be from the model's, on held-out rows."
    )
    quantize: Literal["auto", "none", "int8"] = Field(
        "auto",
        description="Whether the portable form keeps its weights in eight bits: int8 (refused when it gets too much "
        "wrong), none, or auto: int8 where the architecture has such a form and it passes.",
    )
    max_accuracy_drop: float = Field(
        0.005, ge=0, le=1, description="How much accuracy the int8 form may lose on held-out rows."
    )
    min_cosine: float = Field(
        0.99,
        gt=0,
        le=1,
        description="Of a model that gives vectors: the cosine between those of the int8 form and the model's, which "
        "the mean of the held-out rows must reach.",
    )

    @field_validator("alias")
    @classmethod
    def _not_reserved(cls, alias: str) -> str:
        if alias.lower() == "latest" or re.fullmatch(r"[vV]\d+", alias):
            raise ValueError("'latest' and v1, v2, … are reserved by MLflow; choose another alias")
        return alias


class Recipe(Params):
    """One model's way from raw data to an API. Made by `recipe.read` or `Recipe.from_dict`, which check it whole."""

    schema_: Literal[1] = Field(1, alias="schema", description="The version of this format.")
    name: str = Field(
        pattern=NAME_PATTERN,
        max_length=64,
        description="What the model is called: small letters, digits and dashes, first a letter or digit.",
    )
    task: str = Field(description="What an example and an answer are: the name of a file in tasks/, or of a plug-in.")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Makes splitting and training repeatable.")
    collect: tuple[SerializeAsAny[SourceParams], ...] = Field(
        min_length=1, description="Where the rows come from; the rows of all sources together are the data."
    )
    preprocess: Preprocess = Field(
        default_factory=Preprocess, description="What is done with the rows before a model sees them."
    )
    inspect: Inspect = Field(
        default_factory=Inspect, description="What is known of the rows, and not to be held against them."
    )
    model: ModelSection = Field(description="What learns.")
    train: SerializeAsAny[Params] = Field(
        default_factory=Params, description="How it learns: the architecture's own settings of training."
    )
    evaluate: Evaluate = Field(default_factory=Evaluate, description="What it must reach to be registered.")
    deploy: Deploy = Field(default_factory=Deploy, description="How the registered model is called.")
    tune: Tune | None = Field(
        None, exclude_if=lambda tune: tune is None, description="Which settings `aiaas tune` tries, and how long."
    )

    _document: Document = PrivateAttr(default_factory=lambda: Document("recipe"))
    _file: Path | None = PrivateAttr(None)
    _base: Path = PrivateAttr(default_factory=Path)

    @classmethod
    def from_dict(
        cls,
        data: Mapping[str, Any],
        overrides: Iterable[str] = (),
        *,
        base: str | Path | None = None,
        source: str = "recipe",
    ) -> Recipe:
        """A recipe from plain values, such as those of `resolved()`. `base` is where relative paths start (default:
        the working directory), `source` what faults call it; the environment changes nothing. Raises RecipeError."""
        from aiaas.recipe.read import from_values

        return from_values(data, overrides, base=Path(base or "").absolute(), source=source)

    @classmethod
    def read(cls, path: str | os.PathLike[str], overrides: Iterable[str] = ()) -> Recipe:
        """The recipe in a file, with the words of `--set`; variables of the environment count as they do for a command.
        Raises RecipeError with every fault at once."""
        from aiaas.recipe.read import read

        return read(path, overrides)

    def changed(self, overrides: Iterable[str]) -> Recipe:
        """The same with other values, in the words of `--set`. Raises RecipeError."""
        from aiaas.recipe.read import from_values

        made = from_values(self.resolved(), overrides, base=self.base, source=str(self.file or "recipe"))
        made._file = self.file
        return made

    def __eq__(self, other: object) -> bool:
        """Equal when they say the same, wherever it was written."""
        return self.resolved() == other.resolved() if isinstance(other, Recipe) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    @property
    def file(self) -> Path | None:
        """The file it was read from."""
        return self._file

    @property
    def base(self) -> Path:
        """The folder in which its relative paths start, absolute: that of its file."""
        return self._base

    def resolved(self) -> dict[str, Any]:
        """Every value, defaults included, as plain JSON; secrets stay references. `from_dict` takes it back."""
        return self.model_dump(mode="json", by_alias=True)

    def written(self) -> dict[str, Any]:
        """What it was said to be, defaults left out, as plain JSON. `from_dict` takes it back."""
        from aiaas.recipe.written import written

        return written(self)

    def settled(self) -> Recipe:
        """The same recipe without its search, which a run does not mind."""
        return self if self.tune is None else self.model_copy(update={"tune": None})

    def with_values(self, values: Mapping[str, Any]) -> Recipe:
        """The same recipe with other values, by their dotted paths, and without its search. Raises RecipeError."""
        from aiaas.recipe.tune import laid_over

        said = {name: value for name, value in self.written().items() if name != "tune"}
        recipe = Recipe.from_dict(said, laid_over(values), base=self._base, source=str(self._file or "recipe"))
        recipe._file = self._file
        return recipe

    def flat(self) -> dict[str, Any]:
        """Every value under its dotted name, as trackers take it: `model.params.alpha`, `collect.0.source`,
        `preprocess.steps.clean.html`; a list of single values stays a list."""
        from aiaas.recipe.render import flat

        return {name: value for name, (_, value) in flat(self.resolved()).items()}

    def to_yaml(self) -> str:
        """Every value as canonical YAML, which reads back as the same recipe."""
        from aiaas.recipe.render import to_yaml

        return to_yaml(self.resolved())

    def origins(self) -> dict[str, str]:
        """Where each value of `flat()` came from: `--set`, `environment NAME`, `file:line:column` or `default`."""
        from aiaas.recipe.origin import origin
        from aiaas.recipe.render import flat

        return {name: origin(self._document, path) for name, (path, _) in flat(self.resolved()).items()}

    def origin(self, path: str) -> str:
        """Where the value at a dotted path came from; see `origins`."""
        from aiaas.recipe import origin, paths

        return origin.origin(self._document, origin.locate(self._document, paths.parse(path)))

    def where(self, path: str = "") -> str:
        """The place to name in an error about the value at `path`: where it, or what is around it, is written."""
        from aiaas.recipe import origin, paths

        return self._document.place(origin.locate(self._document, paths.parse(path)) if path else ()).where

    def sources(self, environ: Mapping[str, str] | None = None) -> tuple[SourceParams, ...]:
        """`collect` with every `${env:NAME}` replaced by its value: to read with, never to print, store or hash.
        Raises RecipeError naming each variable that is not set."""
        from aiaas.recipe.secrets import reveal_all

        return reveal_all(self.collect, ("collect",), self._document, os.environ if environ is None else environ)

    def missing_secrets(self, environ: Mapping[str, str] | None = None) -> list[str]:
        """The names of the environment variables it refers to that are not set."""
        from aiaas.recipe.secrets import missing

        return missing(self.resolved(), os.environ if environ is None else environ)
