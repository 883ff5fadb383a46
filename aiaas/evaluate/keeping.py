"""What an evaluation keeps of every test row, for whatever compares, gates or explains afterwards."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Signature
from aiaas.errors import DataError
from aiaas.evaluate.scoring import Scored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE = "scores.arrow"


@dataclass(frozen=True, slots=True)
class Kept:
    """Targets (n,), or (0,) where the task has none, and scores (n, outputs) of the test rows, in their order.

    `keys` (n,) identify rows by what was collected, so that those of two runs can be matched; `rows` (n,) are their
    numbers in the collected data, from 1.
    """

    task: str
    signature: Signature
    targets: NDArray[Any]
    scores: NDArray[np.float32]
    keys: NDArray[np.void]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def at(self, places: NDArray[np.intp]) -> Kept:
        """The rows at some places, such as those that another model was judged on as well."""
        targets = self.targets[places] if len(self.targets) else self.targets
        return replace(
            self, targets=targets, scores=self.scores[places], keys=self.keys[places], rows=self.rows[places]
        )


def write(
    folder: Path, scored: Scored, task: str, signature: Signature, keys: NDArray[np.void], rows: NDArray[np.int64]
) -> None:
    """Keep scores and targets beside the metrics; equal ones, equal bytes."""
    import pyarrow as pa

    count, outputs = scored.scores.shape
    columns = {
        "key": pa.Array.from_buffers(pa.binary(keys.itemsize), count, [None, pa.py_buffer(keys.tobytes())]),
        "row": pa.array(rows, pa.int64()),
        **({"target": pa.array(scored.targets)} if len(scored.targets) else {}),
        "scores": pa.FixedSizeListArray.from_arrays(pa.array(scored.scores.ravel(), pa.float32()), outputs),
    }
    table = pa.table(columns, metadata={"aiaas": json.dumps({"task": task, "signature": signature.as_dict()})})
    with pa.OSFile(str(folder / FILE), "wb") as file, pa.ipc.new_file(file, table.schema) as stream:
        stream.write_table(table)


def kept(artefact: Path) -> Kept:
    """What the evaluation in the folder `artefact` kept. Raises DataError where it kept nothing."""
    import numpy as np
    import pyarrow as pa

    path = artefact / FILE
    if not path.exists():
        raise DataError("the evaluation kept no scores", where=str(path), hint="evaluate the model again")
    with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as reader:
        table = reader.read_all()
        about = json.loads(table.schema.metadata[b"aiaas"])
        columns = {name: table.column(name).combine_chunks() for name in table.column_names}
        keys = b"".join(columns["key"].to_pylist())
        values = columns["scores"].flatten().to_numpy(zero_copy_only=False).copy()
        targets = columns["target"].to_numpy(zero_copy_only=False).copy() if "target" in columns else np.empty(0)
        return Kept(
            about["task"],
            Signature.from_dict(about["signature"]),
            targets,
            values.reshape(table.num_rows, -1),
            np.frombuffer(keys, f"V{columns['key'].type.byte_width}"),
            columns["row"].to_numpy(zero_copy_only=False).copy(),
        )


def matched(first: NDArray[np.void], second: NDArray[np.void]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the rows stand that both have, by their keys: of rows that say the same the first goes with the first, the
    second with the second. In the order of the first."""
    import numpy as np

    known: dict[tuple[bytes, int], int] = {key: place for place, key in enumerate(_numbered(second))}
    pairs = [(place, known[key]) for place, key in enumerate(_numbered(first)) if key in known]
    both = np.array(pairs, np.intp).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _numbered(keys: NDArray[np.void]) -> list[tuple[bytes, int]]:
    """Each key with how many equal ones stand before it."""
    seen: dict[bytes, int] = {}
    found = []
    for key in keys.tolist():
        count = seen.get(key, 0)
        seen[key] = count + 1
        found.append((key, count))
    return found
