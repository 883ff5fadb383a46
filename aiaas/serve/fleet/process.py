"""The program of a worker: it inherits the door, the board and a channel, and is told all else.

python -m aiaas.serve.fleet.process DOOR BOARD CHANNEL
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from aiaas.errors import AiaasError, VerificationError
from aiaas.serve.fleet.board import Board
from aiaas.serve.fleet.channel import Channel
from aiaas.serve.fleet.messages import Begin, Failed

if TYPE_CHECKING:
    from aiaas.bundle import Bundle, Located

logger = logging.getLogger("aiaas.serve")


def main(door: int, board: int, channel: int) -> int:
    """Work until told to end; the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    told = Channel.of(channel)
    begin = told.receive()
    if not isinstance(begin, Begin):  # the supervisor is gone
        return 0
    from aiaas.serve.fleet.member import Member
    from aiaas.serve.guard import Guard
    from aiaas.serve.seen import open_watchers
    from aiaas.serve.server import run
    from aiaas.workspace import Workspace

    models, sizes = {}, {}
    try:
        if tls := begin.settings.tls:
            tls.check()  # it may have become another since the service began
        for located in begin.models:
            models[located.name], sizes[located.name] = _loaded(located)
        with ExitStack() as opening:
            guard = opening.enter_context(Guard.open(Workspace(begin.settings.workspace), begin.settings.database))
            watchers = opening.enter_context(open_watchers(begin.places, begin.slot))
            opened = opening.pop_all()
    except AiaasError as error:
        told.send(Failed(type(error).__name__, error.message, error.where, error.hint))
        return error.status
    member = Member(told, Board(board), begin, sizes)
    with opened:
        run(
            models,
            socket.socket(fileno=door),
            guard=guard,
            tls=tls,
            member=member,
            watchers=watchers,
            limits=begin.settings.limits,
        )
    return 0


def _loaded(located: Located) -> tuple[Bundle, int]:
    """The bundle, warm, and its bytes in memory. That it answers its examples otherwise is no reason not to answer at
    all, where there is nothing else to answer: other processors add in another order, int8 more so."""
    from aiaas.serve.rest import measured

    def loading() -> Bundle:
        bundle = located.load()
        try:
            bundle.replay()
        except VerificationError as error:
            logger.warning("%s: %s", located.name, error)
        return bundle

    return measured(loading)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
