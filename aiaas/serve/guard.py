"""What stands between a service and the world: keys, and TLS where others than this machine can reach it."""

from __future__ import annotations

import ipaddress
import ssl
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aiaas.errors import UsageError

if TYPE_CHECKING:
    from aiaas.control import Control, NewKey
    from aiaas.serve.access import Access
    from aiaas.serve.admission import Admission
    from aiaas.workspace import Workspace

_DATES = {9: "is not valid yet", 10: "has expired"}
"""By OpenSSL's X509_V_ERR_… numbers."""
TENANT = "default"
"""Whose the first key is."""
_BOTH = (
    "make a key with aiaas keys create --tenant NAME, and give a certificate with --tls-cert FILE --tls-key FILE "
    "(openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=HOST -keyout key.pem -out cert.pem makes one to "
    "try); "
    "or stay on 127.0.0.1 and reach it through a tunnel: ssh -L 8000:127.0.0.1:8000 HOST"
)


@dataclass(frozen=True, slots=True)
class Tls:
    """A certificate with its chain, and its key, as PEM."""

    certificate: Path
    key: Path

    def check(self) -> None:
        """Raise UsageError where they cannot be used, before anything waits for it."""
        for path, option in ((self.certificate, "--tls-cert"), (self.key, "--tls-key")):
            if not path.is_file():
                raise UsageError("there is no such file", where=f"{option} {path}", hint="a PEM file")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except (ssl.SSLError, OSError) as error:
            said = error.reason if isinstance(error, ssl.SSLError) and error.reason else error.strerror
            raise UsageError(
                f"the certificate and its key cannot be used: {said}",
                where=f"--tls-cert {self.certificate} --tls-key {self.key}",
                hint="both must be PEM, the key that of the certificate and without a password",
            ) from None

    def check_dates(self) -> None:
        """Raise UsageError for a certificate that every client would refuse today. It is asked by a handshake in
        memory, since ssl looks at dates only then."""
        there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        guest = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        guest.check_hostname = False
        guest.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        guest.load_verify_locations(self.certificate)
        host = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        host.load_cert_chain(self.certificate, self.key)
        asking, answering = guest.wrap_bio(back, there), host.wrap_bio(there, back, server_side=True)
        for side in (asking, answering, asking):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                if said := _DATES.get(error.verify_code):
                    raise UsageError(
                        f"the certificate {said}",
                        where=f"--tls-cert {self.certificate}",
                        hint="renew it, or set the clock",
                    ) from None
                return  # who signed it is for the clients to judge


def _no_password() -> str:
    """For a key that has one: a service that starts by itself cannot be asked for it."""
    return ""


def ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address of `host`; a name other than localhost is refused, since it may mean another one tomorrow."""
    if host == "localhost":
        return ipaddress.ip_address("127.0.0.1")
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        raise UsageError(
            f"{host[:80]!r} is no loopback address, and no other either",
            where="--host",
            hint="127.0.0.1, or the number of another address of this machine",
        ) from None


def check_address(host: str, tls: Tls | None, workspace: Workspace, database: str | None = None) -> None:
    """Raise UsageError where the service may not listen on `host`: others can reach it, and it has no TLS or no valid
    key. To be asked before anything listens."""
    if ip_address(host).is_loopback:
        return
    missing = ["TLS"] if tls is None else []
    missing += [] if _has_key(workspace, database) else ["a key"]
    if missing:
        raise UsageError(
            f"{host!r} is no loopback address, and there is not {' and not '.join(missing)} to guard another",
            where="--host",
            hint=_BOTH,
        )


def _has_key(workspace: Workspace, database: str | None) -> bool:
    """Whether any key is valid. Nothing is made to find that out."""
    import time

    from aiaas.control import Control

    if database is None and not (workspace.root / "control").is_dir():
        return False
    with Control(workspace, database) as control:
        return any(key.state(time.time()) in {"valid", "replaced"} for key in control.listed())


def first_key(workspace: Workspace, database: str | None = None) -> NewKey | None:
    """A key for everything where there is none at all yet, as a service on loopback begins with."""
    from aiaas.control import Control
    from aiaas.workspace import Workspace as Space

    with Control(Space.open(workspace.root), database) as control:
        return control.first(TENANT)


@dataclass(frozen=True, slots=True)
class Guard:
    """What one worker asks about keys and quotas; made in the process that uses it."""

    access: Access
    admission: Admission
    control: Control
    _opened: ExitStack

    @classmethod
    def open(cls, workspace: Workspace, database: str | None = None) -> Guard:
        """Raises what `Control` does."""
        from aiaas.control import Control, Keyring
        from aiaas.serve.admission import Quotas
        from aiaas.serve.keys import Keyed

        with ExitStack() as stack:
            control = stack.enter_context(Control(workspace, database))
            ring = stack.enter_context(closing(Keyring(control)))
            ledger = stack.enter_context(closing(control.ledger()))
            return cls(Keyed(ring), Quotas(ledger), control, stack.pop_all())

    def close(self) -> None:
        self._opened.close()

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *failed: object) -> None:
        self.close()
