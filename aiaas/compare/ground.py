"""The rows that models are compared on: those of one evaluation, as requests that any model may be asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas import plugins
from aiaas.bundle import Bundle
from aiaas.compare.alike import refuse_unlike
from aiaas.contracts import Signature, Task
from aiaas.errors import DataError, ExampleError
from aiaas.evaluate import Kept, kept
from aiaas.evaluate.origin import Origin
from aiaas.evaluate.scoring import refuse_no_numbers
from aiaas.train import signature_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Ground:
    """The test rows of an evaluation: what was answered there (`kept`: targets, scores, keys, signature), and the
    collected rows, before any step, which are what a request holds."""

    kept: Kept
    collected: Path

    @classmethod
    def read(cls, collected: Path, judged: Path) -> Ground:
        """From the collected rows, an Arrow stream, and the folder of the evaluation. DataError where that kept none of
        its scores."""
        return cls(kept(judged), collected)

    @classmethod
    def of_rows(cls, collected: Path, data: Path, task: str) -> Ground:
        """From the test rows in the folder `data`, which no model was judged on yet: there are no scores. Labels are
        those that the data has. DataError without test rows."""
        import numpy as np
        from datasets import Dataset

        rows = Dataset.from_file(str(data / "test.arrow"))
        if not len(rows):
            raise DataError("there are no test rows to compare on", where=str(data), hint="give test a share, as 0.2")
        does = plugins.task(task)
        signature = signature_of(rows, does)
        targets = np.asarray(rows[signature.target][:]) if signature.target else np.empty(0)
        origin = Origin.read(collected, data)
        none = np.empty((len(rows), len(signature.labels)), np.float32)
        return cls(Kept(task, signature, targets, none, origin.keys(does), origin.rows), collected)

    def __len__(self) -> int:
        return len(self.kept)

    @property
    def task(self) -> Task:
        return plugins.task(self.kept.task)

    @property
    def signature(self) -> Signature:
        """That of the model that was judged; the order of its labels is that of all scores here."""
        return self.kept.signature

    @property
    def targets(self) -> NDArray[Any]:
        """What is true of each row (n,), of a classifier as places among the labels; (0,) where the task has none."""
        return self.kept.targets

    @property
    def keys(self) -> NDArray[np.void]:
        """What identifies each row (n,), whatever run it stands in."""
        return self.kept.keys

    @property
    def divided(self) -> bool:
        """Whether some rows are parts of the same collected row, such as sentences of a text. What a model says of the
        whole is then no answer to the part."""
        import numpy as np

        return len(np.unique(self.kept.rows)) < len(self)

    def at(self, places: NDArray[np.intp]) -> Ground:
        """Some of the rows, such as those that another run was judged on as well."""
        return replace(self, kept=self.kept.at(places))

    def columns(self, names: Sequence[str]) -> Iterator[dict[str, list[Any]]]:
        """The collected columns `names`, batch by batch: each collected row once, in the order in which they were
        collected. `places` says which of them is whose. DataError for a column that is not there."""
        origin = self._origin()
        if absent := [name for name in names if name not in origin.columns()]:
            raise DataError(
                f"the data has no column {', '.join(map(repr, absent[:_SHOWN]))}; it has: "
                f"{', '.join(origin.columns()[:_SHOWN])}",
                where=str(self.collected),
            )
        return origin.distinct(names)

    def places(self) -> NDArray[np.intp]:
        """Where each test row (n,) stands among the collected rows that `columns` and `requests` give."""
        return self._origin().places()

    def requests(self, signature: Signature) -> Iterator[list[Any]]:
        """The collected rows as a model of this signature is asked them, ready for JSON, batch by batch, each once."""
        for batch in self.columns(list(signature.features)):
            yield [self.task.request(row, signature) for row in _rows(batch)]

    def _origin(self) -> Origin:
        return Origin(self.collected, self.kept.rows)


def refuse_others(ground: Ground, task: str, labels: Sequence[str], name: str) -> None:
    """DataError where the model `name` does something else, or knows other labels: no figure would compare."""
    refuse_unlike(ground.kept, task, labels, name)


def judged_by(ground: Ground, signature: Signature) -> Signature:
    """What a model of this signature is judged by on the ground: its own in all but the order of its labels."""
    return replace(signature, labels=ground.signature.labels)


def answered(bundle: Bundle, ground: Ground) -> NDArray[np.float32]:
    """The bundle's scores (n, outputs) of the rows, asked as requests; of a classifier in the order of the ground's
    labels.

    Raises DataError where the bundle does something else, knows other labels, or cannot take a row, and TrainingError
    where it gives no numbers.
    """
    import numpy as np

    refuse_others(ground, str(bundle.manifest["task"]), bundle.signature.labels, bundle.name)
    numbers = np.unique(ground.kept.rows)
    found: list[NDArray[np.float32]] = []
    done = 0
    for batch in ground.columns(list(bundle.signature.features)):
        rows = [_decoded(bundle, row, int(numbers[done + place])) for place, row in enumerate(_rows(batch))]
        found.append(_scores(bundle, rows, numbers[done:]))
        done += len(rows)
    scores = np.concatenate(found)[ground.places()]
    refuse_no_numbers(scores)
    known = list(bundle.signature.labels)
    return scores[:, [known.index(label) for label in ground.signature.labels]] if known else scores


def _rows(batch: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(batch, values, strict=True)) for values in zip(*batch.values(), strict=True)]


def _decoded(bundle: Bundle, row: dict[str, Any], number: int) -> dict[str, Any]:
    """The row as the bundle reads it out of a request; a file goes as it is, as one that is uploaded."""
    file = bundle.signature.file
    try:
        return bundle.decode(row[file] if file else bundle.task.request(row, bundle.signature))
    except DataError as error:
        raise _refused(bundle, error, number) from None


def _scores(bundle: Bundle, rows: list[dict[str, Any]], numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    try:
        return bundle.model.predict(bundle.prepared(rows))
    except ExampleError as error:
        raise _refused(bundle, error, int(numbers[error.index])) from None


def _refused(bundle: Bundle, error: DataError, number: int) -> DataError:
    return DataError(f"{bundle.name} cannot take row {number:,} of the collected data: {error.message}")
