"""The one place where an exception becomes a message and an exit status."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from types import FrameType
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from aiaas.cli import output
from aiaas.errors import AiaasError, Interrupted


class Boundary(TyperGroup):
    """The root command: whatever a verb raises ends here."""

    def invoke(self, ctx: Any) -> Any:
        signal.signal(signal.SIGTERM, _terminate)
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _leave_closed_pipe()
        except KeyboardInterrupt:
            _fail(ctx, Interrupted("interrupted", hint="run the same command again to go on"))
        except AiaasError as error:
            _fail(ctx, error)
        except Exception as error:
            if type(error).__module__.startswith("typer."):  # usage errors and exits are typer's own affair
                raise
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


def _leave_closed_pipe() -> NoReturn:
    """The reader went away (`| head`): not a failure. stdout points elsewhere so that its flush at exit is silent."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(0)
