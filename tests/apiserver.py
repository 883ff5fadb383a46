"""A JSON API on loopback for the tests: paginated in four ways, with a login, limits and bad habits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fileserver import Answer, answering


@dataclass
class Api:
    """`/page`, `/offset`, `/cursor`, `/next` and `/link` give `rows` by so many; `special` are answers by path, before
    all others. `asked` keeps each address, `headers` what came with it."""

    rows: list[Any] = field(default_factory=lambda: [{"id": n, "body": f"{n} 房间很干净"} for n in range(25)])
    size: int = 10
    token: str | None = None  # what must come as Authorization: Bearer, or as key in the address
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)  # answered first
    special: dict[str, Callable[[dict[str, str]], Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def answer(self, address: str, headers: dict[str, str]) -> Answer:
        self.asked.append(address)
        self.headers.append(headers)
        parts = urlsplit(address)
        query = dict(parse_qsl(parts.query))
        if self.refusals:
            status, said = self.refusals.pop(0)
            return status, said, b""
        if parts.path in self.special:
            return self.special[parts.path](query)
        if self.token and self.token not in (headers.get("authorization", "")[7:], query.get("key")):
            return 401, {}, b""
        start = self._start(parts.path, query)
        part, following = self.rows[start : start + self.size], start + self.size
        more = following < len(self.rows)
        body: dict[str, Any] = {"items": part, "meta": {"total": len(self.rows)}}
        said = {"Content-Type": "application/json"}
        match parts.path:
            case "/page" | "/offset":
                pass
            case "/cursor":
                body["after"] = f"c{following}" if more else None
            case "/next":
                secret = f"&key={query['key']}" if "key" in query else ""
                body["next"] = f"{self.url}/next?at={following}{secret}" if more else ""
            case "/link":
                said |= {"Link": f'</link?at={following}>; rel="next", </link>; rel="first"'} if more else {}
            case _:
                return 404, {}, b""
        return 200, said, json.dumps(body).encode()

    def _start(self, path: str, query: dict[str, str]) -> int:
        if path == "/page":
            return (int(query.get("page", 1)) - 1) * self.size
        if path == "/cursor":
            return int(query.get("cursor", "c0")[1:])
        return int(query.get("offset", query.get("at", 0)))


@contextmanager
def serve(api: Api) -> Iterator[Api]:
    with answering(api.answer) as api.url:
        yield api


def giving(value: Any, status: int = 200, **headers: str) -> Callable[[dict[str, str]], Answer]:
    """An answer that is always the same: bytes as they are, anything else as JSON."""
    body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    said = {"Content-Type": "application/json", **{name.replace("_", "-"): said for name, said in headers.items()}}
    return lambda query: (status, said, body)
