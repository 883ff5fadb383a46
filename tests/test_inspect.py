"""Every finding is found where it was planted, and not in clean data."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from aiaas import pictures
from aiaas.errors import DataError, UsageError
from aiaas.inspect import judge
from aiaas.inspect import look as looking
from aiaas.inspect.equal import Rows as EqualRows
from aiaas.inspect.page import page
from aiaas.inspect.report import Near
from aiaas.inspect.sample import draw
from aiaas.pictures import alike
from aiaas.pipeline.looking import Told, look_at_file
from aiaas.propose.guess import guess
from tests.inspect_toys import found, look, reviews, serious, write

COLUMNS = ("text", "label")


# --- texts --------------------------------------------------------------------------------------------------------


def test_clean_reviews_give_nothing_to_warn_of(tmp_path: Path) -> None:
    report = look(write(tmp_path / "clean.csv", COLUMNS, reviews(400)))
    assert serious(report) == set()
    assert report.rows.inspected == 400
    assert {each.label: each.rows for each in report.classes} == {"pos": 200, "neg": 200}
    assert report.languages == {"zh": 1.0}
    assert report.equal is not None
    assert (report.equal.repeated, report.equal.contradicting) == (0, 0)


def test_repeated_rows_are_counted_and_shown(tmp_path: Path) -> None:
    rows = reviews(200)
    report = look(write(tmp_path / "r.csv", COLUMNS, [*rows, *rows[:30]]))
    finding = found(report)["duplicates"]
    assert (finding.level, finding.count) == ("warning", 30)
    assert finding.places[0].row == 201
    assert finding.places[0].shown == rows[0][0]


def test_equal_texts_of_two_labels_contradict(tmp_path: Path) -> None:
    rows = reviews(200)
    other = {"pos": "neg", "neg": "pos"}
    planted = [(text, other[label]) for text, label in rows[:5]]
    finding = found(look(write(tmp_path / "r.csv", COLUMNS, [*rows, *planted])))["contradicting-labels"]
    assert (finding.level, finding.count) == ("warning", 10)
    assert [place.row for place in finding.places] == [1, 2, 3, 4, 5, 201, 202, 203, 204, 205]


def test_nearly_equal_texts_are_found_with_what_they_are_like(tmp_path: Path) -> None:
    rows = reviews(200)
    planted = [(f"{text}！！", label) for text, label in rows[:20]]
    finding = found(look(write(tmp_path / "r.csv", COLUMNS, [*rows, *planted])))["near-duplicates"]
    assert (finding.level, finding.count) == ("warning", 20)
    assert (finding.places[0].row, finding.places[0].shown) == (201, f"≈ row 1: {planted[0][0]}")


def test_one_class_is_fatal(tmp_path: Path) -> None:
    rows = [(text, "pos") for text, _ in reviews(60)]
    report = look(write(tmp_path / "r.csv", COLUMNS, rows))
    assert found(report)["one-class"].level == "fatal"


def test_few_rows_of_a_class_and_classes_of_unequal_size(tmp_path: Path) -> None:
    rows = reviews(300, share=0.98)
    report = look(write(tmp_path / "r.csv", COLUMNS, rows))
    assert found(report)["few-rows"].message == "1 class has fewer than 10 rows: 'neg' 6"
    assert found(report)["imbalance"].level == "warning"
    assert found(look(write(tmp_path / "s.csv", COLUMNS, reviews(300, share=0.85))))["imbalance"].level == "note"


def test_wrong_labels_are_found_with_the_likelier_one(tmp_path: Path) -> None:
    pytest.importorskip("cleanlab")
    rows = reviews(600)
    other = {"pos": "neg", "neg": "pos"}
    rows[:15] = [(text, other[label]) for text, label in rows[:15]]
    report = look(write(tmp_path / "r.csv", COLUMNS, rows))
    finding = found(report)["suspicious-labels"]
    assert 13 <= finding.count <= 18
    assert sum(place.row <= 15 for place in finding.places) >= 13
    assert str(finding.places[0].shown).startswith(("pos, rather neg: ", "neg, rather pos: "))


def test_labels_without_sense_are_not_called_wrong(tmp_path: Path) -> None:
    pytest.importorskip("cleanlab")
    lot = random.Random(0)
    report = look(write(tmp_path / "r.csv", COLUMNS, [(text, lot.choice("ab")) for text, _ in reviews(300)]))
    assert report.labels is None
    assert [each.what for each in report.skipped] == ["suspicious labels"]
    assert "tells nothing of the labels" in report.skipped[0].why


def test_a_text_much_longer_than_the_others_is_noted(tmp_path: Path) -> None:
    rows = [*reviews(200), ("很" * 3000, "pos")]
    finding = found(look(write(tmp_path / "r.csv", COLUMNS, rows)))["long-texts"]
    assert (finding.level, finding.places[0].row) == ("note", 201)


def test_languages_are_told_apart(tmp_path: Path) -> None:
    english = [(f"the room was quiet and number {n} is what I paid for", "pos") for n in range(100)]
    japanese = [(f"部屋はとてもきれいでした。{n}番です", "neg") for n in range(20)]
    report = look(write(tmp_path / "r.csv", COLUMNS, [*reviews(200), *english, *japanese]))
    assert report.languages == pytest.approx({"zh": 200 / 320, "en": 100 / 320, "ja": 20 / 320}, abs=1e-3)
    assert found(report)["mixed-languages"].level == "note"


def test_rows_of_test_in_train(tmp_path: Path) -> None:
    rows = [(text, label, "train") for text, label in reviews(300)]
    planted = [(text, label, "test") for text, label, _ in rows[:7]]
    fresh = [(text, label, "test") for text, label in reviews(100, seed=1)]
    report = look(write(tmp_path / "r.csv", (*COLUMNS, "split"), [*rows, *fresh, *planted]))
    assert report.rows.splits == {"train": 300, "test": 107}
    finding = found(report)["test-in-train"]
    assert (finding.level, finding.count) == ("fatal", 7)
    assert [place.split for place in finding.places] == ["test"] * 7
    assert report.equal is not None
    assert report.equal.shared == {"validation": 0, "test": 7}
    assert "near-test-in-train" not in found(report)


@pytest.mark.parametrize(("count", "level"), [(1, "note"), (3, "warning"), (12, "fatal")])
def test_rows_of_test_nearly_in_train_by_how_many_they_are(tmp_path: Path, count: int, level: str) -> None:
    rows = [(text, label, "train") for text, label in reviews(300)]
    planted = [(f"{text}！", label, "dev" if count == 0 else "test") for text, label, _ in rows[:count]]
    fresh = [(text, label, "test") for text, label in reviews(150 - count, seed=1)]
    finding = found(look(write(tmp_path / "r.csv", (*COLUMNS, "split"), [*rows, *fresh, *planted])))[
        "near-test-in-train"
    ]
    assert (finding.level, finding.count) == (level, count)


@pytest.mark.parametrize(
    ("shared", "train", "level"), [(1, 20_000, "note"), (2, 1_000, "warning"), (60, 1_000, "fatal")]
)
def test_of_much_train_a_part_is_compared_and_what_it_shows_is_weighed(shared: int, train: int, level: str) -> None:
    near = Near(rows=2_000 + train, alike=0, test=1_000, train=train, of_train=20_000, shared=shared)
    (finding,) = judge.of_near(near, [], [], pictures=False)
    assert finding.level == level
    assert finding.message.startswith(f"{shared} of 1,000 rows of test (")
    assert finding.message.endswith(", of which 1,000 of 20,000 rows were compared") == (train < 20_000)


def test_more_rows_are_compared_than_are_in_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(looking.BUDGETS, "full", looking.BUDGETS["full"]._replace(sample=100))
    rows = [(text, label, "train") for text, label in reviews(900)]
    planted = [(f"{text}！", label, "test") for text, label, _ in rows[450:465]]
    fresh = [(text, label, "test") for text, label in reviews(135, seed=1)]
    path = write(tmp_path / "r.csv", (*COLUMNS, "split"), [*rows, *planted, *fresh])
    report = look(path)
    finding = found(report)["near-test-in-train"]
    assert (finding.level, finding.count) == ("fatal", 15)
    assert [(place.row, place.shown) for place in finding.places[:2]] == [
        (901, f"≈ train row 451: {planted[0][0]}"),
        (902, f"≈ train row 452: {planted[1][0]}"),
    ]
    assert [(each.what, each.rows) for each in report.sampled] == [("values", 100)]
    monkeypatch.setitem(looking.BUDGETS, "full", looking.BUDGETS["full"]._replace(characters=6_000))
    told = {each.what: each.rows for each in look(path).sampled}
    assert 150 < told["near duplicates"] < 300  # of texts of some 30 characters


def test_personal_data_is_counted_by_kind_and_never_shown(tmp_path: Path) -> None:
    rows = reviews(100)
    planted = [(f"请打 1380013800{number}，{text}", label) for number, (text, label) in enumerate(rows[:8])]
    planted += [(f"{text}，anna{number}@mail.example.org", label) for number, (text, label) in enumerate(rows[8:12])]
    planted += planted[:2]  # shown as duplicates as well
    report = look(write(tmp_path / "r.csv", COLUMNS, [*rows[12:], *planted]))
    assert report.personal == {"mobile": 10, "email": 4}
    finding = found(report)["personal-data"]
    assert (finding.level, finding.count) == ("warning", 14)
    assert [(place.row, place.shown) for place in finding.places[:9:8]] == [(89, "mobile"), (97, "email")]
    said = report.model_dump_json()
    assert "1380013800" not in said
    assert "anna" not in said
    assert "请打 [mobile]" in said


def test_personal_data_in_a_table_are_told_with_their_column(tmp_path: Path) -> None:
    rows = [[f"1380013{number:04}", *row] for number, row in enumerate(table(100))]
    report = look(write(tmp_path / "t.csv", ("phone", "age", "city", "label"), rows))
    assert report.personal == {"mobile": 100}
    assert found(report)["personal-data"].places[0].shown == "mobile in 'phone'"
    assert "1380013" not in report.model_dump_json()


# --- tables -------------------------------------------------------------------------------------------------------


def table(count: int = 400, seed: int = 0) -> list[list[object]]:
    """Rows of age, city, and a label that follows from them as far as that goes."""
    lot = random.Random(seed)
    made: list[list[object]] = []
    for _ in range(count):
        age, city = lot.randint(18, 80), lot.choice(["北京", "上海", "广州"])
        made.append([age, city, "yes" if age + lot.gauss(0, 4) > 50 else "no"])
    return made


def test_a_clean_table_gives_nothing_to_warn_of(tmp_path: Path) -> None:
    report = look(write(tmp_path / "t.csv", ("age", "city", "label"), table(400)))
    assert report.task == "tabular-classification"
    assert serious(report) - {"duplicates", "contradicting-labels"} == set()
    numbers = next(each.numbers for each in report.columns if each.name == "age")
    assert numbers is not None
    assert (numbers.least, numbers.greatest) == (18, 80)
    assert sum(numbers.histogram.counts) == 400


@pytest.mark.parametrize(
    ("header", "value", "name", "level"),
    [
        ("cancelled_on", lambda row, number: "2024" if row[2] == "yes" else "", "leaking-column", "fatal"),
        ("score", lambda row, number: number / 7 + (1000 if row[2] == "yes" else 0), "leaking-column", "warning"),
        ("version", lambda row, number: 3, "constant-column", "warning"),
        ("customer", lambda row, number: f"C{number:05}", "id-column", "warning"),
        ("order_id", lambda row, number: number * 7919 % 100_003, "id-column", "warning"),
        ("note", lambda row, number: "x" if number % 4 == 0 else "", "missing-values", "warning"),
        ("nothing", lambda row, number: "", "constant-column", "warning"),
    ],
)
def test_a_column_that_says_too_much_or_nothing(tmp_path: Path, header, value, name, level) -> None:  # type: ignore[no-untyped-def]
    rows = [[value(row, number), *row] for number, row in enumerate(table())]
    report = look(write(tmp_path / "t.csv", (header, "age", "city", "label"), rows))
    finding = found(report)[name]
    assert (finding.level, header in finding.message) == (level, True)


@pytest.mark.parametrize(("count", "level"), [(200, "warning"), (1_500, "fatal")])
def test_in_few_rows_a_good_measure_is_no_certain_leak(tmp_path: Path, count: int, level: str) -> None:
    rows = [[number / 7 + (1000 if row[2] == "yes" else 0), *row] for number, row in enumerate(table(count))]
    report = look(write(tmp_path / "t.csv", ("score", "age", "city", "label"), rows))
    assert found(report)["leaking-column"].level == level


def test_a_file_sorted_by_its_label_gives_nothing_away(tmp_path: Path) -> None:
    rows = sorted(table(), key=lambda row: str(row[2]))
    assert "leaking-column" not in found(look(write(tmp_path / "t.csv", ("age", "city", "label"), rows)))


def test_repeated_rows_give_no_column_away(tmp_path: Path) -> None:
    rows = [[random.Random(number).random(), *row[:3]] for number, row in enumerate(table(200))]
    report = look(write(tmp_path / "t.csv", ("x", "age", "city", "label"), [*rows, *rows]))
    assert "leaking-column" not in found(report)


def test_a_target_that_follows_from_one_column(tmp_path: Path) -> None:
    lot = random.Random(1)
    rows = [(lot.random(), value := lot.gauss(0, 1), value**3 * 10) for _ in range(300)]
    report = look(write(tmp_path / "t.csv", ("a", "b", "target"), rows))
    assert report.task == "tabular-regression"
    assert found(report)["leaking-column"].message.startswith("the column 'b'")
    noisy = [(a, b, c + lot.gauss(0, 3)) for a, b, c in rows]
    assert "leaking-column" not in found(look(write(tmp_path / "n.csv", ("a", "b", "target"), noisy)))


# --- pictures -----------------------------------------------------------------------------------------------------


def picture(seed: int, size: int = 40, channels: int = 3) -> np.ndarray:
    """Soft blotches, of each seed others."""
    lot = np.random.default_rng(seed)
    rough = lot.integers(0, 256, (5, 5, channels))
    fine = np.kron(rough, np.ones((size // 5, size // 5, 1)))
    return (fine + lot.integers(-8, 9, fine.shape)).clip(0, 255).astype(np.uint8)


def album(folder: Path, count: int = 30) -> Path:
    for name, start in (("cats", 0), ("dogs", 1000)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            (folder / name / f"{number:03}.png").write_bytes(pictures.to_png(picture(start + number)))
    return folder


def test_clean_pictures_give_nothing_to_warn_of(tmp_path: Path) -> None:
    report = look(album(tmp_path / "clean"))
    assert (report.task, report.rows.inspected) == ("image-classification", 60)
    assert serious(report) == set()
    assert report.pictures is not None
    assert report.pictures.sizes == {"40 x 40": 60}
    assert report.pictures.modes == {"RGB": 60}
    assert report.near is not None
    assert report.near.alike == 0
    assert [each.what for each in report.skipped] == ["suspicious labels"]


def test_pictures_that_look_alike_and_such_of_another_mode(tmp_path: Path) -> None:
    folder = album(tmp_path / "alike")
    for number in range(4):
        brighter = (picture(number).astype(int) * 0.9 + 20).clip(0, 255).astype(np.uint8)
        (folder / "cats" / f"again-{number}.png").write_bytes(pictures.to_png(brighter))
    (folder / "dogs" / "grey.png").write_bytes(pictures.to_png(picture(5000, channels=1)))
    report = look(folder)
    assert found(report)["alike-pictures"].count == 4
    assert found(report)["mixed-pictures"].level == "note"


@pytest.mark.parametrize("count", [300, 1797])
def test_pictures_of_few_shapes_are_not_alike_and_their_copies_are(count: int) -> None:
    """Handwritten digits of 8 x 8 pixels: many a 1 is drawn like another, by another hand."""
    lot = np.random.default_rng(count)
    digits = [(each * 255 / 16).round().astype(np.uint8) for each in load_digits().images]
    own = [pictures.to_png(digits[place]) for place in lot.permutation(len(digits))[:count]]
    again = [Image.open(io.BytesIO(each)) for each in own[:20]]
    copies = [_saved(picture, "JPEG", quality=85) for picture in again[:10]]
    copies += [_saved(picture.resize((16, 16), Image.Resampling.BICUBIC), "PNG") for picture in again[10:]]
    found = alike.pairs(alike.looks([*own, *copies]))
    copied = {(count + place, place) for place in range(20)}
    assert len(copied & set(map(tuple, found.tolist()))) >= 19
    assert len(set(found[found[:, 0] < count, 0].tolist())) <= count * 0.02


def test_a_hundred_copies_of_one_picture_are_all_alike() -> None:
    lot = np.random.default_rng(0)
    copies = [(picture(1) * lot.uniform(0.7, 0.9) + lot.integers(0, 20)).astype(np.uint8) for _ in range(100)]
    others = [picture(number) for number in range(2, 60)]
    found = alike.pairs(alike.looks([pictures.to_png(each) for each in [*others, *copies]]))
    assert len(set(found[:, 0].tolist())) == 99
    assert len(alike.pairs(alike.looks([]))) == 0


def _saved(picture: Image.Image, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def test_broken_pictures_are_fatal_and_named(tmp_path: Path) -> None:
    folder = album(tmp_path / "broken")
    whole = (folder / "cats" / "003.png").read_bytes()
    (folder / "cats" / "003.png").write_bytes(whole[: len(whole) // 2])
    report = look(folder)
    finding = found(report)["broken-pictures"]
    assert (finding.level, finding.count) == ("fatal", 1)
    if finding.places:
        assert "003.png" in str(finding.places[0].source)


# --- bad input ----------------------------------------------------------------------------------------------------


def test_files_that_cannot_be_looked_at(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        look(tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        look(tmp_path / "empty.csv")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)) * 50)
    with pytest.raises((DataError, UsageError)):
        look(tmp_path / "binary.csv")
    (tmp_path / "unknown.xyz").write_text("a")
    with pytest.raises(DataError, match="ending"):
        look(tmp_path / "unknown.xyz")


def test_one_row(tmp_path: Path) -> None:
    report = look(write(tmp_path / "one.csv", COLUMNS, reviews(1)))
    assert report.rows.inspected == 1
    assert "one-class" in found(report)


def test_a_header_alone_holds_no_rows(tmp_path: Path) -> None:
    with pytest.raises((DataError, UsageError)):
        look(write(tmp_path / "header.csv", COLUMNS, []))


def test_a_column_that_is_not_there_and_a_task_that_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", ("review", "cat"), reviews(20))
    with pytest.raises(UsageError, match="there is no column 'reviw'") as raised:
        look(path, text="reviw")
    assert raised.value.hint == "did you mean 'review'?"
    with pytest.raises(UsageError, match="there is no task 'text-clasification'"):
        look(path, task="text-clasification")
    with pytest.raises(UsageError, match="--format"):
        look(path, format="cvs")
    with pytest.raises(UsageError, match="query: field required: this source needs more than its address"):
        look_at_file("sql:sqlite:///none.db", Told(), tmp_path)


ODD = {
    "ragged.csv": b"text,label\ngood,pos\nbad,neg,more\nfine,pos\n",
    "gbk.csv": "text,label\n房间很好,好\n房间很差,差\n".encode("gbk"),
    "nul.csv": b"text,label\na\0b,pos\nc,neg\n",
    "twice.csv": b"text,text,label\na,b,pos\n",
    "unlabelled.csv": b"text,label\na,\nb,\n",
    "quote.csv": b'text,label\n"never closed,pos\n',
    "ours.csv": b"_source,text,label\n1,a,pos\n2,b,neg\n",
    "nested.jsonl": b'{"text": {"a": [1]}, "label": "x"}\n{"text": "b", "label": "y"}\n',
    "mixed.jsonl": b'{"text": 1, "label": "x"}\n{"text": "b", "label": 2}\n[1]\n',
    "long.jsonl": b'{"text": "' + "很".encode() * 300_000 + b'", "label": "x"}\n{"text": "b", "label": "y"}\n',
    "blank.txt": b"\n \n\n",
    "emoji.jsonl": '{"👍": "a", "标签": "x"}\n{"👍": "b", "标签": "y"}\n'.encode(),
    "numbers.csv": b"a,target\n1e308,1\n-1e308,2\n,3\n",
    "same.csv": b"a,b,label\n1,2,x\n1,2,y\n1,2,x\n",
    "cut.parquet": b"PAR1" + bytes(100),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_files_are_told_of_or_refused_and_never_crash(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(ODD[name])
    try:
        report = look(tmp_path / name)
    except (DataError, UsageError):
        return
    assert report.rows.inspected >= 1
    assert page(report, name).startswith("<!doctype html>")


def test_rows_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("text,label\n" + "".join(f"{a},{b}\n" for a, b in reviews(60)) + "a,b,c\n")
    assert look(tmp_path / "r.csv").rows.inspected == 60


# --- what a file is taken for -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "task", "columns"),
    [
        ({"review": ["a b"], "cat": ["x"]}, "text-classification", {"text": "review", "label": "cat"}),
        ({"text": ["a"]}, "text-generation", {}),
        ({"Text": ["a"], "Label": [1]}, "text-classification", {"text": "Text", "label": "Label"}),
        ({"a": ["some long sentence that is a text"], "label": [0]}, "text-classification", {"text": "a"}),
        ({"age": [1], "city": ["x"], "churned": ["no"]}, "tabular-classification", {"label": "churned"}),
        ({"a": [1], "rent": list(range(30))}, "tabular-regression", {"target": "rent"}),
        ({"image": [b"x"], "label": ["a"]}, "image-classification", {}),
    ],
)
def test_what_a_file_is_taken_for(rows: dict[str, list[object]], task: str, columns: dict[str, str]) -> None:
    seen = guess(rows)
    assert (seen.task, seen.columns) == (task, columns)


def test_a_column_of_splits_is_seen_by_its_values() -> None:
    assert guess({"text": ["a", "b"], "label": ["x", "y"], "split": ["train", "dev"]}).split == "split"
    assert guess({"text": ["a", "b"], "label": ["x", "y"], "split": ["7", "10"]}).split is None


# --- size ---------------------------------------------------------------------------------------------------------


def test_a_sample_is_drawn_by_the_seed_and_has_rows_of_test() -> None:
    splits: dict[str | None, int] = {"train": 90_000, "validation": 9_000, "test": 1_000}
    drawn = draw(splits, 2_000, 7)
    assert {part: len(rows) for part, rows in drawn.items()} == {"train": 1363, "validation": 136, "test": 500}
    assert all(
        (rows == again).all() for rows, again in zip(drawn.values(), draw(splits, 2_000, 7).values(), strict=True)
    )
    assert not (drawn["train"] == draw(splits, 2_000, 8)["train"]).all()
    assert all((np.diff(rows) > 0).all() for rows in drawn.values())


def test_of_many_rows_a_part_is_compared_in_which_equal_ones_stay_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = reviews(1000)
    path = write(tmp_path / "r.csv", COLUMNS, [*rows, *rows])
    monkeypatch.setattr(looking, "EqualRows", lambda view: EqualRows(view, kept=600))
    report = look(path)
    assert report.equal is not None
    assert 100 < report.equal.rows <= 600
    assert report.equal.repeated * 2 == report.equal.rows
    told = next(each for each in report.sampled if each.what == "equal rows")
    assert (told.rows, told.of) == (report.equal.rows, 2000)
