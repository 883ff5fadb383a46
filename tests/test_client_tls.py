"""The clients over TLS: a certificate that is not known is told at once, and may be named."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

import aiaas
from aiaas.errors import RemoteError, UsageError


class Answering(BaseHTTPRequestHandler):
    """Answers each input with itself, and keeps the key."""

    keys: ClassVar[list[str | None]] = []

    def do_POST(self) -> None:
        self.keys.append(self.headers["authorization"])
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = json.dumps({"version": "1", "digest": "d", "outputs": [{"text": each} for each in asked["inputs"]]})
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=models"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key.pem")]
    subprocess.run([*words, "-out", str(folder / "cert.pem")], check=True, capture_output=True)
    return folder / "cert.pem"


@pytest.fixture(scope="module")
def url(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()


def ask(url: str, *, waits: bool) -> Any:
    if waits:
        with aiaas.Client(url, "k3y") as client:
            return client.predict("echo", ["a"]).outputs

    async def run() -> Any:
        async with aiaas.AsyncClient(url, "k3y") as client:
            return (await client.predict("echo", ["a"])).outputs

    return asyncio.run(run())


@pytest.mark.parametrize("waits", [True, False])
def test_a_certificate_must_be_known_or_named(
    url: str, certificate: Path, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setattr("aiaas.client.retry.Retry._pause", lambda retry: pytest.fail("it is not tried again"))
    Answering.keys.clear()
    with pytest.raises(RemoteError, match="certificate verify failed") as caught:
        ask(url, waits=waits)
    assert "SSL_CERT_FILE" in str(caught.value.hint)
    assert Answering.keys == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert ask(url, waits=waits) == [{"text": "a"}]
    assert Answering.keys == ["Bearer k3y"]


def test_certificates_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    none = tmp_path / "none.pem"
    for text in (None, "nothing"):
        if text:
            none.write_text(text)
        monkeypatch.setenv("SSL_CERT_FILE", str(none))
        with pytest.raises(UsageError, match="certificates cannot be read"):
            aiaas.Client("https://127.0.0.1:1")
