"""Steps that a package might bring, for tests of what takes rows through them. Found by workers as well: `registered`
makes a distribution of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from aiaas import contracts
from aiaas.contracts import Batch, Sifted, sift
from aiaas.errors import RemoteError


class OddError(RemoteError):
    """An error of a package: made of more than a message."""

    def __init__(self, number: int) -> None:
        super().__init__(f"number {number} is odd", where="the package", hint="take an even one")


class Params(contracts.Params):
    """What to do, and where a text says `here`."""

    do: str = "nothing"
    once: str = ""


class Step:
    """Does what its parameters say with the rows that hold the word `here`."""

    ON_REQUEST: ClassVar[bool] = False
    ROWS: ClassVar[Literal["all", "train"]] = "all"

    def __init__(self, params: Params, columns: Sequence[str], label: str | None) -> None:
        self.params = params
        self.rows = 0

    def apply(self, batch: Batch) -> Batch | Sifted:
        self.rows += len(batch["text"])
        if any("here" in text for text in batch["text"]):
            self._do()
        return batch

    def _do(self) -> None:
        if self.params.once:
            if Path(self.params.once).exists():
                return
            Path(self.params.once).touch()
        match self.params.do:
            case "odd":
                raise OddError(3)
            case "crash":
                raise ZeroDivisionError("in a step")
            case "memory":
                raise MemoryError
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)

    def report(self) -> Mapping[str, Any]:
        return {"rows": self.rows}


class Cut:
    """Cuts each text at its bars: a row becomes several."""

    class Params(contracts.Params):
        pass

    class Step(Step):
        def apply(self, batch: Batch) -> Batch | Sifted:
            pieces = [text.split("|") for text in batch["text"]]
            places = [place for place, each in enumerate(pieces) for _ in each]
            rows = {name: [values[place] for place in places] for name, values in batch.items()}
            return Sifted({**rows, "text": [piece for each in pieces for piece in each]}, places)


class Twice:
    """Writes every row of train twice, in capitals the second time."""

    class Params(contracts.Params):
        pass

    class Step(Step):
        ROWS: ClassVar[Literal["all", "train"]] = "train"

        def apply(self, batch: Batch) -> Batch | Sifted:
            self.rows += len(batch["text"])
            places = [place for place in range(len(batch["text"])) for _ in range(2)]
            rows = {name: [values[place] for place in places] for name, values in batch.items()}
            texts = [text.upper() if at % 2 else text for at, text in enumerate(rows["text"])]
            return Sifted({**rows, "text": texts}, places)


class Longest:
    """Learns of train how long a text may be, and leaves longer ones out everywhere."""

    class Params(contracts.Params):
        pass

    class Step(Step):
        LEARNS_FROM: ClassVar[Literal["all", "train"]] = "train"

        def __init__(self, params: Params, columns: Sequence[str], label: str | None) -> None:
            super().__init__(params, columns, label)
            self.longest = 0
            self.surveyed = 0

        def survey(self, batch: Batch) -> Mapping[str, Any]:
            import numpy as np

            self.surveyed += len(batch["text"])
            return {"length": np.array([len(text) for text in batch["text"]], np.int64)}

        def conclude(self, surveys: Iterable[Mapping[str, Any]], scratch: Path) -> None:
            self.longest = max(int(each["length"].max(initial=0)) for each in surveys)

        def state(self) -> Mapping[str, Any]:
            return {"longest": self.longest}

        def restore(self, state: Mapping[str, Any]) -> None:
            self.longest = state["longest"]

        def apply(self, batch: Batch) -> Batch | Sifted:
            self.rows += len(batch["text"])
            return sift(batch, ["it is too long" if len(text) > self.longest else None for text in batch["text"]])

        def report(self) -> Mapping[str, Any]:
            return {"rows": self.rows, "surveyed": self.surveyed}


def registered(folder: Path) -> Path:
    """A folder for `sys.path` that holds a distribution whose entry points are the steps of this file: `toy`, `cut`,
    `twice` and `longest`."""
    info = folder / "toys-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[aiaas.steps]\ntoy = tests.step_toys\n"
        + "".join(f"{name.lower()} = tests.step_toys:{name}\n" for name in ("Cut", "Twice", "Longest"))
    )
    return folder
