"""What is no right HTTP, or would not be read alike by everybody."""

from __future__ import annotations

import random

from tests.damage import MARK
from tests.wire import request

METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "SECRETMARK")
LENGTHS = (MARK, "", "0x10", "+5", "１")
NAMES = (
    *(MARK, f"..%2F..%2F{MARK}", "%00", "%ff%fe", "a" * 5000, "..", "reviews%2fpredict", "reviews@champion"),
    *(f"reviews/versions/{MARK}", "reviews/versions/1", "reviews/versions/%F0%9F%98%80", "reviews;a=1"),
)
"""Of models."""
PATHS = (
    *("/v1/models/{0}/predict", "/v2/models/{0}/infer", "/v1/models/{0}:predict", "/{0}", "/v1/models/{0}"),
    *("/openapi.json?{0}", "//{0}", "/v1/models/{0}/invocations", "/v1/admin/keys/{0}", "/metrics?{0}"),
    "/v1/models/reviews/predict?{0}",
)
ENDS = (
    *("transfer-encoding: chunked", "transfer-encoding: xchunked", "transfer-encoding : chunked", "content-length: 6"),
    *("transfer-encoding:\tchunked", "transfer-encoding: chunked\r\ntransfer-encoding: identity", "x: y\n"),
    *("transfer-encoding: identity", " transfer-encoding: chunked", "transfer-encoding: gzip, chunked"),
    *("x: a\rcontent-length: 9", f"x: {MARK}\0"),
)
"""Headers by which a body may end elsewhere."""
CHUNKED = b"POST /v1/models/reviews/predict HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
CHUNKS = (b"ffffffffffffffff\r\n", b"-1\r\n", b"zz\r\n", b"5;a=" + b"b" * 70_000, b"5\r\nab\r\n")
GARBAGE = (
    *(b"GET /\r\n\r\n", b"\r\n" * 500, b"\0" * 500, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    *(b"GET " + b"/a" * 60_000, b"GET / HTTP/9.9\r\nhost: a\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000),
    *(b"GET / HTTP/1.1\r\nhost: a\r\nx: " + MARK.encode() + b"\xff\xfe\r\n\r\n", b"GET /\xff\xfe HTTP/1.1\r\n\r\n"),
    *(b"POST / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", f"GET /{MARK} HTTP/1.1\r\nhost".encode()),
    *(CHUNKED + each for each in CHUNKS),
)


def header(chance: random.Random, key: str) -> tuple[str, str]:
    """A header that says something odd, by its name with underscores. `key` is one that is right."""
    long = "a" * 9000
    odd = {
        "x_request_timeout": ["nan", "-1", "1e309", "1e-300", "١", "", MARK, "9" * 400],
        "x_request_id": [MARK, "a" * 65, long, "../x", "{}", "\x7f"],
        "traceparent": [MARK, "00-" + "0" * 32 + "-" + "1" * 16 + "-01", long],
        "authorization": [
            MARK,
            f"Bearer {MARK}",
            key[:-1],
            key + "x",
            "Bearer",
            "Basic YQ",
            "Bearer " + long,
            "a" * 30_000,
        ],
        "x_api_key": [MARK, key],
        "content_type": [MARK, "", "application/json; charset=utf-16", ";", long],
        "connection": [f"close, {MARK}", "upgrade"],
        "expect": ["100-continue", MARK],
        "upgrade": ["websocket", "h2c", MARK],
        **{name: [MARK, long] for name in ("accept", "accept_encoding", "range", "cookie", "host", "te", "forwarded")},
    }
    name = chance.choice(list(odd))
    return name, chance.choice(odd[name])


def path(chance: random.Random) -> str:
    return chance.choice(PATHS).format(chance.choice(NAMES))


def smuggled(chance: random.Random, key: str) -> bytes:
    """A request that hides another, without a key, where one reader sees an end that the next does not."""
    body = b'{"inputs":["a"]}'
    hidden = request("/v1/models/reviews/predict", body, {"content-type": "application/json"})
    chunked = b"0\r\n\r\n" + hidden
    length = chance.choice([0, 5, len(chunked)])
    head = (
        f"POST /v1/models/reviews/predict HTTP/1.1\r\nhost: a\r\nauthorization: {key}\r\ncontent-length: {length}\r\n"
    )
    return f"{head}{chance.choice(ENDS)}\r\n\r\n".encode() + chunked


def garbage(chance: random.Random) -> bytes:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"  # as TLS begins
    noise = chance.randbytes(chance.choice([1, 30, 70_000]))
    return chance.choice([*GARBAGE, noise, hello + noise])
