"""A web server on loopback for the tests of downloading: it resumes, refuses, redirects, breaks off and lies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """What the server holds and how it behaves; `asked` keeps path, status and Range of each request."""

    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)  # answered first, one a request for a file
    etag: str | None = '"v1"'
    modified: str | None = None
    ranges: bool = True
    break_after: list[int] = field(default_factory=list)  # bytes of the body before hanging up, one an answer
    silence: float = 0.0  # seconds before the body
    drip: float = 0.0  # seconds before each byte of the body
    length: bool = True
    shift: int = 0  # how far a range answered lies beside the one asked for
    asked: list[tuple[str, int, str | None]] = field(default_factory=list)
    logins: list[str | None] = field(default_factory=list)  # the Authorization of each request
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        site, path = self.site, self.path.partition("?")[0]
        if path in site.redirects:
            self.head(302, {"Location": site.redirects[path], "Content-Length": "0"})
        elif path not in site.files:
            self.head(404, {"Content-Length": "0"})
        elif site.refusals:
            status, headers = site.refusals.pop(0)
            self.head(status, {**headers, "Content-Length": "0"})
        elif site.etag and self.headers["If-None-Match"] == site.etag:
            self.head(304, {"ETag": site.etag})
        else:
            self.give(site.files[path])

    def give(self, body: bytes) -> None:
        site, asked = self.site, self.headers["Range"]
        names = {"ETag": site.etag, "Last-Modified": site.modified}
        headers = {name: value for name, value in names.items() if value}
        status = 200
        if asked and site.ranges and self.headers["If-Range"] in (site.etag, site.modified):
            start = int(asked.removeprefix("bytes=").rstrip("-")) + site.shift
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            status, body = 206, body[start:]
        headers |= {"Content-Length": str(len(body))} if site.length else {}
        self.head(status, headers)
        self.send(body)

    def head(self, status: int, headers: dict[str, str]) -> None:
        self.site.asked.append((self.path, status, self.headers["Range"]))
        self.site.logins.append(self.headers["Authorization"])
        self.send_response(status)
        # No connection is kept, so that no thread goes on answering after its test.
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.close_connection = True
        self.end_headers()

    def send(self, body: bytes) -> None:
        try:
            self.wfile.flush()
            time.sleep(self.site.silence)
            if self.site.break_after:
                body = body[: self.site.break_after.pop(0)]
            for start in range(len(body) if self.site.drip else 0):
                time.sleep(self.site.drip)
                self.wfile.write(body[start : start + 1])
            if not self.site.drip:
                self.wfile.write(body)
        except OSError:
            pass  # the client hung up, as it may


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    handler = type("Handler", (_Handler,), {"site": site})
    with listening(handler) as site.url:
        yield site


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server on loopback, of this process, that answers as `handler` does: its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body of a response."""


@contextmanager
def answering(answer: Callable[[str, dict[str, str]], Answer]) -> Iterator[str]:
    """A server on loopback whose answer to a GET follows from the path and the headers, their names in lower case."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            status, said, body = answer(self.path, {name.lower(): value for name, value in self.headers.items()})
            self.close_connection = True
            try:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **said, "Connection": "close"}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass  # the client hung up, as it may

    with listening(Handler) as url:
        yield url
