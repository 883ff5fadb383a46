"""Workbooks, tables of web pages, Arrow files and what the library datasets saved."""

from __future__ import annotations

import datetime
import zipfile
from pathlib import Path
from typing import Any

import pytest
from test_sources_files import context, failure, rows

from aiaas.contracts import SourceContext
from aiaas.sources import _arrow, _excel, _html, files

# --- Excel ---------------------------------------------------------------------------------------------------------


def workbook(path: Path, **sheets: list[list[Any]]) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, lines in sheets.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
    book.save(path)


def test_a_sheet_has_types(tmp_path: Path) -> None:
    day = datetime.datetime(2026, 1, 2)
    workbook(tmp_path / "a.xlsx", One=[["text", "n", "x", "ok", "day"], ["房间", 1, 0.5, True, day], ["NA", 2, 3]])
    assert rows(tmp_path, "a.xlsx") == {
        "text": ["房间", None],
        "n": [1, 2],
        "x": [0.5, 3],
        "ok": [True, None],
        "day": [day, None],
    }


def test_which_sheet_is_read(tmp_path: Path) -> None:
    workbook(tmp_path / "a.xlsx", One=[["n"], [1]], Two=[["n"], [2]])
    warnings: list[str] = []
    assert rows(tmp_path, "a.xlsx", warnings) == {"n": [1]}
    assert warnings == ["a.xlsx: the first sheet, 'One', is read; there are others: Two"]
    assert rows(tmp_path, "a.xlsx", sheet="Two") == rows(tmp_path, "a.xlsx", sheet=2) == {"n": [2]}
    for wrong in ("Too", 3, 0):
        error = failure(tmp_path, "a.xlsx", sheet=wrong)
        assert error.message == f"it has no sheet {wrong!r}; there are: 'One', 'Two'"
    assert "did you mean 'Two'" in str(failure(tmp_path, "a.xlsx", sheet="Too").hint)


def test_the_header_and_empty_rows(tmp_path: Path) -> None:
    lines = [["made on Monday"], [], ["n", None, "t"], [1, 2, "x"], [], [None, None, "y"]]
    workbook(tmp_path / "a.xlsx", One=lines)
    assert rows(tmp_path, "a.xlsx", skip_rows=2) == {"n": [1, None], "column_2": [2, None], "t": ["x", "y"]}
    (batch,) = files.read(files.Params(source="a.xlsx", skip_rows=2), context(tmp_path))
    assert [batch.where(row) for row in range(2)] == ["a.xlsx#One:4", "a.xlsx#One:6"]  # type: ignore[attr-defined]
    assert rows(tmp_path, "a.xlsx", skip_rows=3, names=["a", "b", "c"])["c"] == ["x", "y"]
    assert "header row is empty" in failure(tmp_path, "a.xlsx", skip_rows=1).message


def test_errors_of_cells_and_rows_too_long_are_told(tmp_path: Path) -> None:
    workbook(tmp_path / "a.xlsx", One=[["n", "m"], [1, "#DIV/0!"], [1, 2, 3], ["#N/A", 4], [5, 6]])
    error = failure(tmp_path, "a.xlsx")
    assert error.message == ("2 malformed rows: line 2: a cell holds the error #DIV/0!; line 3: 3 cells instead of 2")
    assert error.where == "a.xlsx#One:2"
    assert rows(tmp_path, "a.xlsx", on_error="skip") == {"n": [None, 5], "m": [4, 6]}


def test_what_is_no_workbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"\xd0\xcf\x11\xe0 old or encrypted")
    assert "no workbook" in failure(tmp_path, "a.xlsx").message
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    assert "cannot be read as a workbook" in failure(tmp_path, "b.xlsx").message
    workbook(tmp_path / "c.xlsx", One=[["n"], [1]])
    monkeypatch.setattr(_excel, "MOST", 1000)
    assert "1,000 are read" in failure(tmp_path, "c.xlsx").message


def test_a_workbook_that_multiplies_entities(tmp_path: Path) -> None:
    workbook(tmp_path / "a.xlsx", One=[["n"], ["x"]])
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha" * 50}">' for n in range(10))
    with zipfile.ZipFile(tmp_path / "a.xlsx") as old, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if "sheet1" in name:
                text = data.decode().removeprefix("<?xml version='1.0' encoding='UTF-8'?>").replace(">x<", ">&l9;<")
                data = f"<!DOCTYPE x [{laughs}]>{text}".encode()
            new.writestr(name, data)
    assert "cannot be read as a workbook" in failure(tmp_path, "b.xlsx").message


# --- HTML ----------------------------------------------------------------------------------------------------------

PAGE = """<html><head><meta charset="{charset}"><title>x</title></head><body>
<table><tr><td>menu</td></tr></table>
<table id="reviews"><caption>评论</caption>
<thead><tr><th>text</th><th>label</th><th>n</th></tr></thead>
<tr><td>房间<b>很</b> 干净<script>alert(1)</script></td><td rowspan=2>pos</td><td>1</td></tr>
<tr><td>  服务 好\n </td><td>2</td></tr>
<tr><td colspan=2>neg</td><td>NA</td></tr>
</table></body></html>"""


def test_a_table_of_a_page(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(PAGE.format(charset="utf-8"), "utf-8")
    expected = {"text": ["房间很 干净", "服务 好", "neg"], "label": ["pos", "pos", "neg"], "n": [1, 2, None]}
    for table in (2, "reviews", "评论"):
        assert rows(tmp_path, "a.html", table=table) == expected
    (tmp_path / "b.htm").write_bytes(PAGE.format(charset="gbk").encode("gbk"))
    assert rows(tmp_path, "b.htm", table=2) == expected


def test_a_page_that_is_not_in_the_encoding_that_it_says(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(PAGE.format(charset="utf-8").encode("gbk"))
    error = failure(tmp_path, "a.html", table=2)
    assert "is not UTF-8" in error.message
    assert error.where == "a.html:3"
    assert rows(tmp_path, "a.html", table=2, encoding="gb18030")["label"] == ["pos", "pos", "neg"]


def test_which_table_is_asked(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(PAGE.format(charset="utf-8"), "utf-8")
    error = failure(tmp_path, "a.html")
    assert error.message == "2 tables could be meant"
    assert "1: 1 rows (menu); 2: reviews, 4 rows (text, label, n)" in str(error.hint)
    assert failure(tmp_path, "a.html", table=3).message == "there is no table 3"
    (tmp_path / "b.html").write_text("<p>nothing")
    assert failure(tmp_path, "b.html").message == "there is no table"


def test_a_column_that_is_not_all_numbers_is_told(tmp_path: Path) -> None:
    lines = "".join(f"<tr><td>{n}</td></tr>" for n in range(20))
    (tmp_path / "a.html").write_text(f"<table><tr><th>n</th></tr>{lines}<tr><td>many</td></tr></table>")
    warnings: list[str] = []
    rows(tmp_path, "a.html", warnings)
    told = "a.html#1: column 'n' is kept as text, for line 22 holds 'many'; before it stand 20 numbers"
    assert warnings == [told]


def test_broken_pages_and_ragged_rows(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<table><tr><th>a<th>b<tr><td>1<td>2<tr><td>3<td>4<td>5<tr><td>6<td>7")
    assert failure(tmp_path, "a.html").message == "1 malformed row: line 3: 3 cells instead of 2"
    assert rows(tmp_path, "a.html", on_error="skip") == {"a": [1, 6], "b": [2, 7]}


def test_a_table_of_spans_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_html, "MOST_CELLS", 10_000)
    (tmp_path / "a.html").write_text("<table>" + "<tr>" + "<td colspan=1000 rowspan=65534>x" * 50)
    assert "more than 10,000 cells" in failure(tmp_path, "a.html").message
    monkeypatch.setattr(_html, "MOST_BYTES", 100)
    assert "100 are read" in failure(tmp_path, "a.html").message


def test_a_page_nested_10_000_deep(tmp_path: Path) -> None:
    deep = "<div>" * 10_000 + "x" + "</div>" * 10_000
    (tmp_path / "a.html").write_text(f"<table><tr><th>a<th>b<tr><td>1<td>2</table>{deep}<table>{'<table>' * 3000}")
    assert rows(tmp_path, "a.html", table=1) == {"a": [1], "b": [2]}


def test_pages_in_class_folders_stay_documents(tmp_path: Path) -> None:
    for kind in ("ham", "spam"):
        (tmp_path / "mail" / kind).mkdir(parents=True)
        (tmp_path / "mail" / kind / "1.html").write_text(f"<p>{kind}")
    assert rows(tmp_path, "mail") == {"text": ["<p>ham", "<p>spam"], "label": ["ham", "spam"]}


# --- Arrow ---------------------------------------------------------------------------------------------------------


def test_files_streams_and_feather(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa
    from pyarrow import feather

    table = pa.table({"text": [f"{n} 房间" for n in range(25_000)], "n": range(25_000)})
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with pa.OSFile(str(tmp_path / "b.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    feather.write_feather(table, tmp_path / "c.feather")
    for name in ("a.arrow", "b.arrow", "c.feather"):
        assert rows(tmp_path, name) == table.to_pydict()
    monkeypatch.setattr(_arrow, "_BYTES", 1000)
    batches = list(files.read(files.Params(source="b.arrow"), context(tmp_path)))
    assert max(len(batch["n"]) for batch in batches) < 100
    assert sum(len(batch["n"]) for batch in batches) == 25_000


def test_damaged_arrow_files(tmp_path: Path) -> None:
    import pyarrow as pa

    table = pa.table({"text": ["abc"] * 1000})
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    whole = (tmp_path / "a.arrow").read_bytes()
    for data in (whole[:400], b"ARROW1" + b"x" * 300, b"FEA1" + b"x" * 300, b"nothing of the kind", b"\0" * 500):
        (tmp_path / "a.arrow").write_bytes(data)
        assert failure(tmp_path, "a.arrow").where == "a.arrow"
    wild = bytearray(whole)
    at = whole.index((3).to_bytes(4, "little") + (6).to_bytes(4, "little"))  # where the texts begin
    wild[at : at + 4] = (2**31 - 8).to_bytes(4, "little")
    (tmp_path / "a.arrow").write_bytes(wild)
    assert "cannot be read as Arrow" in failure(tmp_path, "a.arrow").message


def saved(path: Path, **splits: list[dict[str, Any]]) -> None:
    import datasets

    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])})
    made = {name: datasets.Dataset.from_list(lines, features=features) for name, lines in splits.items()}
    (made[""] if "" in splits else datasets.DatasetDict(made)).save_to_disk(str(path))


GOOD, BAD = {"text": "good", "label": 1}, {"text": "bad", "label": 0}


def test_a_dataset_saved_to_disk(tmp_path: Path) -> None:
    saved(tmp_path / "d", **{"": [GOOD, BAD, {"text": "?", "label": -1}]})
    assert rows(tmp_path, "d") == {"text": ["good", "bad", "?"], "label": ["pos", "neg", None]}
    (origin,) = files.origins(files.Params(source="d"), context(tmp_path))
    assert origin.location == "d/data-00000-of-00001.arrow"


def test_a_dictionary_of_splits_keeps_them(tmp_path: Path) -> None:
    saved(tmp_path / "d", train=[GOOD, BAD], test=[GOOD])
    batches = list(files.read(files.Params(source="d"), SourceContext(tmp_path, tmp_path / "cache")))
    assert [(batch.split, batch["text"]) for batch in batches] == [  # type: ignore[attr-defined]
        ("train", ["good", "bad"]),
        ("test", ["good"]),
    ]
    assert rows(tmp_path, "d/test") == {"text": ["good"], "label": ["pos"]}
    saved(tmp_path / "e", train=[GOOD], extra=[BAD])
    error = failure(tmp_path, "e")
    assert "the folder holds the split 'extra'" in error.message
    assert "{source: e/extra, split: train}" in str(error.hint)


def test_a_saved_folder_that_is_not_whole(tmp_path: Path) -> None:
    saved(tmp_path / "d", **{"": [GOOD]})
    (tmp_path / "d" / "data-00000-of-00001.arrow").rename(tmp_path / "away.arrow")
    assert "is not in the folder" in failure(tmp_path, "d").message
    (tmp_path / "d" / "state.json").write_text('{"_data_files": [{"filename": "../away.arrow"}]}')
    assert "'../away.arrow' is not in the folder" in failure(tmp_path, "d").message
    (tmp_path / "d" / "state.json").write_text("[" * 100_000)
    assert "cannot be read as JSON" in failure(tmp_path, "d").message


def test_labels_of_parquet_have_their_names(tmp_path: Path) -> None:
    import datasets

    features = datasets.Features({"label": datasets.ClassLabel(names=["neg", "pos"])})
    datasets.Dataset.from_list([{"label": 1}, {"label": 0}], features=features).to_parquet(str(tmp_path / "a.parquet"))
    assert rows(tmp_path, "a.parquet") == {"label": ["pos", "neg"]}


# --- tables that name pictures -------------------------------------------------------------------------------------


def test_pictures_named_by_a_table(tmp_path: Path) -> None:
    (tmp_path / "pics" / "a").mkdir(parents=True)
    for name in ("pics/1.png", "pics/a/2.png", "3.png"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "a.csv").write_text("file,label\n1.png,x\na/2.png,y\n,z\n")
    said = {"picture_folder": "pics", "columns": {"image": "file"}}
    assert rows(tmp_path, "a.csv", **said)["file"] == [b"pics/1.png", b"pics/a/2.png", None]
    before = files.fingerprint(files.Params(source="a.csv", **said), context(tmp_path))
    assert set(before) == {"a.csv", "a.csv, 2 files in pics"}
    (tmp_path / "pics/1.png").write_bytes(b"other")
    assert files.fingerprint(files.Params(source="a.csv", **said), context(tmp_path)) != before
    assert len(files.origins(files.Params(source="a.csv", **said), context(tmp_path))) == 2
    (tmp_path / "b.jsonl").write_text('{"image": "3.png"}\n')
    assert rows(tmp_path, "b.jsonl", picture_folder=".") == {"image": [b"3.png"]}


def test_missing_pictures_are_named(tmp_path: Path) -> None:
    (tmp_path / "pics").mkdir()
    (tmp_path / "pics" / "1.png").write_bytes(b"1")
    (tmp_path / "a.csv").write_text("image,label\n0.png,w\n1.png,x\n2.png,y\n1.png,z\n")
    error = failure(tmp_path, "a.csv", picture_folder="pics")
    assert error.message == "2 pictures are missing in pics: 0.png (a.csv:2); 2.png (a.csv:4)"
    kept: list[Any] = []
    around = SourceContext(tmp_path, tmp_path / "cache", drop=lambda *row: kept.append(row))
    batches = list(files.read(files.Params(source="a.csv", picture_folder="pics", on_error="skip"), around))
    assert [batch["label"] for batch in batches] == [["x"], ["z"]]
    assert batches[1].where(0) == "a.csv:5"  # type: ignore[attr-defined]
    assert [row[:2] for row in kept] == [(f"a.csv:{n}", "its picture is missing") for n in (2, 4)]
    assert "is no folder beside it" in failure(tmp_path, "a.csv", picture_folder="nowhere").message


@pytest.mark.parametrize("name", ["../secret.png", "/etc/hostname", "link.png", "a/../../secret.png"])
def test_nothing_outside_the_folder_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "pics" / "a").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(b"secret")
    (tmp_path / "pics" / "link.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "a.csv").write_text(f"image\n{name}\n")
    error = failure(tmp_path, "a.csv", picture_folder="pics")
    assert error.message == f"the picture {name!r} lies outside picture_folder"
    assert error.where == "a.csv:2"
