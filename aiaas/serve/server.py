"""From references to a service that listens: the port first, then the models in every worker, then the door."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aiaas.errors import UsageError
from aiaas.serve.guard import Guard, check_address, first_key, ip_address
from aiaas.serve.limits import Limits
from aiaas.serve.seen import Places, metrics_folder

if TYPE_CHECKING:
    from aiaas.bundle import Bundle, Located
    from aiaas.serve.fleet.member import Member
    from aiaas.serve.guard import Tls
    from aiaas.serve.settings import Settings
    from aiaas.serve.watching import Watcher
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
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    on_ready: Callable[[Started], None] = lambda started: None,
    tell: Callable[[str], None] = lambda line: None,
) -> None:
    """Serve the models that `references` name until SIGTERM or SIGINT, then finish what was begun and return.

    `settings` say with how many workers, and who may ask: whoever asks needs a key of the database, by default the
    workspace's own; where there is none yet, the first is made. `on_ready` is called once requests are answered by all
    workers, `tell` with a line about what happens later: a worker died, a version was switched. Must run in the main
    thread. Raises UsageError (host, port, certificate, database, unknown model, one name twice) and what loading a
    bundle raises.
    """
    from aiaas.serve.fleet.aliases import Aliases
    from aiaas.serve.fleet.supervisor import Supervisor
    from aiaas.workspace import Workspace

    workspace, tls = Workspace(settings.workspace), settings.tls
    if tls:
        tls.check()
        tls.check_dates()
    check_address(host, tls, workspace, settings.database)
    with listen(host, port) as door:
        plan = find(references, workspace)
        first = first_key(workspace, settings.database)
        started = Started(_url(door, tls), (), first.text if first else None)
        named = {located.name: reference for located, reference in zip(plan.values(), references, strict=True)}

        def ready(about: Sequence[dict[str, Any]]) -> None:
            on_ready(replace(started, models=tuple(about)))

        async def supervise(places: Places) -> None:
            await Supervisor(plan, door, settings, places, Aliases(named, workspace), ready, tell).run()

        space = workspace.open(workspace.root)
        with metrics_folder(space) as metrics:
            asyncio.run(supervise(Places(metrics, space.audit, space.logs, settings.access_log)))


def run(
    models: dict[str, Bundle],
    door: socket.socket,
    on_ready: Callable[[Started], None] = lambda started: None,
    *,
    guard: Guard | None = None,
    tls: Tls | None = None,
    member: Member | None = None,
    watchers: Sequence[Watcher] = (),
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> None:
    """Serve `models` on a listening socket until a signal says to stop, or whoever leads the workers, of which this is
    one where it is a `member`. Without a guard whoever reaches it may ask. `models` is empty afterwards: what takes the
    place of one must not find it in memory."""
    from aiaas.serve.app import create_app
    from aiaas.serve.life import Life
    from aiaas.serve.logs import protected
    from aiaas.serve.rest import settle
    from aiaas.serve.stop import GracefulServer

    about = tuple(
        {"name": name, "version": each.version, "digest": each.digest, "runtime": each.runtime}
        for name, each in models.items()
    )
    started = Started(_url(door, tls), about)

    def begin() -> None:
        if member is not None:
            member.begin()
            return
        server.open()
        on_ready(started)

    life = member.life if member else Life()
    app = create_app(
        models,
        life=life,
        limits=limits,
        access=guard.access if guard else None,
        admission=guard.admission if guard else None,
        control=guard.control if guard else None,
        manager=member,
        watchers=[*(member.watchers if member else ()), *watchers],
    )
    server = GracefulServer(app, life, begin, member.crowd if member else None, tls)
    if member is not None:
        member.join(app.state.service.models, server)
    models.clear()
    settle()
    with protected(member.bundles if member else lambda: [each.bundle for each in app.state.service.models.current()]):
        server.run([door])


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


def _url(door: socket.socket, tls: Tls | None) -> str:
    host, port = door.getsockname()[:2]
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
