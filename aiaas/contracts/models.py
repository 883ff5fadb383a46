"""What learns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from aiaas.contracts.base import Example, Params
from aiaas.contracts.folders import Folder
from aiaas.contracts.tasks import Signature

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray


class Model(Protocol):
    """A fitted model. No tensor leaves it."""

    def predict(self, examples: Sequence[Example]) -> NDArray[np.float32]:
        """Scores of shape (n, outputs), in the order of the examples: probabilities of a classifier, which sum to 1,
        or (n, 1) values of a regression."""

    def save(self, directory: Path) -> None:
        """Write into an existing empty folder what `load` of the architecture needs; equal weights, equal bytes."""


@runtime_checkable
class Generator(Protocol):
    """A model that writes. Its `predict` gives what the task measures, such as the loss of a text."""

    def generate(self, prompt: str, options: Any) -> Iterator[str]:
        """What follows `prompt`, piece by piece; `options` are of the task's `Options`. Equal options, equal text. A
        piece may be empty: where the next takes long, such give the caller a moment to stop."""


@runtime_checkable
class Counts(Protocol):
    """A model that reads tokens, and can say how many without answering."""

    def tokens(self, examples: Sequence[Example]) -> Sequence[int]:
        """How many tokens of each example it reads."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fit has come, for a person who watches. Epochs and steps count from 1; what is not known is None.

    `ended` says that the epoch is over and judged: `metrics` then hold those of the validation rows as well."""

    step: int
    steps: int | None = None
    epoch: int | None = None
    epochs: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    examples_per_second: float | None = None
    seconds_left: float | None = None
    ended: bool = False


@dataclass(slots=True)
class Training:
    """What makes every framework report, stop and resume alike; handed to `fit`.

    `settings` is the recipe's `train` section, of the architecture's `Settings`. `checkpoints` is a folder that
    outlives the process: what a fit leaves there, the same fit finds after it was interrupted. `report` takes a step
    number and metrics, the same ones in every fit of equal arguments: what stood before an interruption is reported
    again. `progress` is for a person and may say anything, `warn` what he should know although the fit goes on.
    `should_stop` is true once a signal came in, after which `fit` saves a checkpoint and raises `Interrupted`.
    """

    task: str
    signature: Signature
    seed: int
    checkpoints: Path
    settings: Any = None
    report: Callable[[int, Mapping[str, float]], None] = lambda step, metrics: None
    progress: Callable[[Progress], None] = lambda progress: None
    warn: Callable[[str], None] = lambda message: None
    should_stop: Callable[[], bool] = lambda: False
    files: Mapping[str, Path] = field(default_factory=dict)
    """The files and folders of `ReadsFiles`, on this machine, by the same parameters."""
    cache: Path | None = None
    """A folder for what is dear to compute and the same for equal content, such as tokens or the vectors of texts: it
    outlives the fit, other fits find it, and any file in it may vanish between two of them. Made by whoever first
    writes into it; a file is written whole or not at all, named after all that it depends on, and touched when it is
    used, as `cache gc` goes by that. None: keep nothing."""
    notes: dict[str, Any] = field(default_factory=dict)
    """What a fit wants the run to remember (number of features, coverage, …). A person is told the whole numbers, and
    what stands under `told` in an object."""


@runtime_checkable
class Particular(Protocol):
    """An architecture whose parameters do not all go with every task it learns."""

    def check(self, params: Any, task: str) -> Sequence[tuple[str, str]]:
        """Each parameter that does not go with the task, and why; the recipe reports them with their places."""


class Architecture(Protocol):
    """A module in `backends/<backend>/`."""

    REQUIRES: tuple[str, ...]
    """Distributions that must be installed; the first that is missing decides the extra that the message names."""
    TASKS: tuple[str, ...]
    Params: type[Params]

    def fit(self, params: Any, train: Dataset, validation: Dataset, training: Training) -> Model:
        """Learn from `train` (feature columns and the target; a class label is a `ClassLabel`). `validation` may be
        empty. Raises TrainingError, and Interrupted after `training.should_stop()` said so."""

    def load(self, directory: Path) -> Model:
        """The model that `Model.save` wrote, without unpickling. Raises VerificationError."""


@runtime_checkable
class Settled(Protocol):
    """An architecture that a recipe may tell how to learn: epochs, batches, a schedule."""

    Settings: type[Params]
    """What the recipe may say under `train`. An architecture without it allows nothing there."""


def settings_of(architecture: Any) -> type[Params]:
    """What a recipe may say under `train` for this architecture."""
    return architecture.Settings if isinstance(architecture, Settled) else Params


@runtime_checkable
class ReadsFiles(Protocol):
    """An architecture whose fit reads files besides the rows, such as pretrained word vectors."""

    def files(self, params: Any) -> Mapping[str, str | Folder]:
        """The address of each file, as under `collect`, or the folder, by the dotted parameter that holds it. What is
        in them decides the key of a training, and `Training.files` tells where they are."""


@runtime_checkable
class ReadsOptional(Protocol):
    """An architecture that reads columns which its task leaves optional, such as the second text of a pair. Rows that
    have one are refused by all others."""

    OPTIONAL: tuple[str, ...]
    """The names of those columns."""


@runtime_checkable
class Portable(Protocol):
    """An architecture whose models also run without their framework, in a runtime that opens faster and is smaller."""

    RUNTIME: str
    """What the runtime is called, as `onnx`."""
    RUNTIME_REQUIRES: tuple[str, ...]
    """Distributions that `load_portable` needs; it needs none of `REQUIRES`."""
    EXPORT_REQUIRES: tuple[str, ...]
    """Distributions that `export` needs besides `REQUIRES`."""

    def export(self, directory: Path, out: Path) -> None:
        """Write into the empty folder `out` what `load_portable` needs, from what `Model.save` wrote in `directory`;
        equal models, equal bytes. Raises ExportError where the model has no portable form."""

    def load_portable(self, directory: Path) -> Model:
        """The model that `export` wrote, without importing the framework; its `save` writes what `load_portable` reads.
        Raises VerificationError."""


@runtime_checkable
class Quantizable(Portable, Protocol):
    """An architecture whose portable form has a second, smaller and faster one, which answers nearly alike: its weights
    are whole numbers of eight bits. It is judged by what it gets wrong, not by how far its scores are apart."""

    QUANTIZE_REQUIRES: tuple[str, ...]
    """Distributions that `quantize` needs besides those of `export`."""

    def quantize(self, portable: Path, out: Path) -> None:
        """Write into the empty folder `out` the int8 form of what `export` wrote in `portable`; `load_portable` reads
        it as well. Equal models, equal bytes. Raises ExportError where there is none."""
