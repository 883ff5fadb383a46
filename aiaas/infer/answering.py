"""What answers, where the answers go, and what is said of them at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiaas.contracts import Answer, Params, Signature
from aiaas.errors import DataError


class Answering(Protocol):
    """What answers: a `Bundle`, or the `RemoteModel` that stands for one."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str | None: ...
    @property
    def digest(self) -> str: ...
    @property
    def runtime(self) -> str: ...
    @property
    def signature(self) -> Signature: ...
    @property
    def options(self) -> type[Params] | None:
        """What may be asked of a model that writes; None for others."""

    def decode(self, value: Any, /) -> Any: ...
    def answer(self, rows: Sequence[Any], /) -> list[Answer]: ...


class Writing(Answering, Protocol):
    """An `Answering` that may be asked for more than its answers; all but the first refuses where `options` is None."""

    def answer(self, rows: Sequence[Any], options: Mapping[str, Any] | None = None, /) -> list[Answer]: ...
    def write(self, row: Any, options: Mapping[str, Any] | None = None, /) -> Iterator[str]: ...
    def written(self, text: str, /) -> Answer: ...


class Sink(Protocol):
    """Where the lines go: a binary stream."""

    def write(self, data: bytes, /) -> object: ...
    def flush(self) -> object: ...


@dataclass(frozen=True, slots=True)
class Summary:
    """What was answered: `rows` lines went out, `errors` of them hold an error; `first_error` is the first of these.

    `runtime` is what ran the model; `unused` are columns of a CSV file that are no feature of the model.
    """

    model: str
    version: str | None
    digest: str
    runtime: str
    format: str
    rows: int
    errors: int
    seconds: float
    unused: tuple[str, ...] = ()
    first_error: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "version": self.version,
            "digest": self.digest,
            "runtime": self.runtime,
            "format": self.format,
            "rows": self.rows,
            "errors": self.errors,
            "seconds": round(self.seconds, 3),
            "unused": list(self.unused),
        }

    def check(self) -> None:
        """Raise DataError when a line could not be answered."""
        if self.first_error is not None:
            raise DataError(
                f"{self.errors:,} of {self.rows:,} lines could not be answered; the first: "
                f"{self.first_error['message']}",
                where=f"line {self.first_error['line']}",
                hint='each has an {"error": ...} in its place in the output',
            )
