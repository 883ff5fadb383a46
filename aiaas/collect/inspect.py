"""Files looked at as they are collected: those that cannot be used are told by their names, and refused or left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiaas.collect.columns import Drop, Where
from aiaas.contracts import Batch, SourceParams, Task
from aiaas.contracts.tasks import TakesFiles
from aiaas.errors import DataError

_SHOWN = 5


class Inspector:
    """Looks at the files of one source; for a task that takes none it does nothing."""

    def __init__(self, params: SourceParams, task: Task, drop: Drop = lambda *row: None) -> None:
        self.params = params
        self.drop = drop
        self.count = 0
        self.first: list[tuple[str, str]] = []
        self._column = next((column.name for column in task.COLUMNS if column.kind == "file"), None)
        self._inspection = task.inspection() if isinstance(task, TakesFiles) else None

    @property
    def dropped(self) -> dict[str, int]:
        """The rows left out, by reason."""
        return {"with a file that cannot be used": self.count} if self.count else {}

    def apply(self, batch: Batch, where: Where) -> tuple[Batch, Where]:
        """The rows whose files can be used, and how to tell where they stand."""
        if self._inspection is None or self._column is None:
            return batch, where
        faults = self._inspection.look(batch[self._column])
        if not any(faults):
            return batch, where
        for row, fault in enumerate(faults):
            if fault is not None:
                self.count += 1
                if len(self.first) < _SHOWN:
                    self.first.append((where(row), fault))
                self.drop(where(row), f"its file cannot be used: {fault}", _row(batch, row))
        rows = [row for row, fault in enumerate(faults) if fault is None]
        return {name: [values[row] for row in rows] for name, values in batch.items()}, lambda row: where(rows[row])

    def finish(self, good: int, warn: Callable[[str], None]) -> None:
        """Raise DataError or warn, whichever `on_error` says, if there were files that cannot be used."""
        if not self.count:
            return
        told = "; ".join(f"{place}: {fault}" for place, fault in self.first)
        more = f"; and {self.count - len(self.first):,} more" if self.count > len(self.first) else ""
        files = f"{self.count:,} file{'s' if self.count > 1 else ''} cannot be used"
        if self.params.on_error == "fail":
            hint = "replace them, or leave them out with on_error: skip"
            raise DataError(f"{files}: {told}{more}", where=self.params.source, hint=hint)
        warn(f"{self.params.source}: {files}, {good:,} rows are kept: {told}{more}")

    def report(self) -> Mapping[str, Any]:
        """What was seen of the files that are kept."""
        return self._inspection.report() if self._inspection else {}


def _row(batch: Batch, row: int) -> dict[str, Any]:
    return {name: values[row] for name, values in batch.items()}
