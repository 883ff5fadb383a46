"""What every source must do: stable fingerprints, whole batches, the same rows twice, clear failures."""

from __future__ import annotations

import gzip
import json
import sqlite3
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from aiaas import plugins
from aiaas.contracts import Origin, Source, SourceContext, SourceParams
from aiaas.errors import DataError, MissingPackageError, RemoteError
from aiaas.sources import _exchange, crawl, http, hub, remote, sql
from tests import apiserver, crawlsite
from tests.fileserver import Site, serve

ROWS = 12_345


@dataclass(frozen=True)
class Case:
    """A source with real rows to read: `params` of them, and `gone` of the same where nothing is."""

    source: Source
    params: SourceParams
    gone: SourceParams
    context: SourceContext
    rows: int = ROWS


def _texts() -> list[str]:
    return [f"{number} 房间很干净" for number in range(ROWS)]


def _write(folder: Path, ending: str) -> None:
    path = folder / f"rows{ending}"
    match ending:
        case ".csv" | ".tsv":
            comma = "," if ending == ".csv" else "\t"
            path.write_text("".join(f"{text}{comma}{n}\n" for n, text in enumerate(["text", *_texts()])), "utf-8")
        case ".jsonl.gz":
            path.write_bytes(gzip.compress("".join(json.dumps({"text": text}) + "\n" for text in _texts()).encode()))
        case ".txt":
            path.write_text("\n".join(_texts()), "utf-8")
        case ".parquet":
            import pyarrow as pa
            from pyarrow import parquet

            parquet.write_table(pa.table({"text": _texts(), "n": range(ROWS)}), path)


def _file(ending: str) -> Callable[[Path, pytest.MonkeyPatch], Iterator[Case]]:
    def make(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Case]:
        _write(folder, ending)
        source = plugins.source("rows")
        params, gone = source.Params(source=f"rows{ending}"), source.Params(source=f"gone{ending}")
        yield Case(source, params, gone, SourceContext(folder, folder / "cache"))

    return make


def _folders(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Case]:
    for label in ("neg", "pos"):
        (folder / "rows" / label).mkdir(parents=True)
        for number in range(700):
            (folder / "rows" / label / f"{number}.txt").write_text(f"{label} {number}")
    source = plugins.source("rows")
    params, gone = source.Params(source="rows"), source.Params(source="gone")
    yield Case(source, params, gone, SourceContext(folder, folder / "cache"), rows=1400)


def _pictures(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Case]:
    for number in range(1400):
        path = folder / "rows" / ("red", "blue")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x89PNG" + bytes([number % 256]))
    source = plugins.source("rows")
    params, gone = source.Params(source="rows"), source.Params(source="gone")
    yield Case(source, params, gone, SourceContext(folder, folder / "cache"), rows=1400)


def _arrays(ending: str) -> Callable[[Path, pytest.MonkeyPatch], Iterator[Case]]:
    def make(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Case]:
        pixels, labels = np.arange(1400 * 6, dtype=np.uint8).reshape(1400, 2, 3), np.arange(1400, dtype=np.uint8)
        how: dict[str, Any] = {}
        path = folder / f"rows{ending}"
        if ending == ".npz":
            np.savez_compressed(path, image=pixels, label=labels)
        elif ending == ".csv":
            np.savetxt(path, pixels.reshape(1400, 6), "%d", ",")
            how = {"format": "pixels", "shape": [2, 3]}
        else:
            path.write_bytes(struct.pack(">HBB3I", 0, 8, 3, *pixels.shape) + pixels.tobytes())
            (folder / "labels.idx").write_bytes(struct.pack(">HBBI", 0, 8, 1, len(labels)) + labels.tobytes())
            how = {"format": "idx", "labels": "labels.idx"}
        source = plugins.source("rows")
        params = source.Params.model_validate({"source": path.name, **how})
        gone = source.Params.model_validate({"source": f"gone{ending}", **how})
        yield Case(source, params, gone, SourceContext(folder, folder / "cache"), rows=1400)

    return make


def _workbook(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Case]:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    for line in (["text", "n"], *([text, n] for n, text in enumerate(_texts()))):
        sheet.append(line)
    book.save(folder / "rows.xlsx")
    yield from _named(folder, "rows.xlsx", "gone.xlsx")


def _page(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Case]:
    lines = "".join(f"<tr><td>{text}</td><td>{n}</td></tr>" for n, text in enumerate(_texts()))
    (folder / "rows.html").write_text(f"<table><tr><th>text</th><th>n</th></tr>{lines}</table>", "utf-8")
    yield from _named(folder, "rows.html", "gone.html")


def _arrow(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Case]:
    import pyarrow as pa
    from pyarrow import feather

    feather.write_feather(pa.table({"text": _texts()}), folder / "rows.arrow")
    yield from _named(folder, "rows.arrow", "gone.arrow")


def _saved(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Case]:
    import datasets

    whole = datasets.Dataset.from_dict({"text": _texts()})
    parts = {"train": whole.select(range(10_000)), "test": whole.select(range(10_000, ROWS))}
    datasets.DatasetDict(parts).save_to_disk(str(folder / "rows"))
    yield from _named(folder, "rows", "gone")


def _archive(ending: str) -> Callable[[Path, pytest.MonkeyPatch], Iterator[Case]]:
    def make(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Case]:
        _write(folder, ".csv")
        if ending == ".zip":
            with zipfile.ZipFile(folder / "rows.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
                zipped.write(folder / "rows.csv", "inner/rows.csv")
        else:
            with tarfile.open(folder / "rows.tar.gz", "w:gz") as tar:
                tar.add(folder / "rows.csv", "inner/rows.csv")
        yield from _named(folder, f"rows{ending}", f"gone{ending}")

    return make


def _named_pictures(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Case]:
    (folder / "pics").mkdir()
    for number in range(1400):
        (folder / "pics" / f"{number}.png").write_bytes(b"\x89PNG" + bytes([number % 256]))
    lines = "".join(f"{number}.png,{number % 2}\n" for number in range(1400))
    (folder / "rows.csv").write_text(f"image,label\n{lines}")
    yield from _named(folder, "rows.csv", "gone.csv", rows=1400, picture_folder="pics")


def _named(folder: Path, name: str, gone: str, rows: int = ROWS, **said: Any) -> Iterator[Case]:
    source = plugins.source("rows")
    params, lost = source.Params(source=name, **said), source.Params(source=gone, **said)
    yield Case(source, params, lost, SourceContext(folder, folder / "cache"), rows=rows)


def _sql(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Case]:
    with sqlite3.connect(folder / "rows.db") as connection:
        connection.execute("CREATE TABLE rows (n INTEGER PRIMARY KEY, text TEXT)")
        connection.executemany("INSERT INTO rows VALUES (?, ?)", enumerate(_texts()))
    connection.close()
    query = "SELECT text, n FROM rows ORDER BY n"
    params, gone = (sql.Params(source=f"sql:sqlite:///{name}.db", query=query) for name in ("rows", "gone"))
    yield Case(plugins.source("sql:"), params, gone, SourceContext(folder, folder / "cache"))


def _remote(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Case]:
    import fsspec

    _write(folder, ".parquet")
    system, name = fsspec.filesystem("memory"), folder.name
    system.pipe(f"/{name}/rows.parquet", (folder / "rows.parquet").read_bytes())
    params, gone = (remote.Params(source=f"memory://{name}/{each}.parquet") for each in ("rows", "gone"))
    yield Case(plugins.source("memory:"), params, gone, SourceContext(folder, folder / "cache"))
    system.rm(f"/{name}", recursive=True)


def _package(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Case]:
    (folder / "conformance_sample").mkdir()
    _write(folder / "conformance_sample", ".txt")
    patch.syspath_prepend(str(folder))
    source = plugins.source("package:")
    params = source.Params(source="package:conformance_sample/rows.txt")
    gone = source.Params(source="package:no_such_package/rows.txt")
    yield Case(source, params, gone, SourceContext(folder, folder / "cache"))


def _http(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Case]:
    _write(folder, ".parquet")
    with serve(Site({"/rows.parquet": (folder / "rows.parquet").read_bytes()})) as site:
        params, gone = (http.Params(source=f"{site.url}/{name}.parquet") for name in ("rows", "gone"))
        yield Case(plugins.source(site.url), params, gone, SourceContext(folder, folder / "cache"))


def _api(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Case]:
    patch.setattr(_exchange, "BACK_OFF", 0.0)
    rows = [{"text": text} for text in _texts()]
    pages = {"by": "cursor", "cursor": "$.after"}
    with apiserver.serve(apiserver.Api(rows=rows, size=1000)) as api:
        params, gone = (
            http.Params.model_validate(
                {"source": f"{api.url}/{path}", "api": {"rows": "$.items[*]", "per_second": 1000.0, "pages": pages}}
            )
            for path in ("cursor", "gone")
        )
        yield Case(plugins.source(api.url), params, gone, SourceContext(folder, folder / "cache"))


def _crawl(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Case]:
    patch.setattr(_exchange, "BACK_OFF", 0.0)
    with crawlsite.serve(crawlsite.Site(pages=250)) as site:
        params, gone = (
            crawl.Params(source=f"crawl:{url}/", private=True, delay=0) for url in (site.url, "http://127.0.0.1:9")
        )
        yield Case(plugins.source("crawl:"), params, gone, SourceContext(folder, folder / "cache"), rows=250)


def _hub(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Case]:
    """The one call that needs the hub is answered by a local folder of the same format."""
    (folder / "data").mkdir()
    _write(folder / "data", ".parquet")
    opened = hub.open_dataset
    patch.setattr(hub, "open_dataset", lambda name, params, commit: opened(str(folder / "data"), params, None))
    params = hub.Params(source="hf:someone/rows", revision="0" * 40)
    patch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    yield Case(plugins.source("hf:"), params, hub.Params(source="hf:someone/gone"), SourceContext(folder, folder / "c"))


CASES: dict[str, Callable[[Path, pytest.MonkeyPatch], Iterator[Case]]] = {
    "files csv": _file(".csv"),
    "files tsv": _file(".tsv"),
    "files jsonl.gz": _file(".jsonl.gz"),
    "files lines": _file(".txt"),
    "files parquet": _file(".parquet"),
    "files folders": _folders,
    "files pictures": _pictures,
    "files idx": _arrays(".idx"),
    "files npz": _arrays(".npz"),
    "files pixels": _arrays(".csv"),
    "files excel": _workbook,
    "files html": _page,
    "files arrow": _arrow,
    "files saved by datasets": _saved,
    "files zip": _archive(".zip"),
    "files tar.gz": _archive(".tar.gz"),
    "files pictures named by a table": _named_pictures,
    "package": _package,
    "remote": _remote,
    "sql": _sql,
    "http": _http,
    "http api": _api,
    "crawl": _crawl,
    "hub": _hub,
}


@pytest.fixture(params=CASES)
def given(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    yield from CASES[request.param](tmp_path, monkeypatch)


def rows(given: Case) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for batch in given.source.read(given.params, given.context):
        for name, values in batch.items():
            found.setdefault(name, []).extend(values)
    return found


def test_every_source_is_here() -> None:
    assert {name.split()[0] for name in CASES} == set(plugins.names("sources"))


def test_it_answers_to_its_schemes(given: Case) -> None:
    for scheme in given.source.SCHEMES:
        assert plugins.source(f"{scheme}:x" if scheme else "x") is given.source


def test_its_fingerprint_is_stable_flat_json(given: Case) -> None:
    before = dict(given.source.fingerprint(given.params, given.context))
    assert json.loads(json.dumps(before)) == before
    assert all(value is None or isinstance(value, str | int | float | bool) for value in before.values())
    rows(given)
    assert dict(given.source.fingerprint(given.params, given.context)) == before


def test_its_batches_are_whole_and_of_a_size(given: Case) -> None:
    total = 0
    for batch in given.source.read(given.params, given.context):
        (size,) = {len(values) for values in batch.values()}
        assert 0 < size <= 10_000
        assert all(isinstance(values, list) for values in batch.values())
        total += size
    assert total == given.rows


def test_it_gives_the_same_rows_in_the_same_order_twice(given: Case) -> None:
    found = rows(given)
    assert found == rows(given)
    if given.rows == ROWS:
        assert found["text"] == _texts()


def test_it_tells_where_its_rows_came_from(given: Case) -> None:
    rows(given)
    origins = given.source.origins(given.params, given.context)
    assert origins
    for origin in origins:
        assert isinstance(origin, Origin)
        assert origin.sha256 is None or len(origin.sha256) == 64


def test_it_refuses_an_unknown_parameter(given: Case) -> None:
    with pytest.raises(ValidationError, match="colour"):
        type(given.params).model_validate({**given.params.model_dump(exclude_unset=True), "colour": "red"})


def test_its_parameters_are_described(given: Case) -> None:
    for name, field in type(given.params).model_fields.items():
        assert field.description, name


@pytest.mark.parametrize("call", ["fingerprint", "read"])
def test_what_is_gone_is_named(given: Case, call: str) -> None:
    with pytest.raises((DataError, MissingPackageError, RemoteError)) as caught:
        list(getattr(given.source, call)(given.gone, given.context))
    assert caught.value.where == given.gone.source
    assert caught.value.hint
