"""The one place where an exception becomes a message and an exit status."""

from __future__ import annotations

import errno
import signal
import sys
import traceback
from types import FrameType
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from aiaas.cli import output
from aiaas.errors import AiaasError, DataError, Interrupted, RemoteError, UsageError
from aiaas.offline import BRING, Forbidden


class Boundary(TyperGroup):
    """The root command: whatever a verb raises ends here."""

    def invoke(self, ctx: Any) -> Any:
        signal.signal(signal.SIGTERM, _terminate)
        try:
            done = super().invoke(ctx)
            sys.stdout.flush()  # a full disk or a closed pipe is found out here, not when the interpreter ends
            return done
        except BrokenPipeError:  # the reader of stdout went away (`| head`): not a failure
            output.close_stream(sys.stdout)
            raise typer.Exit(0) from None
        except KeyboardInterrupt:
            _fail(ctx, Interrupted("interrupted", hint="run the same command again to go on"))
        except AiaasError as error:
            _fail(ctx, error)
        except OSError as error:
            _fail(ctx, _of_disk(error) or _of_network(error) or _crash(error))
        except Exception as error:
            if type(error).__module__.startswith("typer."):  # usage errors and exits are typer's own affair
                _emit_usage(ctx, error)
                raise
            _fail(ctx, _crash(error))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            _emit_usage(ctx, error)
            raise


def _of_disk(error: OSError) -> AiaasError | None:
    """What a person can act on: no room, or no right to write."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        if error.filename is None:
            output.close_stream(sys.stdout)
        return DataError("the disk is full", where=error.filename or "standard output", hint="make room")
    if error.errno in {errno.EROFS, errno.EACCES} and error.filename:
        hint = "ask for the right to use it; the workspace may be elsewhere: --workspace DIR"
        return DataError(f"the file cannot be opened: {error.strerror}", where=str(error.filename), hint=hint)
    return None


def _of_network(error: OSError) -> AiaasError | None:
    """That somebody was to be reached who may not, where no one on the way has put it better."""
    return RemoteError(str(error.strerror), hint=BRING) if isinstance(error, Forbidden) else None


def _emit_usage(ctx: Any, error: Exception) -> None:
    """With --json a usage error is an object too; typer then says it to the person."""
    if "--json" in sys.argv[1:] and (said := getattr(error, "format_message", None)):
        hint = f"{getattr(getattr(error, 'ctx', None), 'command_path', 'aiaas')} --help"
        output.emit_error(_verb(ctx.command, sys.argv[1:]), UsageError(said(), hint=hint))


def _crash(error: Exception) -> AiaasError:
    traceback.print_exc()
    return AiaasError(f"a fault of ours: {error!r}", hint="please report it with the lines above")


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Interrupted("terminated", hint="run the same command again to go on")


def _fail(ctx: Any, error: AiaasError) -> NoReturn:
    from aiaas.recipe import mask

    error.reword(mask)
    if "--json" in sys.argv[1:]:
        output.emit_error(_verb(ctx.command, sys.argv[1:]), error, **error.reached)
    output.say_error(error)
    raise typer.Exit(error.status)


def _verb(command: Any, words: list[str]) -> str:
    """The verb among the words of the command line: `run`, or `recipe validate` of a group."""
    found: list[str] = []
    for word in words:
        commands = getattr(command, "commands", {})
        if word in commands:
            found.append(word)
            command = commands[word]
    return " ".join(found)
