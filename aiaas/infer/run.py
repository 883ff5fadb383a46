"""The loop: a batch of inputs → answers → lines, and what is said of it at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Answer, Signature
from aiaas.errors import DataError, ExampleError
from aiaas.infer import files
from aiaas.infer.answering import Answering, Sink, Summary, Writing
from aiaas.infer.formats import Records, records
from aiaas.infer.text import Stream, Unreadable, blocks

if TYPE_CHECKING:
    from aiaas.workspace import Workspace

BATCH = 1024
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False).encode


def infer(
    model: Answering,
    stream_in: Stream,
    stream_out: Sink,
    *,
    format: str = "auto",
    name: str | None = None,
    encoding: str | None = None,
    batch: int = BATCH,
) -> Summary:
    """Answer every line of `stream_in` with one JSON line on `stream_out`, in order, in memory that does not grow.

    `name` is the file's name, for `format="auto"`. A line without an answer gets `{"error": {"code", "message",
    "line"}}`. Raises what `answers` raises; what was answered before stands in `stream_out`.
    """
    tally = _Tally()
    for _, text in _parts(tally, model, stream_in, format, name, encoding, batch):
        stream_out.write(text)
        stream_out.flush()
    return tally.summary(model)


def answers(
    model: Answering,
    stream_in: Stream,
    *,
    format: str = "auto",
    name: str | None = None,
    encoding: str | None = None,
    batch: int = BATCH,
) -> Generator[list[Answer], None, Summary]:
    """The answers of `infer` as lists of at most `batch`; the generator's value is the `Summary`.

    Raises DataError for an input that is no text at all or a header that does not fit, UsageError for a format that
    the model cannot take, RemoteError when a service fails.
    """
    tally = _Tally()
    for given, _ in _parts(tally, model, stream_in, format, name, encoding, batch):
        yield given
    return tally.summary(model)


@dataclass(slots=True)
class _Tally:
    start: float = field(default_factory=time.perf_counter)
    format: str = ""
    rows: int = 0
    errors: int = 0
    unused: tuple[str, ...] = ()
    first: Mapping[str, Any] | None = None

    def summary(self, model: Answering) -> Summary:
        seconds = time.perf_counter() - self.start
        about = (model.name, model.version, model.digest, model.runtime, self.format)
        return Summary(*about, self.rows, self.errors, seconds, self.unused, self.first)


def _parts(
    tally: _Tally,
    model: Answering,
    stream_in: Stream,
    form: str,
    name: str | None,
    encoding: str | None,
    batch: int,
) -> Iterator[tuple[list[Answer], bytes]]:
    """Answers and their lines, batch by batch; those of a model that writes one by one, for each takes a while."""
    batch = 1 if model.options else batch
    tally.format, source = _records(model.signature, stream_in, form, name, encoding, batch)
    for here in source:
        tally.unused = here.unused
        given = _answer(model, here)
        text = _lines(given, here.lines)
        faults = [each["error"] for each in given if "error" in each]
        tally.first = tally.first or (faults[0] if faults else None)
        tally.errors += len(faults)
        tally.rows += len(given)
        yield given, text


def _records(
    signature: Signature, stream: Stream, form: str, name: str | None, encoding: str | None, batch: int
) -> tuple[str, Iterator[Records]]:
    """The format, and what is answered at once; paths are read where the model takes files."""
    if signature.file is None:
        found, parts = records(blocks(stream, encoding), signature, form, name)
        return found, (each for part in parts for each in _cut(part, batch))
    begun = files.Begun(stream)
    if form == "file" or (form == "auto" and begun.is_file):
        return "file", iter([files.alone(begun)])
    found, parts = records(blocks(begun, encoding), signature, form, name)
    feature = signature.file
    return found, (each for part in parts for each in files.batches(part, feature, found, batch))


def _cut(part: Records, batch: int) -> Iterator[Records]:
    for begin in range(0, len(part.inputs), batch):
        yield Records(part.inputs[begin : begin + batch], part.lines[begin : begin + batch], part.unused)


def _lines(given: list[Answer], lines: Sequence[int]) -> bytes:
    """The answers as JSON lines. An answer that JSON cannot hold (NaN) is replaced by an error, in `given` too."""
    try:
        text = "\n".join(map(_encode, given))
    except ValueError:
        for place, line in enumerate(lines):
            try:
                _encode(given[place])
            except ValueError:
                given[place] = _error("the model's answer is not a finite number", line)
        text = "\n".join(map(_encode, given))
    return (text + "\n").encode("utf-8", "backslashreplace")


def _answer(model: Answering, batch: Records) -> list[Answer]:
    """One answer or error for each input, in order."""
    given: list[Answer] = [{}] * len(batch.inputs)
    rows: list[Any] = []
    places: list[int] = []
    decode = model.decode
    for place, value in enumerate(batch.inputs):
        if value.__class__ is Unreadable:
            given[place] = _error(value.message, batch.lines[place])
            continue
        try:
            rows.append(decode(value))
            places.append(place)
        except DataError as error:
            given[place] = _error(error.message, batch.lines[place])
    for place, answer in zip(places, _answer_rows(model, rows), strict=True):
        if "error" in answer:
            answer = _error(answer["error"]["message"], batch.lines[place])
        given[place] = answer
    return given


def _answer_rows(model: Answering, rows: list[Any]) -> list[Answer]:
    """The model's answers, and an error for each row at fault; a batch is halved where the model does not say which."""
    given: list[Answer] = []
    while rows:
        try:
            return given + model.answer(rows)
        except ExampleError as error:
            given += [*_answer_rows(model, rows[: error.index]), {"error": {"message": error.message}}]
            rows = rows[error.index + 1 :]
        except DataError as error:
            if len(rows) == 1:
                return [*given, {"error": {"message": error.message}}]
            half = len(rows) // 2
            return given + _answer_rows(model, rows[:half]) + _answer_rows(model, rows[half:])
    return given


def _error(message: str, line: int) -> Answer:
    return {"error": {"code": DataError.code, "message": message, "line": line}}


@contextmanager
def open_model(reference: str, workspace: Workspace) -> Iterator[Writing]:
    """The model that `reference` names: a bundle here, or a service where it is a URL."""
    from aiaas.infer.remote import RemoteModel, is_url

    if is_url(reference):
        with closing(RemoteModel(reference)) as remote:
            yield remote
        return
    from aiaas import bundle

    yield bundle.find(reference, workspace)
