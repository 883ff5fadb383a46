"""Fine-tuning encoders: what is refused, what learns how fast, batches, memory, what ends a fit and what is kept."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from encoder_toys import make_encoder, make_tokenizer

from aiaas import plugins
from aiaas.backends import memory
from aiaas.backends.course import Course
from aiaas.backends.sequences import alike
from aiaas.contracts import Progress, Training
from aiaas.errors import AiaasError, DataError, Interrupted, MissingPackageError, TrainingError
from aiaas.train import signature_of

BERT: Any = plugins.architecture("torch", "bert")
try:
    plugins.require(BERT.REQUIRES, "these tests")
except MissingPackageError as error:
    pytest.skip(error.message, allow_module_level=True)

GOOD, BAD = ["good", "clean", "kind", "quiet"], ["bad", "dirty", "rude", "loud"]


def rows(count: int = 48) -> Dataset:
    """Sentences of different lengths, each of which says in one word what it is."""
    texts = [
        f"{'the room was ' * (place % 4)}{(GOOD if place % 2 else BAD)[place // 2 % 4]} {place}"
        for place in range(count)
    ]
    return Dataset.from_dict(
        {"text": texts, "label": [place % 2 for place in range(count)]},
        features=Features({"text": Value("string"), "label": ClassLabel(names=["bad", "good"])}),
    )


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"), list(rows()["text"]))


@pytest.fixture
def copy(encoder: Path, tmp_path: Path) -> Path:
    """The encoder, to be spoilt."""
    return Path(shutil.copytree(encoder, tmp_path / "copy"))


class Fit:
    """A fit and what came of it."""

    def __init__(
        self,
        encoder: Path,
        folder: Path,
        *,
        data: Dataset | None = None,
        validation: Dataset | None = None,
        params: dict[str, Any] | None = None,
        stop: Callable[[], bool] = lambda: False,
        cache: Path | None = None,
        **settings: Any,
    ) -> None:
        data = data or rows()
        self.history: list[dict[str, float]] = []
        self.told: list[Progress] = []
        self.warned: list[str] = []
        self.training = Training(
            "text-classification",
            signature_of(data, plugins.task("text-classification")),
            7,
            folder / "checkpoints",
            BERT.Settings(**{"epochs": 2, "batch_size": 8, "learning_rate": 3e-3, "threads": 1, **settings}),
            lambda step, metrics: self.history.append({"step": step, **metrics}),
            self.told.append,
            self.warned.append,
            stop,
            {"encoder": encoder},
            cache,
        )
        self.params = BERT.Params(**{"max_length": 24, "dropout": 0.0, "attention_dropout": 0.0, **(params or {})})
        self.model = BERT.fit(self.params, data, rows(16) if validation is None else validation, self.training)

    def weights(self) -> dict[str, Any]:
        return {name: weight.detach().numpy() for name, weight in self.model.network.named_parameters()}


def given_weights(encoder: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    return {f"bert.{name}": value for name, value in load_file(encoder / "model.safetensors").items()}


def changed(fit: Fit, encoder: Path) -> set[str]:
    """The weights of the encoder that are not what they were."""
    now = fit.weights()
    return {name for name, value in given_weights(encoder).items() if not np.array_equal(now[name], value)}


# --- what is refused ---------------------------------------------------------------------------------------------


def spoil_json(path: Path, **changes: Any) -> None:
    said = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**said, **changes}), "utf-8")


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def code(folder: Path) -> None:
    spoil_json(folder / "config.json", auto_map={"AutoModel": "modeling_odd.Odd"})


def code_of_tokenizer(folder: Path) -> None:
    spoil_json(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": "odd.Odd"})


def quantised(folder: Path) -> None:
    spoil_json(folder / "config.json", quantization_config={"quant_method": "bitsandbytes"})


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def unknown_type(folder: Path) -> None:
    spoil_json(folder / "config.json", model_type="no_such_type")


def small_vocabulary(folder: Path) -> None:
    make_encoder(folder, list(rows()["text"]), vocab_size=20)


def tokenizer_of_another(folder: Path) -> None:
    make_tokenizer(folder, ["a few words"])


def adapted(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "elsewhere"}')


def no_padding(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    said = json.loads(path.read_text("utf-8"))
    del said["pad_token"]
    path.write_text(json.dumps(said), "utf-8")


def other_shape(folder: Path) -> None:
    spoil_json(folder / "config.json", intermediate_size=48)


def fewer_layers(folder: Path) -> None:
    spoil_json(folder / "config.json", num_hidden_layers=3)


def cut_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize(
    ("spoil", "message", "hint"),
    [
        (no_weights, "there are no weights", "safetensors"),
        (pickled, r"pickled \(pytorch_model.bin\)", "save_pretrained"),
        (code, "code of its own", "transformers knows itself"),
        (code_of_tokenizer, "code of its own", "transformers knows itself"),
        (quantised, "quantised", "float32"),
        (no_config, "no config.json", "save_pretrained"),
        (unknown_type, "cannot read the settings", None),
        (small_vocabulary, "tokenizer does not fit", "same model"),
        (tokenizer_of_another, "tokenizer does not fit", "same model"),
        (adapted, "an adapter", "merge_and_unload"),
        (no_padding, "pad_token", "tokenizer_config.json"),
        (other_shape, "another shape", "same model"),
        (fewer_layers, "missing or have another shape", "same model"),
        (cut_weights, "weights of the encoder cannot be read", "fetch it again"),
    ],
)
def test_a_folder_that_is_no_encoder_is_refused(
    spoil: Callable[[Path], None], message: str, hint: str | None, copy: Path, tmp_path: Path
) -> None:
    spoil(copy)
    with pytest.raises(DataError, match=message) as caught:
        Fit(copy, tmp_path)
    assert str(copy) in str(caught.value.where)
    assert hint is None or hint in str(caught.value.hint)


def test_code_that_the_settings_name_for_the_attention_is_not_asked_for(copy: Path, tmp_path: Path) -> None:
    spoil_json(copy / "config.json", attn_implementation="someone/kernel")
    network = Fit(copy, tmp_path, epochs=1).model.network
    assert network.config._attn_implementation in ("sdpa", "eager")


def test_more_tokens_than_the_encoder_reads_are_refused(encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="reads 64 tokens at most") as caught:
        Fit(encoder, tmp_path, params={"max_length": 65})
    assert caught.value.where == "model.params.max_length"


def test_long_texts_are_cut_and_counted_or_refused(encoder: Path, tmp_path: Path) -> None:
    fit = Fit(encoder, tmp_path, params={"max_length": 8})
    assert fit.training.notes["cut_texts"] > 0
    assert f"{fit.training.notes['cut_texts']} of 48 training texts" in fit.warned[0]
    with pytest.raises(DataError, match="are longer than 8 tokens") as caught:
        Fit(encoder, tmp_path / "other", params={"max_length": 8, "truncation": "fail"})
    assert "is the first" in str(caught.value.where)


def test_too_little_memory_is_told_before_it_starts(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available", lambda: 400_000)
    with pytest.raises(TrainingError, match=r"needs about .* of memory, and 400\.0 KB are free") as caught:
        Fit(encoder, tmp_path)
    for setting in ("batch_size", "batch_tokens", "max_length", "gradient_checkpointing", "freeze", "lora"):
        assert setting in str(caught.value.hint)
    assert not list(tmp_path.glob("checkpoints/*"))


def test_memory_that_runs_out_all_the_same_is_told(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aiaas.backends.torch import _trainer

    def too_large(*given: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr(_trainer.Sums, "add", too_large)
    with pytest.raises(TrainingError, match="does not suffice for training this encoder") as caught:
        Fit(encoder, tmp_path)
    assert "batch_size" in str(caught.value.hint)


def test_freeze_and_lora_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="freeze goes without lora"):
        BERT.Params(freeze=1, lora={})


def test_a_matrix_that_is_not_there_is_refused(encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no matrix called 'sideways'") as caught:
        Fit(encoder, tmp_path, params={"lora": {"targets": ["sideways"]}})
    assert "query" in str(caught.value.hint)


def test_more_frozen_layers_than_there_are_are_refused(encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="the encoder has 2 layers"):
        Fit(encoder, tmp_path, params={"freeze": 3})


def test_layers_that_are_one_and_the_same_are_not_frozen_one_by_one(encoder: Path, tmp_path: Path) -> None:
    from transformers import AlbertConfig, AlbertModel

    from aiaas.backends.torch._memory import estimate
    from aiaas.backends.torch._torch import Device

    tokens = json.loads((encoder / "config.json").read_text("utf-8"))["vocab_size"]
    sizes = {"embedding_size": 16, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 16}
    copy = Path(shutil.copytree(encoder, tmp_path / "copy"))
    networks = [AlbertModel(AlbertConfig(vocab_size=tokens, num_hidden_layers=layers, **sizes)) for layers in (2, 12)]
    networks[1].save_pretrained(copy)
    with pytest.raises(TrainingError, match="the encoder has 0 layers") as caught:
        Fit(copy, tmp_path, params={"freeze": 1})
    assert caught.value.hint == "say embeddings, or encoder"
    needs = [estimate(network, BERT.Settings(), Device("cpu", "float32"), 64, 64) for network in networks]
    assert needs[1] > 4 * needs[0], "each passage through the shared layer keeps its values"


@pytest.mark.parametrize(("asked", "message"), [({"device": "gpu"}, "no GPU"), ({"precision": "float16"}, "float16")])
def test_what_the_device_cannot_do_is_refused(
    asked: dict[str, Any], message: str, encoder: Path, tmp_path: Path
) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(TrainingError, match=message):
        Fit(encoder, tmp_path, **asked)


# --- what learns -------------------------------------------------------------------------------------------------


def test_everything_learns_where_nothing_is_frozen(encoder: Path, tmp_path: Path) -> None:
    fit = Fit(encoder, tmp_path)
    still = set(given_weights(encoder)) - changed(fit, encoder)
    assert still == set()
    assert [metrics["epoch"] for metrics in fit.history] == [1, 2]
    assert set(fit.history[0]) == {
        "step", "epoch", "loss", "accuracy", "validation_loss", "validation_accuracy", "learning_rate",
    }  # fmt: skip
    assert fit.history[1]["loss"] < fit.history[0]["loss"]


@pytest.mark.parametrize(
    ("frozen", "stays"),
    [("embeddings", ("embeddings",)), (1, ("embeddings", "layer.0.")), ("encoder", ("embeddings", "layer", "pooler"))],
)
def test_what_is_frozen_stays(frozen: Any, stays: tuple[str, ...], encoder: Path, tmp_path: Path) -> None:
    fit = Fit(encoder, tmp_path, epochs=1, params={"freeze": frozen})
    moved = changed(fit, encoder)
    for name in given_weights(encoder):
        assert (name in moved) == (not any(part in name for part in stays)), name


def test_tokens_that_no_text_holds_stay_what_they_were(encoder: Path, tmp_path: Path) -> None:
    """The optimiser sees the tokens of the texts alone; what it learns is put back in its place."""
    name = "bert.embeddings.word_embeddings.weight"
    fit = Fit(encoder, tmp_path, data=rows(8), validation=rows(8), params={"max_length": 8})
    before, after = given_weights(encoder)[name], fit.weights()[name]
    tokens = set(fit.model.subwords.encode(list(rows(8)["text"])).tokens.tolist())
    assert after.shape == before.shape
    assert len(tokens) < len(before) / 2, "or nothing is left out"
    moved = {int(place) for place in np.flatnonzero((before != after).any(axis=1))}
    assert moved
    assert moved <= tokens


def test_the_small_embedding_learns_what_the_whole_one_would(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Fit(encoder, tmp_path / "small", data=rows(8), validation=rows(8))
    monkeypatch.setattr("aiaas.backends.torch._narrow._WORTH", 0.0)
    whole = Fit(encoder, tmp_path / "whole", data=rows(8), validation=rows(8))
    for name, value in whole.weights().items():
        np.testing.assert_allclose(small.weights()[name], value, rtol=1e-4, atol=1e-6, err_msg=name)


def test_lora_is_merged_and_answers_the_same(encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aiaas.backends.torch import _adapt

    seen: dict[str, Any] = {}

    def merged(network: Any) -> Any:
        import torch

        inputs = {"input_ids": torch.tensor([[2, 9, 11, 3]]), "attention_mask": torch.ones(1, 4, dtype=torch.int64)}
        with torch.inference_mode():
            seen["before"] = network.eval()(**inputs).logits.numpy()
            whole = network.merge_and_unload()
            seen["after"] = whole(**inputs).logits.numpy()
        return whole

    monkeypatch.setattr(_adapt, "merged", merged)
    fit = Fit(encoder, tmp_path, params={"lora": {"rank": 2, "targets": "attention"}})
    np.testing.assert_allclose(seen["after"], seen["before"], rtol=1e-4, atol=1e-5)
    moved = changed(fit, encoder)
    assert moved == {name for name in given_weights(encoder) if "query.weight" in name or "value.weight" in name}
    assert not any("lora" in name for name in fit.weights())
    assert fit.training.notes["learned_weights"] < fit.training.notes["weights"] / 4


# --- how fast ----------------------------------------------------------------------------------------------------


@pytest.fixture
def network(encoder: Path) -> Any:
    from transformers import AutoModelForSequenceClassification

    from aiaas.backends.torch._torch import quiet

    with quiet():
        return AutoModelForSequenceClassification.from_pretrained(encoder, local_files_only=True)


def test_the_first_layers_learn_slower_with_layer_decay(network: Any) -> None:
    from aiaas.backends.torch._optimizer import optimizer

    settings = BERT.Settings(learning_rate=1.0, layer_decay=0.5, weight_decay=0.1)
    named = {id(weight): name for name, weight in network.named_parameters()}
    made = optimizer(settings, network, {name for name in named.values() if "bias" not in name}, 2)
    rates, decays = {}, {}
    for group in made.param_groups:
        for weight in group["params"]:
            rates[named[id(weight)]], decays[named[id(weight)]] = group["lr"], group["weight_decay"]
    assert rates["classifier.weight"] == rates["bert.pooler.dense.weight"] == 1.0
    assert rates["bert.encoder.layer.1.output.dense.weight"] == 0.5
    assert rates["bert.encoder.layer.0.output.dense.weight"] == 0.25
    assert rates["bert.embeddings.word_embeddings.weight"] == 0.125
    assert decays["bert.encoder.layer.0.output.dense.weight"] == 0.1
    assert decays["bert.encoder.layer.0.output.dense.bias"] == decays["bert.embeddings.word_embeddings.weight"] == 0
    assert set(rates) == set(named.values())


def test_schedules_rise_for_the_warmup_and_fall_as_they_are_called() -> None:
    from aiaas.backends.torch._optimizer import share_of_rate

    def rates(**settings: Any) -> list[float]:
        return [share_of_rate(BERT.Settings(**settings), step, 100) for step in range(100)]

    linear = rates(warmup=0.1)
    assert linear[:10] == sorted(linear[:10])
    assert max(linear) == pytest.approx(linear[9]) == pytest.approx(1.0)
    assert linear[55] == pytest.approx(0.5, abs=0.01)
    assert 0 < linear[99] < 0.02
    assert rates(schedule="constant", warmup=0) == [1.0] * 100
    assert [rates(schedule="step", warmup=0)[step] for step in (49, 50, 75)] == [1.0, 0.1, 0.01]
    cosine = rates(schedule="cosine", warmup=0)
    assert cosine[50] == pytest.approx(0.5, abs=0.01)
    one_cycle = rates(schedule="one_cycle", warmup=0)
    assert one_cycle.index(max(one_cycle)) in (24, 25)


def test_weight_decay_is_of_adamw_alone_and_a_recipe_may_be_read_again() -> None:
    assert BERT.Settings().weight_decay == 0.01
    assert BERT.Settings(optimizer="sgd").weight_decay == 0
    with pytest.raises(ValueError, match="weight_decay goes with optimizer: adamw"):
        BERT.Settings(optimizer="sgd", weight_decay=0.1)
    for settings in (BERT.Settings(), BERT.Settings(optimizer="adam")):
        assert BERT.Settings.model_validate(settings.model_dump()) == settings


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_other_optimisers_learn_and_go_on(optimizer: str, encoder: Path, tmp_path: Path) -> None:
    whole = Fit(encoder, tmp_path / "whole", epochs=1, optimizer=optimizer, learning_rate=1e-3)
    calls = iter(range(100))
    with pytest.raises(Interrupted):
        Fit(encoder, tmp_path, epochs=1, optimizer=optimizer, learning_rate=1e-3, stop=lambda: next(calls) > 7)
    again = Fit(encoder, tmp_path, epochs=1, optimizer=optimizer, learning_rate=1e-3)
    assert again.history == whole.history


# --- batches -----------------------------------------------------------------------------------------------------


def test_every_epoch_has_the_same_shapes_and_other_batches() -> None:
    lengths = np.random.default_rng(1).integers(3, 20, 200)
    epochs = [alike(lengths, 16, 100, 7, epoch) for epoch in range(3)]
    shapes = [sorted((len(batch), int(lengths[batch].max())) for batch in epoch) for epoch in epochs]
    assert shapes[0] == shapes[1] == shapes[2]
    for epoch in epochs:
        assert sorted(np.concatenate(epoch)) == list(range(200))
        assert all(len(batch) <= 16 and len(batch) * lengths[batch].max() <= 100 for batch in epoch)
        padding = sum(len(batch) * lengths[batch].max() for batch in epoch) / lengths.sum()
        assert padding < 1.1
    assert [batch.tolist() for batch in epochs[0]] != [batch.tolist() for batch in epochs[1]]
    assert [batch.tolist() for batch in epochs[0]] == [batch.tolist() for batch in alike(lengths, 16, 100, 7, 0)]


def test_batches_of_a_step_are_learned_from_as_one(encoder: Path, tmp_path: Path) -> None:
    """Of equal length, so that both fits see the same rows in a step."""
    data = rows(12).map(lambda row, place: {"text": [*BAD, *GOOD][place % 8]}, with_indices=True)
    one = Fit(encoder, tmp_path / "one", data=data, epochs=1, batch_size=12, learning_rate=1e-3, precision="float32")
    four = Fit(
        encoder,
        tmp_path / "four",
        data=data,
        epochs=1,
        batch_size=3,
        accumulate=4,
        learning_rate=1e-3,
        precision="float32",
    )
    assert one.history[0]["step"] == four.history[0]["step"] == 1
    assert one.history[0]["loss"] == pytest.approx(four.history[0]["loss"], rel=1e-5)
    for name, value in one.weights().items():
        np.testing.assert_allclose(four.weights()[name], value, rtol=1e-3, atol=1e-5, err_msg=name)


def test_less_memory_learns_the_same(encoder: Path, tmp_path: Path) -> None:
    plain = Fit(encoder, tmp_path / "plain", epochs=1, precision="float32")
    again = Fit(encoder, tmp_path / "again", epochs=1, precision="float32", gradient_checkpointing=True)
    assert again.history[0]["loss"] == pytest.approx(plain.history[0]["loss"], rel=1e-4)


def test_a_network_that_does_not_say_what_fills_a_batch_is_told(encoder: Path, tmp_path: Path) -> None:
    """GPT-2 has no such token of its own, and takes one text at a time without."""
    from transformers import GPT2Config, GPT2Model

    copy = Path(shutil.copytree(encoder, tmp_path / "copy"))
    tokens = json.loads((copy / "config.json").read_text("utf-8"))["vocab_size"]
    GPT2Model(GPT2Config(vocab_size=tokens, n_embd=16, n_layer=1, n_head=2, n_positions=64)).save_pretrained(copy)
    model = Fit(copy, tmp_path, epochs=1).model
    texts = list(rows()["text"])
    alone = np.concatenate([model.predict([text]) for text in texts])
    np.testing.assert_allclose(model.predict(texts), alone, atol=1e-5)


def test_class_weights_and_smoothing_are_in_the_loss(encoder: Path, tmp_path: Path) -> None:
    """With frozen weights and a rate of nearly nothing, the loss is that of the first look."""
    still: dict[str, Any] = {"epochs": 1, "learning_rate": 1e-12, "precision": "float32"}
    plain = Fit(encoder, tmp_path / "plain", **still)
    doubled = Fit(encoder, tmp_path / "doubled", class_weights={"good": 2.0, "bad": 2.0}, **still)
    one = Fit(encoder, tmp_path / "one", class_weights={"good": 3.0}, **still)
    smoothed = Fit(encoder, tmp_path / "smoothed", label_smoothing=0.2, **still)
    scores = plain.model.predict(list(rows()["text"]))
    targets = np.array(rows()["label"])
    losses = -np.log(scores[np.arange(len(targets)), targets])
    assert plain.history[0]["loss"] == pytest.approx(losses.mean(), rel=1e-3)
    assert doubled.history[0]["loss"] == pytest.approx(2 * losses.mean(), rel=1e-3)
    assert one.history[0]["loss"] == pytest.approx((losses * np.where(targets == 1, 3, 1)).mean(), rel=1e-3)
    smooth = 0.8 * losses - 0.2 * np.log(scores).mean(axis=1)
    assert smoothed.history[0]["loss"] == pytest.approx(smooth.mean(), rel=1e-3)
    assert smoothed.history[0]["validation_loss"] == pytest.approx(plain.history[0]["validation_loss"], rel=1e-5)


def test_tokens_are_made_once_and_a_damaged_file_is_made_anew(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aiaas.backends.subwords import Subwords

    made: list[int] = []
    encode = Subwords.encode

    def counted(self: Subwords, texts: Any) -> Any:
        made.append(len(texts))
        return encode(self, texts)

    monkeypatch.setattr(Subwords, "encode", counted)
    cache = tmp_path / "cache"
    first = Fit(encoder, tmp_path / "first", cache=cache, epochs=1)
    assert sum(made) == 48 + 16
    second = Fit(encoder, tmp_path / "second", cache=cache, epochs=1)
    assert sum(made) == 48 + 16
    assert first.history == second.history
    for path in cache.glob("*.npz"):
        path.write_bytes(path.read_bytes()[:100])
    third = Fit(encoder, tmp_path / "third", cache=cache, epochs=1)
    assert sum(made) == 2 * (48 + 16)
    assert third.history == first.history
    Fit(encoder, tmp_path / "other", cache=cache, epochs=1, params={"max_length": 12})
    assert sum(made) == 3 * (48 + 16), "other tokens for another length"


# --- what ends a fit ---------------------------------------------------------------------------------------------


def stops(limit: int) -> Iterator[bool]:
    yield from (False for _ in range(limit))
    while True:
        yield True


@pytest.mark.parametrize(
    ("early", "looks"), [(None, 9), ({"metric": "loss", "patience": 1}, 10)], ids=["whole", "early"]
)
def test_a_fit_may_be_stopped_again_and_again(
    early: dict[str, Any] | None, looks: int, encoder: Path, tmp_path: Path
) -> None:
    """At places all over it, each fit after some more looks for a stop, with all random numbers drawn."""
    asked: dict[str, Any] = {"data": rows(20), "epochs": 3, "accumulate": 2, "batch_size": 4, "early_stopping": early}
    asked["params"] = {"dropout": 0.2, "attention_dropout": 0.1}
    whole = Fit(encoder, tmp_path / "whole", **asked)
    stopped = 0
    while True:
        assert stopped < 40, "a fit that is stopped makes no way"
        try:
            again = Fit(encoder, tmp_path / "again", stop=stops(looks).__next__, **asked)
        except Interrupted:
            stopped += 1
        else:
            break
    assert stopped >= 3
    assert again.history == whole.history
    for name, value in whole.weights().items():
        np.testing.assert_array_equal(again.weights()[name], value, err_msg=name)


def test_half_a_checkpoint_is_never_used(encoder: Path, tmp_path: Path) -> None:
    whole = Fit(encoder, tmp_path / "whole")
    with pytest.raises(Interrupted):
        Fit(encoder, tmp_path, stop=stops(9).__next__)
    (kept,) = (tmp_path / "checkpoints").glob("checkpoint-*")
    assert {path.suffix for path in kept.iterdir()} == {".safetensors", ".json"}, "nothing is pickled"
    half = tmp_path / "checkpoints" / ".checkpoint-000009-00000001.tmp"
    half.mkdir()
    (half / "tensors.safetensors").write_bytes(b"half")
    assert Fit(encoder, tmp_path).history == whole.history


def test_the_best_weights_are_kept_where_it_stops_early(encoder: Path, tmp_path: Path) -> None:
    fit = Fit(encoder, tmp_path, epochs=30, learning_rate=0.02, early_stopping={"metric": "loss", "patience": 2})
    losses = [metrics["validation_loss"] for metrics in fit.history]
    best = int(np.argmin(losses))
    assert len(losses) == best + 3 or len(losses) == 30
    assert fit.training.notes["best_epoch"] == best + 1
    scores = fit.model.predict(list(rows(16)["text"]))
    loss = -np.log(scores[np.arange(16), rows(16)["label"]]).mean()
    assert loss == pytest.approx(losses[best], rel=0.05, abs=0.01)


def test_early_stopping_needs_validation_rows(encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="early stopping watches loss"):
        Fit(encoder, tmp_path, validation=rows(2).select([]), early_stopping={})


def test_without_validation_rows_only_training_is_reported(encoder: Path, tmp_path: Path) -> None:
    fit = Fit(encoder, tmp_path, validation=rows(2).select([]))
    assert set(fit.history[0]) == {"step", "epoch", "loss", "accuracy", "learning_rate"}


def test_a_time_limit_ends_it_within_an_epoch(encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(np.arange(0, 10_000, 0.5))
    monkeypatch.setattr("aiaas.backends.course.time.monotonic", lambda: float(next(clock)))
    fit = Fit(encoder, tmp_path, epochs=50, time_limit="30s")
    assert fit.training.notes["time_limit_reached"]
    assert len(fit.history) < 50
    assert fit.told[-1].ended


def test_a_longer_limit_goes_on_where_a_shorter_one_ended(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within an epoch of six steps, and at its end."""
    whole = Fit(encoder, tmp_path / "whole")
    monkeypatch.setattr(Course, "seconds", lambda self: self.state.epoch * self.steps + self.state.step)
    for limit in (4, 6):
        assert Fit(encoder, tmp_path / "parts", time_limit=limit).training.notes["time_limit_reached"]
    fit = Fit(encoder, tmp_path / "parts", time_limit=100)
    assert "time_limit_reached" not in fit.training.notes
    assert fit.history == whole.history
    expected = whole.weights()
    assert all(np.array_equal(weight, expected[name]) for name, weight in fit.weights().items())


def test_a_loss_that_is_no_number_is_told_with_its_step(copy: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    weights["encoder.layer.1.output.dense.bias"][0] = np.nan
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(TrainingError, match=r"the loss is no number any more at step 1 \(epoch 1\)") as caught:
        Fit(copy, tmp_path)
    assert "learning_rate" in str(caught.value.hint)
    assert caught.value.where is None, "nothing good was kept"


def test_the_last_good_state_outlives_a_loss_that_is_no_number(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aiaas.backends.torch import _trainer

    with pytest.raises(Interrupted):
        Fit(encoder, tmp_path, stop=stops(9).__next__)
    add = _trainer.Sums.add

    def spoilt(self: Any, *arguments: Any) -> None:
        add(self, *arguments)
        self.loss = math.nan

    with monkeypatch.context() as patch:
        patch.setattr(_trainer.Sums, "add", spoilt)
        with pytest.raises(TrainingError, match="no number") as caught:
            Fit(encoder, tmp_path)
    assert "holds the last good state" in str(caught.value.where)
    assert len(Fit(encoder, tmp_path).history) == 2


def test_one_label_alone_cannot_be_learned(encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(AiaasError, match="1 of the two or more labels"):
        Fit(encoder, tmp_path, data=rows(16).filter(lambda row: row["label"] == 1))


# --- manners -----------------------------------------------------------------------------------------------------


def test_a_fit_prints_nothing_and_leaves_the_process_as_it_was(
    encoder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import os
    import random

    import torch
    from transformers.utils import logging

    def state() -> Any:
        return (
            dict(os.environ),
            random.getstate(),
            torch.get_rng_state().tolist(),
            torch.get_num_threads(),
            torch.are_deterministic_algorithms_enabled(),
            logging.get_verbosity(),
            logging.is_progress_bar_enabled(),
        )

    before = state()
    fit = Fit(encoder, tmp_path, epochs=1)
    (tmp_path / "saved").mkdir()
    fit.model.save(tmp_path / "saved")
    BERT.load(tmp_path / "saved").predict(["good"])
    assert state() == before
    assert capfd.readouterr() == ("", "")


def test_what_accelerate_keeps_for_a_process_is_left_as_it_was(encoder: Path, tmp_path: Path) -> None:
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, GradientState

    Fit(encoder, tmp_path / "one", epochs=1, precision="bfloat16")
    own = Accelerator(mixed_precision="no", gradient_accumulation_steps=4, cpu=True)  # refused, were bfloat16 still set
    try:
        Fit(encoder, tmp_path / "two", epochs=1, precision="bfloat16", accumulate=2)
        assert own.mixed_precision == "no"
        assert own.gradient_accumulation_steps == 4
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()


def test_the_saved_folder_is_laid_out_as_transformers_reads_it(encoder: Path, tmp_path: Path) -> None:
    fit = Fit(encoder, tmp_path, epochs=1)
    saved = tmp_path / "saved"
    saved.mkdir()
    fit.model.save(saved)
    files = {str(path.relative_to(saved)) for path in saved.rglob("*") if path.is_file()}
    assert files == {"model.json", "tokenizer.json", "encoder/config.json", "encoder/model.safetensors"}
    assert json.loads((saved / "encoder/config.json").read_text())["id2label"] == {"0": "bad", "1": "good"}


def test_progress_is_told_as_of_any_network(encoder: Path, tmp_path: Path) -> None:
    fit = Fit(encoder, tmp_path)
    last = fit.told[-1]
    assert (last.epoch, last.epochs, last.step, last.steps, last.ended) == (2, 2, 6, 6, True)
    assert {"loss", "accuracy", "validation_loss", "validation_accuracy"} == set(last.metrics)
    assert last.examples_per_second is not None
    assert last.examples_per_second > 0
