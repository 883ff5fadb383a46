"""Secrets that go with requests to one origin, and to no other."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlencode, urlsplit, urlunsplit

_PORTS = {"http": 80, "https": 443}
_SHORTEST_MASKED = 6
_MASK = "***"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Headers and parameters of the query that are sent to the origin of `url`, and to its encrypted form."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)

    def belong_to(self, url: str) -> bool:
        """Whether an address is of the same scheme, host and port; or the same host by https in place of http."""
        ours, theirs = origin(self.url), origin(url)
        return ours == theirs or (ours == ("http", theirs[1], 80) and theirs == ("https", ours[1], 443))

    def with_query(self, url: str) -> str:
        return _edited(url, self.query, self.query) if self.query else url

    def without_query(self, url: str) -> str:
        """An address as the server may have given it back, without the secret parameters."""
        return _edited(url, self.query, {}) if self.query else url

    def masked(self, text: str) -> str:
        """A text of the server without what it gives back of our secrets."""
        values = {value.partition(" ")[2] or value for value in self.headers.values()} | {*self.query.values()}
        for value in sorted(values, key=len, reverse=True):
            if len(value) >= _SHORTEST_MASKED:
                for shape in {value, quote(value, safe=""), quote_plus(value)}:
                    text = text.replace(shape, _MASK)
        return text


def of(url: str, headers: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None) -> Credentials:
    """The credentials for the origin of an address, with the user and password that the address itself may hold."""
    from httpx import URL, InvalidURL

    with suppress(InvalidURL):  # who asks for it will say so
        url = str(URL(url))
    parts = urlsplit(url)
    said = dict(headers or {})
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        said["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return Credentials(url, said, dict(query or {}))


def bare(url: str) -> str:
    """An address without user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def _edited(url: str, drop: Collection[str], add: Mapping[str, str]) -> str:
    """The address with some parameters of its query taken away, and others put at its end."""
    parts = urlsplit(url)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in drop]
    return urlunsplit(parts._replace(query=urlencode([*kept, *add.items()])))
