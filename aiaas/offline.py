"""A process that reaches no other machine, and libraries that report to nobody.

Sources that are told to be offline fetch nothing. What they rest on is held to it as well by an audit hook of the
interpreter: whatever opens a connection or looks up a name through Python's sockets is refused, save on this machine. A
library that has sockets of its own, such as a database's driver, is not seen by it: whoever uses one asks first.

Telemetry is off wherever this package is imported: a library reports only where the environment says so by name.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import MutableMapping
from typing import Any

VARIABLE = "AIAAS_OFFLINE"
"""Said in the environment it holds for every command, and for the processes that one starts."""
TELEMETRY_OFF = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub, and what rests on it: datasets, transformers, peft
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime, from 1.29 on
}
_CLIENTS_OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "ORT_DISABLE_TELEMETRY": "1"}
"""They then say at once what is missing, and do not try. ONNX Runtime would report by sockets of its own, which no hook
of the interpreter sees."""

BRING = "leave --offline out, or bring it before: aiaas fetch RECIPE"
"""What to do about what is not here."""

_NO = {"", "0", "false", "f", "no", "n", "off"}
"""Whatever else is said means yes: a slip of the pen must not let anything out."""
_CONNECTS = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.getnameinfo": 0}
"""Events of the interpreter that send something, and which of their arguments is the address."""
_LOOKS_UP = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
"""Those that ask a name server; their first argument is the name."""
_state = {"forbidden": False}


class Forbidden(OSError):
    """Another machine was to be reached. An OSError, so that every library knows what to make of it."""

    def __init__(self, host: str) -> None:
        super().__init__(errno.ENETUNREACH, f"--offline forbids reaching {host}")


def asked() -> bool:
    """Whether the environment says that nothing may leave this machine."""
    return os.environ.get(VARIABLE, "").strip().lower() not in _NO


def obey(environ: MutableMapping[str, str] = os.environ) -> None:
    """Turn telemetry off, and be offline where the environment says so; called when the package is imported."""
    for name, value in TELEMETRY_OFF.items():
        environ.setdefault(name, value)
    if asked():
        forbid()


def forbid() -> None:
    """Let this process, and those that it starts, reach this machine only, for the rest of their lives: a hook of the
    interpreter cannot be taken back."""
    os.environ.update({VARIABLE: "1", **_CLIENTS_OFFLINE})
    if not _state["forbidden"]:
        _state["forbidden"] = True
        sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise Forbidden for what leads to another machine."""
    if not event.startswith("socket."):
        return
    if event in _LOOKS_UP:
        host = arguments[0]
        if _is_address(host) or is_here(host):  # where there is no name nobody is asked
            return
    elif event in _CONNECTS:
        address = arguments[_CONNECTS[event]]
        # A path is a socket of this machine, as is what has numbers only (netlink). None is where it is connected to.
        if not isinstance(address, tuple) or not isinstance(address[0], str | bytes) or is_here(address[0]):
            return
        host = address[0]
    else:
        return
    raise Forbidden(_text(host))


def is_here(host: Any) -> bool:
    """Whether a host is this machine, by its name or its address."""
    from ipaddress import ip_address

    name = _text(host).rstrip(".").lower()
    if name in ("", "localhost") or name.endswith(".localhost"):
        return True
    try:
        found = ip_address(name.partition("%")[0])
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_loopback or found.is_unspecified


def _is_address(host: Any) -> bool:
    from ipaddress import ip_address

    try:
        ip_address(_text(host).partition("%")[0])
    except ValueError:
        return False
    return True


def _text(host: Any) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
