"""The collected rows that test rows were made of: what identifies them, and what stands in their other columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas.backends.streaming import rows_at_once
from aiaas.contracts import Task
from aiaas.errors import DataError
from aiaas.steps._content import SIZE, fingerprints

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

SOURCE = "_source"
_OURS = (SOURCE, "_split")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where each test row comes from: `rows` (n,) are numbers of rows in `collected`, an Arrow stream, from 1."""

    collected: Path
    rows: NDArray[np.int64]

    @classmethod
    def read(cls, collected: Path, data: Path) -> Origin:
        """From what preprocess wrote into the folder `data`."""
        import numpy as np

        return cls(collected, np.load(data / "test_rows.npy", allow_pickle=False))

    def keys(self, task: Task) -> NDArray[np.void]:
        """What identifies each row (n,), 16 bytes: a digest of the columns of the task, or of all where it is open, as
        they were collected. So the rows of two runs are the same where the data says the same, whatever steps they
        went through, and wherever they stand."""
        import numpy as np

        own = [column.name for column in task.COLUMNS]
        names = sorted(name for name in self.columns() if task.OPEN or name in own)
        digests = b"".join([fingerprints(batch, names) for batch in self.distinct(names)])
        return np.frombuffer(digests, f"V{SIZE}")[self.places()]

    def column(self, name: str) -> list[Any]:
        """The values of a collected column. Raises DataError where there is none of this name."""
        if name not in self._schema().names:
            raise DataError(
                f"there is no column {name!r} to slice by; the columns are: {', '.join(self.columns())}",
                where="evaluate.slices",
                hint="name one of them, or length, language or source",
            )
        values = [value for batch in self.distinct([name]) for value in batch[name]]
        return [values[place] for place in self.places().tolist()]

    def columns(self) -> list[str]:
        """The names of the collected columns."""
        return [name for name in self._schema().names if name not in _OURS]

    # --- each collected row is looked at once, in the order of the file, however often it stands in test

    def places(self) -> NDArray[np.intp]:
        """Where each test row (n,) stands among those of `distinct`."""
        import numpy as np

        return np.unique(self.rows, return_inverse=True)[1]

    def distinct(self, names: Sequence[str]) -> Iterator[dict[str, list[Any]]]:
        """The columns `names` of the collected rows that stand in test, each once: some thousands at a time, and fewer
        where they are large."""
        import numpy as np
        import pyarrow as pa

        wanted, before = np.unique(self.rows) - 1, 0
        with pa.memory_map(str(self.collected)) as file, pa.ipc.open_stream(file) as reader:
            for batch in reader:
                here = wanted[np.searchsorted(wanted, before) : np.searchsorted(wanted, before + batch.num_rows)]
                step = rows_at_once(batch.nbytes, batch.num_rows)
                for start in range(0, len(here), step):
                    chosen = here[start : start + step] - before
                    yield batch.select(list(names)).take(pa.array(chosen)).to_pydict()
                before += batch.num_rows

    def _schema(self) -> pa.Schema:
        import pyarrow as pa

        with pa.memory_map(str(self.collected)) as file, pa.ipc.open_stream(file) as reader:
            return reader.schema
