"""Tables of the source `files`: csv, tsv, JSON lines and parquet."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from pydantic import ValidationError
from test_sources_files import context, failure, rows

from aiaas.errors import DataError
from aiaas.sources import files

# --- csv -----------------------------------------------------------------------------------------------------------


def test_types_are_those_of_the_whole_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "whole,real,truth,text,zip,big,mixed,none\n"
        "1,1,true,a,007,12345678901234567890,1.5,\n"
        "-2,2.5e3,False,NA,010,1,x,NA\n"
        ",null,,c,,2,,null\n"
    )
    assert rows(tmp_path, "a.csv") == {
        "whole": [1, -2, None],
        "real": [1.0, 2500.0, None],
        "truth": [True, False, None],
        "text": ["a", None, "c"],
        "zip": ["007", "010", None],
        "big": ["12345678901234567890", "1", "2"],
        "mixed": ["1.5", "x", None],
        "none": [None, None, None],
    }


def test_spaces_around_numbers_are_none_of_them(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n, x, words\n 39, 1.5 , a\n4,2, b\n")
    assert rows(tmp_path, "a.csv") == {"n": [39, 4], " x": [1.5, 2.0], " words": [" a", " b"]}


def test_numbers_with_a_decimal_comma_and_parted_thousands(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n;x;words\n1;2,5;a,b\n-3;,5;c\n;4;d.e\n")
    found = rows(tmp_path, "a.csv", delimiter=";", decimal=",")
    assert found == {"n": [1, -3, None], "x": [2.5, 0.5, 4.0], "words": ["a,b", "c", "d.e"]}
    assert rows(tmp_path, "a.csv", delimiter=";")["x"] == ["2,5", ",5", "4"]
    (tmp_path / "b.csv").write_text("n;x;words\n1.234;1.234.567,5;1.2.3\n-3;0,125;1.234\n12;-45.000;c\n")
    found = rows(tmp_path, "b.csv", delimiter=";", decimal=",", thousands=".")
    assert found == {"n": [1234, -3, 12], "x": [1234567.5, 0.125, -45000.0], "words": ["1.2.3", "1.234", "c"]}
    with pytest.raises(ValidationError, match="cannot be the same"):
        files.Params(source="a.csv", thousands=".")
    with pytest.raises(ValidationError, match="decimal belongs to csv and tsv"):
        files.Params(source="a.jsonl", format="jsonl", decimal=",")


def test_types_hold_from_the_first_row_to_the_last(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n,x\n" + "1,2\n" * 25_000 + "1.5,oops\n")
    warnings: list[str] = []
    found = rows(tmp_path, "a.csv", warnings)
    assert set(map(type, found["n"])) == {float}
    assert set(map(type, found["x"])) == {str}
    assert warnings == [
        "a.csv: column 'x' is kept as text, for line 25002 holds 'oops'; before it stand 25,000 numbers"
    ]


def test_what_stands_for_missing_can_be_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("country,n\nNA,-\nDE,3\n")
    assert rows(tmp_path, "a.csv", missing=["-"]) == {"country": ["NA", "DE"], "n": [None, 3]}


def test_quotes_commas_and_new_lines_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'text,n\r\n"one, ""two""\r\nthree",1\r\n\r\n"x",2\r\n')
    assert rows(tmp_path, "a.csv") == {"text": ['one, "two"\r\nthree', "x"], "n": [1, 2]}
    (batch,) = files.read(files.Params(source="a.csv"), context(tmp_path))
    assert [batch.where(row) for row in range(2)] == ["a.csv:2", "a.csv:5"]  # type: ignore[attr-defined]


def test_tables_without_a_header_or_with_a_preamble(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("made by a machine\n\n1;x\n2;y\n")
    assert rows(tmp_path, "a.csv", skip_rows=2, names=["n", "t"], delimiter=";") == {"n": [1, 2], "t": ["x", "y"]}


def test_tabs_and_plain_quotation_marks(tmp_path: Path) -> None:
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(b'text\tlabel\n"quoted" he said\t1\n'))
    assert "quotes:" in str(failure(tmp_path, "a.tsv.gz").hint)
    assert rows(tmp_path, "a.tsv.gz", quotes=False) == {"text": ['"quoted" he said'], "label": [1]}


def test_ragged_rows_fail_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n1,2\n3\n"x\ny",2\n4,5,6\n' + "7\n" * 6)
    error = failure(tmp_path, "a.csv")
    assert error.message.startswith(
        "8 malformed rows: line 3: 1 field instead of 2; line 6: 3 fields instead of 2; line 7:"
    )
    assert error.message.endswith("; and 3 more")
    assert error.where == "a.csv:3"
    assert "on_error: skip" in str(error.hint)


def test_ragged_rows_are_skipped_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n1,2\n3\n"x"y,1\n4,5\n')
    warnings: list[str] = []
    assert rows(tmp_path, "a.csv", warnings, on_error="skip") == {"a": [1, 4], "b": [2, 5]}
    assert warnings == [
        "a.csv: 2 malformed rows passed over, 2 kept: line 3: 1 field instead of 2; line 4: ',' expected after '\"'"
    ]


def test_a_quotation_mark_that_is_never_closed_is_told_where_it_opens(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n1,2\n"3,4\n5,6\n')
    for on_error in ("fail", "skip"):  # skipping it would lose the rest of the file
        assert failure(tmp_path, "a.csv", on_error=on_error).where == "a.csv:3"


def test_bad_headers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,a\n1,2,3\n")
    assert "twice: 'a'" in failure(tmp_path, "a.csv").message
    assert rows(tmp_path, "a.csv", names=["x", "y", "z"], skip_rows=1) == {"x": [1], "y": [2], "z": [3]}
    (tmp_path / "b.csv").write_text("\n\n")
    assert "header" in failure(tmp_path, "b.csv").message
    (tmp_path / "c.csv").write_text(",b\n0,1\n")
    assert rows(tmp_path, "c.csv") == {"column_1": [0], "b": [1]}
    (tmp_path / "d.csv").write_text("a,b\n")
    assert rows(tmp_path, "d.csv") == {}


def test_long_fields_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n" + "x" * 1_000_000 + "\n")
    assert len(rows(tmp_path, "a.csv")["a"][0]) == 1_000_000


def test_parameters_must_belong_to_the_format() -> None:
    with pytest.raises(ValidationError, match="delimiter belongs to csv and tsv, not to lines"):
        files.Params(source="a.txt", format="lines", delimiter=";")
    with pytest.raises(ValidationError, match="differ"):
        files.Params(source="a.csv", names=["a", "a"])
    with pytest.raises(ValidationError, match="extra"):
        files.Params(source="a.csv", seperator=";")  # type: ignore[call-arg]


# --- JSON lines ----------------------------------------------------------------------------------------------------


def test_json_lines_of_differing_keys(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": 1, "b": "x"}\n\n{"b": null, "c": [1.5, true]}\r\n')
    assert rows(tmp_path, "a.jsonl") == {"a": [1, None], "b": ["x", None], "c": [None, [1.5, True]]}


BAD_LINES = '{"a": 1}\n[1]\n{"a": 2\n{"a": NaN}\n' + "[" * 100_000 + "\n" + '{"a": 3}\n'


def test_bad_json_lines_fail_with_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(BAD_LINES)
    error = failure(tmp_path, "a.jsonl")
    assert error.message.startswith("4 malformed rows: line 2: a JSON list, not an object; line 3: not JSON: ")
    assert "line 4: not JSON: NaN is not JSON; line 5: JSON nested too deeply" in error.message


def test_bad_json_lines_are_skipped_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(BAD_LINES)
    warnings: list[str] = []
    assert rows(tmp_path, "a.jsonl", warnings, on_error="skip") == {"a": [1, 3]}
    assert "4 malformed rows passed over, 2 kept" in warnings[0]


def test_bad_json_far_into_a_file_is_counted_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n' * 60_000 + "x\n" + '{"a": 1}\n' * 60_000 + "y\n")
    assert "2 malformed rows: line 60001" in failure(tmp_path, "a.jsonl").message


# --- parquet -------------------------------------------------------------------------------------------------------


def test_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({"n": [1, None, 3], "t": ["a", "b", None], "x": [0.5, 1.5, 2.5]})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert rows(tmp_path, "a.parquet") == table.to_pydict()
    batch = next(files.read(files.Params(source="a.parquet"), context(tmp_path)))
    assert batch.where(1) == "a.parquet, row 2"  # type: ignore[attr-defined]


def test_large_rows_come_in_small_batches(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    big = [bytes([number]) * 4_000_000 for number in range(20)]
    parquet.write_table(pa.table({"b": big}), tmp_path / "a.parquet", use_dictionary=False, compression="none")
    sizes = [len(batch["b"]) for batch in files.read(files.Params(source="a.parquet"), context(tmp_path))]
    assert sum(sizes) == 20
    assert max(sizes) <= 8


def test_what_is_no_parquet_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("a,b\n1,2\n")
    error = failure(tmp_path, "a.parquet")
    assert isinstance(error, DataError)
    assert "parquet" in error.message


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_compressed_parquet(tmp_path: Path, ending: str) -> None:
    import pyarrow as pa
    import zstandard
    from pyarrow import parquet

    parquet.write_table(pa.table({"text": ["a", "b"], "n": [1, 2]}), tmp_path / "plain")
    compress = gzip.compress if ending == ".gz" else zstandard.compress
    (tmp_path / f"a.parquet{ending}").write_bytes(compress((tmp_path / "plain").read_bytes()))
    assert rows(tmp_path, f"a.parquet{ending}") == {"text": ["a", "b"], "n": [1, 2]}
    assert "max_unpacked" in failure(tmp_path, f"a.parquet{ending}", max_unpacked=100).message


# --- labels in a file of their own -----------------------------------------------------------------------------------


def test_targets_of_a_second_file_stand_beside_the_rows(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1 2\n3 4\n5 6\n")
    (tmp_path / "y.csv").write_text("1.5e2\n7\n8\n")
    found = rows(tmp_path, "x.csv", names=["a", "b"], delimiter=" ", labels="y.csv")
    assert found == {"a": [1, 3, 5], "b": [2, 4, 6], "label": [150.0, 7.0, 8.0]}


@pytest.mark.parametrize(
    ("labels", "told"),
    [("1\n2\n", "2 labels, fewer than x.csv has rows"), ("1\n2\n3\n4\n", "more labels than the 3 rows")],
)
def test_another_number_of_targets_than_rows_is_refused(labels: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a\n1\n2\n3\n")
    (tmp_path / "y.csv").write_text(labels)
    with pytest.raises(DataError, match=told) as caught:
        rows(tmp_path, "x.csv", labels="y.csv")
    assert caught.value.where == "y.csv"


def test_no_row_is_left_out_where_labels_are_told_by_number(tmp_path: Path) -> None:
    """One malformed row in each file: as many are left, and those between would have the labels of others."""
    (tmp_path / "x.csv").write_text("a,b\n1,2\n3\n4,5\n6,7\n")
    (tmp_path / "y.csv").write_text("p\nq\nr,r\ns\n")
    assert "malformed" in failure(tmp_path, "x.csv", labels="y.csv", on_error="skip").message
