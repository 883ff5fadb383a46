"""The steps, one after the other: what they change, and what they leave."""

from __future__ import annotations

import logging
import random
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from aiaas import plugins, steps
from aiaas.contracts import Batch
from aiaas.errors import DataError
from aiaas.steps import _buckets, _content, _markup, clean
from aiaas.steps._content import SIZE, digests


def texts(name: str, values: list[Any], **params: Any) -> list[Any]:
    return steps.build(name, params, ["text"], None).apply({"text": values})["text"]


def text(name: str, value: str, **params: Any) -> str:
    return str(texts(name, [value], **params)[0])


SIGN = {"edges": [-0.01, 0.01], "names": ["neg", None, "pos"]}


class TestBins:
    def test_an_edge_begins_the_next_label_and_null_leaves_rows_out(self) -> None:
        step = steps.build("bins", SIGN, ["text"], "label")
        done = steps.mapped(step, {"text": ["a", "b", "c", "d"], "label": ["-2.5", "0.0", "0.01", "4"]})
        assert done.reasons == {1: "its number is -0.01 or more and below 0.01, where there is no label"}
        assert done.rows == {"text": ["a", "c", "d"], "label": ["neg", "pos", "pos"]}
        assert step.report() == {"labels": {"neg": 1, "pos": 2}, "left_out": 1}

    def test_several_edges_may_lead_to_one_label(self) -> None:
        step = steps.build("bins", {"edges": [2, 4], "names": ["odd", "fair", "odd"]}, ["text"], "label")
        assert step.apply({"text": ["a", "b", "c"], "label": ["1", "3", "inf"]})["label"] == ["odd", "fair", "odd"]

    def test_a_reason_is_one_of_few_and_tells_no_number(self) -> None:
        step = steps.build("bins", {"edges": [1, 5], "names": [None, "fair", None]}, ["text"], "label")
        done = steps.mapped(step, {"text": ["a", "b", "c", "d"], "label": ["0.123", "-7", "13800138000", "5"]})
        low, high = "its number is below 1, where there is no label", "its number is 5 or more, where there is no label"
        assert done.reasons == {0: low, 1: low, 2: high, 3: high}

    @pytest.mark.parametrize("label", ["good", "nan", ""])
    def test_refuses_a_label_that_is_no_number(self, label: str) -> None:
        step = steps.build("bins", SIGN, ["text"], "label")
        with pytest.raises(DataError, match="is no number"):
            step.apply({"text": ["a"], "label": [label]})

    def test_refuses_rows_without_labels(self) -> None:
        with pytest.raises(DataError, match="no labels"):
            steps.build("bins", SIGN, ["text"], None).apply({"text": ["a"]})

    @pytest.mark.parametrize(
        ("edges", "names", "told"),
        [
            ([0], ["one"], "one more than edges"),
            ([1, 1], ["a", "b", "c"], "must ascend"),
            ([0], ["a", " "], "must not be empty"),
            ([], ["a"], "at least 1"),
        ],
    )
    def test_refuses_edges_and_names_that_do_not_go_together(self, edges: Any, names: Any, told: str) -> None:
        with pytest.raises(ValidationError, match=told):
            plugins.step("bins").Params.model_validate({"edges": edges, "names": names})


class TestClean:
    @settings(deadline=None)  # the first imports numpy
    @given(st.text(st.characters(max_codepoint=127) | st.sampled_from(" \t\n\0a"), max_size=50))
    def test_many_texts_of_ascii_are_spaced_as_one_is(self, given: str) -> None:
        assert clean._single_spaced(given) == " ".join(given.split())

    def test_long_texts_of_ascii(self) -> None:
        given = [f"  word {n}\t\x1c of \r\n many  " for n in range(300)]
        assert texts("clean", given) == [f"word {n} of many" for n in range(300)]

    @pytest.mark.parametrize(
        ("dirty", "expected"),
        [
            ("服务很好，房间　大！", "服务很好,房间 大!"),
            ("Ｈｅｌｌｏ ①", "Hello 1"),
            ("e\u0301", "é"),
            ("a\x00b\x07c\x9fd", "abcd"),
            ("a\ud800b", "ab"),
            ("zero\u200bwidth\ufeff soft\u00adhyphen", "zerowidth softhyphen"),
            ("  two\r\n\r\n lines\tand\u2028more ", "two lines and more"),
            ("one<br>two<br/>three<BR />four", "one two three four"),
            ("<p class='x' id=y hidden>para</p><p>next</p>", "para next"),
            ("a <b>bold</b>er wo<i>r</i>d", "a bolder word"),
            ('<a title="a > b" href=x>link</a>', "link"),
            ("x<script type='a'>var a = '<b>' </script>y<STYLE>p{}</STYLE >z<!-- <p> -->!", "x y z !"),
            ("<!DOCTYPE html><?xml version='1'?><html>t</html>", "t"),
            ("Tom &amp; Jerry &lt;3 &#20320;&#x597d; &nbsp;x", "Tom & Jerry <3 你好 x"),
            ("&amp;lt;br&amp;gt;done", "done"),
            ("<<b>b>nested", "nested"),
            ("＜br＞wide", "wide"),
        ],
    )
    def test_cleans(self, dirty: str, expected: str) -> None:
        assert text("clean", dirty) == expected

    @pytest.mark.parametrize(
        "kept",
        [
            "a < b",
            "a < b and c > d",
            "a<b and c>d",
            "I <3 you",
            "<unk> vector<int> <me@example.org>",
            "if a<b",
            "x <- y --> z",
            "<!-- never closed",
            "AT&T R&D",
            "<大家好>",
            "a</b",
            "<script is a word",
            "👍🏽 ok",
        ],
    )
    def test_keeps(self, kept: str) -> None:
        assert text("clean", kept) == kept

    def test_keeps_the_text_of_what_is_never_closed(self) -> None:
        assert text("clean", "a<script>b") == "a b"
        assert text("clean", "a<!-- b <br> c") == "a<!-- b c"

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("nfkc", "，"),
            ("control", "a\x07b"),
            ("control", "a\0b"),
            ("zero_width", "a\u200bb"),
            ("tags", "<b>a</b>"),
            ("entities", "&amp;"),
            ("whitespace", " a\n b "),
        ],
    )
    def test_each_part_can_be_switched_off(self, parameter: str, value: str) -> None:
        assert text("clean", value) != value
        assert text("clean", value, **{parameter: False}) == value

    def test_with_everything_off_nothing_changes(self) -> None:
        off = dict.fromkeys(("nfkc", "control", "zero_width", "tags", "entities", "whitespace"), False)
        value = " ，\0\u200b<b>&amp;\n"
        assert text("clean", value, **off) == value

    def test_a_text_with_nul_does_not_disturb_its_neighbours(self) -> None:
        assert texts("clean", ["a", "b\0c", " d "]) == ["a", "bc", "d"]
        assert texts("clean", ["a", "b \0<br>c", " d "], control=False) == ["a", "b\0c", "d"]

    def test_every_character_alone_is_nfkc(self) -> None:
        every = [chr(code) for code in range(1, 0x30000) if not 0xD800 <= code < 0xE000]
        wanted = [unicodedata.normalize("NFKC", char) for char in every]
        off = dict.fromkeys(("control", "zero_width", "tags", "entities", "whitespace"), False)
        assert texts("clean", every, **off) == wanted

    @given(st.lists(st.text(), min_size=1), st.booleans(), st.booleans())
    def test_a_batch_is_its_texts_one_by_one(self, values: list[str], control: bool, whitespace: bool) -> None:
        params = {"control": control, "whitespace": whitespace}
        assert texts("clean", values, **params) == [text("clean", value, **params) for value in values]

    @given(
        st.lists(
            st.sampled_from(
                [
                    *"ab<>/&;=\"' \0\u200b，",
                    "<b>",
                    "</p>",
                    "&lt;",
                    "&amp;",
                    "&#60;",
                    "<!--",
                    "-->",
                    "\u0301",
                    "amp;",
                    "script",
                    "\u0338",
                    "<br",
                    "¨",
                ]
            )
        ).map("".join)
        | st.text(),
        st.fixed_dictionaries(
            dict.fromkeys(("nfkc", "control", "zero_width", "tags", "entities", "whitespace"), st.booleans())
        ),
    )
    def test_twice_is_once(self, value: str, params: dict[str, bool]) -> None:
        once = text("clean", value, **params)
        assert text("clean", once, **params) == once

    def test_markup_hidden_too_deep_loses_its_signs(self) -> None:
        hidden = "&" + "amp;" * 100 + "lt;b&gt;x"
        once = text("clean", hidden)
        assert "&" not in once
        assert text("clean", once) == once

    def test_an_unclosed_comment_is_searched_once(self) -> None:
        # With a search for each opening this would take minutes.
        assert _markup.strip("-->" + "<!--" * 50_000).count("<!--") == 50_000


class TestTextSteps:
    def test_only_the_named_columns(self) -> None:
        step = steps.build("lowercase", {"columns": ["title"]}, ["title", "text"], None)
        assert step.apply({"title": ["A"], "text": ["B"]}) == {"title": ["a"], "text": ["B"]}

    @pytest.mark.parametrize(
        "name", [name for name in plugins.names("steps") if "columns" in plugins.step(name).Params.model_fields]
    )
    def test_a_column_that_is_no_feature(self, name: str) -> None:
        needed = {"language": {"keep": ["zh"]}, "length": {"min": 1}, "sample": {"share": 0.5}}.get(name, {})
        with pytest.raises(DataError, match="no feature column 'titel'; allowed: title, text") as caught:
            steps.build(name, {"columns": ["titel"], **needed}, ["title", "text"], "label")
        assert caught.value.hint == "did you mean 'title'?"

    def test_numbers_and_gaps_pass(self) -> None:
        assert texts("lowercase", ["A", None, 3, "B"]) == ["a", None, 3, "b"]

    def test_counts_what_changed(self) -> None:
        step = steps.build("lowercase", {}, ["text"], None)
        step.apply({"text": ["A", "b", None]})
        assert step.report() == {"texts": 2, "changed": 1}

    def test_lowercase(self) -> None:
        assert text("lowercase", "STRASSE ẞ Straße") == "strasse ß straße"
        assert text("lowercase", "ẞ Straße", method="casefold") == "ss strasse"


class TestUntag:
    def test_words_are_joined_without_their_tags(self) -> None:
        assert text("untag", "迈向/v  充满/v  希望/n  的/u  新/a  世纪/n") == "迈向充满希望的新世纪"
        assert text("untag", "The/DT cat_s/NNS sat/VBD ./.", join=" ") == "The cat_s sat ."
        assert text("untag", "好_a 人_n", separator="_") == "好人"

    def test_the_last_separator_counts_and_a_word_without_tag_stays(self) -> None:
        assert text("untag", "//w １/２/m 好 人/n") == "/１/２好人"
        assert text("untag", "") == ""

    def test_a_request_does_not_go_through_it(self) -> None:
        assert not plugins.step("untag").Step.ON_REQUEST


class TestSegment:
    def test_puts_spaces_between_words(self) -> None:
        assert text("segment", "我来到北京清华大学") == "我 来到 北京 清华大学"

    def test_search_adds_the_words_within(self) -> None:
        assert text("segment", "清华大学", mode="search") == "清华 华大 大学 清华大学"

    def test_words_of_ones_own(self) -> None:
        assert text("segment", "云计算平台很好", hmm=False) != text("segment", "云计算平台很好", words=["云计算平台"])
        assert text("segment", "云计算平台很好", words=["云计算平台"]).split()[0] == "云计算平台"

    def test_one_steps_words_are_not_anothers(self) -> None:
        before = text("segment", "凌云壮志酒店不错", hmm=False)
        text("segment", "凌云壮志酒店不错", words=["凌云壮志酒店"])
        assert text("segment", "凌云壮志酒店不错", hmm=False) == before

    @pytest.mark.parametrize("word", ["", " ", "two words", " led"])
    def test_refuses_what_is_no_word(self, word: str) -> None:
        with pytest.raises(ValueError, match="white space"):
            steps.build("segment", {"words": [word]}, ["text"], None)

    def test_other_scripts_keep_their_words(self) -> None:
        assert text("segment", "hello  world") == "hello world"

    def test_is_quiet_and_writes_nothing(self, tmp_path: Path) -> None:
        code = "from aiaas import steps; steps.build('segment', {}, ['t'], None).apply({'t': ['很干净']})"
        done = subprocess.run(
            [sys.executable, "-W", "always", "-c", code],
            capture_output=True, text=True, check=True, env={"TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        assert done.stdout == done.stderr == ""
        assert not list(tmp_path.iterdir())
        assert logging.getLogger("jieba").level in {logging.NOTSET, logging.WARNING}


class TestStopwords:
    @pytest.fixture(autouse=True)
    def _no_nltk_data(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.setenv("NLTK_DATA", str(tmp_path / "data"))
        monkeypatch.delitem(sys.modules, "nltk.data", raising=False)

    def put(self, tmp_path: Path, words: str) -> None:
        folder = tmp_path / "data" / "corpora" / "stopwords"
        folder.mkdir(parents=True)
        (folder / "english").write_text(words, encoding="utf-8")

    def test_removes_words_of_both_languages(self) -> None:
        assert text("stopwords", "The 房间 的 carpet is 干净") == "房间 carpet 干净"

    def test_can_mind_the_case(self) -> None:
        assert text("stopwords", "The the", ignore_case=False) == "The"

    def test_adds_and_keeps(self) -> None:
        assert text("stopwords", "not the Hotel", keep=["not"], add=["hotel"]) == "not"

    def test_takes_nltks_list_where_it_is(self, tmp_path: Path) -> None:
        self.put(tmp_path, "foo\nbar\n")
        step = steps.build("stopwords", {"languages": ["en", "zh"]}, ["text"], None)
        assert step.apply({"text": ["foo the 的 bar"]}) == {"text": ["the"]}
        lists: Any = steps.joined(step, [step.report()])["lists"]
        assert lists["en"] == {"source": "nltk", "words": 2}
        assert lists["zh"]["source"].startswith("stopwordsiso ")
        assert "nltk.data" not in sys.modules

    def test_reads_nltks_archive(self, tmp_path: Path) -> None:
        folder = tmp_path / "data" / "corpora"
        folder.mkdir(parents=True)
        with zipfile.ZipFile(folder / "stopwords.zip", "w") as archive:
            archive.writestr("stopwords/english", "foo\n")
        assert text("stopwords", "foo the", languages=["en"]) == "the"

    def test_a_broken_archive_is_said(self, tmp_path: Path) -> None:
        folder = tmp_path / "data" / "corpora"
        folder.mkdir(parents=True)
        (folder / "stopwords.zip").write_bytes(b"PK nothing")
        with pytest.raises(DataError, match="cannot be read"):
            text("stopwords", "the", languages=["en"])

    def test_the_record_holds_the_words(self, tmp_path: Path) -> None:
        step = steps.build("stopwords", {"languages": ["en"]}, ["text"], None)
        trained = step.apply({"text": ["foo the room"]})
        kept = steps.record("stopwords", {"languages": ["en"]}, step)
        self.put(tmp_path, "foo\n")  # the machine that serves has other lists
        assert steps.apply(steps.restore([kept], ["text"]), {"text": ["foo the room"]}) == trained
        assert text("stopwords", "foo the room", languages=["en"]) == "the room"

    def test_an_unknown_language(self) -> None:
        with pytest.raises(DataError, match=r"language 'qq'; allowed: af, ar, .*zh"):
            text("stopwords", "x", languages=["qq"])

    def test_says_that_chinese_was_not_segmented(self) -> None:
        step = steps.build("stopwords", {}, ["text"], None)
        step.apply({"text": ["这是一个没有分词的很长的句子不是吗", "酒店的房间非常干净而且服务也特别好"]})
        assert "put the step segment before stopwords" in steps.joined(step, [step.report()])["warning"]
        both = steps.build("stopwords", {}, ["text"], None)
        both.apply({"text": texts("segment", ["这是一个没有分词的很长的句子不是吗"])})
        assert "warning" not in steps.joined(both, [both.report()])


def conclude(step: Any, batches: list[Batch]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        step.conclude([step.survey(batch) for batch in batches], Path(scratch))


def judged(step: Any, batches: list[Batch]) -> Batch:
    """What a step that judges rows makes of these."""
    conclude(step, batches)
    done: Batch = {}
    at = 0
    for batch in batches:
        height = len(next(iter(batch.values())))
        for name, values in steps.mapped(step, batch, step.verdicts(at, at + height)).rows.items():
            done.setdefault(name, []).extend(values)
        at += height
    return done


class TestDeduplicate:
    def run(self, rows: Batch, features: list[str], label: str | None, **params: Any) -> tuple[Batch, dict[str, Any]]:
        step = steps.build("deduplicate", params, features, label)
        done = judged(step, [rows])
        return done, steps.joined(step, [step.report()])

    def test_keeps_the_first(self) -> None:
        rows = {"text": ["a", "b", "a", "c", "b"], "label": ["x", "y", "x", "x", "y"], "n": [1, 2, 3, 4, 5]}
        done, report = self.run(rows, ["text"], "label")
        assert done["n"] == [1, 2, 4]
        assert report == {"duplicates": 2, "contradicting_texts": 0, "contradicting_rows": 0, "examples": []}

    def test_drops_and_reports_contradictions(self) -> None:
        rows = {"text": ["a", "b", "a", "c", "b", "b"], "label": ["x", "y", "z", "x", "y", "x"]}
        done, report = self.run(rows, ["text"], "label")
        assert done == {"text": ["c"], "label": ["x"]}
        assert (report["contradicting_texts"], report["contradicting_rows"], report["duplicates"]) == (2, 5, 0)
        assert report["examples"] == [
            {"row": {"text": "a"}, "labels": ["x", "z"]},
            {"row": {"text": "b"}, "labels": ["x", "y"]},
        ]
        assert report["warning"].startswith("2 examples have labels that contradict each other; their 5 rows")

    def test_shows_as_many_examples_as_asked_and_shortens_them(self) -> None:
        rows = {"text": [name * 100 for name in "abcabc"], "label": list("xxxyyy")}
        _, report = self.run(rows, ["text"], "label", examples=2)
        assert [each["row"]["text"] for each in report["examples"]] == ["a" * 80 + "…", "b" * 80 + "…"]

    def test_all_features_make_the_row(self) -> None:
        rows = {"a": [1, 1, 1], "b": ["x", "y", "x"], "label": ["p", "p", "p"]}
        assert self.run(rows, ["a", "b"], "label")[0]["b"] == ["x", "y"]
        assert self.run(rows, ["a", "b"], "label", columns=["a"])[0]["b"] == ["x"]

    def test_numbers_do_not_contradict(self) -> None:
        rows = {"a": [1, 1, 1], "target": [0.5, 0.7, 0.5]}
        done, report = self.run(rows, ["a"], "target")
        assert done == {"a": [1, 1], "target": [0.5, 0.7]}
        assert report["contradicting_rows"] == 0

    def test_over_files_it_says_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """More rows than are sorted in memory at once go through files, in many small arrays."""
        chance = random.Random(1)
        rows = {"text": [f"{chance.randrange(900)}" for _ in range(2000)]}
        rows["label"] = [chance.choice("xy" if text < "5" else "x") for text in rows["text"]]
        whole = self.run(rows, ["text"], "label", examples=7)
        monkeypatch.setattr(_buckets, "ROWS", 50)
        parts = [{name: values[at : at + 300] for name, values in rows.items()} for at in range(0, 2000, 300)]
        step = steps.build("deduplicate", {"examples": 7}, ["text"], "label")
        assert (judged(step, parts), steps.joined(step, [step.report()])) == whole
        assert len(whole[1]["examples"]) == 7

    def test_one_content_may_be_most_of_the_rows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What stands in a row a million times is held once for each piece and label."""
        chance = random.Random(2)
        rows = {"text": [chance.choice(["default", "default", "odd", f"{n}"]) for n in range(3000)]}
        rows["label"] = [chance.choice("xy") if text == "odd" else "x" for text in rows["text"]]
        whole = self.run(rows, ["text"], "label")
        assert whole[0]["text"].count("default") == 1
        assert "odd" not in whole[0]["text"]
        monkeypatch.setattr(_buckets, "ROWS", 50)
        sizes: list[int] = []
        real = _buckets._sorted

        def noting(found: Any, by_label: bool = False) -> Any:
            sizes.append(0 if by_label else len(found))
            return real(found, by_label)

        monkeypatch.setattr(_buckets, "_sorted", noting)
        parts = [{name: values[at : at + 300] for name, values in rows.items()} for at in range(0, 3000, 300)]
        step = steps.build("deduplicate", {}, ["text"], "label")
        assert (judged(step, parts), steps.joined(step, [step.report()])) == whole
        assert max(sizes) < 60

    def test_several_processes_report_as_one(self) -> None:
        rows = {"text": ["a", "b", "a"], "label": ["x", "y", "z"]}
        _, alone = self.run(rows, ["text"], "label")
        step, *workers = [steps.build("deduplicate", {}, ["text"], "label") for _ in range(3)]
        conclude(step, [rows])
        for worker, (start, stop) in zip(workers, [(0, 2), (2, 3)], strict=True):
            part = {name: values[start:stop] for name, values in rows.items()}
            steps.mapped(worker, part, step.verdicts(start, stop))
        assert steps.joined(step, [each.report() for each in (step, *workers)]) == alone

    @given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xy"))), st.integers(1, 5))
    def test_is_what_a_dictionary_says(self, rows: list[tuple[str, str]], size: int) -> None:
        step = steps.build("deduplicate", {}, ["text"], "label")
        batches = [
            {
                "text": [row[0] for row in rows[start : start + size]],
                "label": [row[1] for row in rows[start : start + size]],
            }
            for start in range(0, len(rows), size)
        ]
        done = judged(step, batches).get("text", [])
        labels: dict[str, set[str]] = {}
        for value, label in rows:
            labels.setdefault(value, set()).add(label)
        assert done == [value for value, seen in labels.items() if len(seen) == 1]

    def test_what_is_no_text_equals_no_text(self) -> None:
        found = _content.digests({"a": [None, "None", "\udcff", 1, "1", True]}, ["a"])
        assert len({found[start : start + 16] for start in range(0, len(found), 16)}) == 6


def test_files_are_equal_byte_by_byte_and_to_no_text() -> None:
    """The digest of a file, of its text and of its Python form are three things."""
    data = b"\xff\xd8 picture"
    values = [data, data + b"\0", data.decode("latin-1"), repr(data), None]
    found = digests({"image": values}, ["image"])
    assert len({found[start : start + SIZE] for start in range(0, len(found), SIZE)}) == len(values)
    assert digests({"image": [bytes(data)]}, ["image"]) == found[:SIZE]
