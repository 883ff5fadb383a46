"""A bundle, loaded after it was verified: nothing in it is run or unpickled."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiaas import plugins, steps
from aiaas.bundle import layout
from aiaas.bundle import options as asking
from aiaas.bundle.verify import verify
from aiaas.contracts import (
    Answer,
    Architecture,
    Counts,
    Example,
    Generative,
    Generator,
    Model,
    Params,
    Portable,
    Signature,
    Step,
    Task,
)
from aiaas.decision import tempered
from aiaas.errors import DataError, ExampleError, MissingPackageError, SecretError, UsageError, VerificationError


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model with all it needs to answer: the way from an input to an answer that `infer` and `serve` share.

    `signature` says what a request holds; `fitted` what the model takes, which is something else where a step makes
    other columns."""

    path: Path
    manifest: Mapping[str, Any]
    task: Task
    signature: Signature
    fitted: Signature
    steps: tuple[Step, ...]
    model: Model
    version: str | None = field(default=None)
    options: type[Params] | None = field(init=False, repr=False, compare=False)
    """What a caller may ask of an answer, where the model writes; None where it does not."""
    _counts: Counts | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Looked up once: to ask whether something has the methods of a protocol takes longer than many an answer.
        object.__setattr__(self, "options", self.task.Options if isinstance(self.task, Generative) else None)
        object.__setattr__(self, "_counts", self.model if isinstance(self.model, Counts) else None)

    @property
    def name(self) -> str:
        return str(self.manifest["name"])

    @property
    def digest(self) -> str:
        return str(self.manifest.get("digest", ""))

    @property
    def runtime(self) -> str:
        """What runs the model: `native`, its own framework, or a portable runtime such as `onnx`."""
        return runtime_of(self.manifest)

    @property
    def recipe(self) -> str:
        """The recipe that made it, as YAML."""
        return (self.path / layout.RECIPE).read_text("utf-8")

    @property
    def metrics(self) -> dict[str, Any]:
        """How it was judged on the test split."""
        return dict(json.loads((self.path / layout.METRICS).read_text("utf-8")))

    def examples(self) -> Iterator[dict[str, Any]]:
        """Example requests: `{"input": …, "answer": …}`."""
        with (self.path / layout.EXAMPLES).open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)

    def decode(self, value: Any) -> dict[str, Any]:
        """One input of a request, parsed from JSON, or a file's bytes, as a row of features; DataError when it does not
        fit."""
        try:
            return self.task.decode(value, self.signature)
        except DataError as error:  # it may quote what it was given
            (message,) = self.protect([error.message])
            raise DataError(message, where=error.where, hint=error.hint) from None

    def prepared(self, rows: Sequence[Mapping[str, Any]]) -> list[Example]:
        """Rows that `decode` gave as the model takes them, after the request-time steps."""
        if self.steps:
            batch = {name: [row[name] for row in rows] for name in self.signature.features}
            batch = steps.apply(self.steps, batch)
            rows = [dict(zip(batch, values, strict=True)) for values in zip(*batch.values(), strict=True)]
        return [self.task.example(row, self.fitted) for row in rows]

    @property
    def counts(self) -> bool:
        """Whether to count the tokens takes the model's own way of reading them, which is some work."""
        return self._counts is not None

    def tokens(self, examples: Sequence[Example]) -> list[int]:
        """How much work each example is: tokens where the model reads such, characters of texts, else one."""
        if self._counts is not None and examples:
            return [max(1, each) for each in self._counts.tokens(examples)]
        return [max(1, len(each)) if isinstance(each, str) else 1 for each in examples]

    def scored(self, examples: Sequence[Example]) -> list[Answer]:
        """The answers of a model that does not write to examples that `prepared` gave, in their order. ExampleError
        names one that cannot be taken."""
        scores = self.model.predict(examples) if examples else ()
        return [self.task.answer(each, self.signature) for each in scores]

    def answer(self, rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any] | None = None) -> list[Answer]:
        """The answers to rows that `decode` gave, in their order. ExampleError names one that cannot be taken,
        OptionError an option."""
        asked = asking.read(self.task, options)
        if isinstance(self.task, Generative):
            texts = ["".join(self._generate(example, asked)) for example in self.prepared(rows)]
            return [self.task.written(text, self.signature) for text in texts]
        return self.scored(self.prepared(rows))

    def write(self, row: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> Iterator[str]:
        """The answer of a model that writes to a row that `decode` gave, piece by piece. Raises UsageError at once for
        another model, and OptionError; to close what it gives stops the work."""
        if not isinstance(self.task, Generative):
            raise UsageError(f"the model {self.name} does not write: it answers inputs as a whole")
        return self._write(row, asking.read(self.task, options))

    def written(self, text: str) -> Answer:
        """All the pieces that `write` gave, as a caller reads them."""
        assert isinstance(self.task, Generative), "`write` refuses other tasks"
        return self.task.written(text, self.signature)

    def _write(self, row: Mapping[str, Any], asked: Params | None) -> Iterator[str]:
        return self._generate(self.prepared([row])[0], asked)

    def _generate(self, example: Example, asked: Params | None) -> Iterator[str]:
        assert isinstance(self.model, Generator), "a task that writes has models that do"
        return self.model.generate(example, asked)

    def protect(self, texts: Sequence[str]) -> list[str]:
        """Texts as they may be kept and shown (a log, an explanation): without what the request-time steps take out."""
        protect = steps.protection(self.steps)
        return protect(texts) if protect else list(texts)

    def stream(self, value: Any, options: Mapping[str, Any] | None = None) -> Iterator[str]:
        """The answer to one input, piece by piece, of a model that writes. Raises as `decode` and `write`."""
        return self.write(self.decode(value), options)

    def predict(self, inputs: Sequence[Any], options: Mapping[str, Any] | None = None) -> list[Answer]:
        """The answers to inputs as JSON gives them, in their order; DataError names the first that does not fit, and
        OptionError an option, which only models that write have."""
        rows = []
        for index, value in enumerate(inputs):
            try:
                rows.append(self.decode(value))
            except DataError as error:
                raise DataError(error.message, where=f"inputs[{index}]", hint=error.hint) from None
        try:
            return self.answer(rows, options)
        except ExampleError as error:
            raise DataError(error.message, where=f"inputs[{error.index}]", hint=error.hint) from None

    def replay(self) -> int:
        """Answer the example requests again and return their number; VerificationError when an answer differs."""
        examples = list(self.examples())
        answers = self.predict([each["input"] for each in examples])
        for number, (each, answer) in enumerate(zip(examples, answers, strict=True), 1):
            if not _close(each["answer"], answer):
                raise VerificationError(
                    f"example request {number} is answered differently from when the bundle was made",
                    where=str(self.path / layout.EXAMPLES),
                    hint="packages may differ from those the bundle was made with; train and deploy again",
                )
        return len(examples)


def load(directory: Path, *, digest: str | None = None, version: str | None = None) -> Bundle:
    """The bundle in `directory`, after every file was found as its digest says.

    `digest` is what a registry remembers of the bundle. Raises VerificationError (damaged, altered, too new) and
    MissingPackageError.
    """
    manifest = verify(directory, digest)
    bundle = open_unsealed(directory, manifest)
    return replace(bundle, manifest=manifest, version=version)


def open_unsealed(directory: Path, manifest: Mapping[str, Any]) -> Bundle:
    """A bundle from a manifest that the caller trusts: one that was verified, or that is just being written."""
    purpose = f"the bundle of {manifest['name']}"
    try:
        architecture = plugins.architecture(manifest["backend"], manifest["architecture"])
        task = plugins.task(manifest["task"])
        signature = Signature.from_dict(manifest["signature"])
        restored = tuple(steps.restore(manifest["steps"], list(signature.features)))
    except SecretError as error:
        error.message = f"{purpose} {error.message}"
        raise
    except UsageError as error:
        raise MissingPackageError(
            f"{purpose} needs a plug-in that is not here: {error.message}",
            where=str(directory),
            hint="install the package that it was trained with",
        ) from error
    model = _model(architecture, runtime_of(manifest), directory / layout.MODEL, purpose)
    model = tempered(model, manifest.get("temperature"))
    fitted = replace(signature, features=dict(manifest.get("features", signature.features)))
    return Bundle(directory, manifest, task, signature, fitted, restored, model)


def runtime_of(manifest: Mapping[str, Any]) -> str:
    """What runs the model; a manifest of schema 1 does not say it."""
    return str(manifest.get("runtime", layout.NATIVE))


def _model(architecture: Architecture, runtime: str, directory: Path, purpose: str) -> Model:
    """The model in the form that the bundle holds. A portable one needs nothing of its framework."""
    if runtime == layout.NATIVE:
        plugins.require(architecture.REQUIRES, purpose)
        return architecture.load(directory)
    if not isinstance(architecture, Portable) or runtime != architecture.RUNTIME:
        raise VerificationError(
            f"{purpose} holds a model for the runtime {runtime!r}, which this aiaas does not know for its architecture",
            where=str(directory),
            hint="pip install --upgrade aiaas",
        )
    plugins.require(architecture.RUNTIME_REQUIRES, purpose)
    return architecture.load_portable(directory)


def _close(expected: Any, found: Any, tolerance: float = 1e-4) -> bool:
    """Equal, with scores allowed to differ in the last digits (another processor, another BLAS)."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(_close(expected[name], found[name]) for name in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(_close, expected, found))
    if isinstance(expected, float | int) and isinstance(found, float | int):
        return abs(expected - found) <= tolerance * max(1.0, abs(expected))
    return bool(expected == found)
