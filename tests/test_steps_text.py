"""The steps that look at what texts say: language, length, characters, stems, sentences, near duplicates."""

from __future__ import annotations

import itertools
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aiaas import chinese, languages, plugins, steps
from aiaas.contracts import Batch, Judges, Sifted
from aiaas.errors import DataError, MissingPackageError
from aiaas.near import search
from aiaas.steps import sentences


def texts(name: str, values: list[Any], **params: Any) -> list[Any]:
    return steps.mapped(steps.build(name, params, ["text"], None), {"text": values}).rows["text"]


def sifted(name: str, values: list[Any], **params: Any) -> Sifted:
    return steps.mapped(steps.build(name, params, ["text"], None), {"text": values})


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no package were installed."""
    monkeypatch.setattr(plugins, "_version", lambda name: None)
    for cached in (languages._loaded, chinese._converter, sentences._western):
        cached.cache_clear()


class TestLanguages:
    @pytest.mark.parametrize(
        ("text", "language"),
        [
            ("房间很干净，服务也好！", "zh"),
            ("這間旅館的房間非常乾淨", "zh"),
            ("iPhone手机很好用，推荐大家购买", "zh"),
            ("部屋はとても綺麗でした", "ja"),
            ("部屋が広い", "ja"),
            ("방이 아주 깨끗했어요", "ko"),
            ("ห้องสะอาดมาก", "th"),
            ("Το δωμάτιο ήταν καθαρό", "el"),
            ("החדר היה נקי מאוד", "he"),
            ("The room was very clean and the staff friendly.", "en"),
            ("Das Zimmer war sehr sauber und das Personal freundlich.", "de"),
            ("La chambre était très propre et le personnel aimable.", "fr"),
            ("Номер был очень чистым, а персонал приветливым.", "ru"),
            ("كانت الغرفة نظيفة جدا والموظفون ودودون", "ar"),
            ("12345 !!! ——", languages.UNKNOWN),
            ("", languages.UNKNOWN),
        ],
    )
    def test_tells(self, text: str, language: str) -> None:
        assert languages.detect([text])[0][0] == language

    @given(st.lists(st.text(st.sampled_from("ab 房の방é1.\U0001f600\ud800"), max_size=12), max_size=5))
    def test_each_text_alone(self, values: list[str]) -> None:
        assert languages.detect(values) == [languages.detect([value])[0] for value in values]

    def test_knows_what_its_model_knows(self) -> None:
        assert frozenset(languages._model().labels) | languages._BY_SCRIPT == languages.CODES | {"zxx"}

    @pytest.mark.usefixtures("no_package")
    def test_scripts_need_no_package_and_others_say_which(self) -> None:
        assert [each for each, _ in languages.detect(["房间", "部屋の", "방이"])] == ["zh", "ja", "ko"]
        with pytest.raises(MissingPackageError, match="py3langid") as caught:
            languages.detect(["The room"])
        assert caught.value.hint == "pip install 'aiaas[data]'"


class TestLanguage:
    def test_keeps_the_languages_and_says_what_others_are(self) -> None:
        step = steps.build("language", {"keep": ["zh", "ja"]}, ["text"], None)
        rows = ["房间很干净", "The room was very clean and the staff friendly.", "部屋はとても", None, "123"]
        done = steps.mapped(step, {"text": rows})
        assert done.rows == {"text": ["房间很干净", "部屋はとても", None, "123"]}
        assert done.reasons == {1: "its language is en"}
        assert step.report() == {"languages": {"zh": 1, "en": 1, "ja": 1}, "unsure": 2}

    def test_what_is_not_sure_may_go(self) -> None:
        done = sifted("language", ["123", "房间"], keep=["zh"], unsure="drop")
        assert done.reasons == {0: "its language is not sure"}

    def test_refuses_a_language_that_is_none(self) -> None:
        with pytest.raises(ValidationError, match="no language 'chinese'; allowed: "):
            plugins.step("language").Params.model_validate({"keep": ["chinese"]})
        with pytest.raises(ValidationError, match="at least 1"):
            plugins.step("language").Params.model_validate({"keep": []})


class TestLength:
    @pytest.mark.parametrize(
        ("unit", "text", "length"),
        [
            ("characters", "房间 good", 7),
            ("words", " the  room was\nclean ", 4),
            ("words", "房间很干净", 1),
            ("tokens", "房间很good, 3.5!", 9),
            ("tokens", "snake_case", 3),
            ("tokens", "", 0),
        ],
    )
    def test_counts(self, unit: str, text: str, length: int) -> None:
        assert texts("length", [text], min=length, max=length or 1, unit=unit) == [text]
        assert texts("length", [text], min=length + 1, unit=unit) == []

    def test_says_why(self) -> None:
        step = steps.build("length", {"min": 2, "max": 3}, ["a", "b"], None)
        done = steps.mapped(step, {"a": ["x", "xx", "xx", None], "b": ["xx", "xx", "xxxx", 7]})
        assert done.reasons == {0: "a text of fewer than 2 characters", 2: "a text of more than 3 characters"}
        assert done.places == [1, 3]
        assert step.report() == {"short": 1, "long": 1}

    @pytest.mark.parametrize(
        ("params", "told"),
        [
            ({}, "give min, max or both"),
            ({"min": 3, "max": 2}, "min must not be above max"),
            ({"min": -1}, "greater than or equal to 0"),
            ({"min": 1, "unit": "bytes"}, "'characters', 'words' or 'tokens'"),
        ],
    )
    def test_refuses(self, params: dict[str, Any], told: str) -> None:
        with pytest.raises(ValidationError, match=told):
            plugins.step("length").Params.model_validate(params)


class TestChinese:
    def test_is_what_opencc_says(self) -> None:
        from opencc import OpenCC

        values = ["皇后後來乾淨的頭髮", "軟體與滑鼠", "plain text", "发展中国家的头发", "\0鼠標\0乾"]
        for conversion in ("t2s", "s2t", "s2twp", "tw2sp", "s2hk", "hk2s"):
            expected = [OpenCC(conversion).convert(value) for value in values]
            assert texts("chinese", values, conversion=conversion) == expected

    def test_simplifies(self) -> None:
        assert texts("chinese", ["這間旅館的房間非常乾淨", None, 3]) == ["这间旅馆的房间非常干净", None, 3]
        assert texts("chinese", ["鼠标和软件"], conversion="s2twp") == ["滑鼠和軟體"]

    @pytest.mark.usefixtures("no_package")
    def test_says_what_is_missing(self) -> None:
        assert texts("chinese", ["no Chinese, no need"]) == ["no Chinese, no need"]
        with pytest.raises(MissingPackageError, match="opencc"):
            texts("chinese", ["干净"])

    def test_refuses_another_conversion(self) -> None:
        with pytest.raises(ValidationError, match="'t2s'"):
            plugins.step("chinese").Params.model_validate({"conversion": "zh2en"})


class TestStem:
    def test_is_what_nltk_says_of_each_word(self) -> None:
        from nltk.stem import PorterStemmer, SnowballStemmer

        words = ["connected", "connections", "happily", "generously", "skies", "dying", "Running", "relational"]
        joined = " , ".join(words)
        assert texts("stem", [joined]) == [" , ".join(map(SnowballStemmer("english").stem, words))]
        assert texts("stem", [joined], algorithm="porter") == [" , ".join(map(PorterStemmer().stem, words))]
        german = SnowballStemmer("german").stem
        assert texts("stem", ["laufenden Häusern"], language="german") == [f"{german('laufenden')} {german('Häusern')}"]

    def test_what_is_no_word_stays(self) -> None:
        value = "  房间很干净: 3.5-star rooms, (beds)!\n服务 "
        assert texts("stem", [value, None]) == ["  房间很干净: 3.5-star room, (bed)!\n服务 ", None]
        assert texts("stem", ["the dog's bed"]) == ["the dog bed"]

    def test_remembers_only_so_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        step: Any = steps.build("stem", {}, ["text"], None)
        monkeypatch.setattr("aiaas.steps.stem._REMEMBERED", 2)
        assert step.apply({"text": ["rooms beds walls", "rooms"]}) == {"text": ["room bed wall", "room"]}
        assert not step._stems

    def test_porter_is_english(self) -> None:
        with pytest.raises(ValidationError, match="porter knows English alone"):
            plugins.step("stem").Params.model_validate({"algorithm": "porter", "language": "german"})
        with pytest.raises(ValidationError, match="'english'"):
            plugins.step("stem").Params.model_validate({"language": "klingon"})


class TestSentences:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("房间很干净。服务也好！下次再来？", ["房间很干净。", "服务也好！", "下次再来？"]),
            ("他说：“很好。”然后走了。", ["他说：“很好。”", "然后走了。"]),
            ("等了很久……终于来了", ["等了很久……", "终于来了"]),
            ("价格3.5元!还行", ["价格3.5元!", "还行"]),
            ("It was clean. The staff smiled! Would I return? Yes.", 4),
            ("Dr. Smith paid $3.50 at the St. James, e.g. for tea. He left.", 2),
            ("J. K. Rowling wrote it. It sold.", 2),
            ('He said "Go." Then he went.', 2),
            ("no capital. after the stop", ["no capital. after the stop"]),
            ("one line\nanother\n\n\nthird", ["one line", "another", "third"]),
            ("  trimmed  ", ["trimmed"]),
            ("", [""]),
            (" \n ", [" \n "]),
        ],
    )
    def test_divides(self, text: str, expected: Any) -> None:
        done = texts("sentences", [text], method="rule")
        assert (len(done) if isinstance(expected, int) else done) == expected

    def test_nothing_is_lost(self) -> None:
        chance = random.Random(1)
        for _ in range(300):
            value = "".join(chance.choices(["a", "Bc", ". ", "! ", "。", "”", "\n", " ", "Dr. ", "…", "?", "好"], k=20))
            done = texts("sentences", [value], method="rule")
            assert "".join("".join(done).split()) == "".join(value.split())

    def test_other_columns_are_repeated_and_places_told(self) -> None:
        step = steps.build("sentences", {"column": "text", "method": "rule"}, ["text", "stars"], "label")
        done = steps.mapped(step, {"text": ["好。坏。", None, "一句"], "stars": [5, 1, 3], "label": ["p", "n", "p"]})
        assert done.rows == {
            "text": ["好。", "坏。", None, "一句"],
            "stars": [5, 5, 1, 3],
            "label": ["p", "p", "n", "p"],
        }
        assert (done.places, done.reasons) == ([0, 0, 1, 2], {})
        assert steps.joined(step, [step.report()]) == {"texts": 2, "sentences": 3, "method": "rule"}

    def test_punkt_where_its_data_is(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import nltk.data

        monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
        sentences._western.cache_clear()
        assert texts("sentences", ["It works. It does."]) == ["It works.", "It does."]
        with pytest.raises(DataError, match="punkt_tab for 'english' is not on this machine") as caught:
            texts("sentences", ["It works."], method="punkt")
        assert "method: rule" in str(caught.value.hint)
        folder = tmp_path / "tokenizers" / "punkt_tab" / "english"
        folder.mkdir(parents=True)
        for name, text in {
            "collocations.tab": "", "sent_starters.txt": "", "abbrev_types.txt": "zz\n", "ortho_context.tab": "",
        }.items():  # fmt: skip
            (folder / name).write_text(text, "utf-8")
        sentences._western.cache_clear()
        step = steps.build("sentences", {}, ["text"], None)
        assert steps.mapped(step, {"text": ["He is zz. Smith. Yes."]}).rows["text"] == ["He is zz. Smith.", "Yes."]
        assert steps.joined(step, [step.report()])["method"] == "punkt"
        sentences._western.cache_clear()

    def test_needs_one_column(self) -> None:
        with pytest.raises(DataError, match="name it, one of: a, b"):
            steps.build("sentences", {}, ["a", "b"], None)

    def test_a_hostile_text_takes_no_longer(self) -> None:
        for piece in (". ", "A. ", ".”", "Dr.", "…", '."'):
            assert texts("sentences", [piece * 40_000], method="rule")


def concluded(step: Any, parts: list[Batch], scratch: Path) -> Batch:
    assert isinstance(step, Judges)
    step.conclude([step.survey(part) for part in parts], scratch)
    done: Batch = {name: [] for name in parts[0]}
    at = 0
    for part in parts:
        height = len(next(iter(part.values())))
        made = steps.mapped(step, part, step.verdicts(at, at + height))
        at += height
        assert set(made.reasons.values()) <= {"nearly equal to a row before it"}
        for name, values in made.rows.items():
            done[name] += values
    return done


LONG = "房间很干净服务也很周到早餐丰富位置方便前台热情下次来北京还会选择这里入住"


class TestNearDuplicates:
    def test_keeps_the_first_and_shows_what_went(self, tmp_path: Path) -> None:
        rows = {
            "text": [LONG, "另一句", LONG + "！", None, LONG.replace("北京", "上海"), None],
            "label": list("ppnppp"),
        }
        step: Any = steps.build("near_duplicates", {"threshold": 0.7}, ["text"], "label")
        done = concluded(step, [rows], tmp_path)
        assert done["text"] == [LONG, "另一句", None, None]
        report = steps.joined(step, [step.report()])
        assert (report["near_duplicates"], report["other_label"]) == (2, 1)
        (example,) = report["examples"]
        assert example["kept"] == {"row": {"text": LONG}, "label": "p"}
        assert example["gone"] == {"row": {"text": LONG + "！"}, "label": "n"}
        assert 0.9 < example["similarity"] < 1

    def test_a_row_near_to_one_that_went_stays(self, tmp_path: Path) -> None:
        steps_between = [LONG, LONG[2:] + "一二", LONG[4:] + "一二三四", LONG[6:] + "一二三四五六"]
        step = steps.build("near_duplicates", {"threshold": 0.8}, ["text"], None)
        assert concluded(step, [{"text": steps_between}], tmp_path)["text"] == [steps_between[0], steps_between[2]]

    def test_only_of_the_same_label(self, tmp_path: Path) -> None:
        rows = {"text": [LONG, LONG + "！", LONG + "。"], "label": ["p", "n", "n"]}
        step = steps.build("near_duplicates", {"same_label": True}, ["text"], "label")
        assert concluded(step, [rows], tmp_path)["text"] == [LONG, LONG + "！"]

    def test_several_columns_are_compared_together(self, tmp_path: Path) -> None:
        rows = {
            "a": [LONG, LONG, LONG],
            "b": ["x", "完全不同的另一段话说得很长很长很长很长很长也没有完", "x"],
            "n": [1, 2, 3],
        }
        step = steps.build("near_duplicates", {}, ["a", "b", "n"], None)
        assert concluded(step, [rows], tmp_path)["n"] == [1, 2]
        (tmp_path / "again").mkdir()
        step = steps.build("near_duplicates", {"columns": ["a"]}, ["a", "b", "n"], None)
        assert concluded(step, [rows], tmp_path / "again")["n"] == [1]

    def test_batches_and_files_do_not_matter(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        chance = random.Random(4)
        values = [LONG]
        for _ in range(400):
            base = list(chance.choice(values))
            base[chance.randrange(len(base))] = chance.choice("天地玄黄宇宙洪荒日月盈昃")
            values.append("".join(base))
        outcomes = []
        for size, rows in itertools.product((7, 401), (10, 2**20)):
            monkeypatch.setattr(search, "ROWS", rows)
            step = steps.build("near_duplicates", {"threshold": 0.6, "examples": 3}, ["text"], None)
            parts: list[Batch] = [{"text": values[at : at + size]} for at in range(0, 401, size)]
            with tempfile.TemporaryDirectory(dir=tmp_path) as scratch:
                outcomes.append((concluded(step, parts, Path(scratch)), steps.joined(step, [step.report()])))
        assert all(outcome == outcomes[0] for outcome in outcomes)
        assert 10 < len(outcomes[0][0]["text"]) < 350
        assert len(outcomes[0][1]["examples"]) == 3

    @pytest.mark.parametrize(
        "params", [{"threshold": 0.1}, {"threshold": 1.1}, {"unit": "byte"}, {"size": 0}, {"examples": 101}]
    )
    def test_refuses(self, params: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            plugins.step("near_duplicates").Params.model_validate(params)
