"""Whether the tracking server and the hub can be reached: asked beside the rest, and hardly waited for."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from aiaas.doctor.check import Check
from aiaas.track.run import sending
from aiaas.track.store import Store, without_password
from aiaas.workspace import Workspace

SECONDS = 0.6
"""For all answers together. Looking up a name may take longer where no network is, and cannot be stopped: the threads
that do it are left behind."""
HUB = "https://huggingface.co"
_PORTS = {"http": 80, "https": 443}


class Asked:
    """Begins to ask when it is made."""

    def __init__(self, workspace: Workspace, *, offline: bool = False) -> None:
        self._store = Store.of(workspace)
        self._hub = os.environ.get("HF_ENDPOINT") or HUB
        self._offline = offline
        self._until = time.monotonic() + SECONDS
        self._answers: dict[str, str] = {}
        self._threads: list[threading.Thread] = []
        servers = [self._hub, *([self._store.uri] if _is_server(self._store.uri) else [])]
        for address in () if offline else dict.fromkeys(servers):
            thread = threading.Thread(target=self._ask, args=(address,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def checks(self) -> Iterator[Check]:
        """What came of it, once all have answered or the time is over."""
        for thread in self._threads:
            thread.join(max(0.0, self._until - time.monotonic()))
        yield self._tracking()
        yield self._of_hub()

    def _tracking(self) -> Check:
        uri, shown = self._store.uri, _shown(self._store.uri)
        details = {"uri": shown, "sending": sending()}
        if not sending():
            hint = "aiaas runs sync sends them"
            return Check("tracking", "note", "AIAAS_TRACKING=off: runs are kept in the workspace", hint, details)
        if not _is_server(uri):
            file = Path(uri.removeprefix("sqlite:///"))
            made = ", made by the first run" if uri.startswith("sqlite:///") and not file.exists() else ""
            return Check("tracking", "ok", f"{shown}{made}", details=details)
        hint = "check MLFLOW_TRACKING_URI; runs are kept here meanwhile, and aiaas runs sync sends them"
        return self._reached("tracking", uri, hint, details)

    def _of_hub(self) -> Check:
        hint = "models and data of the hub come from a folder or a package as well; HF_ENDPOINT names a mirror"
        return self._reached("hub", self._hub, hint, {"uri": _shown(self._hub)})

    def _reached(self, name: str, address: str, hint: str, details: dict[str, object]) -> Check:
        shown = _shown(address)
        if self._offline:
            return Check(name, "note", f"{shown} (not asked: offline)", details=details)
        problem = self._answers.get(address, f"no answer within {SECONDS} s")
        if problem:
            return Check(name, "warning", f"{shown} cannot be reached: {problem}", hint, {**details, "reached": False})
        return Check(name, "ok", shown, details={**details, "reached": True})

    def _ask(self, address: str) -> None:
        """Whether somebody listens there, or at the proxy that leads there."""
        try:
            host, port = _door(address)
            socket.create_connection((host, port), timeout=SECONDS).close()
            self._answers[address] = ""
        except (OSError, ValueError) as error:
            self._answers[address] = str(error) or type(error).__name__


def _is_server(address: str) -> bool:
    """Whether it names one, well or badly, and no file or service that only MLflow knows."""
    return address.lower().startswith(tuple(f"{scheme}:" for scheme in _PORTS))


def _shown(address: str) -> str:
    """The address as it may be printed, also where it is none."""
    try:
        return without_password(address)
    except ValueError:
        return "an address that cannot be read"


def _door(address: str) -> tuple[str, int]:
    parts = urlsplit(address)
    proxy = getproxies().get(parts.scheme)
    if proxy and not proxy_bypass(parts.hostname or ""):
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if not parts.hostname:
        raise ValueError("the address names no host")
    return parts.hostname, parts.port or _PORTS.get(parts.scheme, 80)
