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
            _fail(Interrupted("interrupted", hint="run the same command again to go on"))
        except AiaasError as error:
            _fail(error)
        except Exception as error:
            if type(error).__module__.startswith("typer."):  # usage errors and exits are typer's own affair
                raise
            traceback.print_exc()
            _fail(AiaasError(f"a fault of ours: {error!r}", hint="please report it with the lines above"))


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Interrupted("terminated", hint="run the same command again to go on")


def _fail(error: AiaasError) -> NoReturn:
    words = sys.argv[1:]
    if "--json" in words:
        output.emit_error(next((word for word in words if not word.startswith("-")), ""), error, **error.reached)
    output.say_error(error)
    raise typer.Exit(error.status)


def _leave_closed_pipe() -> NoReturn:
    """The reader went away (`| head`): not a failure. stdout points elsewhere so that its flush at exit is silent."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(0)
