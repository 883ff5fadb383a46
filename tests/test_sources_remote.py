"""The source `remote`: files of stores that fsspec opens, in memory and over S3 on loopback."""

from __future__ import annotations

import gzip
import hashlib
import io
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from aiaas import plugins
from aiaas.contracts import SourceContext
from aiaas.errors import AiaasError, DataError, MissingPackageError, RemoteError
from aiaas.sources import _patience, digest_of, remote
from tests.objectstore import Store, serve

CSV = b"text,label\ngood,1\nbad,0\n"


def context(base: Path, **more: Any) -> SourceContext:
    return SourceContext(base, base / "cache", **more)


def rows(params: remote.Params, around: SourceContext) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for batch in remote.read(params, around):
        for name, values in batch.items():
            found.setdefault(name, []).extend(values)
    return found


def failure(params: remote.Params, around: SourceContext) -> AiaasError:
    with pytest.raises(AiaasError) as caught:
        rows(params, around)
    return caught.value


@pytest.fixture
def put() -> Iterator[Any]:
    """Puts files into the store in memory, in a folder of this test's own; gives the address."""
    import fsspec

    system, folder = fsspec.filesystem("memory"), uuid.uuid4().hex

    def write(**named: bytes) -> str:
        for name, data in named.items():
            system.pipe(f"/{folder}/{name.replace('__', '/').replace('_', '.')}", data)
        return f"memory://{folder}"

    yield write
    if system.exists(f"/{folder}"):
        system.rm(f"/{folder}", recursive=True)


# --- memory --------------------------------------------------------------------------------------------------------


def test_a_file_a_pattern_and_folders_of_classes(tmp_path: Path, put: Any) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("x/a.csv", CSV)
    url = put(a_csv=CSV, b_csv=b"text,label\nfine,1\n", pos__1_txt=b"yes", neg__1_txt=b"no", c_zip=packed.getvalue())
    assert rows(remote.Params(source=f"{url}/a.csv"), context(tmp_path)) == {"text": ["good", "bad"], "label": [1, 0]}
    assert rows(remote.Params(source=f"{url}/*.csv"), context(tmp_path))["text"] == ["good", "bad", "fine"]
    assert rows(remote.Params(source=url), context(tmp_path)) == {"text": ["no", "yes"], "label": ["neg", "pos"]}
    assert rows(remote.Params(source=f"{url}/c.zip"), context(tmp_path))["text"] == ["good", "bad"]
    (origin,) = remote.origins(remote.Params(source=f"{url}/a.csv", licence="MIT"), context(tmp_path))
    assert (origin.location, origin.bytes, origin.licence) == (f"{url}/a.csv", len(CSV), "MIT")
    assert origin.sha256 == hashlib.sha256(CSV).hexdigest()
    assert plugins.source(url) is remote


def test_what_is_there_is_not_asked_after_again(tmp_path: Path, put: Any) -> None:
    url = put(a_csv=CSV)
    params = remote.Params(source=f"{url}/a.csv")
    before = dict(remote.fingerprint(params, context(tmp_path)))
    assert rows(params, context(tmp_path))["text"] == ["good", "bad"]
    put(a_csv=b"text,label\nnew,1\n")
    assert dict(remote.fingerprint(params, context(tmp_path))) == before
    assert rows(params, context(tmp_path, offline=True))["text"] == ["good", "bad"]
    assert dict(remote.fingerprint(params, context(tmp_path, refresh=True))) != before
    assert rows(params, context(tmp_path, refresh=True))["text"] == ["new"]


def test_a_pin_is_of_all_files_and_a_new_one_fetches_them_anew(tmp_path: Path, put: Any) -> None:
    url = put(a_csv=CSV, b_csv=b"text,label\nfine,1\n")

    def digest(name: str, around: SourceContext) -> str:
        params = remote.Params(source=f"{url}/{name}")
        rows(params, around)
        return str(digest_of(remote.origins(params, around)))

    one, both = (digest(name, context(tmp_path / "other")) for name in ("a.csv", "*.csv"))
    assert one == hashlib.sha256(CSV).hexdigest() != both
    here = context(tmp_path)
    for name, pin, count in (("a.csv", one, 2), ("*.csv", both, 3)):
        assert len(rows(remote.Params(source=f"{url}/{name}", sha256=pin), here)["text"]) == count
    put(a_csv=b"text,label\nnew,1\n")
    new = digest("a.csv", context(tmp_path / "third"))
    assert (
        "checksum differs"
        in failure(remote.Params(source=f"{url}/a.csv", sha256=new), context(tmp_path, offline=True)).message
    )
    assert rows(remote.Params(source=f"{url}/a.csv", sha256=new), here)["text"] == ["new"]


def test_what_is_gone_or_refused_is_told(tmp_path: Path, put: Any) -> None:
    url = put(a_csv=CSV)
    error = failure(remote.Params(source=f"{url}/b.csv"), context(tmp_path))
    assert (error.message, error.where) == ("there is no such file", f"{url}/b.csv")
    assert "a.csv" in str(error.hint)
    assert "no file matches" in failure(remote.Params(source=f"{url}/*.json"), context(tmp_path)).message
    assert "without sub-folders" in failure(remote.Params(source=url), context(tmp_path)).message
    assert "max_bytes" in failure(remote.Params(source=f"{url}/a.csv", max_bytes=10), context(tmp_path)).message
    assert "checksum" in failure(remote.Params(source=f"{url}/a.csv", sha256="0" * 64), context(tmp_path)).message
    error = failure(remote.Params(source=f"{url}/*.csv"), context(tmp_path, offline=True))
    assert isinstance(error, RemoteError)
    put(b_dat=b"x")
    assert "ending" in failure(remote.Params(source=f"{url}/b.dat"), context(tmp_path)).message
    assert sorted(path.suffix for path in (tmp_path / "cache" / "remote").rglob("*.dat")) == []


def test_a_package_that_is_missing_is_named(tmp_path: Path) -> None:
    error = failure(remote.Params(source="gs://bucket/a.csv"), context(tmp_path))
    assert isinstance(error, MissingPackageError)
    assert error.hint == "pip install gcsfs"


@pytest.mark.parametrize("address", ["s3:bucket/a", "s3://", "zip::s3://bucket/a", "memory://a::file:///etc/passwd"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(ValidationError):
        remote.Params(source=address)


def test_a_store_that_falls_silent_lies_or_breaks_off(
    tmp_path: Path, put: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fsspec

    url = put(a_csv=CSV)
    system = type(fsspec.filesystem("memory"))
    opened, told = system._open, system.info
    monkeypatch.setattr(_patience, "BACK_OFF", 0.01)
    params = remote.Params(source=f"{url}/a.csv", timeout=0.2)

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            import time

            time.sleep(3)
            return b""

    monkeypatch.setattr(system, "_open", lambda self, path, mode="rb", **more: Slow())
    error = failure(params, context(tmp_path))
    assert isinstance(error, RemoteError)
    assert error.message == "the store was silent for 0.2 s"
    calls = []

    def breaking(self: Any, path: str, mode: str = "rb", **more: Any) -> Any:
        calls.append(path)
        if len(calls) < 3:
            raise ConnectionResetError("hung up")
        return opened(self, path, mode, **more)

    monkeypatch.setattr(system, "_open", breaking)
    assert rows(params, context(tmp_path))["text"] == ["good", "bad"]
    assert len(calls) == 3
    monkeypatch.setattr(system, "_open", opened)
    monkeypatch.setattr(system, "info", lambda self, path, **more: {**told(self, path), "size": 99})
    error = failure(params, context(tmp_path / "other"))
    assert isinstance(error, RemoteError)
    assert "gave 24 bytes of a file that it says has 99" in error.message
    assert not [path for path in (tmp_path / "other").rglob("*") if path.suffix in (".csv", ".part")]


# --- S3 ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    pytest.importorskip("s3fs")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(_patience, "BACK_OFF", 0.01)
    objects = {"shop/2026/a.csv": CSV, "shop/2026/b.csv.gz": gzip.compress(b"text,label\nfine,1\n"), "shop/x.txt": b"x"}
    with serve(Store(objects)) as store:
        yield store


def s3(store: Store, path: str, **more: Any) -> remote.Params:
    return remote.Params(source=f"s3://{path}", options={"endpoint_url": store.url}, **more)


def test_objects_of_s3(tmp_path: Path, bucket: Store) -> None:
    params = s3(bucket, "shop/2026/*.csv*")
    found = dict(remote.fingerprint(params, context(tmp_path)))
    assert found == {
        f"s3://shop/2026/{name}": hashlib.md5(bucket.objects[f"shop/2026/{name}"]).hexdigest()
        for name in ("a.csv", "b.csv.gz")
    }
    assert rows(params, context(tmp_path))["text"] == ["good", "bad", "fine"]
    assert rows(s3(bucket, "shop/2026/a.csv"), context(tmp_path))["label"] == [1, 0]
    revisions = [origin.revision for origin in remote.origins(params, context(tmp_path))]
    assert revisions == list(found.values())


def test_a_changed_object_is_another_version(tmp_path: Path, bucket: Store) -> None:
    params = s3(bucket, "shop/2026/a.csv")
    before = dict(remote.fingerprint(params, context(tmp_path)))
    rows(params, context(tmp_path))
    bucket.objects["shop/2026/a.csv"] = b"text,label\nnew,1\n"
    asked = len(bucket.asked)
    assert dict(remote.fingerprint(params, context(tmp_path))) == before
    assert len(bucket.asked) == asked
    assert dict(remote.fingerprint(params, context(tmp_path, refresh=True))) != before
    assert rows(params, context(tmp_path, refresh=True))["text"] == ["new"]


def test_another_key_opens_the_same_files(tmp_path: Path, bucket: Store) -> None:
    asked = []
    for number in range(2):
        options = {"endpoint_url": bucket.url, "key": f"key{number}", "secret": f"hush{number}", "token": "t" * number}
        params = remote.Params(source="s3://shop/2026/a.csv", options=options)
        assert rows(params, context(tmp_path))["text"] == ["good", "bad"]
        asked.append(len(bucket.asked))
    assert asked[0] == asked[1]


def test_what_s3_refuses_is_told_without_secrets(tmp_path: Path, bucket: Store) -> None:
    error = failure(s3(bucket, "shop/2026/c.csv"), context(tmp_path))
    assert isinstance(error, DataError)
    assert "a.csv" in str(error.hint)
    bucket.refuse = 403
    error = failure(s3(bucket, "shop/2026/a.csv"), context(tmp_path))
    assert isinstance(error, RemoteError)
    assert "hush-hush" not in str(error.as_dict())
    bucket.refuse, bucket.silence = 0, 3.0
    error = failure(s3(bucket, "shop/2026/a.csv", timeout=0.3), context(tmp_path))
    assert isinstance(error, RemoteError)


def test_a_slow_line_is_no_silence(tmp_path: Path, bucket: Store) -> None:
    """What is waited for is an answer, not a file: at this pace the whole takes longer than the timeout."""
    bucket.objects["shop/long.txt"] = b"a line of some words\n" * 600_000
    bucket.pace = 4 * 2**20
    told: list[tuple[int, int | None]] = []
    around = context(tmp_path, progress=lambda done, total: told.append((done, total)))
    assert len(rows(s3(bucket, "shop/long.txt", timeout=2.0), around)["text"]) == 600_000
    fetched = [done for done, total in told if total == 12_600_000]
    assert len([done for done in fetched if 0 < done < 12_600_000]) > 2, "how far it is"
