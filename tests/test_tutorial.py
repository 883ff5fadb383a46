"""The tutorial, word for word: from raw text to an answer over HTTP; and the same in Chinese."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import following

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "getting-started.md"


def test_whoever_follows_it_sees_what_it_says(tmp_path: Path) -> None:
    done = following.follow(PAGE, tmp_path)
    for step, printed in done:
        line = following.differs(step.says, printed)
        assert not line, f"$ {step.typed}\nsays: {line}\nprints:\n{printed}"
    assert len(done) == len(list(following.steps(PAGE)))
    typed = {step.typed.split()[1] for step, _ in done if step.typed.startswith("aiaas ")}
    assert {"run", "serve", "plan"} <= typed
    assert {step.file for step, _ in done} == {"", "reviews.yaml", "ask.py"}


def test_the_chinese_one_does_the_same() -> None:
    assert list(following.steps(DOCS / "zh" / PAGE.name)) == list(following.steps(PAGE))


@pytest.mark.parametrize(
    ("says", "printed", "differs"),
    [
        ("a 1.0 s\n", "a  3.2 s\n", False),
        ("accuracy 0.8427\n", "accuracy 0.8431\n", False),
        ("accuracy 0.8427\n", "accuracy 0.8527\n", True),
        ("a\n…\nc\n", "a\nb\nc\n", False),
        ("a\nc\n", "a\nb\nc\n", True),
        ("a\n", "a\nb\n", True),
        ("a\nb\n", "a\n", True),
        ("it ends …\n", "it ends here\n", False),
        ("bundle 6058f3f66ab7, 5.1 MB\n", "bundle 83a65e938157, 5.2 MB\n", False),
    ],
)
def test_what_differs_is_seen(says: str, printed: str, differs: bool) -> None:
    assert bool(following.differs(says, printed)) is differs
