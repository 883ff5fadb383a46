"""From references to a service that listens: the port first, then the models, then the door is opened."""

from __future__ import annotations

import errno
import gc
import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiaas.errors import UsageError
from aiaas.serve.seen import AccessLogs, Places, metrics_folder, open_watchers

if TYPE_CHECKING:
    from aiaas.bundle import Bundle
    from aiaas.serve.watching import Watcher
    from aiaas.workspace import Workspace

BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Started:
    """Where the service answers, and what: name, version, digest and runtime of each model."""

    url: str
    models: tuple[dict[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        return {"url": self.url, "models": list(self.models)}


def serve(
    references: Sequence[str],
    workspace: Workspace,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    access_log: AccessLogs = AccessLogs.FILE,
    on_ready: Callable[[Started], None] = lambda started: None,
) -> None:
    """Serve the models that `references` name until SIGTERM or SIGINT, then finish what was begun and return.

    `on_ready` is called once requests are answered. Must run in the main thread. Raises UsageError (host, port,
    unknown model, one name twice) and what loading a bundle raises.
    """
    with listen(host, port) as door:
        models = load(references, workspace)
        space = workspace.open(workspace.root)
        with (
            metrics_folder(space) as metrics,
            open_watchers(Places(metrics, space.audit, space.logs, access_log)) as watchers,
        ):
            run(models, door, on_ready, watchers)


def run(
    models: Mapping[str, Bundle],
    door: socket.socket,
    on_ready: Callable[[Started], None],
    watchers: Sequence[Watcher] = (),
) -> None:
    """Serve `models` on a listening socket until a signal says to stop."""
    # Imported after the models were found: that one is missing is told without waiting for the web framework.
    from aiaas.serve.app import create_app
    from aiaas.serve.life import Life
    from aiaas.serve.logs import protected
    from aiaas.serve.stop import GracefulServer

    about = tuple(
        {"name": name, "version": each.version, "digest": each.digest, "runtime": each.runtime}
        for name, each in models.items()
    )
    started = Started(_url(door), about)
    life = Life()
    app = create_app(models, life=life, watchers=watchers)
    # What was loaded stays: the collector need not walk a vocabulary of a million words again and again.
    gc.collect()
    gc.freeze()
    with protected(lambda: (live.bundle for live in app.state.service.models)):
        GracefulServer(app, life, lambda: on_ready(started)).run([door])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, taken before anything slow, so that a port in use is told at once."""
    address = _loopback(host)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # asyncio switches Nagle's delay off (40 ms an answer) only where the socket names its protocol.
    door = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((address, port))
        door.listen(BACKLOG)
    except OSError as error:
        door.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"port {port} is in use",
                where=f"{address}:{port}",
                hint="choose another with --port, or 0 for a free one",
            ) from None
        raise UsageError(
            f"port {port} cannot be listened on: {error.strerror}",
            where=f"{address}:{port}",
            hint="choose another with --port, above 1023",
        ) from None
    return door


def _loopback(host: str) -> str:
    """The address of `host`, which must be this machine's own."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise UsageError(
            f"{host!r} is no loopback address, and there are no keys and no TLS yet that would guard another",
            where="--host",
            hint="stay on 127.0.0.1 and reach it through a tunnel: ssh -L 8000:127.0.0.1:8000 HOST",
        )
    return str(address)


def load(references: Sequence[str], workspace: Workspace) -> dict[str, Bundle]:
    """Each model by its name."""
    from aiaas import bundle

    models: dict[str, Bundle] = {}
    for reference in references:
        model = bundle.find(reference, workspace)
        if model.name in models:
            raise UsageError(f"two of the models are called {model.name!r}", hint="serve them on two ports")
        models[model.name] = model
    return models


def _url(door: socket.socket) -> str:
    host, port = door.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
