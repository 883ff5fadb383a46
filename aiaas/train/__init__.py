"""Fit an architecture, with everything that makes frameworks report, stop and resume alike."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from aiaas import plugins
from aiaas.contracts import Architecture, Model, Params, Progress, ReadsOptional, Signature, Task, Training
from aiaas.errors import Abandoned, DataError, Interrupted
from aiaas.train.curves import curves_svg
from aiaas.workspace import atomic, keys

if TYPE_CHECKING:
    from datasets import Dataset

    from aiaas.recipe import ModelSection

Report = Callable[[int, Mapping[str, float]], None]


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told while a fit goes on: whoever keeps the metrics, and the person who waits; and whether whoever watches
    wants no more of it, which is asked after what was reported."""

    report: Report = lambda step, metrics: None
    progress: Callable[[Progress], None] = lambda progress: None
    warn: Callable[[str], None] = lambda message: None
    enough: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Around:
    """What a fit finds besides its rows: a folder that it goes on from, one for what is dear to compute and the same
    for all fits, the files that the architecture reads, and where those came from."""

    checkpoints: Path
    cache: Path | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    origins: Mapping[str, Any] = field(default_factory=dict)


def train(
    model: ModelSection,
    settings: Params,
    *,
    task: str,
    seed: int,
    data: Path,
    out: Path,
    around: Around,
    watch: Watch = Watch(),
) -> dict[str, Any]:
    """Fit on `data/train.arrow` and write `out/model/`, `out/history.jsonl` and `out/training.json`, and
    `out/curves.svg` where the fit reported twice or more.

    Returns the summary of the stage: digest of the model, signature, notes of the fit, rows, and where the files came
    from that it read. Raises TrainingError, MissingPackageError, and Interrupted when a signal came in, or Abandoned
    when `watch` had enough; `checkpoints` then holds what the next fit goes on from.
    """
    from datasets import Dataset

    architecture = plugins.architecture(model.backend, model.architecture)
    versions = plugins.require(architecture.REQUIRES, f"{model.backend}/{model.architecture}")
    rows, validation = Dataset.from_file(str(data / "train.arrow")), Dataset.from_file(str(data / "validation.arrow"))
    signature = signature_of(rows, plugins.task(task))
    _refuse_unread(model, task, signature)
    training = Training(
        task,
        signature,
        seed,
        around.checkpoints,
        settings,
        progress=watch.progress,
        warn=watch.warn,
        files=around.files,
        cache=around.cache,
    )
    with recorded(training, out / "history.jsonl", watch.report):
        fitted = _fit(architecture, model.params, (rows, validation), training, watch)
    if picture := curves_svg(history_of(out)):
        atomic.write_text(out / "curves.svg", picture)
    (out / "model").mkdir()
    fitted.save(out / "model")
    summary = {
        "model_digest": keys.digest_json(keys.digest_files(out / "model")),
        "backend": model.backend,
        "architecture": model.architecture,
        "signature": signature.as_dict(),
        "packages": versions,
        "notes": training.notes,
        "rows": {"train": len(rows), "validation": len(validation)},
        **({"origins": dict(around.origins)} if around.origins else {}),
    }
    atomic.write_json(out / "training.json", summary)
    return summary


def _fit(
    architecture: Architecture, params: Params, rows: tuple[Dataset, Dataset], training: Training, watch: Watch
) -> Model:
    """The model of the rows to learn from and those held out; who has asked for a stop decides what is raised."""
    with graceful_stop() as asked:
        training.should_stop = lambda: asked() or watch.enough()
        try:
            return architecture.fit(params, *rows, training)
        except Interrupted as error:
            if asked() or not watch.enough():
                raise
            raise Abandoned("given up", hint="run the same command again to go on") from error


@contextmanager
def recorded(training: Training, path: Path, report: Report) -> Iterator[None]:
    """Within the block, what `training` is told of metrics is written to `path`, a line a report, and passed on."""
    with atomic.open_new(path) as history:

        def record(step: int, metrics: Mapping[str, float]) -> None:
            history.write(keys.canonical({"step": step, **metrics}) + b"\n")
            report(step, metrics)

        training.report = record
        yield


def signature_of(rows: Dataset, task: Task) -> Signature:
    """What a model of these rows takes and gives: the target is the task's label or number, the rest features. A label
    that the task leaves optional is one to judge by: no model answers with it."""
    targets = [column for column in task.COLUMNS if column.kind in {"label", "number"}]
    target = next((column for column in targets if column.name in rows.features or not column.optional), None)
    name = target.name if target else None
    labels = tuple(rows.features[name].names) if target and target.kind == "label" and not target.optional else ()
    features = {column: str(feature.dtype) for column, feature in rows.features.items() if column != name}
    return Signature(features, name, labels)


def _refuse_unread(model: ModelSection, task: str, signature: Signature) -> None:
    """DataError where the rows have a column that the task leaves optional and the architecture does not read: a model
    that passed it over would answer a part of the question."""
    optional = {column.name for column in plugins.task(task).COLUMNS if column.optional}
    for name in signature.features:
        if name in optional and name not in _read_by(plugins.architecture(model.backend, model.architecture)):
            names = [each for each in plugins.names("architectures") if _can_read(each, task, name)]
            raise DataError(
                f"the rows have a {name!r}, which {model.backend}/{model.architecture} does not read",
                where="model.architecture",
                hint=f"choose one that does{': ' + ', '.join(names) if names else ''}, or take the column {name!r} out "
                "of the data",
            )


def _read_by(architecture: object) -> tuple[str, ...]:
    return architecture.OPTIONAL if isinstance(architecture, ReadsOptional) else ()


def _can_read(name: str, task: str, column: str) -> bool:
    architecture = plugins.architecture(*name.split("/", 1))
    return task in architecture.TASKS and column in _read_by(architecture)


@contextmanager
def graceful_stop() -> Iterator[Callable[[], bool]]:
    """Turn the first SIGINT or SIGTERM into a request to stop, the second into an end at once.

    Gives the function that says whether a stop was asked for. Signals belong to the main thread: elsewhere (the Python
    API in a worker thread) the handlers stay as they are.
    """
    asked = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise Interrupted("stopped at once", hint="run the same command again to go on")
        asked.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if asked.is_set():
        raise Interrupted("stopped", hint="run the same command again to go on")


def history_of(folder: Path) -> list[dict[str, float]]:
    """The metrics a fit reported, in order, each with its `step`."""
    return [json.loads(line) for line in (folder / "history.jsonl").read_text("utf-8").splitlines()]
