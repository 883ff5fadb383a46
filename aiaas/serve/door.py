"""The listening socket on its last moment: nobody new comes in, and who is in already is not thrown out."""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from contextlib import suppress

_SO_ATTACH_FILTER = 26  # <asm-generic/socket.h>; Python has no name for it

# Classic BPF over the TCP header: pass what carries no SYN flag.
_NO_SYN = (
    (0x30, 0, 0, 13),  # load the byte of the flags
    (0x45, 0, 1, 0x02),  # if it has SYN go on, else skip one
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # pass
)


def turn_newcomers_away(door: socket.socket) -> None:
    """Let no further connection begin at `door`; those that stand before it can still be accepted.

    To close a listening socket resets whoever is connected and not yet accepted, and there is always a moment between
    the last `accept` and `close`. On Linux the kernel is told to drop SYN packets first: a newcomer tries again after
    a second and is refused, which every client knows to be no answer. Elsewhere nothing is done.
    """
    if sys.platform != "linux":
        return
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in _NO_SYN))
    program = struct.pack("HL", len(_NO_SYN), ctypes.addressof(code))
    with suppress(OSError):  # a sandbox may not have it
        door.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
