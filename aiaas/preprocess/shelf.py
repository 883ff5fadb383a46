"""What is done of each pass and segment, in a folder that survives whoever wrote there.

    PASS/SEGMENT.json       written last: what came of the segment, and size and XXH3 of its files
    PASS/SEGMENT.NAME       rows, surveys, rows that were dropped
    PASS/whole              all segments of the pass are done; the rows of the pass before it may be gone
    scratch/                what does not fit into memory while something is concluded

A file counts as it was written: a process may be killed in the middle of one, and a machine may lose its power.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from xxhash import xxh3_64

from aiaas.workspace.atomic import disk_errors

ROWS = "rows.arrow"
"""Rows on their way to the next pass: gone when that is whole."""
_SURVEY = "survey.npz"
_CHUNK = 2**20

Done = dict[str, Any]
"""What came of a segment, as JSON."""


class Shelf:
    """The folder of one run of the stage. One process at once may say what is whole; each segment has one writer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, number: int, segment: int, name: str) -> Path:
        return self.folder / str(number) / f"{segment}.{name}"

    def begin(self, number: int) -> None:
        with disk_errors(self.folder):
            (self.folder / str(number)).mkdir(parents=True, exist_ok=True)

    # --- what is written

    @contextmanager
    def stream(self, number: int, segment: int, name: str, schema: pa.Schema, sums: dict[str, Any]) -> Iterator[Any]:
        """An Arrow stream to write; `sums` takes up the size and sum of the file."""
        path = self.path(number, segment, name)
        with disk_errors(path), path.open("wb") as file:
            summed = _Summed(file)
            with pa.ipc.new_stream(pa.PythonFile(summed, mode="w"), schema) as stream:
                yield stream
            sums[name] = [summed.size, summed.sum]

    def write_survey(self, number: int, segment: int, arrays: Mapping[str, NDArray[Any]], sums: dict[str, Any]) -> None:
        path = self.path(number, segment, _SURVEY)
        with disk_errors(path), path.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # a column may be called anything but `file`
        sums[_SURVEY] = [path.stat().st_size, _sum(path)]

    def write_done(self, number: int, segment: int, done: Done, sums: Mapping[str, Any]) -> None:
        path = self.path(number, segment, "json")
        new = path.with_suffix(".new")
        with disk_errors(path):
            new.write_text(json.dumps({**done, "files": sums}), "utf-8")
            new.replace(path)

    def write_whole(self, number: int) -> None:
        """All segments of the pass are done: it is gone on from here, and the rows before it may go."""
        with disk_errors(self.folder):
            (self.folder / str(number) / "whole").touch()
        for path in self.folder.glob(f"{number - 1}/*.{ROWS}"):
            path.unlink()

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder for the time of the block. It has one name, so that what a kill left in it goes."""
        folder = self.folder / "scratch"
        shutil.rmtree(folder, ignore_errors=True)
        with disk_errors(folder):
            folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    # --- what is there

    def done(self, number: int, segment: int) -> Done | None:
        """What came of the segment, or None where it is not done."""
        try:
            return dict(json.loads(self.path(number, segment, "json").read_text("utf-8")))
        except (FileNotFoundError, ValueError):
            return None

    def survey(self, number: int, segment: int) -> Any:
        """The arrays of a survey, each read when it is asked for; to be used as a context manager."""
        return np.load(self.path(number, segment, _SURVEY))

    def check(self, segments: int, passes: int) -> None:
        """Forget what is not as it was written; everything, where that cannot be made again from what is there."""
        for number in range(passes):
            gone = (self.folder / str(number + 1) / "whole").exists()
            for segment in range(segments):
                done = self.done(number, segment)
                if done is not None and not self._is_as_written(number, segment, done, gone):
                    if number and (self.folder / str(number) / "whole").exists():
                        self.clear()
                        return
                    self.path(number, segment, "json").unlink()
                elif done is None and (self.folder / str(number) / "whole").exists():
                    self.clear()
                    return

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _is_as_written(self, number: int, segment: int, done: Done, gone: bool) -> bool:
        """Whether the files are; the rows where `gone` does not say that the pass after this has them."""
        for name, (size, total) in done["files"].items():
            if gone and name == ROWS:
                continue
            path = self.path(number, segment, name)
            with suppress(FileNotFoundError):
                if path.stat().st_size == size and _sum(path) == total:
                    continue
            return False
        return True


class _Summed(io.RawIOBase):
    """A file to write, and what was written to it."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.size = 0
        self._sum = xxh3_64()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.size += len(data)
        self._sum.update(data)
        return int(self._file.write(data))

    @property
    def sum(self) -> str:
        return self._sum.hexdigest()


def _sum(path: Path) -> str:
    total = xxh3_64()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest()
