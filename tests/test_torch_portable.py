"""Encoders of torch in ONNX: the same answers at every length, in int8 as well, and from a process without torch."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aiaas.backends import encoders, onnx_int8
from aiaas.backends.subwords import Subwords
from aiaas.errors import ExportError, VerificationError
from tests.encoder_toys import make_encoder, make_tokenizer

for _needed in ("torch", "transformers", "onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(_needed)

LONGEST = 512
TEXTS = ["the room was quiet", "房间很好", "", "a", "staff " * 40, "the staff kind " * 400, "quiet quiet", "没有窗"]

CONFIGS: dict[str, dict[str, Any]] = {
    "bert": {},
    "roberta": {"max_position_embeddings": LONGEST + 2},  # finds its places from the padding, and knows no types
    "modernbert": {"local_attention": 8, "global_attn_every_n_layers": 2},  # looks at some places only
    "mpnet": {},  # computes its attention itself
}


@dataclass
class Encoder:
    """An encoder with a head, saved as a model of this backend is, and both portable forms of it."""

    network: Any
    subwords: Subwords
    types: bool
    portable: encoders.PortableEncoder
    int8: encoders.PortableEncoder
    native: NDArray[np.float32]
    """What transformers answers to each of `TEXTS` alone, without padding."""


def answered(network: Any, subwords: Subwords, types: bool) -> NDArray[np.float32]:
    import torch

    encoded, rows = subwords.encode(TEXTS), []
    with torch.inference_mode():
        for place in range(len(TEXTS)):
            batch = encoded.padded(np.array([place]))
            given = {name: torch.from_numpy(batch[name]) for name in encoders.INPUTS[: 3 if types else 2]}
            rows.append(network(**given).logits.softmax(-1).numpy())
    return np.concatenate(rows)


def made(kind: str, folder: Path) -> tuple[Any, Subwords, bool]:
    """A network of this kind with weights drawn by lot, and its tokenizer, saved in `folder`."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    from aiaas.backends.torch._encoder import takes_types
    from aiaas.backends.torch._torch import quiet

    with quiet():
        tokenizer = make_tokenizer(folder, TEXTS)
        sizes = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64}
        settings = {"vocab_size": len(tokenizer), "pad_token_id": 0, "max_position_embeddings": LONGEST + 8, **sizes}
        torch.manual_seed(5)
        config = AutoConfig.for_model(kind, **{**settings, **CONFIGS[kind]}, num_labels=3)
        network = AutoModelForSequenceClassification.from_config(config).eval()
        for weight in network.parameters():  # large enough for answers that differ
            if weight.ndim == 2:
                torch.nn.init.normal_(weight, std=0.3)
    subwords = Subwords.of(tokenizer.backend_tokenizer, LONGEST, (0, "[PAD]"))
    subwords.save(folder)
    (folder / encoders.SETTINGS).write_text("{}", "utf-8")
    return network, subwords, takes_types(network)


@pytest.fixture(scope="module", params=CONFIGS)
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    from aiaas.backends.torch import _portable

    folders = [tmp_path_factory.mktemp(name) for name in ("model", "portable", "int8")]
    network, subwords, types = made(request.param, folders[0])
    native = answered(network, subwords, types)
    _portable.export(folders[0], folders[1], _portable.probabilities(network), network, types=types)
    _portable.quantize(folders[1], folders[2])
    shutil.rmtree(folders[0])
    forms = [encoders.PortableEncoder(folder) for folder in folders[1:]]
    return Encoder(network, subwords, types, *forms, native)


def test_every_length_is_answered_as_by_transformers_alone_and_together(encoder: Encoder) -> None:
    expected = encoder.native
    assert encoder.subwords.encode(TEXTS).lengths.max() == LONGEST
    assert np.ptp(expected, axis=0).max() > 0.05, "texts are told apart"
    np.testing.assert_allclose(encoder.portable.predict(TEXTS), expected, atol=2e-5)
    alone = np.concatenate([encoder.portable.predict([text]) for text in TEXTS])
    np.testing.assert_allclose(alone, expected, atol=2e-5)


def test_int8_answers_nearly_alike(encoder: Encoder) -> None:
    np.testing.assert_allclose(encoder.int8.predict(TEXTS), encoder.native, atol=0.15)
    assert encoder.int8.predict([]).shape == (0, 3)


def test_many_rows_keep_their_order(encoder: Encoder) -> None:
    many = [TEXTS[place % len(TEXTS)] for place in range(203)]
    expected = encoder.portable.predict(TEXTS)
    np.testing.assert_allclose(encoder.portable.predict(many), expected[np.arange(203) % len(TEXTS)], atol=2e-5)


def test_types_are_taken_where_the_encoder_tells_pairs_apart(encoder: Encoder) -> None:
    taken = [each.name for each in encoder.portable.network.session.get_inputs()]
    assert taken == list(encoders.INPUTS[: 3 if encoder.types else 2])
    pair, joined = encoder.portable.predict([("the room", "quiet")]), encoder.portable.predict(["the room quiet"])
    assert np.abs(pair - joined).max() > 1e-4


def test_the_attention_is_one_operator_where_transformers_lets_it(encoder: Encoder) -> None:
    import onnx

    network = onnx.load(encoder.portable.directory / encoders.NETWORK, load_external_data=False)
    found = [node.op_type for node in network.graph.node]
    own = encoder.network.config.model_type == "mpnet"
    masks_padding_alone = {"bert": 3, "roberta": 3, "modernbert": 2, "mpnet": 0}[encoder.network.config.model_type]
    assert found.count("If") == masks_padding_alone
    assert found.count("MultiHeadAttention") == (0 if own else 3 - masks_padding_alone)
    assert found.count("Softmax") == (4 if own else 1)


def test_a_batch_without_padding_takes_the_attention_without_a_mask(encoder: Encoder) -> None:
    import onnx

    network = onnx.load(encoder.portable.directory / encoders.NETWORK, load_external_data=False)
    for node in network.graph.node:
        if node.op_type == "If":
            bodies = {each.name: each.g.node[0] for each in node.attribute}
            assert {each.op_type for each in bodies.values()} == {"MultiHeadAttention"}
            assert len(bodies["then_branch"].input) == 3
            assert len(bodies["else_branch"].input) == 5
    one = encoder.subwords.encode(["the room was quiet"]).padded(np.array([0]))
    padded = {name: np.pad(array, ((0, 0), (0, 3))) for name, array in one.items()}
    padded["input_ids"][:, -3:] = encoder.network.config.pad_token_id
    names = encoders.INPUTS[: 3 if encoder.types else 2]
    alone, beside = (encoder.portable.network(*(each[name] for name in names)) for each in (one, padded))
    np.testing.assert_allclose(alone, beside, atol=1e-5)


def test_a_prefix_stands_before_every_text(encoder: Encoder) -> None:
    prefixed = encoders.PortableEncoder(encoder.portable.directory, prefix="the ")
    np.testing.assert_array_equal(prefixed.predict(["room"]), encoder.portable.predict(["the room"]))


def test_tokens_are_counted_as_they_are_read(encoder: Encoder) -> None:
    texts = ["the room was quiet", "", "the room " * 500]
    read = encoder.subwords.encode(texts).lengths.tolist()
    assert encoder.portable.tokens(texts) == read
    assert read[2] == encoder.subwords.max_length


# --- what goes wrong ---------------------------------------------------------------------------------------------


def logging_now() -> tuple[int, int, list[logging.Handler]]:
    return logging.root.manager.disable, logging.getLogger().level, list(logging.getLogger().handlers)


def test_nothing_is_said_and_everything_is_left_as_it_was(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    from aiaas.backends.torch import _portable

    for name in ("model", "portable", "int8"):
        (tmp_path / name).mkdir()
    network, _, types = made("bert", tmp_path / "model")
    before = logging_now()
    _portable.export(tmp_path / "model", tmp_path / "portable", _portable.probabilities(network), network, types=types)
    _portable.quantize(tmp_path / "portable", tmp_path / "int8")
    assert capfd.readouterr() == ("", "")
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert told == []  # torch's own trace, which has a handler of its own, says nothing to people
    assert logging_now() == before
    assert sorted(path.name for path in (tmp_path / "int8").iterdir()) == [
        "model.json",
        "model.onnx",
        "model.onnx.data",
        "tokenizer.json",
    ]


def test_a_network_that_the_exporter_cannot_follow_is_refused(tmp_path: Path) -> None:
    import torch

    from aiaas.backends.torch import _portable

    (tmp_path / "model").mkdir()
    (tmp_path / "out").mkdir()
    network, _, _ = made("bert", tmp_path / "model")

    class Branching(torch.nn.Module):
        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            values = input_ids.float() * attention_mask
            return values if values.sum().item() > 3 else -values

    with pytest.raises(ExportError, match="no form in ONNX"):
        _portable.export(tmp_path / "model", tmp_path / "out", Branching(), network, types=False)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_is_no_network_has_no_int8_form(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no network")
    with pytest.raises(ExportError, match="no int8 form"):
        onnx_int8.quantise(tmp_path / "model.onnx", tmp_path / "int8.onnx")


@pytest.mark.parametrize("file", [encoders.NETWORK, f"{encoders.NETWORK}.data"])
def test_weights_that_are_cut_off_are_found_when_it_is_loaded(encoder: Encoder, file: str, tmp_path: Path) -> None:
    encoder.int8.save(tmp_path)
    path = tmp_path / file
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(VerificationError):
        encoders.PortableEncoder(tmp_path)


# --- a whole model -----------------------------------------------------------------------------------------------

RECIPE = """\
schema: 1
name: rooms
task: text-classification
collect:
  - {source: rooms.csv}
preprocess:
  split: {train: 0.6, validation: 0.2, test: 0.2, stable: false}
model:
  backend: torch
  architecture: bert
  params: {encoder: encoder, max_length: 24}
train: {epochs: 4, batch_size: 8, learning_rate: 0.01, threads: 1}
deploy: {runtime: portable, quantize: int8, max_accuracy_drop: 0.5}
"""
HIDDEN = "torch,transformers,accelerate,peft,safetensors,onnx,onnxscript"


def run(folder: Path, *words: str, stdin: str = "", packages: str | None = None) -> subprocess.CompletedProcess[str]:
    """aiaas in `folder`; without `packages` where some are named."""
    hiding = [str(Path(__file__).with_name("hiding.py")), packages] if packages else ["-m", "aiaas"]
    return subprocess.run(
        [sys.executable, *hiding, *words],
        cwd=folder,
        env={**os.environ, "AIAAS_TRACKING": "off", "AIAAS_TEST_IMPORTED": str(folder / "imported.txt")},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=560,
        check=False,
    )


def test_a_bundle_in_int8_answers_where_torch_is_not_installed(tmp_path: Path) -> None:
    lines = [f"the room {number} was quiet,good" for number in range(40)]
    lines += [f"the staff {number} was rude,bad" for number in range(40)]
    (tmp_path / "rooms.csv").write_text("text,label\n" + "\n".join(lines) + "\n", "utf-8")
    (tmp_path / "rooms.yaml").write_text(RECIPE, "utf-8")
    make_encoder(tmp_path / "encoder", [line.partition(",")[0] for line in lines])
    done = run(tmp_path, "run", "rooms.yaml", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["runtime"]
    assert told["name"] == "onnx"
    assert told["precision"] == "int8"
    assert told["difference"] < 1e-4
    assert told["int8"]["rows"] == 16
    assert told["bytes"]["int8"] < told["bytes"]["portable"]
    asked = run(tmp_path, "infer", "rooms", "--format", "lines", stdin="the room was quiet\n", packages=HIDDEN)
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["label"] == "good"
    assert (tmp_path / "imported.txt").read_text().split() == ["onnxruntime"]
    shown = run(tmp_path, "models", "show", "rooms@champion")
    assert "onnx, int8" in shown.stdout
    assert "deploy.int8.drop" in shown.stdout
