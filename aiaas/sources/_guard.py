"""Which addresses may be connected to. A name is looked up here and nowhere else, and what is connected to is the very
address that was checked: a name that means another one a moment later changes nothing."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator

from aiaas.errors import RemoteError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is no network: such as 10.0.0.0/8 or fd00::/8 ({error})") from None
    return value


Private = bool | tuple[Annotated[str, AfterValidator(_network)], ...]
"""What a recipe says under `private`: whether addresses that are not public may be connected to, or which of them."""


class Forbidden(RemoteError):
    """An address that may not be connected to."""


class Unknown(OSError):
    """A name that cannot be looked up."""


class Guard:
    """Lets public addresses through, and of the others those that a recipe allows.

    `named` is a host that the recipe names itself, which may be private as it stands: what it means when it is first
    looked up is allowed from then on. What it means later is not, where that is private.
    """

    def __init__(self, private: Private = False, named: str | None = None) -> None:
        self.everything = private is True
        self.networks: list[Network] = [] if isinstance(private, bool) else [ipaddress.ip_network(n) for n in private]
        self.named = named

    def addresses(self, host: str, port: int) -> list[str]:
        """What a host, a name or an address in whatever spelling, may be connected by. Raises Forbidden where it means
        none that is allowed, and Unknown where it means none at all."""
        found = _look_up(host, port)
        if host == self.named:
            self.networks += [ipaddress.ip_network(each) for each in found]
            self.named = None
        allowed = [str(each) for each in found if self._allows(each)]
        if not allowed:
            raise self._refusal(host, found[0])
        return allowed

    def check(self, host: str) -> None:
        """Raise Forbidden where `host` is itself an address that is not allowed; of a name nothing is said."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return
        if host != self.named and not self._allows(address):
            raise self._refusal(host, address)

    def _allows(self, address: Address) -> bool:
        meant = [address, *filter(None, [_carried(address)])]
        return self.everything or is_public(address) or any(each in net for each in meant for net in self.networks)

    def _refusal(self, host: str, address: Address) -> Forbidden:
        told = f"{host} is" if str(address) == host else f"{host} means {address}, which is"
        network = ipaddress.ip_network(address)
        return Forbidden(
            f"{told} no public address",
            hint=f"where that is meant, say private: true, or which networks: private: ['{network}']",
        )


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, as well as the one that it carries, where it carries one."""
    inner = _carried(address)
    if inner is not None:
        return is_public(inner)
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _carried(address: Address) -> Address | None:
    """The IPv4 address that an IPv6 address stands for: mapped, compatible, translated (NAT64), tunnelled (6to4,
    Teredo)."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _look_up(host: str, port: int) -> Sequence[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unknown(f"{host} cannot be looked up: {error}") from error
    return [ipaddress.ip_address(each) for each in dict.fromkeys(str(entry[4][0]) for entry in found)]
