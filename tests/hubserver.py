"""A hub of models on loopback: what its API says of one repository, and its files, as the hub's own client asks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.fileserver import listening

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """One repository; `asked` keeps the path of each request, `refusal` answers all of them."""

    name: str
    files: Mapping[str, bytes]
    commit: str = COMMIT
    refusal: int | None = None
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str) -> bytes | None:
        api = f"/api/models/{self.name}"
        if path in (api, f"{api}/revision/main", f"{api}/revision/v1", f"{api}/revision/{self.commit}"):
            siblings = [{"rfilename": name} for name in self.files]
            return json.dumps({"id": self.name, "sha": self.commit, "siblings": siblings, "private": False}).encode()
        if path == f"{api}/tree/{self.commit}":
            tree = [
                {"type": "file", "path": name, "size": len(body), "oid": hashlib.sha1(body).hexdigest()}
                for name, body in self.files.items()
            ]
            return json.dumps(tree).encode()
        return self.files.get(path.removeprefix(f"/{self.name}/resolve/{self.commit}/"))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.give(head=True)

    def do_GET(self) -> None:
        self.give(head=False)

    def give(self, head: bool) -> None:
        path = self.path.partition("?")[0]
        self.hub.asked.append(path)
        body = self.hub.answer(path) if self.hub.refusal is None else None
        self.send_response(self.hub.refusal or (200 if body is not None else 404))
        if body is None and self.hub.refusal is None:
            self.send_header("X-Error-Code", "RevisionNotFound" if self.hub.name in path else "RepoNotFound")
        for name, value in {
            "ETag": f'"{hashlib.sha1(body or b"").hexdigest()}"',
            "X-Repo-Commit": self.hub.commit,
            "Content-Length": str(len(body or b"")),
            "Connection": "close",  # so that no thread goes on answering after its test
        }.items():
            self.send_header(name, value)
        self.close_connection = True
        self.end_headers()
        if body and not head:
            self.wfile.write(body)


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    handler = type("Handler", (_Handler,), {"hub": hub})
    with listening(handler) as hub.url:
        yield hub
