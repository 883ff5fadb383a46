"""Personal data found in texts: the labelled set, each kind, what only looks like it, and what is made to mislead."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiaas.pii import KINDS, Finder, Found, checks, phones
from aiaas.pii.canonical import canonical
from tests.benchmarks import pii_score

FINDER = Finder()


def found(text: str) -> list[tuple[str, str]]:
    """Kind and value of what stands in a text."""
    return [(each.kind, text[each.start : each.end]) for each in FINDER.find([text])]


def kinds(text: str) -> list[str]:
    return [kind for kind, _ in found(text)]


# --- the labelled set


@pytest.mark.parametrize("part", ["dev", "test"])
def test_the_labelled_set(part: str) -> None:
    scored = pii_score.score(pii_score.texts(part), pii_score.ours)
    assert scored.recall() >= 0.98, scored.faults
    assert scored.precision() >= 0.98, scored.faults
    assert set(scored.gold) == set(KINDS)


def test_the_labelled_set_is_sound() -> None:
    """Spans hold something, stand in their text, and checksums are right where a kind has one."""
    rows = [*pii_score.texts("dev"), *pii_score.texts("test")]
    assert len(rows) >= 600
    assert len({row["text"] for row in rows}) == len(rows)
    for row in rows:
        for start, end, kind in row["spans"]:
            value = row["text"][start:end]
            assert value.strip() == value != ""
            plain = canonical(kind, value)
            check = {"id_card": checks.id_card, "iban": checks.iban, "ssn": checks.ssn}.get(kind)
            assert check is None or check(plain), value
            if kind in ("bank_card", "credit_card"):
                assert checks.luhn(plain), value


# --- checks


@pytest.mark.parametrize(
    ("number", "right"),
    [
        ("11010519491231002X", True),
        ("11010519491231002x", True),
        ("110105194912310021", False),
        ("990105194912310027", False),
        ("110105194913310020", False),
        ("110105491231002", True),
        ("110105491331002", False),
    ],
)
def test_id_card(number: str, right: bool) -> None:
    assert checks.id_card(number) == right


def test_luhn_finds_every_wrong_digit_and_most_swaps() -> None:
    number = "4111111111111111"
    assert checks.luhn(number)
    for place in range(len(number)):
        for digit in "0123456789":
            changed = number[:place] + digit + number[place + 1 :]
            assert checks.luhn(changed) == (changed == number)


def test_iban_by_the_length_of_its_country() -> None:
    assert checks.iban("DE89370400440532013000")
    assert not checks.iban("DE8937040044053201300")
    assert not checks.iban("DE89370400440532013001")
    assert not checks.iban("ZZ89370400440532013000")
    assert checks.iban_length("gb") == 22


# --- what is written in more than one way


@pytest.mark.parametrize(
    "text",
    [
        "13912345678",
        "139 1234 5678",
        "139-1234-5678",
        "139.1234.5678",
        "+86 13912345678",
        "+86-139-1234-5678",
        "0086 139 1234 5678",
        "8613912345678",
        "１３９１２３４５６７８",
        "１３９－１２３４－５６７８",
        "١٣٩١٢٣٤٥٦٧٨",
        "۱۳۹۱۲۳۴۵۶۷۸",
        "१३९१२३४५६७८",
        "𝟏𝟑𝟗𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖",
        "①③⑨①②③④⑤⑥⑦⑧",
        "139\u200b1234\u200b5678",
        "1\u200b3\u200c9\u200d1\ufeff2\u20603\u00ad4\u200e5\u200f6\u202a7\u202c8",
        "1\ufe0f\u20e33\ufe0f\u20e39\ufe0f\u20e31\ufe0f\u20e32\ufe0f\u20e33\ufe0f\u20e34\ufe0f\u20e35\ufe0f\u20e36\ufe0f\u20e37\ufe0f\u20e38\ufe0f\u20e3",
        "139\n1234\n5678",
        "139\r\n1234\r\n5678",
        "139\u30001234\u30005678",
        "139\xa01234\xa05678",
        "139—1234—5678",
        "1 3 9 1 2 3 4 5 6 7 8",
        "139\0" + "1234\0" + "5678",
        "139\x011234\x025678",
    ],
)
@pytest.mark.parametrize("around", ["{}", "打{}。", "call {} now", "（{}）", "\ud800{}\udfff", "中\0{}\0文", "🙂{}🙂"])
def test_a_mobile_number_however_it_is_written(text: str, around: str) -> None:
    whole = around.replace("{}", text)
    ((kind, value),) = found(whole)
    assert kind == "mobile"
    assert canonical("mobile", value) == "13912345678"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("DE89 3704 0044 0532 0130 00", "iban"),
        ("de89370400440532013000", "iban"),
        ("ＤＥ８９３７０４００４４０５３２０１３０００", "iban"),
        ("4111 1111 1111 1111", "credit_card"),
        ("4111\u200b1111\u200b1111\u200b1111", "credit_card"),
        ("a.b+c@example.com", "email"),
        ("ａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "email"),
        ("a\u200b.b@exa\u200bmple.com", "email"),
        ("2001:db8::8a2e:370:7334", "ip"),
        ("198.51.100.23", "ip"),
        ("１９８．５１．１００．２３", "ip"),
        ("京A·12D45", "licence_plate"),
        ("粤BD12345", "licence_plate"),
        ("京Ａ１２３４５", "licence_plate"),
        ("010-6655 4433", "landline"),
        ("(021) 5566 7788", "landline"),
        ("+1 202-555-0143", "phone"),
        ("524-36-1907", "ssn"),
        ("passport X48210937", "passport"),
        ("18 Maple Street", "address"),
        ("北京市海淀区学院路30号", "address"),
        ("11010519491231002X", "id_card"),
        ("110105 19491231 002X", "id_card"),
        ("１１０１０５１９４９１２３１００２Ｘ", "id_card"),
    ],
)
def test_each_kind(text: str, kind: str) -> None:
    ((told, value),) = found(text)
    assert told == kind
    assert value in text


def test_where_two_kinds_stand_at_one_place_the_surer_one_is_told_and_nothing_is_left() -> None:
    days = (f"6222001990{month:02}{day:02}" for month in range(1, 13) for day in range(1, 29))
    numbers = (f"{day}{rest:03}{check}" for day in days for rest in range(1000) for check in range(10))
    both = next(number for number in numbers if checks.id_card(number) and checks.luhn(number))
    assert checks.bank_card(both)
    assert found(f"号码{both}。") == [("id_card", both)]
    assert found("13912345678@example.com") == [("email", "13912345678@example.com")]
    assert found("https://u:pw@example.com/x") == [("url_credentials", "u:pw")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ring 020 7946 0321 after six", [("phone", "020 7946 0321")]),
        ("电话020 7946 0321，六点后打", [("landline", "020 7946 0321")]),
        ("020 7946 0321", [("landline", "020 7946 0321")]),
        ("Guangzhou line 020-38123456", [("landline", "020-38123456")]),
        ("our office (+86) 20 8765 4321", [("landline", "(+86) 20 8765 4321")]),
    ],
)
def test_a_number_of_two_countries_is_that_of_the_language_around_it(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert found(text) == expected
    assert [kind for kind, _ in found(text)] == [each.kind for each in Finder(["landline", "phone"]).find([text])]
    assert [each.kind for each in Finder(["landline"]).find([text])] == ["landline"]  # it hides the number in any case


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("mobile +44 7700 900461.", "+44 7700 900461"),  # set aside for films
        ("我的号码+1 555 123 4567", "+1 555 123 4567"),
        ("version +2024 1231 2359", None),
        ("won by +50 1000 2000", None),
        ("+999 123 456 789", None),
        ("order +44 7700 900461", None),
    ],
)
def test_a_code_that_stands_apart_makes_a_phone_of_a_range_that_is_not_known(text: str, number: str | None) -> None:
    assert found(text) == ([("phone", number)] if number else [])


def test_several_in_a_row_are_each_found() -> None:
    assert kinds("13912345678 13812345678,13712345678/13612345678\n13512345678") == ["mobile"] * 5
    assert kinds("2024-06-18 13912345678") == ["mobile"]
    assert kinds("4111 1111 1111 1111 4242 4242 4242 4242") == ["credit_card"] * 2


def test_only_the_kinds_that_are_asked_for() -> None:
    text = "13912345678 a@example.com 198.51.100.23"
    assert [each.kind for each in Finder(["email"]).find([text])] == ["email"]
    assert Finder(["email"]).requires == ()
    assert Finder(["phone"]).requires == ("phonenumbers",)
    assert [each.kind for each in Finder(["phone"], ["DE"]).find(["Tel. 030 23125 444"])] == ["phone"]


def test_places_are_told_by_text() -> None:
    texts = ["", "a", "打13912345678", "\0\0", "b" * 50, "c 139\u200b12345678 d", ""]
    assert FINDER.find(texts) == [Found(2, 1, 12, "mobile"), Found(5, 2, 14, "mobile")]
    assert FINDER.find([]) == []
    assert FINDER.find(["", ""]) == []


def test_nothing_reaches_from_one_text_into_another() -> None:
    assert FINDER.find(["1391", "2345678"]) == []
    assert FINDER.find(["订单号", "13912345678"]) == [Found(1, 0, 11, "mobile")]
    assert FINDER.find(["护照", "E28437561"]) == []


@given(st.lists(st.text(st.sampled_from("0139\u200b @.:/-+()京A号路a\0\ud800１٣\n护照"), max_size=40), max_size=6))
@settings(max_examples=150, deadline=None)
def test_a_batch_is_its_texts_one_by_one(texts: list[str]) -> None:
    alone = [Found(number, *each[1:]) for number, text in enumerate(texts) for each in FINDER.find([text])]
    assert FINDER.find(texts) == alone
    for each in alone:
        assert 0 <= each.start < each.end <= len(texts[each.text])


# --- what is made to take long


def hostile() -> Iterator[tuple[str, str]]:
    length = 80_000  # characters
    for piece in (
        *("1", "1 ", "13", "1-", "138 ", "+1", "(0", "４", "١", "1\u200b", "0.", "1.1.", "1:", "a:", "::", "f:", "@"),
        *("a@", "a@a.", "a@a", "a.", "://", "://a:", "://a:b@", "x://a?key=", "京A", "京A1", "路1号", "1号", "1栋1室"),
        *(
            "一号",
            "号",
            "路",
            "A1 ",
            "1 A ",
            "1 Aa ",
            "1 North ",
            "P.O. Box 1 ",
            "GB82 ",
            "GB82WEST ",
            "AA00",
            "护照E1234567 ",
        ),
        *("13912345678 ", "4111 1111 1111 1111 ", "198.51.100.1 ", "+44 20 7946 0958 ", "\u200b", "\0", "\ud800"),
        *(
            "+1 555 123 4567 ",
            "415-555-2671 ",
            "020 7946 0958 ",
            "0571-87654321 ",
            "1 Aaaaaaaaaaaaaaaaaaaa Aaaaaaaaaaaaaaaaaaaa ",
        ),
    ):
        yield piece, piece * (length // len(piece))


@pytest.mark.parametrize(("piece", "line"), [pytest.param(*each, id=repr(each[0])) for each in hostile()])
def test_a_long_line_takes_time_in_proportion(piece: str, line: str) -> None:
    def seconds(part: str) -> float:
        start = time.process_time()
        FINDER.find([part])
        return time.process_time() - start

    # Four times in proportion, sixteen where it were quadratic; something else may take a core away now and then.
    taken = [(seconds(line[: len(line) // 4]), seconds(line))]
    while taken[-1][1] >= 12 * max(taken[-1][0], 0.05) and len(taken) < 4:
        taken.append((seconds(line[: len(line) // 4]), seconds(line)))
    assert taken[-1][1] < 12 * max(taken[-1][0], 0.05), taken


def test_phones_are_looked_for_where_no_other_kind_is_known_and_that_loses_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [row["text"] for part in ("dev", "test") for row in pii_score.texts(part)]
    found = FINDER.find(texts)
    assert len(found) > 100
    real = phones.Phones.find
    monkeypatch.setattr(phones.Phones, "find", lambda self, text, low, high, known: real(self, text, low, high))
    assert FINDER.find(texts) == found


def test_importing_it_imports_no_library() -> None:
    code = "import sys, aiaas.pii; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "phonenumbers", "faker", "presidio_analyzer", "spacy"} & set(loaded)
