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
from aiaas.errors import AiaasError, DataError, Interrupted


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
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                _crash(ctx, error)
            output.close_stream(sys.stdout)
            _fail(ctx, DataError("the disk is full", where=error.filename or "standard output", hint="make room"))
        except Exception as error:
            if type(error).__module__.startswith("typer."):  # usage errors and exits are typer's own affair
                raise
            _crash(ctx, error)


def _crash(ctx: Any, error: Exception) -> NoReturn:
    traceback.print_exc()
    _fail(ctx, AiaasError(f"a fault of ours: {error!r}", hint="please report it with the lines above"))


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Interrupted("terminated", hint="run the same command again to go on")


def _fail(ctx: Any, error: AiaasError) -> NoReturn:
    from aiaas.recipe import mask

    error.message = mask(error.message)
    error.where = error.where and mask(error.where)
    error.hint = error.hint and mask(error.hint)
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
