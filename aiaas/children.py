"""Python processes that this one starts to share its work, each at the other end of a socket that nobody else has.

None outlives the one that started it: it holds their standard input open, says nothing there, and when that ends they
are gone, however he ended. Signals of a terminal are for him alone, who says when to stop. What goes over the socket is
pickled, and read by these two processes only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from multiprocessing.connection import Connection, Pipe


class Child:
    """A process that runs `module`, with `environment` over that of this one; `connection` leads to it."""

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        self.connection, theirs = Pipe()
        try:
            # -P: a file of the user's called like a module of ours must not be imported in its place
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, str(theirs.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                env={**os.environ, **environment},
                pass_fds=[theirs.fileno()],
                process_group=0,  # Ctrl-C in a terminal is for this process, which says when to stop
            )
        finally:
            theirs.close()

    def end(self) -> None:
        """End the process if it has not ended, and leave nothing of it."""
        self.process.kill()
        self.process.wait()
        self.connection.close()
        if self.process.stdin:
            self.process.stdin.close()


def parent() -> Connection:
    """In a process that `Child` started, once at its beginning: the connection to whoever did. From here on it ends
    when he does, and no sooner for a signal that was meant for him."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    return Connection(int(sys.argv[1]))


def _end_with_stdin() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)
