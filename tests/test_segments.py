"""Preprocess over several segments and processes: the same result in however many pieces, and after any end."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from aiaas import cores, plugins
from aiaas.contracts import Advance, Column
from aiaas.errors import AiaasError, DataError
from aiaas.preprocess import pool, preprocess, segments, tables, work
from aiaas.preprocess.shelf import ROWS, Shelf
from aiaas.recipe import Split
from aiaas.steps import _buckets
from tests.step_toys import OddError, registered

TEXT: Any = SimpleNamespace(COLUMNS=(Column("text", "text"), Column("label", "label")), OPEN=False)
FILES = ("train.arrow", "validation.arrow", "test.arrow", "dropped.arrow", "report.json")
ROOT = Path(__file__).parent.parent


def section(*steps: Any, **split: Any) -> Any:
    made = [each if isinstance(each, tuple) else (each, {}) for each in steps]
    return SimpleNamespace(
        steps=[SimpleNamespace(name=name, params=params) for name, params in made], split=Split(**split)
    )


def write(path: Path, texts: list[str], labels: list[str], size: int = 50) -> Path:
    columns = {"text": texts, "label": labels, "_source": [0] * len(texts), "_split": [None] * len(texts)}
    schema = pa.schema(
        [("text", pa.string()), ("label", pa.string()), ("_source", pa.int64()), ("_split", pa.string())]
    )
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        stream.write_table(pa.table(columns, schema), max_chunksize=size)
    return path


def reviews(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Texts of which some are equal, some contradict each other, some are empty, some become equal when cleaned."""
    chance = random.Random(seed)
    texts, labels = [], []
    for _ in range(count):
        number = chance.randrange(count)
        texts.append(chance.choice([f"review {number}", f" review  {number}", f"<b>review</b> {number}", ""]))
        labels.append("good" if number % 3 else chance.choice(["good", "bad"]) if number % 30 == 0 else "bad")
    return texts, labels


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "BYTES", 8_000)


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The steps of `step_toys`, as those of an installed package."""
    monkeypatch.syspath_prepend(str(registered(tmp_path / "toys")))
    monkeypatch.syspath_prepend(str(ROOT))
    plugins._registered.cache_clear()
    yield
    plugins._registered.cache_clear()


def run(folder: Path, name: str, data: Path, what: Any, processes: int = 1, **more: Any) -> dict[str, Any]:
    out = folder / name
    out.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cores, "cores", lambda: processes)
        return preprocess(what, 5, TEXT, data, out, addresses=["reviews.txt"], **more)


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def rows(path: Path) -> list[dict[str, Any]]:
    return [row for batch in tables.read(path) for row in batch.to_pylist()]


class TestSegments:
    def test_cover_the_rows_once_and_in_order(self, tmp_path: Path, small_segments: None) -> None:
        texts = [f"text {n}" * (n % 7) for n in range(3000)]
        data = write(tmp_path / "d.arrow", texts, ["a"] * 3000)
        schema, found = segments.divide(data)
        assert len(found) > 5
        assert [each.before for each in found] == np.cumsum([0, *(each.rows for each in found)])[:-1].tolist()
        read = [
            row for each in found for batch in segments.read(data, schema, each) for row in batch["text"].to_pylist()
        ]
        assert read == texts

    @pytest.mark.parametrize("cut", [1, 8, 9, 500, 5000])
    def test_a_file_that_was_cut_short(self, tmp_path: Path, cut: int) -> None:
        data = write(tmp_path / "d.arrow", *reviews(500))
        data.write_bytes(data.read_bytes()[:-cut])
        with pytest.raises(DataError, match=r"cut short|cannot be read"):
            segments.divide(data)

    def test_a_file_damaged_in_the_middle(self, tmp_path: Path, small_segments: None) -> None:
        data = write(tmp_path / "d.arrow", *reviews(500))
        content = bytearray(data.read_bytes())
        content[3000:3200] = b"\xff" * 200
        data.write_bytes(content)
        with pytest.raises(DataError, match="cannot be read"):
            run(tmp_path, "out", data, section("clean"))


class TestEqual:
    @pytest.mark.parametrize("split", [{}, {"stable": False}, {"folds": 4, "fold": 2}])
    def test_in_one_process_and_in_several(self, tmp_path: Path, small_segments: None, split: dict[str, Any]) -> None:
        data = write(tmp_path / "d.arrow", *reviews(3000))
        what = section("clean", "deduplicate", "lowercase", **split)
        one = run(tmp_path, "one", data, what)
        two = run(tmp_path, "two", data, what, processes=3)
        assert one == two
        assert files(tmp_path / "one") == files(tmp_path / "two")
        assert one["rows"]["kept"] > 500

    def test_however_it_is_divided_the_rows_are_the_same(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        data = write(tmp_path / "d.arrow", *reviews(3000))
        what = section("clean", "deduplicate", ("stopwords", {"languages": ["en"]}))
        whole = run(tmp_path, "whole", data, what)
        for size in (3_000, 20_000):
            monkeypatch.setattr(segments, "BYTES", size)
            assert run(tmp_path, f"in {size}", data, what) == whole
            for name in FILES[:4]:
                assert rows(tmp_path / f"in {size}" / name) == rows(tmp_path / "whole" / name)

    def test_only_one_class_in_a_segment(self, tmp_path: Path, small_segments: None) -> None:
        texts = [f"text {n}" for n in range(2000)]
        data = write(tmp_path / "d.arrow", texts, ["b"] * 1000 + ["c"] * 500 + ["a"] * 500)
        summary = run(tmp_path, "out", data, section())
        assert summary["labels"] == ["a", "b", "c"]
        found = {row["text"]: row["label"] for name in FILES[:3] for row in rows(tmp_path / "out" / name)}
        assert found == {text: 1 if n < 1000 else 2 if n < 1500 else 0 for n, text in enumerate(texts)}


class TestErrors:
    @pytest.mark.parametrize("processes", [1, 3])
    def test_what_a_step_raises_arrives_whole(
        self, tmp_path: Path, small_segments: None, toys: None, processes: int
    ) -> None:
        texts = [f"text {n}" + (" here" if n in (700, 1500) else "") for n in range(2000)]
        data = write(tmp_path / "d.arrow", texts, ["a", "b"] * 1000)
        with pytest.raises(AiaasError) as caught:
            run(tmp_path, "out", data, section(("toy", {"do": "odd"})), processes)
        error = caught.value
        assert (error.status, error.message, error.where) == (8, "number 3 is odd", "the package")
        assert error.hint == "take an even one"
        if processes == 1:
            assert isinstance(error, OddError)

    def test_a_fault_keeps_its_class_and_where_it_was(self, tmp_path: Path, small_segments: None, toys: None) -> None:
        data = write(tmp_path / "d.arrow", [f"here {n}" for n in range(2000)], ["a", "b"] * 1000)
        with pytest.raises(ZeroDivisionError) as caught:
            run(tmp_path, "out", data, section(("toy", {"do": "crash"})), 3)
        assert "step_toys.py" in "".join(caught.value.__notes__)

    def test_memory_that_runs_out(self, tmp_path: Path, small_segments: None, toys: None) -> None:
        data = write(tmp_path / "d.arrow", [f"here {n}" for n in range(2000)], ["a", "b"] * 1000)
        with pytest.raises(DataError, match="memory ran out"):
            run(tmp_path, "out", data, section(("toy", {"do": "memory"})), 2)

    def test_the_system_ends_a_process(self, tmp_path: Path, small_segments: None, toys: None) -> None:
        texts = [f"text {n}" + (" here" if n == 1900 else "") for n in range(2000)]
        data = write(tmp_path / "d.arrow", texts, ["a", "b"] * 1000)
        kept = tmp_path / "kept"
        what = section(("toy", {"do": "die", "once": str(tmp_path / "died")}))
        with pytest.raises(DataError, match="was ended by SIGKILL") as caught:
            run(tmp_path, "out", data, what, 2, kept=kept)
        assert "memory" in str(caught.value.hint)
        assert list(kept.glob("0/*.json"))
        run(tmp_path, "out", data, what, 2, kept=kept)
        run(tmp_path, "plain", data, what)
        assert files(tmp_path / "out") == files(tmp_path / "plain")

    def test_the_first_error_in_the_data_is_told_whatever_comes_first(
        self, tmp_path: Path, small_segments: None
    ) -> None:
        labels = ["1"] * 3000
        labels[200], labels[2900] = "few", "many"
        data = write(tmp_path / "d.arrow", [f"text {n}" for n in range(3000)], labels)
        what = section(("bins", {"edges": [1], "names": ["no", "yes"]}))
        for processes in (1, 4):
            with pytest.raises(DataError, match="'few'"):
                run(tmp_path, "out", data, what, processes)

    def test_rows_without_a_label_are_counted_through_all_segments(self, tmp_path: Path, small_segments: None) -> None:
        labels: list[Any] = ["a", "b"] * 1500
        for row in (300, 310, 2000):
            labels[row] = None
        data = write(tmp_path / "d.arrow", [f"text {n}" for n in range(3000)], labels)
        for processes in (1, 2):
            with pytest.raises(DataError, match=r"^3 of 3,000 rows have no label; the first is row 301 of source 0"):
                run(tmp_path, "out", data, section("clean"), processes)

    @pytest.mark.parametrize("at_once", [2**20, 50])
    def test_leaks_between_segments(
        self, tmp_path: Path, small_segments: None, monkeypatch: pytest.MonkeyPatch, at_once: int
    ) -> None:
        monkeypatch.setattr(_buckets, "ROWS", at_once)
        texts = [f"text {n}" for n in range(3000)]
        texts[2950] = texts[2951] = texts[3]
        texts[2960] = texts[40]
        data = write(tmp_path / "d.arrow", texts, ["a", "b"] * 1500)
        table = pa.ipc.open_stream(data.read_bytes()).read_all()
        parts = pa.array(["train"] * 2500 + ["validation"] * 200 + ["test"] * 300)
        table = table.set_column(3, "_split", parts)
        with pa.OSFile(str(data), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table, max_chunksize=50)
        with pytest.raises(
            DataError, match=r"^3 of 300 rows of test stand in train as well, such as 'text 3'; 'text 3'"
        ):
            run(tmp_path, "out", data, section(), 2)


class TestGoesOn:
    @pytest.mark.parametrize("after", [3, 25])
    def test_finished_segments_are_not_done_again(
        self, tmp_path: Path, small_segments: None, monkeypatch: pytest.MonkeyPatch, after: int
    ) -> None:
        data = write(tmp_path / "d.arrow", *reviews(3000))
        what, kept = section("clean", "deduplicate"), tmp_path / "kept"
        run(tmp_path, "plain", data, what)
        done: list[tuple[int, int]] = []
        real = work.do

        def until_stopped(plan: Any, span: Any, segment: Any, told: Any, moved: Any) -> Any:
            if len(done) == after:
                raise KeyboardInterrupt
            result = real(plan, span, segment, told, moved)
            done.append((span.number, segment.number))
            return result

        monkeypatch.setattr(work, "do", until_stopped)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, "out", data, what, kept=kept)
        after = -1
        told: list[Advance] = []
        run(tmp_path, "out", data, what, kept=kept, progress=told.append)
        assert len(done) == len(set(done)) == 2 * len(segments.divide(data)[1]) > 25
        assert files(tmp_path / "out") == files(tmp_path / "plain")
        # What was there is told at once: it is no part of the pace.
        assert len({each.rows for each in told if each.rows <= told[0].rows}) == 1
        assert told[0].rows > 0

    def test_what_was_damaged_and_cannot_be_made_of_the_rest_begins_anew(
        self, tmp_path: Path, small_segments: None
    ) -> None:
        data = write(tmp_path / "d.arrow", *reviews(3000))
        what = section("clean", "deduplicate")
        kept = tmp_path / "kept"
        run(tmp_path, "one", data, what, kept=kept)
        for path in kept.glob("1/7.*"):
            path.unlink()
        (kept / "1" / "whole").unlink()
        # The rows of the first pass are gone, as they must be: everything that needs them is made again.
        run(tmp_path, "two", data, what, kept=kept)
        assert files(tmp_path / "one") == files(tmp_path / "two")

    def test_what_a_kill_left_while_something_was_concluded_goes(self, tmp_path: Path, small_segments: None) -> None:
        data = write(tmp_path / "d.arrow", *reviews(300))
        kept = tmp_path / "kept"
        (kept / "scratch").mkdir(parents=True)
        (kept / "scratch" / "0.rows").write_bytes(b"half")
        run(tmp_path, "one", data, section("deduplicate"), kept=kept)
        assert not (kept / "scratch").exists()

    def test_a_damaged_file_is_made_again(self, tmp_path: Path, small_segments: None) -> None:
        data = write(tmp_path / "d.arrow", *reviews(3000))
        what = section("clean", "deduplicate")
        kept = tmp_path / "kept"
        run(tmp_path, "one", data, what, kept=kept)
        for name in ("0/3.survey.npz", "1/2.train.arrow", "1/4.json"):
            content = bytearray((kept / name).read_bytes())
            content[len(content) // 2] ^= 255
            (kept / name).write_bytes(content)
            run(tmp_path, "two", data, what, kept=kept)
            assert files(tmp_path / "one") == files(tmp_path / "two")

    def test_rows_on_their_way_are_removed_when_the_next_pass_has_them(
        self, tmp_path: Path, small_segments: None
    ) -> None:
        data = write(tmp_path / "d.arrow", *reviews(3000))
        kept = tmp_path / "kept"
        run(tmp_path, "one", data, section("clean", "deduplicate"), kept=kept)
        assert not list(kept.glob(f"*/*.{ROWS}"))
        assert not list((tmp_path / "one").glob(".rows*"))

    def test_what_is_whole_is_known_by_its_sum(self, tmp_path: Path) -> None:
        shelf, sums = Shelf(tmp_path), {}
        shelf.begin(0)
        shelf.write_survey(0, 0, {"a": np.arange(5)}, sums)
        shelf.write_done(0, 0, {"rows": 5}, sums)
        shelf.check(1, 1)
        assert shelf.done(0, 0) == {"rows": 5, "files": {**sums}}
        path = shelf.path(0, 0, "survey.npz")
        path.write_bytes(path.read_bytes()[:-1] + b"x")
        shelf.check(1, 1)
        assert shelf.done(0, 0) is None


KILLED = """
import sys
from pathlib import Path
from aiaas import cores
from aiaas.preprocess import preprocess, segments
from tests.test_segments import TEXT, section
segments.BYTES = 8_000
cores.cores = lambda: 2
preprocess(section("clean", "deduplicate", ("segment", {})), 5, TEXT, Path(sys.argv[1]), Path(sys.argv[2]),
           addresses=["reviews.txt"], kept=Path(sys.argv[3]))
"""


class TestKilled:
    def start(self, data: Path, out: Path, kept: Path) -> subprocess.Popen[bytes]:
        out.mkdir(exist_ok=True)
        return subprocess.Popen([sys.executable, "-c", KILLED, str(data), str(out), str(kept)], cwd=ROOT)

    def test_at_any_moment_it_goes_on_and_leaves_no_process(self, tmp_path: Path, small_segments: None) -> None:
        texts, labels = reviews(3000)
        data = write(tmp_path / "d.arrow", [f"{text} 房间很干净服务也很好" for text in texts], labels)
        kept, out = tmp_path / "kept", tmp_path / "out"
        killed = 0
        for moment in (3, 12, 20, 30, 45):  # segments that are done
            process = self.start(data, out, kept)
            while process.poll() is None and len(list(kept.glob("*/*.json"))) < moment:
                time.sleep(0.002)
            if process.poll() is None:
                children = descendants(process.pid)
                process.kill()
                killed += 1
                process.wait()
                assert all(gone(child) for child in children)
        assert killed >= 2
        assert self.start(data, out, kept).wait() == 0
        run(tmp_path, "plain", data, section("clean", "deduplicate", "segment"))
        assert files(out) == files(tmp_path / "plain")


def descendants(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children")
    return [int(each) for each in found.read_text().split()] if found.exists() else []


def gone(process: int) -> bool:
    for _ in range(200):
        try:
            os.kill(process, 0)
            if "Z" in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2][:3]:
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


class TestCommand:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_interrupted_it_ends_with_75_and_goes_on(self, project: Path, number: signal.Signals) -> None:
        words = [f"房间{n}很干净，服务{n % 7}也很好，下次还会再来住这家酒店 " * 12 for n in range(40_000)]
        (project / "good.txt").write_text("\n".join(words[::2]), "utf-8")
        (project / "bad.txt").write_text("\n".join(words[1::2]), "utf-8")
        command = [sys.executable, "-m", "aiaas", "preprocess", "tiny.yaml", "--json", "--quiet"]
        environment = {**os.environ, "AIAAS_TRACKING": "off"}
        process = subprocess.Popen(command, cwd=project, env=environment, stdout=subprocess.PIPE)
        while not list(project.glob(".aiaas/checkpoints/*/0/*.json")):
            assert process.poll() is None
            time.sleep(0.01)
        children = descendants(process.pid)
        process.send_signal(number)
        said = json.loads(process.communicate()[0])
        assert process.returncode == 75
        assert said["error"]["code"] == "interrupted"
        assert all(gone(child) for child in children)
        done = len(list(project.glob(".aiaas/checkpoints/*/0/*.json")))
        assert done
        again = subprocess.run(command, cwd=project, env=environment, capture_output=True, check=True)
        assert json.loads(again.stdout)["ok"]
        assert not list(project.glob(".aiaas/checkpoints/*"))


def test_says_how_far_the_whole_stage_is(tmp_path: Path, small_segments: None) -> None:
    data = write(tmp_path / "d.arrow", *reviews(3000))
    for processes in (1, 2):
        told: list[Advance] = []
        run(tmp_path, "out", data, section("clean", "deduplicate"), processes, progress=told.append)
        assert [each.rows for each in told] == sorted(each.rows for each in told)
        assert told[-1] == Advance("preprocess", 3000, told[-1].of_bytes or 0, 3000, told[-1].of_bytes)
        assert len({each.rows for each in told}) > 5


class TestSteps:
    """Steps that make rows, or learn from train, in several processes."""

    def pieces(self, tmp_path: Path) -> Path:
        texts = [f"first {n}|second {n}|third {n % 50}" for n in range(1500)]
        return write(tmp_path / "d.arrow", texts, ["a", "b", "c"] * 500)

    @pytest.mark.parametrize("split", [{}, {"stable": False}])
    def test_pieces_of_a_row_stay_on_one_side(
        self, tmp_path: Path, small_segments: None, toys: None, split: dict[str, Any]
    ) -> None:
        data = self.pieces(tmp_path)
        what = section("cut", "deduplicate", **split)
        summary = run(tmp_path, "one", data, what, 2)
        run(tmp_path, "two", data, what)
        assert files(tmp_path / "one") == files(tmp_path / "two")
        sides: dict[str, set[str]] = {}
        for name in FILES[:3]:
            for row in rows(tmp_path / "one" / name):
                kind, _, number = row["text"].partition(" ")
                if kind != "third":
                    sides.setdefault(number, set()).add(name)
        assert len(sides) == 1500
        assert all(len(each) == 1 for each in sides.values())
        assert summary["steps"][0]["rows"] == {"in": 1500, "out": 4500, "empty": 0}

    def test_equal_pieces_on_several_sides_are_a_leak(self, tmp_path: Path, small_segments: None, toys: None) -> None:
        with pytest.raises(DataError, match="stand in train as well, such as 'third"):
            run(tmp_path, "out", self.pieces(tmp_path), section("cut"))

    @pytest.mark.parametrize("split", [{}, {"stable": False}])
    def test_steps_for_train_alone(
        self, tmp_path: Path, small_segments: None, toys: None, split: dict[str, Any]
    ) -> None:
        texts = [f"text {n}" for n in range(2000)]
        data = write(tmp_path / "d.arrow", texts, ["a", "b"] * 1000)
        summary = run(tmp_path, "one", data, section("twice", **split), 2)
        plain = run(tmp_path, "plain", data, section(**split))
        assert summary["splits"] == {**plain["splits"], "train": 2 * plain["splits"]["train"]}
        for name in FILES[1:3]:
            assert rows(tmp_path / "one" / name) == rows(tmp_path / "plain" / name)
        train = [row["text"] for row in rows(tmp_path / "one" / "train.arrow")]
        assert train[1::2] == [text.upper() for text in train[::2]]
        assert train[::2] == [row["text"] for row in rows(tmp_path / "plain" / "train.arrow")]

    @pytest.mark.parametrize("split", [{}, {"stable": False}])
    def test_steps_that_learn_from_train(
        self, tmp_path: Path, small_segments: None, toys: None, split: dict[str, Any]
    ) -> None:
        texts = [f"text {n:05} " + "x" * (n % 300) for n in range(3000)]
        data = write(tmp_path / "d.arrow", texts, ["a", "b"] * 1500)
        what = section("lowercase", "longest", "twice", **split)
        summary = run(tmp_path, "one", data, what, 2)
        assert summary == run(tmp_path, "two", data, what)
        lowercase, longest, twice = summary["steps"]
        assert lowercase["rows"]["in"] == longest["report"]["rows"] == 3000
        assert longest["report"]["surveyed"] == twice["rows"]["in"]
        assert 0 < longest["report"]["surveyed"] < 3000
        assert twice["rows"]["out"] == 2 * twice["rows"]["in"] == summary["splits"]["train"]

    def test_reports_of_all_segments_are_one(self, tmp_path: Path, small_segments: None) -> None:
        data = write(tmp_path / "d.arrow", *reviews(3000))
        what = section("clean", "deduplicate")
        one = run(tmp_path, "one", data, what, 2)
        clean, deduplicate = (each["report"] for each in one["steps"])
        assert clean["texts"] == one["rows"]["collected"] - one["rows"]["empty"]
        gone = one["steps"][1]["rows"]["in"] - one["steps"][1]["rows"]["out"]
        assert deduplicate["duplicates"] + deduplicate["contradicting_rows"] == gone
        assert len(deduplicate["examples"]) == 5


class TestProcesses:
    def test_what_a_step_learned_is_told_to_a_process_once(
        self, tmp_path: Path, small_segments: None, toys: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = write(tmp_path / "d.arrow", [f"text {n}" for n in range(3000)], ["a", "b"] * 1500)
        sent: list[str] = []
        real = pool.pickle.dumps

        def noting(value: Any) -> bytes:
            sent.append(value[0])
            return real(value)

        monkeypatch.setattr(pool.pickle, "dumps", noting)
        run(tmp_path, "out", data, section("longest"), 2)
        assert sent.count("plan") == 2
        assert sent.count("job") == 4, "two passes"
        assert sent.count("task") == 2 * len(segments.divide(data)[1]) > 10


class TestDropped:
    def test_every_row_that_went_is_kept_aside(self, tmp_path: Path, small_segments: None) -> None:
        texts, labels = reviews(3000)
        data = write(tmp_path / "d.arrow", texts, labels)
        summary = run(tmp_path, "out", data, section("clean", "deduplicate"), 2)
        gone = rows(tmp_path / "out" / "dropped.arrow")
        assert len(gone) + summary["rows"]["kept"] == 3000
        assert len({row["row"] for row in gone}) == len(gone)
        for row in gone:
            assert row["source"] == "reviews.txt"
            assert json.loads(row["values"])["label"] == labels[row["row"] - 1]
            if row["step"] == "read":
                assert json.loads(row["values"])["text"] == texts[row["row"] - 1]
        told = {(each["step"], each["reason"]): each["rows"] for each in summary["dropped"]}
        found: dict[tuple[str, str], int] = {}
        for row in gone:
            found[row["step"], row["reason"]] = found.get((row["step"], row["reason"]), 0) + 1
        assert told == found
        assert ("read", "no text is left") in told
        assert ("deduplicate", "equal to a row before it") in told
        assert summary["sources"] == [{"source": "reviews.txt", "collected": 3000, "kept": summary["rows"]["kept"]}]

    def test_a_row_that_becomes_empty(self, tmp_path: Path) -> None:
        data = write(tmp_path / "d.arrow", ["<br>", *(f"text {n}" for n in range(200))], ["a", "b", "a"] * 67)
        run(tmp_path, "out", data, section("clean"))
        assert rows(tmp_path / "out" / "dropped.arrow") == [
            {
                "source": "reviews.txt",
                "place": None,
                "row": 1,
                "step": "clean",
                "reason": "no text is left",
                "values": '{"text": "<br>", "label": "a"}',
            }
        ]


def test_what_a_later_step_takes_out_is_not_kept_of_dropped_rows(tmp_path: Path, small_segments: None) -> None:
    texts = [f"call 13800138000 about {n % 900}" for n in range(1500)]
    data = write(tmp_path / "d.arrow", texts, [["a", "b"][n % 900 % 2] for n in range(1500)])
    run(tmp_path, "out", data, section("deduplicate", "mask_pii"), 2)
    gone = rows(tmp_path / "out" / "dropped.arrow")
    assert len(gone) == 600
    assert not any("13800138000" in row["values"] for row in gone)
    assert all("about" in row["values"] for row in gone)


def test_the_command_and_the_model_say_what_became_of_the_rows(project: Path) -> None:
    (project / "good.txt").write_text((project / "good.txt").read_text("utf-8") + "<br>\n" + "早餐好\n" * 3, "utf-8")
    environment = {**os.environ, "AIAAS_TRACKING": "off"}

    def said(*words: str) -> Any:
        command = [sys.executable, "-m", "aiaas", *words]
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=True)
        return json.loads(done.stdout) if "--json" in words else done.stdout

    data = said("preprocess", "tiny.yaml", "--json")["data"]
    assert data["rows"] == {"collected": 244, "empty": 0, "kept": 241}
    assert data["dropped"] == [
        {"step": "clean", "reason": "no text is left", "rows": 1},
        {"step": "deduplicate", "reason": "equal to a row before it", "rows": 2},
    ]
    assert [source["source"] for source in data["sources"]] == ["good.txt", "bad.txt"]
    said("run", "tiny.yaml", "--json")
    (version,) = said("models", "show", "tiny", "--json")["versions"]
    assert version["data"]["dropped"] == data["dropped"]
    assert version["data"]["sources"][0]["sha256"]
    shown = said("models", "show", "tiny")
    assert "241 of 244 rows from good.txt, bad.txt" in shown
    assert "2 deduplicate: equal to a row before it" in shown
