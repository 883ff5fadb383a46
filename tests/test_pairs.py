"""Pairs of texts, from the data to a request: collected, cleaned, learned from, asked for; refused where not read."""

from __future__ import annotations

import io
import json
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from aiaas import bundle, pipeline, plugins, recipe
from aiaas.collect import collect
from aiaas.contracts import Signature, SourceContext
from aiaas.errors import DataError, UsageError
from aiaas.infer import infer
from aiaas.pipeline.stages import Work
from aiaas.sources import files
from aiaas.workspace import Workspace

PAIR = Signature({"text": "string", "text_pair": "string"}, "label", ("different", "same"))
SAME = [("房间很干净", "干净的房间"), ("早餐很好吃", "很好吃的早餐"), ("服务很热情", "热情的服务")]
DIFFERENT = [("房间很干净", "早餐太少了"), ("早餐很好吃", "前台冷淡"), ("服务很热情", "电视坏了")]


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAAS_TRACKING", "off")
    point = EntryPoint("toy/pair", "tests.pair_toy", "aiaas.architectures")
    monkeypatch.setattr(plugins, "_registered", lambda room: {point.name: point} if room == "architectures" else {})


@pytest.fixture
def pairs(project: Path) -> Path:
    """Pairs of texts, and a recipe over them."""
    lines = ["first,second,label"]
    for number in range(20):
        for label, given in (("same", SAME), ("different", DIFFERENT)):
            lines += [f"{a}{number},  {b}{number} ,{label}" for a, b in given]
    lines.append(lines[-1])
    (project / "pairs.csv").write_text("\n".join(lines) + "\n", "utf-8")
    text = (project / "tiny.yaml").read_text("utf-8")
    head, _, rest = text.partition("collect:")
    rest = rest.partition("preprocess:")[2].partition("model:")
    collected = "collect:\n  - {source: pairs.csv, columns: {text: first, text_pair: second}}\npreprocess:"
    tail = "model: {backend: toy, architecture: pair}\nevaluate:\n" + rest[2].partition("evaluate:\n")[2]
    (project / "pairs.yaml").write_text(head + collected + rest[0] + tail, "utf-8")
    return project


def work(project: Path, *overrides: str) -> Work:
    return Work(recipe.read(project / "pairs.yaml", overrides), Workspace.open(project / ".aiaas"))


# --- from the data to the model ----------------------------------------------------------------------------------


def rows(folder: Path) -> dict[str, list[Any]]:
    with pa.ipc.open_stream(folder / "data.arrow") as reader:
        return dict(reader.read_all().to_pydict())


def collected(project: Path, *sources: tuple[str, dict[str, Any]]) -> dict[str, list[Any]]:
    out = project / "out"
    out.mkdir()
    params = [files.Params.model_validate({"source": name, "label": "x", **more}) for name, more in sources]
    collect(params, plugins.task("text-classification"), SourceContext(project, project / "cache"), out)
    return rows(out)


def test_a_second_text_is_collected_where_the_data_has_one(tmp_path: Path) -> None:
    (tmp_path / "named.csv").write_text("text,text_pair,other\na,b,1\nc,,2\n", "utf-8")
    (tmp_path / "mapped.jsonl").write_text('{"text": "d", "reply": "e"}\n', "utf-8")
    found = collected(tmp_path, ("named.csv", {}), ("mapped.jsonl", {"columns": {"text_pair": "reply"}}))
    assert list(found) == ["text", "text_pair", "label", "_source", "_split"]
    assert (found["text"], found["text_pair"]) == (["a", "d"], ["b", "e"])


def test_without_one_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text("text,reply\na,b\n", "utf-8")
    assert list(collected(tmp_path, ("plain.csv", {}))) == ["text", "label", "_source", "_split"]


@pytest.mark.parametrize(("first", "second"), [("plain", "pairs"), ("pairs", "plain")])
def test_sources_of_both_kinds_are_refused_by_name(first: str, second: str, tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("text,text_pair\na,b\n", "utf-8")
    (tmp_path / "plain.csv").write_text("text\na\n", "utf-8")
    with pytest.raises(DataError, match=r"(lacks|adds) 'text_pair' compared with") as caught:
        collected(tmp_path, (f"{first}.csv", {}), (f"{second}.csv", {}))
    assert caught.value.where == f"{second}.csv"
    assert f"{first}.csv" in caught.value.message


def test_a_column_that_is_named_and_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text("text,answer\na,b\n", "utf-8")
    with pytest.raises(DataError, match="there is no column 'reply'"):
        collected(tmp_path, ("plain.csv", {"columns": {"text_pair": "reply"}}))


def test_a_second_text_does_not_begin_in_the_middle(tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"a{number}"}) for number in range(10_000)]
    lines += [json.dumps({"text": "b", "text_pair": "c"})]
    (tmp_path / "late.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    with pytest.raises(DataError, match="'text_pair' begins here") as caught:
        collected(tmp_path, ("late.jsonl", {}))
    assert caught.value.where == "late.jsonl:10001"


def test_both_texts_are_cleaned_and_compared(pairs: Path) -> None:
    result = pipeline.run(work(pairs), "preprocess")
    summary = result.stages[-1].summary
    assert summary["rows"] == {"collected": 121, "empty": 0, "kept": 120}
    found = Workspace.open(pairs / ".aiaas").find("preprocess", result.stages[-1].key)
    assert found is not None
    with pa.ipc.open_stream(found.path / "train.arrow") as reader:
        kept = reader.read_all().to_pydict()
    assert not any(text != text.strip() for text in kept["text_pair"])
    first = [text for text in kept["text"] if text.startswith("房间很干净")]
    assert len(first) > len(set(first)), "the same first text with another second one is another row"


@pytest.mark.parametrize(
    "model", ["{backend: sklearn, architecture: naive_bayes}", "{backend: sklearn, architecture: logistic_regression}"]
)
def test_what_reads_no_pairs_says_so_before_it_learns(model: str, pairs: Path) -> None:
    with pytest.raises(DataError, match=r"'text_pair', which sklearn/\w+ does not read") as caught:
        pipeline.run(work(pairs, f"model={model}"))
    assert "toy/pair" in str(caught.value.hint)
    assert caught.value.status == 3
    assert not any((pairs / ".aiaas" / "artefacts" / "train").glob("*"))


# --- requests ----------------------------------------------------------------------------------------------------


@pytest.fixture
def model(pairs: Path) -> bundle.Bundle:
    result = pipeline.run(work(pairs))
    assert result.metrics["accuracy"] == 1.0
    assert result.bundle
    return bundle.load(result.bundle)


def test_a_bundle_takes_pairs(model: bundle.Bundle) -> None:
    assert model.signature == PAIR
    assert model.signature.bare is None
    example = next(model.examples())["input"]
    assert list(example) == ["text", "text_pair"]
    (given,) = model.predict([{"text": "房间很干净", "text_pair": "  干净的房间"}])
    assert given["label"] == "same"
    assert given == model.predict([{"text_pair": "干净的房间", "text": "房间很干净"}])[0]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("房间", "a pair of texts is needed"),
        ({"text": "房间"}, "has no 'text_pair'"),
        ({"text": "房间", "text_pair": None}, "has no 'text_pair'"),
        ({"text": "房间", "text_pair": "a", "texts": "b"}, "unknown key 'texts'"),
        ({"text": "房间", "text_pair": 7}, "a text is needed"),
        ({"text": "房间", "text_pair": "\ud800"}, "the text_pair holds half of a surrogate pair"),
    ],
)
def test_what_is_no_pair_is_refused(value: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        plugins.task("text-classification").decode(value, PAIR)
    assert "text_pair" in caught.value.message


def lines(model: bundle.Bundle, given: str, **how: Any) -> list[dict[str, Any]]:
    out = io.BytesIO()
    infer(model, io.BytesIO(given.encode()), out, **how)
    return [json.loads(line) for line in out.getvalue().decode().splitlines()]


def test_infer_reads_pairs_of_json_and_csv(model: bundle.Bundle) -> None:
    expected = model.predict([{"text": "早餐很好吃", "text_pair": "很好吃的早餐"}])
    found = lines(model, '{"text": "早餐很好吃", "text_pair": "很好吃的早餐"}\n{"text": "早餐"}\n')
    assert found[:1] == expected
    assert "has no 'text_pair'" in found[1]["error"]["message"]
    assert lines(model, "text_pair,text\n很好吃的早餐,早餐很好吃\n") == expected
    assert lines(model, "text_pair\ttext\n很好吃的早餐\t早餐很好吃\n", name="pairs.tsv") == expected


def test_plain_lines_are_refused(model: bundle.Bundle) -> None:
    with pytest.raises(UsageError, match="a plain line does not hold all that this model takes") as asked:
        lines(model, "早餐很好吃\n", format="lines")
    assert "text, text_pair" in str(asked.value.hint)
    with pytest.raises(DataError, match=r"none of the model's columns \(text, text_pair\)"):
        lines(model, "早餐很好吃\n")


def test_a_service_takes_pairs_and_describes_them(model: bundle.Bundle) -> None:
    from aiaas.serve.app import create_app

    with TestClient(create_app({"pairs": model})) as client:
        document = client.get("/openapi.json").json()
        body = document["paths"]["/v1/models/pairs/predict"]["post"]["requestBody"]["content"]["application/json"]
        check = Draft202012Validator(body["schema"])
        assert check.is_valid(body["example"])
        for wrong in ("a", {"text": "a"}, {"text": "a", "text_pair": None}, {"text": "a", "text_pair": "b", "c": "d"}):
            assert not check.is_valid({"inputs": [wrong]})
            refused = client.post("/v1/models/pairs/predict", json={"inputs": [wrong]})
            assert refused.status_code == 422
            assert "text_pair" in refused.json()["error"]["faults"][0]["message"]
        answered = client.post("/v1/models/pairs/predict", json=body["example"])
        assert [each["label"] for each in answered.json()["outputs"]]
