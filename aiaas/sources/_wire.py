"""The lowest layer of asking a web server: looks names up, connects to the address that was checked, and adds secrets
where they belong. Nothing above it ever sees a secret, so none can be logged, stored or sent elsewhere."""

from __future__ import annotations

import ssl
from functools import cached_property
from urllib.request import getproxies, proxy_bypass

import httpx

from aiaas import plugins
from aiaas.errors import RemoteError
from aiaas.sources._credentials import Credentials
from aiaas.sources._exchange import shown
from aiaas.sources._guard import Guard, Unknown

_HOSTS = 32
"""Hosts that connections are kept open to, at most."""


class Wire(httpx.BaseTransport):
    """A transport of httpx. Each host has connections of its own, so that none which was opened, and its certificate
    verified, for one name serves another that shares its address.

    Where the environment names a proxy, that looks names up and connects; of an address only is then known whether it
    is allowed.
    """

    def __init__(self, guard: Guard, credentials: Credentials | None = None) -> None:
        self.guard = guard
        self.credentials = credentials
        self._open: dict[tuple[str, str, str | None], httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url, headers = request.url, request.headers
        if self.credentials is not None and self.credentials.belong_to(str(url)):
            url = httpx.URL(self.credentials.with_query(str(url)))
            headers = httpx.Headers({**headers, **self.credentials.headers})
        proxy = _proxy(url)
        if proxy is not None:
            self.guard.check(_host(url))
            return self._through(url, proxy).handle_request(_again(request, url, headers))
        return self._direct(request, url, headers)

    def _direct(self, request: httpx.Request, url: httpx.URL, headers: httpx.Headers) -> httpx.Response:
        """Connect to the first address that answers."""
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            *others, last = self.guard.addresses(_host(url), port)
        except Unknown as error:
            raise httpx.ConnectError(str(error), request=request) from error
        request.extensions["sni_hostname"] = _host(url)
        through = self._through(url)
        for address in others:
            try:
                return through.handle_request(_again(request, url.copy_with(host=address), headers))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return through.handle_request(_again(request, url.copy_with(host=last), headers))

    def _through(self, url: httpx.URL, proxy: str | None = None) -> httpx.HTTPTransport:
        """What holds the connections to the host of an address. Only where there is something to verify by them are
        the certificates read, which takes longer than a request."""
        key = (url.scheme, _host(url), proxy)
        if key not in self._open:
            if len(self._open) >= _HOSTS:
                self.close()
            self._open[key] = self._transport(url, proxy)
        return self._open[key]

    def _transport(self, url: httpx.URL, proxy: str | None) -> httpx.HTTPTransport:
        plain = url.scheme == "http" and proxy is None
        told = f"the proxy {shown(proxy)} that the environment names" if proxy else ""
        if proxy and proxy.startswith("socks5"):
            plugins.require(("socksio",), told)
        try:
            return httpx.HTTPTransport(verify=not plain and self._certificates, proxy=proxy)
        except (ValueError, httpx.InvalidURL) as error:
            message = f"{told} cannot be used; one begins with http://, https:// or socks5://"
            hint = "correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, or unset it"
            raise RemoteError(message, where=shown(str(url)), hint=hint) from error

    @cached_property
    def _certificates(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()

    def close(self) -> None:
        for transport in self._open.values():
            transport.close()
        self._open.clear()


def _host(url: httpx.URL) -> str:
    """The host as it is looked up: a name of other letters in its ASCII form."""
    return url.raw_host.decode("ascii")


def _again(request: httpx.Request, url: httpx.URL, headers: httpx.Headers) -> httpx.Request:
    """The request for another address; its Host header stays."""
    return httpx.Request(request.method, url, headers=headers, stream=request.stream, extensions=request.extensions)


def _proxy(url: httpx.URL) -> str | None:
    """The proxy that the environment names for an address."""
    proxies = getproxies()
    found = proxies.get(url.scheme) or proxies.get("all")
    if not found or proxy_bypass(_host(url)):
        return None
    return found if "://" in found else f"http://{found}"
