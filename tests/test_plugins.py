"""Which command installs what a plug-in lacks."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from aiaas import plugins
from aiaas.backends import onnx
from aiaas.errors import MissingPackageError

BERT, TEXT_CNN = ("torch/bert", "tensorflow/text_cnn")


def required(name: str, what: str) -> tuple[str, ...]:
    return tuple(getattr(plugins.architecture(*name.split("/")), what))


@pytest.mark.parametrize(
    ("requires", "missing", "command"),
    [
        (required(BERT, "EXPORT_REQUIRES"), "onnx", "'aiaas[torch]'"),
        (required(BERT, "QUANTIZE_REQUIRES"), "onnx", "'aiaas[torch]'"),
        (required(BERT, "REQUIRES"), "tokenizers", "'aiaas[torch]'"),
        (required(BERT, "RUNTIME_REQUIRES"), "tokenizers", "'aiaas[onnx]'"),
        (required(TEXT_CNN, "EXPORT_REQUIRES"), "onnx", "'aiaas[tensorflow]'"),
        (required(TEXT_CNN, "RUNTIME_REQUIRES"), "onnxruntime", "'aiaas[onnx]'"),
        (onnx.REQUIRES, "onnxruntime", "'aiaas[onnx]'"),
        (("numpy", "unheard-of"), "unheard-of", "unheard-of"),
    ],
)
def test_the_extra_is_the_one_that_brings_what_is_wanted_beside(
    requires: tuple[str, ...], missing: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "_version", lambda name: None if name == missing else "1.0")
    with pytest.raises(MissingPackageError, match=f"needs the package {missing}") as caught:
        plugins.require(requires, "this")
    assert caught.value.hint == f"pip install {command}"


def test_the_extras_are_those_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    written = project["optional-dependencies"]

    def packages(extra: str) -> set[str]:
        names: set[str] = set()
        for each in written[extra]:
            nested = re.fullmatch(r"aiaas\[(.+)\]", each)
            names |= packages(nested[1]) if nested else {re.split(r"[<>=!~\[]", each)[0]}
        return names

    assert {extra: packages(extra) for extra in plugins._EXTRAS} == plugins._EXTRAS


@pytest.mark.parametrize(("word", "meant"), [("lable", "label"), ("tabel", "table"), ("tabl", "table"), ("x", None)])
def test_the_nearest_name_is_rather_one_of_the_same_letters(word: str, meant: str | None) -> None:
    assert plugins.nearest(word, ["source", "label", "table", "labels"]) == meant
