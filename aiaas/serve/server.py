"""From references to a service that listens: the port first, then the models in every worker, then the door."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiaas.errors import UsageError

if TYPE_CHECKING:
    from aiaas.bundle import Bundle, Located
    from aiaas.serve.fleet.member import Member
    from aiaas.serve.settings import Settings
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
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    on_ready: Callable[[Started], None] = lambda started: None,
    tell: Callable[[str], None] = lambda line: None,
) -> None:
    """Serve the models that `references` name until SIGTERM or SIGINT, then finish what was begun and return.

    `on_ready` is called once requests are answered by all workers, `tell` with a line about what happens later: a
    worker died, a version was switched. Must run in the main thread. Raises UsageError (host, port, unknown model, one
    name twice) and what loading a bundle raises.
    """
    from aiaas.serve.fleet.aliases import Aliases
    from aiaas.serve.fleet.supervisor import Supervisor
    from aiaas.workspace import Workspace

    workspace = Workspace(settings.workspace)
    with listen(host, port) as door:
        url = _url(door)
        plan = find(references, workspace)
        named = {located.name: reference for located, reference in zip(plan.values(), references, strict=True)}

        async def supervise() -> None:
            aliases = Aliases(named, workspace)
            ready: Callable[[Sequence[dict[str, Any]]], None] = lambda about: on_ready(Started(url, tuple(about)))  # noqa: E731
            await Supervisor(plan, door, settings, aliases, ready, tell).run()

        asyncio.run(supervise())


def run(
    models: dict[str, Bundle],
    door: socket.socket,
    on_ready: Callable[[Started], None] = lambda started: None,
    member: Member | None = None,
) -> None:
    """Serve `models` on a listening socket until a signal says to stop, or whoever leads the workers, of which this is
    one where it is a `member`. `models` is empty afterwards: what takes the place of one must not find it in memory."""
    from aiaas.serve.app import create_app
    from aiaas.serve.life import Life
    from aiaas.serve.logs import protected
    from aiaas.serve.rest import settle
    from aiaas.serve.stop import GracefulServer

    about = tuple(
        {"name": name, "version": each.version, "digest": each.digest, "runtime": each.runtime}
        for name, each in models.items()
    )
    started = Started(_url(door), about)

    def begin() -> None:
        if member is not None:
            member.begin()
            return
        server.open()
        on_ready(started)

    life = member.life if member else Life()
    app = create_app(models, life=life, watchers=member.watchers if member else ())
    server = GracefulServer(app, life, begin, member.crowd if member else None)
    if member is not None:
        member.join(app.state.service.models, server)
    models.clear()
    settle()
    with protected(member.bundles if member else lambda: [each.bundle for each in app.state.service.models.current()]):
        server.run([door])


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


def find(references: Sequence[str], workspace: Workspace) -> dict[str, Located]:
    """Where each model lies, by its name."""
    from aiaas import bundle

    models: dict[str, Located] = {}
    for reference in references:
        model = bundle.locate(reference, workspace)
        if model.name in models:
            raise UsageError(f"two of the models are called {model.name!r}", hint="serve them on two ports")
        models[model.name] = model
    return models


def _url(door: socket.socket) -> str:
    host, port = door.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
