"""One of the processes of `_pool`: a function comes in, then its arguments, each of which is answered with its result.

    python -P -m aiaas.backends.sklearn._worker FD

FD is a socket.
"""

from __future__ import annotations

import pickle
import traceback

from aiaas import children
from aiaas.errors import AiaasError


def main() -> None:
    """Answer until nobody asks any more."""
    parent = children.parent()
    function = parent.recv()
    while True:
        try:
            argument = parent.recv()
        except EOFError:
            return
        try:
            answer = (True, function(argument))
        except AiaasError as error:
            answer = (False, error)
        except Exception:
            answer = (False, traceback.format_exc())
        parent.send_bytes(pickle.dumps(answer, protocol=5))


if __name__ == "__main__":
    main()
