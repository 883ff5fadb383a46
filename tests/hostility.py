"""Requests as nobody should send them: right ones damaged, bodies that lie about themselves, and what is no HTTP.
`MARK` stands in most of them; it must come back in no error, and stand in no log."""

from __future__ import annotations

import gzip
import json
import random
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tests.damage import MARK, bent, damaged
from tests.garbage import LENGTHS, METHODS, garbage, header, path, smuggled
from tests.wire import request

JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A right request, which will be damaged: `head` is how long the JSON is, where bytes follow."""

    path: str
    body: bytes
    head: int | None = None


@dataclass(frozen=True, slots=True)
class Attack:
    """What goes over the wire, in one piece or with pauses between. Where it is `framed` one answer comes."""

    kind: str
    pieces: tuple[bytes, ...]
    framed: bool = True
    timed: bool = False
    """Whether it asks for a deadline, which may pass."""


class Attacks:
    """One attack after another, at random; equal seeds, equal attacks."""

    def __init__(self, shown: Sequence[Shown], key: str, seed: int = 11) -> None:
        self._shown = shown
        self._key = {"authorization": f"Bearer {key}"}
        self._random = random.Random(seed)
        self._kinds: Mapping[str, tuple[float, Callable[[], Attack]]] = {
            "odd values": (30, self._odd),
            "bent bytes": (20, self._bent),
            "cut or repeated": (10, self._cut),
            "nested": (4, self._nested),
            "numbers": (6, self._numbers),
            "compressed": (3, self._compressed),
            "pictures": (2, self._pictures),
            "headers": (8, self._headers),
            "paths": (5, self._paths),
            "lengths": (4, self._lengths),
            "smuggled": (3, self._smuggled),
            "garbage": (4, self._garbage),
            "slow": (0.3, self._slow),
        }

    def __next__(self) -> Attack:
        (make,) = self._random.choices(
            [make for _, make in self._kinds.values()], [weight for weight, _ in self._kinds.values()]
        )
        return make()

    def _sent(self, kind: str, shown: Shown, body: bytes, **more: str) -> Attack:
        headers = {**self._key, **JSON}
        if shown.head is not None:
            headers["inference-header-content-length"] = str(min(shown.head, len(body)))
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        return Attack(kind, (request(shown.path, body, headers),), timed="x-request-timeout" in headers)

    def _odd(self) -> Attack:
        shown = self._random.choice([each for each in self._shown if each.head is None])
        made = json.dumps(damaged(json.loads(shown.body), self._random)).encode()
        more = {}
        if shown.path.startswith("/v2") and self._random.random() < 0.3:
            lengths = [len(made), len(made) - 1, 0, -1, 10**9, 10**30]
            more["inference_header_content_length"] = str(self._random.choice(lengths))
        if self._random.random() < 0.2:
            kinds = ["text/csv", "text/plain", "multipart/form-data; boundary=a", "application/x-www-form-urlencoded"]
            more["content_type"] = self._random.choice([*kinds, f"image/png; {MARK}"])
        return self._sent("odd values", shown, made, **more)

    def _bent(self) -> Attack:
        shown = self._random.choice(self._shown)
        return self._sent("bent bytes", shown, bent(shown.body, self._random))

    def _cut(self) -> Attack:
        shown = self._random.choice(self._shown)
        start, end = sorted(self._random.choices(range(len(shown.body) + 1), k=2))
        part = shown.body[start:end]
        made = self._random.choice(
            [shown.body[:end], shown.body[start:], shown.body * 2, shown.body[:end] + part * 50 + shown.body[end:]]
        )
        return self._sent("cut or repeated", shown, made)

    def _nested(self) -> Attack:
        shown = self._random.choice(self._shown)
        depth = self._random.choice([30, 33, 500, 20_000, 200_000])
        begin, end = self._random.choice([(b"[", b"]"), (b'{"inputs":', b"}"), (b'[{"a":', b"}]")])
        middle = json.dumps(MARK).encode()
        closing = end * depth if self._random.random() < 0.7 else b""
        nested = begin * depth + middle + closing
        return self._sent("nested", shown, b'{"inputs":[' + nested + b"]}" if self._random.random() < 0.5 else nested)

    def _numbers(self) -> Attack:
        digits = "9" * self._random.choice([20, 310, 5000, 100_000])
        number = self._random.choice(
            [digits, f"-{digits}", f"1e{digits[:8]}", f"0.{digits}", "NaN", "-Infinity", "1e308", "-0.0", "0x10", "1_0"]
        )
        place = self._random.choice(["size", "rooms", "street", "lift", "seed", "max_length", MARK])
        body = self._random.choice(
            [
                f'{{"inputs":[{{"{place}":{number}}}]}}',
                f'{{"instances":[{number}]}}',
                f'{{"inputs":["a"],"options":{{"{place}":{number}}}}}',
                f'{{"inputs":[{{"name":"text","datatype":"BYTES","shape":[{number}],"data":["a"]}}]}}',
                f'{{"model":"writer","prompt":"a","seed":{number},"max_tokens":{number}}}',
                f'{{"dataframe_split":{{"columns":["{place}"],"data":[[{number}]]}}}}',
                f'{{"inputs":[],"parameters":{{"timeout":{number}}}}}',
            ]
        )
        return self._sent("numbers", self._random.choice(self._shown), body.encode())

    def _compressed(self) -> Attack:
        shown = self._random.choice(self._shown)
        how = self._random.choice(["gzip", "x-gzip", "deflate", "zstd", "br", "identity, gzip", f"gzip;{MARK}"])
        packed = _packed(how, shown.body) if self._random.random() < 0.3 else _bomb(how)
        return self._sent("compressed", shown, packed, content_encoding=how)

    def _pictures(self) -> Attack:
        """A few bytes that say to be a thousand million pixels; or a body that ends too soon; or none."""
        width = self._random.choice([0, 1, 30_000, 2**31 - 1, 2**32 - 1])
        header = struct.pack(">IIBBBBB", width, width, 8, self._random.randrange(8), 0, 0, 0)
        made = b"\x89PNG\r\n\x1a\n"
        for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1 << 20))), (b"IEND", b"")):
            checksum = zlib.crc32(name + data) if self._random.random() < 0.9 else 7
            made += struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)
        made = made[: self._random.choice([8, 20, 33, 60, len(made)])]
        shown = Shown("/v1/models/pictures/predict", made)
        if self._random.random() < 0.4:
            form = f'--b\r\nContent-Disposition: form-data; name="f"; filename="{MARK}"\r\n\r\n'.encode()
            parts = self._random.choice([1, 3, 2000])
            ending = self._random.choice([b"\r\n--b--\r\n", b"\r\n--b", b""])
            body = (form + made[:40] + b"\r\n") * (parts - 1) + form + made + ending
            return self._sent("pictures", shown, body, content_type="multipart/form-data; boundary=b")
        return self._sent("pictures", shown, made, content_type=self._random.choice(["image/png", "image/jpeg"]))

    def _headers(self) -> Attack:
        shown = self._random.choice(self._shown)
        name, value = header(self._random, self._key["authorization"])
        return self._sent("headers", shown, shown.body, **{name: value})

    def _paths(self) -> Attack:
        method = self._random.choice(METHODS)
        return Attack("paths", (request(path(self._random), b"{}", {**self._key, **JSON}, method),))

    def _lengths(self) -> Attack:
        shown = self._random.choice(self._shown)
        length = len(shown.body)
        told = self._random.choice(
            [*map(str, (length - 1, length + 5, 0, -1, 10**12, 10**30)), *LENGTHS, f"{length}, {length}"]
        )
        data = request(shown.path, shown.body, {**self._key, **JSON, "content-length": told})
        return Attack("lengths", (data,), framed=False)

    def _smuggled(self) -> Attack:
        return Attack("smuggled", (smuggled(self._random, self._key["authorization"]),), framed=False)

    def _garbage(self) -> Attack:
        return Attack("garbage", (garbage(self._random),), framed=False)

    def _slow(self) -> Attack:
        shown = self._random.choice(self._shown)
        data = request(shown.path, shown.body, {**self._key, **JSON})
        cuts = sorted(self._random.choices(range(1, len(data)), k=5))
        pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        kept = pieces if self._random.random() < 0.6 else pieces[:-1]
        return Attack("slow", tuple(each for each in kept if each), framed=False)


@lru_cache
def _bomb(how: str) -> bytes:
    """Some kilobytes that become four megabytes of JSON."""
    return _packed(how, b"[" + b"1," * (2 << 20) + b"1]")


def _packed(how: str, data: bytes) -> bytes:
    import zstandard

    match how:
        case "deflate":
            return zlib.compress(data)
        case "zstd":
            return zstandard.compress(data)
    return gzip.compress(data, mtime=0)
