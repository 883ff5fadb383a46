"""A store on loopback that speaks as much of S3 as reading takes: listing a bucket, asking after an object, getting it
in parts. It refuses, falls silent and lies about lengths where it is told to."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.fileserver import listening

_LIST = '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'


@dataclass
class Store:
    """`objects` by "bucket/key". `asked` keeps method and path of each request."""

    objects: dict[str, bytes] = field(default_factory=dict)
    refuse: int = 0  # the status of every answer, where it is not 0
    silence: float = 0.0  # seconds before a body
    pace: int = 0  # bytes a second, where it is not 0
    short: int = 0  # bytes that a body lacks of those stated
    more: int = 0  # bytes that a listing states beyond those there are
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: Store

    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        store, parts = self.store, urlsplit(self.path)
        name = unquote(parts.path).strip("/")
        store.asked.append((self.command, name))
        if store.refuse:
            self.give(store.refuse, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>", body)
        elif name in store.objects:
            self.give_object(name, body)
        elif "list-type" in parse_qs(parts.query):
            self.give(200, self.listing(name, parse_qs(parts.query)), body)
        elif any(each.split("/")[0] == name for each in store.objects):
            self.give(200, b"", body)
        else:
            self.give(404, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>", body)

    def listing(self, bucket: str, query: dict[str, list[str]]) -> bytes:
        prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
        keys = sorted(each.split("/", 1)[1] for each in self.store.objects if each.startswith(f"{bucket}/"))
        out, folders = [_LIST, f"<Name>{bucket}</Name><IsTruncated>false</IsTruncated>"], dict[str, None]()
        for key in keys:
            if not key.startswith(prefix):
                continue
            if delimiter and delimiter in key[len(prefix) :]:
                folders[prefix + key[len(prefix) :].split(delimiter)[0] + delimiter] = None
                continue
            data = self.store.objects[f"{bucket}/{key}"]
            out.append(
                f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
                f"<ETag>&quot;{hashlib.md5(data).hexdigest()}&quot;</ETag><Size>{len(data) + self.store.more}</Size>"
                "<StorageClass>STANDARD</StorageClass></Contents>"
            )
        out += [f"<CommonPrefixes><Prefix>{escape(each)}</Prefix></CommonPrefixes>" for each in folders]
        return "".join([*out, "</ListBucketResult>"]).encode()

    def give_object(self, name: str, body: bool) -> None:
        data = self.store.objects[name]
        headers = {"ETag": f'"{hashlib.md5(data).hexdigest()}"', "Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT"}
        asked = self.headers.get("Range")
        if asked:
            first, last = asked.removeprefix("bytes=").split("-")
            start, stop = int(first), min(int(last or len(data) - 1) + 1, len(data))
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
            self.give(206, data[start:stop], body, headers)
        else:
            self.give(200, data, body, headers)

    def give(self, status: int, data: bytes, body: bool, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(data)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.close_connection = True
        self.end_headers()
        try:
            if body and data:
                time.sleep(self.store.silence)
                data = data[: len(data) - self.store.short]
                step = self.store.pace // 20 or len(data)
                for start in range(0, len(data), step):
                    time.sleep(0.05 if self.store.pace else 0)
                    self.wfile.write(data[start : start + step])
        except OSError:
            pass  # the client hung up, as it may


@contextmanager
def serve(store: Store) -> Iterator[Store]:
    handler = type("Handler", (_Handler,), {"store": store})
    with listening(handler) as store.url:
        yield store
