"""The verb infer: a file of examples in, a file of answers out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Literal, cast

import typer

from aiaas.cli import output
from aiaas.cli.options import JsonOption, QuietOption, WorkspaceOption
from aiaas.errors import DataError, UsageError

if TYPE_CHECKING:
    from aiaas.infer import Answering, Summary, Writing


def infer_command(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            show_default=False,
            help="NAME, NAME@ALIAS, NAME/VERSION, a bundle's folder, or a service's URL.",
        ),
    ],
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="What to answer; - is stdin.")] = "-",
    format: Annotated[
        Literal["auto", "jsonl", "csv", "lines", "file"],
        typer.Option(
            "--format",
            help="How FILE is written; auto looks at its ending, then at its first line. file: it is one input.",
        ),
    ] = "auto",
    encoding: Annotated[
        Literal["auto", "utf-8", "gb18030"], typer.Option("--encoding", help="The characters of FILE.")
    ] = "auto",
    prompt: Annotated[
        str | None,
        typer.Option(
            "--prompt",
            help="Of a model that writes: write on from this text, to stdout as it comes.",
            show_default=False,
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-O",
            metavar="NAME=VALUE",
            help="Of a model that writes: such as -O max_length=300 -O temperature=0.7; a wrong name lists all.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write the answers here, not to stdout.", show_default=False
        ),
    ] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Answer each line of FILE with one JSON line, in order; status 3 when a line could not be read.

    For a model of pictures FILE is one picture, or lists their paths. A model that writes takes each line as the
    beginning of a text.

    With --json one object follows all lines; it holds the answers unless --output takes them.
    """
    output.be_quiet(quiet or json)
    from aiaas import infer
    from aiaas.workspace import Workspace

    if prompt is not None:
        if file != "-":
            raise UsageError("--prompt and FILE exclude each other", where=file, hint="give one of them")
        with infer.open_model(model, Workspace.look(workspace)) as writing:
            _write(writing, prompt, infer.options_of(writing, option or ()), to, json=json)
        return
    name = None if file == "-" else file
    how: dict[str, Any] = {"format": format, "name": name, "encoding": None if encoding == "auto" else encoding}
    with _opened(file) as stream, infer.open_model(model, Workspace.look(workspace)) as opened:
        answering = infer.Asked(opened, infer.options_of(opened, option or ()))
        how["written"] = infer.written_for(opened)
        if json and to is None:
            fields = _collect(answering, stream, how)
        else:
            with _sink(to) as sink:
                fields = {"summary": infer.infer(answering, stream, sink, **how)}
    _report(fields.pop("summary"), fields, json=json)


@contextmanager
def _opened(file: str) -> Iterator[BufferedReader]:
    """The file, or stdin with a word to the person who sits before it."""
    if file == "-":
        if sys.stdin.isatty():
            output.say("reading lines from the terminal; end with Ctrl-D")
        yield cast(BufferedReader, sys.stdin.buffer)
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115 - closed below; errors of the reader's own are not about opening
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", where=file) from None
    with stream:
        yield stream


@contextmanager
def _sink(path: Path | None) -> Iterator[BinaryIO]:
    """stdout, or a file that is there whole or not at all; a device or pipe is written to as it is."""
    if path is None:
        yield sys.stdout.buffer
    elif path.exists() and not path.is_file():
        if path.is_dir():
            raise DataError("the answers cannot be written here: this is a folder", where=str(path))
        with path.open("wb") as stream:
            yield stream
    else:
        from aiaas.workspace import atomic

        with atomic.open_new(path) as stream:
            yield stream


def _write(model: Writing, prompt: str, options: Mapping[str, Any] | None, to: Path | None, *, json: bool) -> None:
    """Write on from a prompt: plain text as it comes, or one object when all is there."""
    from aiaas import infer

    pieces = infer.write(model, prompt, options)
    text = ""
    with nullcontext() if json and to is None else _sink(to) as sink:
        for piece in pieces:
            text += piece
            if sink:
                sink.write(piece.encode("utf-8", "backslashreplace"))
                sink.flush()
        if sink:
            sink.write(b"\n")
            sink.flush()
    _say_who(model.name, model.version, model.runtime)
    if json:
        about = {"model": model.name, "version": model.version, "digest": model.digest, "runtime": model.runtime}
        output.emit_json("infer", **about, prompt=prompt, answer=model.written(text))


def _collect(model: Answering, stream: BufferedReader, how: dict[str, Any]) -> dict[str, Any]:
    from aiaas import infer

    given: list[Any] = []
    work = infer.answers(model, stream, **how)
    while True:
        try:
            given += next(work)
        except StopIteration as end:
            return {"answers": given, "summary": end.value}


def _say_who(model: str, version: str | None, runtime: str) -> None:
    output.say(f"answered by {model}{f'/{version}' if version else ''}, runtime {runtime}")


def _report(summary: Summary, fields: dict[str, Any], *, json: bool) -> None:
    """Say what was done; DataError when a line holds an error in place of an answer."""
    _say_who(summary.model, summary.version, summary.runtime)
    if summary.unused:
        output.say(f"columns that the model does not use: {', '.join(summary.unused)}")
    fields = {**summary.as_dict(), **fields}
    try:
        summary.check()
    except DataError as error:
        error.reached = fields
        raise
    if json:
        output.emit_json("infer", **fields)
