"""From references to a service that listens: the port first, then the models, then the door is opened."""

from __future__ import annotations

import errno
import gc
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aiaas.errors import UsageError
from aiaas.serve.guard import Guard, check_address, first_key, ip_address

if TYPE_CHECKING:
    from aiaas.bundle import Bundle
    from aiaas.serve.guard import Tls
    from aiaas.workspace import Workspace

BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Started:
    """Where the service answers, and what: name, version, digest and runtime of each model. `key` is the first key,
    where the service made it."""

    url: str
    models: tuple[dict[str, Any], ...]
    key: str | None = field(default=None, repr=False)

    def as_dict(self) -> dict[str, Any]:
        return {"url": self.url, "key": self.key, "models": list(self.models)}


def serve(
    references: Sequence[str],
    workspace: Workspace,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    tls: Tls | None = None,
    database: str | None = None,
    on_ready: Callable[[Started], None] = lambda started: None,
) -> None:
    """Serve the models that `references` name until SIGTERM or SIGINT, then finish what was begun and return.

    Whoever asks needs a key of the database at `database`, by default the workspace's own; where there is none yet, the
    first is made. `on_ready` is called once requests are answered. Must run in the main thread. Raises UsageError
    (host, port, certificate, database, unknown model, one name twice) and what loading a bundle raises.
    """
    if tls:
        tls.check()
    check_address(host, tls, workspace, database)
    with listen(host, port) as door:
        models = load(references, workspace)
        first = first_key(workspace, database)
        with Guard.open(workspace, database) as guard:
            run(models, door, lambda started: on_ready(replace(started, key=first.text if first else None)), guard, tls)


def run(
    models: Mapping[str, Bundle],
    door: socket.socket,
    on_ready: Callable[[Started], None],
    guard: Guard | None = None,
    tls: Tls | None = None,
) -> None:
    """Serve `models` on a listening socket until a signal says to stop. Without a guard whoever reaches it may ask."""
    # Imported after the models were found: that one is missing is told without waiting for the web framework.
    from aiaas.serve.app import create_app
    from aiaas.serve.life import Life
    from aiaas.serve.logs import protected
    from aiaas.serve.stop import GracefulServer

    about = tuple(
        {"name": name, "version": each.version, "digest": each.digest, "runtime": each.runtime}
        for name, each in models.items()
    )
    started = Started(_url(door, tls), about)
    life = Life()
    app = create_app(
        models,
        life=life,
        access=guard.access if guard else None,
        admission=guard.admission if guard else None,
        control=guard.control if guard else None,
    )
    # What was loaded stays: the collector need not walk a vocabulary of a million words again and again.
    gc.collect()
    gc.freeze()
    with protected(models.values()):
        GracefulServer(app, life, lambda: on_ready(started), tls).run([door])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, taken before anything slow, so that a port in use is told at once. Whether others may reach
    it is asked before (`check_address`)."""
    address = str(ip_address(host))
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


def _url(door: socket.socket, tls: Tls | None) -> str:
    host, port = door.getsockname()[:2]
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
