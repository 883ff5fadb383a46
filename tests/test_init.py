"""What `init` makes of data: the form of a file, its columns, the model, and a recipe that is a good one."""

from __future__ import annotations

import gzip
import json
import os
import random
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from aiaas import propose, recipe
from aiaas.cli.init import init
from aiaas.errors import AiaasError, DataError, MissingPackageError, UsageError
from aiaas.propose import Asked, choose, decide, form, places, templates
from aiaas.propose.choose import Need
from aiaas.propose.facts import facts
from aiaas.propose.guess import Guess, guess
from aiaas.propose.machine import Machine
from aiaas.propose.proposal import Proposal
from tests.conftest import BAD, GOOD, Aiaas, answer, comments
from tests.picture_toys import red_or_blue

SMALL, LARGE = Machine(1, 2 * 2**30), Machine(8, 32 * 2**30)


def reviews(count: int = 60) -> list[tuple[str, str]]:
    mixed = [(text, "pos") for text in comments(GOOD, count, 1)] + [(text, "neg") for text in comments(BAD, count, 2)]
    random.Random(3).shuffle(mixed)
    return mixed


def proposed(data: Path, asked: Asked | None = None) -> tuple[Proposal, recipe.Recipe]:
    """The proposal, and its recipe as it is read from the file."""
    made = propose.propose(data, data.parent / "it.yaml", asked)
    made.recipe.write_text(made.text, "utf-8")
    return made, recipe.read(made.recipe, environ={})


def table(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return path


# --- the form of a file -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "entry"),
    [
        ("a.csv", "text,label\ngood,1\nbad,0\n", {"format": "csv"}),
        ("a.csv", "text;label\ngood, fine;1\nbad, sad;0\n", {"format": "csv", "delimiter": ";"}),
        ("a.tsv", "text\tlabel\ngood, fine\t1\nbad, sad\t0\n", {"format": "tsv"}),
        ("a.csv", "text\tlabel\ngood, fine\t1\nbad\t0\n", {"format": "csv", "delimiter": "\t"}),
        ("a.txt", "text|label\n" + "good|1\nbad|0\n" * 3, {"format": "csv", "delimiter": "|"}),
        ("a.txt", "One, a sentence.\nTwo\nThree, and, more\n", {"format": "lines"}),
        ("a.txt", "The one, was good.\nThe two, was bad.\n", {"format": "lines"}),
        ("a.csv", "a;b\nx;1,5\ny;2,25\n", {"format": "csv", "delimiter": ";", "decimal": ","}),
        ("a.csv", "a;b\n1.234,5;1\n2,25;2\n", {"format": "csv", "delimiter": ";", "decimal": ",", "thousands": "."}),
        ("a.csv", 'a,b\n"1,234",x\n12,y\n', {"format": "csv", "thousands": ","}),
        ("a.csv", "a;b\n1.234;x\n5.125;y\n", {"format": "csv", "delimiter": ";"}),
        ("a.csv", "a;b\n1.234;1,5\n7;2,5\n", {"format": "csv", "delimiter": ";", "decimal": ",", "thousands": "."}),
        ("a.csv", "a;b\n1.125;x\n7;y\n", {"format": "csv", "delimiter": ";"}),
        ("a.csv", "a;b\n1,234;0,5\n5,125;1,5\n", {"format": "csv", "delimiter": ";", "decimal": ","}),
        ("a.csv", "id,text,text\n1,a,b\n2,c,d\n", {"format": "csv", "names": ["id", "text", "text_3"], "skip_rows": 1}),
        ("a.csv", 'n,text\n1,"a, b"\n2,"c ""d"", e"\n', {"format": "csv"}),
        ("a.tsv", 'n\ttext\n1\t"an open quote\n2\tb\n', {"format": "tsv", "quotes": False}),
        ("a.csv", "Survey of 2024\n\nname,age\nx,1\ny,2\n", {"format": "csv", "skip_rows": 1}),
        ("a.data", "5.1,3.5,setosa\n4.9,3.0,virginica\n", {"format": "csv"}),
        ("a.csv", "n,name\n" + '1,"Braun, Owen"\n2,"Hill, Ann"\n' * 60, {"format": "csv"}),
        ("a.data", "39, State-gov, 77516, <=50K\n50, Private, 83311, >50K\n", {"format": "csv"}),
        ("a.txt", '{"a": 1}\n{"a": 2}\n', {"format": "jsonl"}),
        ("a.json", '[\n {"a": 1}]', {"format": "json"}),
    ],
)
def test_the_form_of_a_file(tmp_path: Path, name: str, text: str, entry: dict[str, Any]) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    found = form.look(tmp_path / name, name)
    assert {"format": name.rpartition(".")[2], **found.entry} == entry


@pytest.mark.parametrize(
    ("encoding", "text", "said"),
    [
        ("utf-8", "很好", None),
        ("gb18030", "这家餐厅的服务非常好，下次还会再来", None),
        ("utf-16", "très bon", None),
        ("utf-16-le", "plain words, but two bytes each", "utf-16-le"),
        ("big5", "這家餐廳的服務非常好，下次還會再來", "big5"),
        ("shift_jis", "この商品はとても良かったです", "shift-jis"),
        ("euc_kr", "이 제품은 정말 좋아요 다시 구매할", "euc-kr"),
        ("cp1252", "Le café était très bon, le garçon fâché, naïve Übergröße", "cp1252"),
    ],
)
def test_the_encoding_is_said_where_a_source_would_not_see_it(
    tmp_path: Path, encoding: str, text: str, said: str | None
) -> None:
    (tmp_path / "a.csv").write_bytes(("text;label\n" + f"{text};x\n" * 20).encode(encoding))
    found = form.look(tmp_path / "a.csv", "a.csv").entry.get("encoding")
    assert (found or "").replace("_", "-") == (said or "")


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        (["text,label", "a long one,x", "another,y"], True),
        (["1,2", "3,4"], False),
        (["age,height", "3,4"], True),
        (["good stuff here,pos", "bad stuff,neg", "more stuff,pos"], False),
        (["alpha,beta", "gamma,delta"], True),
        (["x,x", "y,z"], False),
        (["This was a fine stay.,yes", "That was not.,no"], False),
    ],
)
def test_whether_there_is_a_header(rows: list[str], header: bool) -> None:
    assert form.has_header([row.split(",") for row in rows]) is header


# --- columns ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "kind", "names_rows"),
    [
        (list(range(5, 25)), "whole", True),
        ([3.5, 1, None], "number", False),
        ([f"C-{n}" for n in range(20)], "words", True),
        ([f"word {n}" for n in range(20)], "words", False),
        ([f"2024-01-{n:02}" for n in range(1, 20)], "date", False),
        ([f"{n}/01/2024" for n in range(10, 25)], "date", False),
        ([f"01-{n}-2024" for n in range(10, 25)], "date", False),
        ([f"{n}-Jan-2024" for n in range(10, 25)], "date", False),
        ([f"2024年1月{n}日" for n in range(1, 20)], "date", False),
        ([True, False, None], "truth", False),
        ([b"x"], "file", False),
        ([{"a": 1}], "other", False),
        (["", None, " "], "nothing", False),
        ([f"Mon, {n} Jan 2024 10:00:00 +0000" for n in range(10, 25)], "date", False),
    ],
)
def test_what_a_column_is(values: list[Any], kind: str, names_rows: bool) -> None:
    found = facts("x", values)
    assert (found.kind, found.names_rows) == (kind, names_rows)


@pytest.mark.parametrize(
    ("values", "figure"),
    [
        (["1.234,56", "12,00", "7"], "1.234,56"),
        (["$1,200", "$90", "$1,000,000"], "$1,000,000"),
        (["12 kg", "7.5 kg"], "7.5 kg"),
        (["5.2%", "11%"], "5.2%"),
        (["46秒", "120秒"], "120秒"),
        (["0012", "0044"], None),
        (["12", "3.5"], None),
        (["C-12", "C-13"], None),
        (["10.0.0.1", "10.0.0.2"], None),
        (["2024-01-05", "2024-01-06"], None),
    ],
)
def test_numbers_as_people_write_them(values: list[str], figure: str | None) -> None:
    assert facts("x", values).figure == figure


MANY = [f"This is review number {n}, of some length" for n in range(40)]
HALF = ["a", "b"] * 20


@pytest.mark.parametrize(
    ("rows", "task", "columns"),
    [
        ({"id": list(range(40)), "body": MANY, "stars": [1, 5] * 20}, "text-classification", ["body", "stars"]),
        ({"v1": ["ham", "spam"] * 20, "v2": MANY}, "text-classification", ["v2", "v1"]),
        ({"x": MANY, "y2": HALF, "when": ["2024-01-05"] * 40}, "text-classification", ["x", "y2"]),
        ({"a": list(range(40)), "is_late": [0, 1] * 20, "b": HALF}, "tabular-classification", ["is_late"]),
        ({"price": [n * 1.5 for n in range(40)], "b": HALF, "c": [1, 2] * 20}, "tabular-regression", ["price"]),
        (
            {"PassengerId": list(range(40)), "Survived": [0, 1] * 20, "Fare": [n / 7 for n in range(40)]},
            None,
            ["Survived"],
        ),
        (
            {"reviewText": MANY, "overall": [1.0, 5.0] * 20, "at": MANY},
            "text-classification",
            ["reviewText", "overall"],
        ),
        ({"Body": MANY, "Queue": HALF, "CSAT": [1, 5] * 20}, "text-classification", ["Body", "Queue"]),
        (
            {"Description": MANY, "Component/s": HALF, "Labels": ["x", "y", None, None] * 10},
            "text-classification",
            ["Description", "Component/s"],
        ),
        ({"comments": [*MANY[:15], *[None] * 25], "age": [20, 40] * 20, "again": HALF}, None, ["again"]),
        ({"isFraud": [0, 1] * 20, "a": [n / 7 for n in range(40)], "b": HALF}, None, ["isFraud"]),
        (
            {"median_house_value": [n * 1.5 for n in range(40)], "by": HALF},
            "tabular-regression",
            ["median_house_value"],
        ),
        (
            {"a": [n / 7 for n in range(60)], "loan_status": [*"ab"] * 30, "zip": [f"{n // 2}x" for n in range(60)]},
            None,
            ["loan_status"],
        ),
        ({"评论": [f"房间很好很干净{n}" for n in range(40)], "情感": HALF}, "text-classification", ["评论", "情感"]),
    ],
)
def test_what_is_asked_of_a_table(rows: dict[str, list[Any]], task: str | None, columns: list[str]) -> None:
    seen = guess(rows)
    assert seen.task == (task or "tabular-classification")
    assert list(seen.columns.values()) == columns


def test_ids_dates_and_what_gives_the_label_away_are_seen(tmp_path: Path) -> None:
    chance = random.Random(1)
    rows = []
    for n in range(80):
        label = chance.random() < 0.3
        day = f"{n % 28 + 1:02}.03.2024"
        rows.append(
            f"K{n:03},{day},{chance.gauss(2 * label, 1):.2f},{n % 25},cn,{'AB'[label]},{'yes' if label else 'no'}"
        )
    made, read = proposed(table(tmp_path / "shop.csv", "order,day,amount,customer_id,country,code,churned", rows))
    assert made.task == "tabular-classification"
    assert read.collect[0].without == ("order", "country", "code")
    assert read.preprocess.split.group == "customer_id"
    (date,) = [step.params for step in read.preprocess.steps if step.name == "encode"]
    assert date.model_dump()["format"] == "%d.%m.%Y"
    assert "code tells the label by itself" in made.text
    assert any("code is left out" in note for note in made.notes)


def test_a_column_of_ids_need_not_be_quite_without_equals() -> None:
    ids = [n * 37 for n in range(398)] + [37, 74]
    seen = decide.decide(
        Guess("tabular-classification", {"label": "y"}, None),
        rows := {"CustomerId": ids, "a": [n % 7 for n in range(400)], "y": [*"ab"] * 200},
        {name: facts(name, values) for name, values in rows.items()},
    )
    assert seen.without == {"CustomerId": "names the row only"}


def test_the_sheet_behind_a_cover_is_found(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Cover"])
    sheet = book.create_sheet("rows")
    for row in [["Report"], ["size", "late"], *([n % 7, "yn"[n % 2]] for n in range(30))]:
        sheet.append(row)
    book.save(tmp_path / "report.xlsx")
    _, read = proposed(tmp_path / "report.xlsx")
    said = read.collect[0].model_dump()
    assert (said["sheet"], said["skip_rows"]) == (2, 1)


def test_labels_with_hardly_a_row_are_left_out_and_uneven_ones_weighed(tmp_path: Path) -> None:
    rows = [f"{text},{'one' if n % 20 else 'two'}" for n, (text, _) in enumerate(reviews(100))] + ["房间,three"]
    made, read = proposed(table(tmp_path / "uneven.csv", "text,label", rows))
    assert [step.name for step in read.preprocess.steps] == ["clean", "deduplicate", "labels"]
    assert read.model.params.model_dump()["class_weight"] == "balanced"
    assert made.language == "zh"
    assert read.model.params.model_dump()["analyzer"] == "char"
    assert any("look at f1" in note for note in made.notes)


def test_a_file_without_names_gets_those_of_the_task(tmp_path: Path) -> None:
    path = tmp_path / "hotel.tsv"
    path.write_text("".join(f"{label}\t{text}\n" for text, label in reviews()), "utf-8")
    _, read = proposed(path)
    assert read.collect[0].model_dump()["names"] == ("label", "text")


def test_words_among_numbers_are_no_values(tmp_path: Path) -> None:
    rows = [f"{'?' if n % 25 == 3 else n * 7 % 31},{'ab'[n % 2]},{n % 3}" for n in range(60)]
    _, read = proposed(table(tmp_path / "gaps.csv", "weight,side,class", rows))
    assert read.collect[0].model_dump()["missing"][-1] == "?"
    assert [step.name for step in read.preprocess.steps] == ["deduplicate", "impute"]


def test_english_is_read_by_its_words(tmp_path: Path) -> None:
    rows = [
        f"the room was {word} and the staff was {word} too on day {n},{label}"
        for n in range(20)
        for word, label in (("lovely", "pos"), ("dirty", "neg"))
    ]
    made, read = proposed(table(tmp_path / "en.csv", "text,label", rows))
    assert made.language == "en"
    assert read.model.params.model_dump()["analyzer"] == "word"


def test_words_are_seen_where_their_language_cannot_be_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(texts: list[str]) -> None:
        raise MissingPackageError("py3langid")

    monkeypatch.setattr("aiaas.languages.detect", missing)
    english = [f"card number {n} was charged,billing\nbox number {n} came late,shipping" for n in range(20)]
    assert (
        proposed(table(tmp_path / "en.csv", "text,label", english))[1].model.params.model_dump()["analyzer"] == "word"
    )
    thai = [f"ห้องพักสะอาดมากและพนักงานบริการดีมาก{n},ดี\nห้องพักสกปรกมากและพนักงานบริการแย่{n},แย่" for n in range(20)]
    assert proposed(table(tmp_path / "th.csv", "text,label", thai))[1].model.params.model_dump()["analyzer"] == "char"
    chinese = [f"物流很快 质量不错 推荐{n},好\n物流太慢 质量很差 失望{n},差" for n in range(20)]
    assert (
        proposed(table(tmp_path / "zh.csv", "text,label", chinese))[1].model.params.model_dump()["analyzer"] == "char"
    )


def test_nearly_equal_texts_are_left_out_and_the_subject_of_a_mail_is_no_person(tmp_path: Path) -> None:
    subjects = ("the parcel came too late", "the card was charged twice")
    rows = [
        f"a{n % 30}@example.com,{subject} {n % 25},{subject} and I wait for a reply about it {n},{n % 2}"
        for n in range(90)
        for subject in (subjects[n % 2],)
    ]
    made, read = proposed(table(tmp_path / "mails.csv", "customer_email,subject,body,label", rows))
    assert [step.name for step in read.preprocess.steps] == ["clean", "deduplicate", "near_duplicates"]
    assert read.preprocess.split.group == "customer_email"
    assert "98% of the texts are nearly equal to another one; the first of them stays" in made.notes


def test_a_table_in_json_and_one_compressed(tmp_path: Path) -> None:
    rows = [{"title": text, "topic": label} for text, label in reviews()]
    (tmp_path / "news.json").write_text(json.dumps({"data": rows}), "utf-8")
    assert proposed(tmp_path / "news.json")[0].columns == {"text": "title", "label": "topic"}
    with gzip.open(tmp_path / "news.csv.gz", "wt", encoding="utf-8") as file:
        file.write("title,topic\n" + "".join(f"{text},{label}\n" for text, label in reviews()))
    assert proposed(tmp_path / "news.csv.gz")[0].name == "news"


# --- folders ------------------------------------------------------------------------------------------------------


def test_a_folder_of_pictures_is_not_read(tmp_path: Path) -> None:
    for split in ("train", "val"):
        for label in ("red", "blue"):
            (tmp_path / "flags" / split / label).mkdir(parents=True)
            for n in range(3):
                (tmp_path / "flags" / split / label / f"{n}.png").write_bytes(b"never opened")
    made, read = proposed(tmp_path / "flags")
    assert (made.task, made.rows, made.labels) == ("image-classification", 12, {"red": 6, "blue": 6})
    assert {source.split: source.source for source in read.collect} == {"test": "flags/val", "train": "flags/train"}


def test_a_table_beside_its_pictures(tmp_path: Path) -> None:
    (tmp_path / "set" / "img").mkdir(parents=True)
    for n in range(12):
        (tmp_path / "set" / "img" / f"{n}.png").write_bytes(red_or_blue(n))
    table(tmp_path / "set" / "list.csv", "file,colour", [f"{n}.png,{('red', 'blue')[n % 2]}" for n in range(12)])
    _, read = proposed(tmp_path / "set")
    said = read.collect[0].model_dump()
    assert (said["picture_folder"], said["columns"]) == ("img", {"image": "file", "label": "colour"})


def test_files_beside_each_other(tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.mkdir()
    for label, words in (("good", GOOD), ("bad", BAD)):
        (lines / f"{label}.txt").write_text("\n".join(comments(words, 20, 1)), "utf-8")
    (lines / "README.md").write_text("what it is")
    _, read = proposed(lines)
    assert [source.label for source in read.collect] == ["bad", "good"]
    divided = tmp_path / "divided"
    divided.mkdir()
    for name in ("news_train.csv", "news_test.csv"):
        table(divided / name, "text,label", [f"{text},{label}" for text, label in reviews(20)])
    _, read = proposed(divided)
    assert {source.split for source in read.collect} == {"train", "test"}
    (divided / "prices.csv").write_text("a;b\n1;2\n")
    with pytest.raises(UsageError, match="do not belong to one table"):
        places.look(divided)


# --- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"", "empty"),
        ("a.parquet", b"", "empty"),
        ("a.csv", b" \n\n", "white space"),
        ("a.csv", b"text,label\n", "row"),
        ("a.csv", b"text,label\nfine,1\nbad,0\n", "2 rows, too few"),
        ("a.csv.gz", b"text,label\n", "cannot be read"),
        ("a.zip", b"PK", "not looked at"),
        ("a.csv", b"%PDF-1.7\n\x00\x01\x02\xff\xfe\x00", "no text"),
        ("a.pdf", b"%PDF-1.7", "not looked at"),
        ("a.png", b"\x89PNG", "single picture"),
        ("a.xlsx", b"PK\x03\x04 cut", "workbook"),
        ("a.parquet", b"PAR1 cut", "parquet"),
        ("a.json", b'{"a": {"0": 1, "1": 2}}', "no list of objects"),
        ("a.csv", b"n, text, label\n" + b'1, "one, two", "x"\n' * 20, "first row has 3 fields, and most have 4"),
        ("a.txt", b"1 1:0.5 3:2 7:1\n" * 20, "parted by spaces"),
        ("a.arff", b"@data\n1,2\n" * 20, "not looked at"),
        ("a.json", b'[{"a": 1}, {"a"', "no JSON"),
        ("a.csv", b"number\n" + b"1\n2\n3\n" * 5, "one column"),
        (
            "a.csv",
            b"text,label\n" + "\n".join(f"a text of some length {n},x" for n in range(30)).encode(),
            "two at least",
        ),
        (
            "a.csv",
            b"text,label\n" + "\n".join(f"a text of some length {n},x{n * 7}" for n in range(30)).encode(),
            "label of their own",
        ),
        (
            "a.csv",
            b"text,label\n" + "\n".join(f"a text of some length {n},k{n // 3}" for n in range(60)).encode(),
            "label of their own",
        ),
        ("a.csv", b"side,price\n" + "\n".join(f"a,€{n}.400" for n in range(30)).encode(), "more than digits"),
        ("a.data", b"1.0   2  3 4  'a'\n" * 30, "parted by spaces"),
        ("a.csv", b"<!DOCTYPE html>\n<table><tr><td>1</td></tr></table>" * 20, "HTML"),
        ("a.py", b"for each in range(3):\n    print(each)\n" * 20, "no table"),
        ("a.json", b"[1, 2, 3]", "no list of objects"),
        ("a.csv", b"a,b,c\n" + b"1,2,3\nx\ny,z\n" * 20, "malformed"),
        ("a.csv", b"a,b\n" + b",\n" * 30, "no column is seen"),
        (
            "a.csv",
            b",".join(b"k%d" % n for n in range(9)) + b",label\n" + (b"," * 9 + b"a\n" + b"," * 9 + b"b\n") * 20,
            "4 more",
        ),
        ("a.jsonl", b'{"at": {"x": 1}, "to": [2]}\n' * 30, "no column is seen"),
        ("a.csv", b"id,label\n" + "\n".join(f"k{n},{'ab'[n % 2]}" for n in range(30)).encode(), "no column is left"),
    ],
)
def test_what_nothing_can_be_learned_of_is_told(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AiaasError, match=told) as raised:
        propose.propose(tmp_path / name, tmp_path / "it.yaml")
    assert isinstance(raised.value, DataError | UsageError)
    assert raised.value.hint


def test_what_is_asked_for_and_is_not_there_is_told(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "text,label", [f"{text},{label}" for text, label in reviews(20)])
    with pytest.raises(UsageError, match="text-clasification") as raised:
        propose.propose(path, tmp_path / "it.yaml", Asked(task="text-clasification"))
    assert raised.value.hint == "did you mean 'text-classification'?"
    with pytest.raises(UsageError, match="is a folder"):
        init(path, tmp_path, Asked(), force=True)


def test_folders_that_are_no_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing in the folder"):
        places.look(tmp_path)
    (tmp_path / "1.png").write_bytes(b"x")
    with pytest.raises(DataError, match="nothing says what they show"):
        places.look(tmp_path)
    with pytest.raises(DataError, match="no such file"):
        places.look(tmp_path / "2.png")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="a pipe or a device"):
        places.look(tmp_path / "pipe")


# --- the model, and templates -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("need", "machine", "template"),
    [
        (Need("text-classification", 5_000, 2, language="zh"), SMALL, "text-logistic"),
        (Need("text-classification", 5_000_000, 2), LARGE, "text-naive-bayes"),
        (Need("tabular-classification", 300, 2), LARGE, "table-logistic"),
        (Need("tabular-classification", 30_000, 2), SMALL, "table-logistic"),
        (Need("tabular-regression", 30_000), LARGE, "number-mlp"),
        (Need("image-classification", 900, 3), SMALL, "picture-cnn"),
    ],
)
def test_the_model_fits_the_data_and_the_machine(need: Need, machine: Machine, template: str) -> None:
    assert choose.choose(need, machine).template.name == template


def test_a_template_of_another_task_is_refused() -> None:
    with pytest.raises(UsageError, match="learns image-classification"):
        choose.choose(Need("text-classification", 5), LARGE, "picture-cnn")
    with pytest.raises(UsageError, match="no template 'text-brt'") as raised:
        choose.choose(Need("text-classification", 5), LARGE, "text-brt")
    assert "text-bert" in str(raised.value.hint)


@pytest.mark.parametrize("template", [each.name for each in templates.all_of_them()])
def test_every_template_gives_a_good_recipe(tmp_path: Path, template: str) -> None:
    made = propose.start(template, tmp_path / "it.yaml")
    (tmp_path / "it.yaml").write_text(made.text, "utf-8")
    read = recipe.read(tmp_path / "it.yaml", environ={})
    assert f"{read.model.backend}/{read.model.architecture}" == made.model


# --- the command --------------------------------------------------------------------------------------------------


def test_from_a_file_to_a_model_in_two_commands(project: Path, aiaas: Aiaas) -> None:
    rows = "".join(f"{n};{text};{label}\n" for n, (text, label) in enumerate(reviews()))
    (project / "酒店 reviews.csv").write_text("编号;评论;情感\n" + rows, "gb18030")
    said = answer(aiaas("init", "--from", "酒店 reviews.csv", "--json"))
    assert (said["recipe"], said["model"]) == ("reviews.yaml", "sklearn/logistic_regression")
    assert said["columns"] == {"text": "评论", "label": "情感"}
    done = answer(aiaas("evaluate", "reviews.yaml", "--json", "--quiet"))
    assert done["metrics"]["accuracy"] > 0.8
    again = aiaas("init", "--from", "酒店 reviews.csv")
    assert again.returncode == 2
    assert "--force" in again.stderr


def test_another_column_that_may_be_the_label_is_named(tmp_path: Path) -> None:
    rows = [f"{text},{1 + number % 5},{label}" for number, (text, label) in enumerate(reviews(100))]
    data = table(tmp_path / "r.csv", "comment,stars,verdict", rows)
    made, written = proposed(data)
    assert written.collect[0].columns["label"] == "verdict"
    assert "stars may be meant as the label too: --label stars" in made.notes
    assert not any("meant as the label" in note for note in proposed(data, Asked(label="stars"))[0].notes)
