"""What a person sees of a training: a line that lives on a terminal, a line an epoch elsewhere, and curves."""

from __future__ import annotations

import math
import os
import re
import unicodedata
from xml.etree import ElementTree

import pytest

from aiaas.cli import output, progress, training
from aiaas.cli.training import epoch_line, live_line
from aiaas.contracts import Progress
from aiaas.pipeline import StageResult
from aiaas.train.curves import curves_svg

METRICS = {"loss": 0.43124, "accuracy": 0.8612}
HALF = Progress(197, 393, 3, 10, METRICS, 12_345.6, 42.4)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _loud() -> None:
    output.be_quiet(False)


def test_the_live_line_says_all_there_is_to_know() -> None:
    line = live_line(HALF, 110)
    for part in ("epoch  3/10", "197/393", "loss 0.431", "accuracy 0.861", "12,346/s", "0:42 left", "╌╌"):
        assert part in line


@pytest.mark.parametrize("width", range(12, 130))
def test_the_live_line_fits_whatever_the_width(width: int) -> None:
    line = live_line(HALF, width)
    assert sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in line) <= width
    assert line.startswith("epoch  3/10"[:width])
    if width >= 79:
        assert "197/393" in line
        assert "loss 0.431  accuracy 0.861  12,346/s  0:42 left" in line
        assert "━" in line


def test_the_bar_grows_with_the_steps_of_the_epoch() -> None:
    full = [live_line(Progress(step, 10, 1, 1), 80).count("━") for step in range(11)]
    assert full == sorted(full)
    assert full[0] == 0
    assert live_line(Progress(10, 10, 1, 1), 80).count("╌") == 0


def test_what_is_not_known_is_left_out() -> None:
    assert live_line(Progress(12), 79) == "step 12"
    assert live_line(Progress(12, metrics={"loss": 1234.5}), 79) == "step 12  loss 1234"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3723, "1:02:03")])
def test_time_left(seconds: float, text: str) -> None:
    assert f"{text} left" in live_line(Progress(1, 2, 1, 2, {}, None, seconds), 79)


def test_an_epoch_is_told_in_one_line_with_what_it_was_judged_by() -> None:
    ended = Progress(393, 393, 3, 10, {**METRICS, "validation_accuracy": 0.9, "validation_loss": 0.5}, ended=True)
    assert epoch_line(ended, 4.26) == ("epoch  3/10   4.3 s  loss 0.4312 (validation 0.5000), accuracy 0.8612 (0.9000)")
    odd = Progress(1, 1, 1, 1, {"loss": 12.0, "validation_bits": 3.5}, ended=True)
    assert epoch_line(odd, 4.26).endswith("loss 12, bits (3.5000)")


def test_where_no_terminal_is_only_ends_of_epochs_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    show = training.show_training()
    show(HALF)
    assert capsys.readouterr().err == ""
    show(Progress(393, 393, 3, 10, METRICS, ended=True))
    said = capsys.readouterr().err
    assert re.fullmatch(r"epoch  3/10   0\.\d s  loss 0\.4312, accuracy 0\.8612\n", said)


def test_a_quiet_command_tells_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    output.be_quiet(True)
    show = training.show_training()
    show(Progress(393, 393, 3, 10, METRICS, ended=True))
    assert capsys.readouterr().err == ""


def test_on_a_terminal_one_line_is_rewritten(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    monkeypatch.setattr(training.shutil, "get_terminal_size", lambda: os.terminal_size((80, 24)))
    show = training.show_training()
    show(HALF)
    show(Progress(8, 393, 3, 10, METRICS))  # too soon to be drawn
    show(Progress(393, 393, 3, 10, METRICS, ended=True))
    output.say("done")
    first, second, last = capsys.readouterr().err.split("\r\x1b[K")
    assert first.startswith("epoch  3/10  ")
    assert "393/393" in second
    assert last == "done\n"


# --- curves ------------------------------------------------------------------------------------------------------


def history(epochs: int) -> list[dict[str, float]]:
    return [
        {
            "step": epoch * 20.0,
            "epoch": float(epoch),
            "accuracy": 1 - 0.5**epoch,
            "loss": 2.3 * 0.7**epoch,
            "validation_loss": 2.4 * 0.75**epoch,
            "learning_rate": 0.001,
        }
        for epoch in range(1, epochs + 1)
    ]


def drawn(svg: str | None) -> ElementTree.Element:
    assert svg is not None
    return ElementTree.fromstring(svg)


def test_curves_draw_loss_first_and_both_splits_within_their_panel() -> None:
    picture = drawn(curves_svg(history(8)))
    panels = picture.findall(f"{SVG}g")
    assert [panel.findtext(f"{SVG}text") for panel in panels] == ["loss", "accuracy"]
    paths = panels[0].findall(f"{SVG}path")
    assert [path.get("class") for path in paths] == ["line train", "line validation"]
    for path in paths:
        numbers = [float(each) for each in re.findall(r"-?[\d.]+", path.get("d", ""))]
        xs, ys = numbers[::2], numbers[1::2]
        assert len(xs) == 8
        assert (xs[0], xs[-1]) == (0, 300)
        assert xs == sorted(xs)
        assert all(0 <= y <= 170 for y in ys)
        assert ys == sorted(ys)  # the loss falls: further down is a larger y


def test_the_line_of_the_stage_has_the_numbers_and_what_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    notes = {"cut_texts": 1200, "converged": True, "vectors": {"size": 8, "told": "vectors for half of it"}}
    summary = {"backend": "b", "architecture": "a", "notes": notes}
    progress.Lines().stage_ends(StageResult("train", "key", False, 2.0, summary))
    assert capsys.readouterr().err == "train         2.0 s  b/a (1,200 cut texts, vectors for half of it)\n"


def test_fewer_than_two_points_draw_nothing() -> None:
    assert curves_svg([]) is None
    assert curves_svg(history(1)) is None
    assert curves_svg([{"step": 1}, {"step": 2}]) is None


def test_a_flat_curve_and_values_that_are_no_number_are_drawn() -> None:
    flat = [{"step": float(step), "loss": 0.0, "odd": math.nan} for step in range(1, 4)]
    assert [panel.findtext(f"{SVG}text") for panel in drawn(curves_svg(flat)).findall(f"{SVG}g")] == ["loss"]


def test_a_metric_with_a_name_of_markup_is_escaped() -> None:
    told = [{"step": float(step), "<b>&": float(step)} for step in (1, 2)]
    assert drawn(curves_svg(told)).find(f"{SVG}g/{SVG}text").text == "<b>&"  # type: ignore[union-attr]
