"""One of the processes of `_pool`: a function comes in, then its arguments, each of which is answered with its result.

    python -P -m aiaas.backends.sklearn._worker FD

FD is a socket. Standard input is held open by whoever started this process, and says nothing: when it ends, he is gone,
however that came, and so is this process.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection

from aiaas.errors import AiaasError


def main() -> None:
    """Answer until nobody asks any more."""
    for number in (signal.SIGINT, signal.SIGTERM):  # whoever started this process has them too, and says when to stop
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    parent = Connection(int(sys.argv[1]))
    # From the process that started this one, over a socket that nobody else has.
    function = pickle.loads(parent.recv_bytes())  # noqa: S301
    while True:
        try:
            argument = pickle.loads(parent.recv_bytes())  # noqa: S301
        except EOFError:
            return
        try:
            answer = (True, function(argument))
        except AiaasError as error:
            answer = (False, error)
        except Exception:
            answer = (False, traceback.format_exc())
        parent.send_bytes(pickle.dumps(answer, protocol=5))


def _end_with_stdin() -> None:
    while os.read(0, 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
