"""An encoder with a head: fitted to labels, saved, asked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aiaas.backends import arrays, memory
from aiaas.backends.classes import class_weights, softmax
from aiaas.backends.encoders import PortableEncoder
from aiaas.backends.reading import check_classes, targets_of
from aiaas.backends.sequences import scored
from aiaas.backends.subwords import Subwords, Text
from aiaas.backends.torch import _adapt, _attention, _encoder, _fit, _memory, _portable, _processes, _saved, _tokens
from aiaas.backends.torch._batches import Batches
from aiaas.backends.torch._checkpoint import learned
from aiaas.backends.torch._narrow import narrow
from aiaas.backends.torch._params import ENCODER
from aiaas.backends.torch._settings import FineTuning
from aiaas.backends.torch._torch import Device, quiet, set_up, torch
from aiaas.contracts import Params as Base
from aiaas.contracts import Training

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

_KIND: _encoder.Kind = "AutoModelForSequenceClassification"
_ROWS, _TOKENS = 64, 8192  # of a batch that is answered
_BYTES = 4


class Saved(Base):
    """What `model.json` holds besides the network and the tokenizer."""

    format: Literal[1] = 1
    classes: int
    max_length: int
    pair: bool


class TextClassifier:
    """Texts, or pairs of texts, in; probabilities out."""

    def __init__(self, saved: Saved, subwords: Subwords, network: Any) -> None:
        self.saved, self.subwords, self.network = saved, subwords, network
        self._types = _encoder.takes_types(network)

    def predict(self, examples: Sequence[Text]) -> NDArray[np.float32]:
        """Probabilities (n, classes); of a text longer than `max_length` the beginning decides."""
        return scored(
            examples,
            self.saved.classes,
            self.subwords.encode,
            lambda batch: softmax(self._logits(batch)),
            _ROWS,
            _TOKENS,
        )

    def tokens(self, examples: Sequence[Text]) -> list[int]:
        """Tokens that are read of each example: those of a longer one that are kept."""
        lengths: list[int] = self.subwords.encode(examples).lengths.tolist()
        return lengths

    def _logits(self, inputs: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        if not self._types:
            del inputs["token_type_ids"]
        frame, device = torch(), self.network.device
        with frame.inference_mode():
            outputs = self.network(**{name: frame.from_numpy(array).to(device) for name, array in inputs.items()})
        return np.asarray(outputs.logits.float().cpu().numpy(), np.float32)

    def save(self, directory: Path) -> None:
        """Write settings, tokenizer and network."""
        arrays.write_json(directory / _saved.SETTINGS, self.saved.model_dump(mode="json"))
        self.subwords.save(directory)
        _saved.write_network(directory, self.network)


def load(directory: Path) -> TextClassifier:
    """The model that `TextClassifier.save` wrote. Raises VerificationError."""
    saved = arrays.read_settings(directory / _saved.SETTINGS, Saved)
    subwords = Subwords.load(directory)
    network = _saved.read_network(directory, _KIND)
    if subwords.max_length != saved.max_length or network.config.num_labels != saved.classes:
        raise arrays.damaged(directory / _saved.SETTINGS, "the files of the model do not fit each other")
    return TextClassifier(saved, subwords, network)


def export(directory: Path, out: Path) -> None:
    """Write the model saved in `directory` into `out` for `load_portable`. Raises ExportError, VerificationError."""
    network = load(directory).network
    _portable.export(directory, out, _portable.probabilities(network), network, types=_encoder.takes_types(network))


def load_portable(directory: Path) -> PortableEncoder:
    """What `export` wrote, or its int8 form, without torch. Raises VerificationError."""
    saved, model = arrays.read_settings(directory / _saved.SETTINGS, Saved), PortableEncoder(directory)
    if model.subwords.max_length != saved.max_length or model.outputs != saved.classes:
        raise arrays.damaged(directory / _saved.SETTINGS, "the files of the model do not fit each other")
    return model


def fit(params: Any, train: Dataset, validation: Dataset, training: Training) -> TextClassifier:
    """Fine-tune the encoder. Raises DataError, TrainingError, Interrupted."""
    labels = targets_of(train, training)
    check_classes(labels, training)
    with quiet(), set_up(training.settings, training.seed) as device:
        return _fitted(params, train, validation, labels, training, device)


def _fitted(
    params: Any, train: Dataset, validation: Dataset, labels: NDArray[np.int64], training: Training, device: Device
) -> TextClassifier:
    settings: FineTuning = training.settings
    names = training.signature.labels
    encoder = _encoder.read(params, training.files[ENCODER], _KIND, partial(_head, params, names))
    texts = _tokens.encoded(train, encoder.subwords, training)
    _tokens.tell_cut(texts, encoder.subwords, params.truncation, training)
    held_out = _tokens.encoded(validation, encoder.subwords, training)
    weighed = class_weights(settings, labels, names)
    memory.check(_BYTES * encoder.shapes.num_parameters(), "this encoder", "choose a smaller one: model.params.encoder")
    whole, fresh = _encoder.weights(encoder)
    small = narrow(whole, (texts, held_out))
    embedding = small.put_on(whole) if small else None
    if small:
        texts, held_out = small.numbered(texts), small.numbered(held_out)
    network = _learning(whole, params, fresh)
    training.notes["weights"] = encoder.shapes.num_parameters()
    training.notes["learned_weights"] = sum(weight.numel() for _, weight in learned(network))
    batches = Batches(texts, labels, settings.batch_size, settings.batch_tokens, training.seed)
    judged = Batches(held_out, targets_of(validation, training), settings.batch_size, settings.batch_tokens)
    _learn(whole, network, batches, judged, torch().from_numpy(weighed), training, device)
    final = _adapt.merged(network) if params.lora else network
    if small:
        small.take_off(final, embedding)
    saved = Saved(classes=len(names), max_length=params.max_length, pair=_tokens.PAIR in training.signature.features)
    return TextClassifier(saved, encoder.subwords, final.eval())


def _learn(
    whole: Any, network: Any, batches: Batches, judged: Batches, weighed: Any, training: Training, device: Device
) -> None:
    """Fit `network`, whose layers are those of `whole`."""
    settings: FineTuning = training.settings
    layers = len(_adapt.layers_of(whole))
    with _attention.quick(whole, _adapt.passes(whole), device, *batches.largest()):
        parts = _processes.count(settings, device)
        _memory.check(whole, settings, device, *batches.largest(), parts)
        types = _encoder.takes_types(whole)
        plan = _fit.Plan(network, layers, batches, judged, weighed, types, settings)
        _processes.learn(plan, device, training, parts)


def _learning(network: Any, params: Any, fresh: frozenset[str]) -> Any:
    """The network as it learns: frozen in part, or with low-rank matrices."""
    if params.lora:
        return _adapt.with_lora(network, params.lora, fresh)
    _adapt.freeze(network, params.freeze, fresh)
    return network


def _head(params: Any, names: Sequence[str], config: Any) -> None:
    """The settings of the encoder with a head for the labels, and with the dropout that the recipe wants."""
    config.num_labels = len(names)
    config.id2label = dict(enumerate(names))
    config.label2id = {name: number for number, name in enumerate(names)}
    config.problem_type = "single_label_classification"
    if hasattr(config, "use_cache"):
        config.use_cache = False  # as the Trainer leaves it, which does not always come to run
    for name, value in config.to_dict().items():
        if "dropout" in name and not isinstance(value, bool | str | list | dict):
            wanted = params.attention_dropout if "attention" in name else params.dropout
            if wanted is not None:
                setattr(config, name, wanted)
