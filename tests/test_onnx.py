"""Networks as .onnx files: written from Keras with equal bytes, and opened in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aiaas.backends import onnx
from aiaas.backends.tensorflow import _keras, _onnx
from aiaas.errors import ExportError, UsageError, VerificationError

for package in ("tensorflow", "tf2onnx", "onnx", "onnxruntime"):
    pytest.importorskip(package)

CHANCE = np.random.default_rng(3)


def pictures(layers: Any, frame: Any) -> Any:
    given = frame.Input((8, 8, 3))
    tensor = layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0])(given)
    for filters in (4, 8):
        tensor = layers.Conv2D(filters, 3, padding="same", use_bias=False)(tensor)
        tensor = layers.ReLU()(layers.BatchNormalization()(tensor))
        tensor = layers.Dropout(0.5)(layers.MaxPooling2D()(tensor))
    return frame.Model(given, layers.Dense(3)(layers.GlobalMaxPooling2D()(tensor)))


def rows(layers: Any, frame: Any) -> Any:
    given = frame.Input((5,))
    tensor = layers.Dense(6, activation="gelu")(given)
    return frame.Model(given, layers.Dense(2)(layers.BatchNormalization()(tensor)))


def texts(layers: Any, frame: Any) -> Any:
    given = frame.Input((None,), dtype="int32")
    tensor = layers.Embedding(20, 4, mask_zero=True)(given)
    return frame.Model(given, layers.Dense(2)(layers.LSTM(6)(tensor)))


def padded(count: int) -> Any:
    """Numbers of characters, each text padded with zeros to another length."""
    numbers = CHANCE.integers(1, 20, (count, 9))
    numbers[np.arange(9) >= CHANCE.integers(1, 10, (count, 1))] = 0
    return numbers.astype(np.int32)


NETWORKS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[int], Any]]] = {
    "pictures": (pictures, lambda count: CHANCE.normal(size=(count, 8, 8, 3)).astype(np.float32)),
    "rows": (rows, lambda count: CHANCE.normal(size=(count, 5)).astype(np.float32)),
    "texts": (texts, padded),
}


def built(name: str) -> Any:
    frame = _keras.keras()
    return NETWORKS[name][0](frame.layers, frame)


@pytest.mark.parametrize("name", NETWORKS)
def test_an_exported_network_answers_like_keras_for_any_number_of_rows(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    network = built(name)
    capfd.readouterr()
    _onnx.export(network, tmp_path / "network.onnx")
    assert capfd.readouterr().out == ""
    portable = onnx.PortableNetwork(tmp_path / "network.onnx", threads=1)
    for count in (1, 2, 7):
        given = NETWORKS[name][1](count)
        found = portable(given)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, np.asarray(network(given, training=False)), atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_equal_networks_give_equal_bytes(name: str, tmp_path: Path) -> None:
    network, same = built(name), built(name)
    same.set_weights(network.get_weights())
    _onnx.export(network, tmp_path / "one.onnx")
    _onnx.export(same, tmp_path / "two.onnx")
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()


def test_a_layer_without_a_counterpart_is_an_export_error(tmp_path: Path) -> None:
    frame = _keras.keras()
    tf = _keras.tensorflow()

    class Odd(frame.layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, given: Any) -> Any:
            return tf.raw_ops.Betainc(a=tf.abs(given) + 1, b=tf.abs(given) + 1, x=tf.sigmoid(given))

    given = frame.Input((3,))
    with pytest.raises(ExportError):
        _onnx.export(frame.Model(given, Odd()(given)), tmp_path / "odd.onnx")


@pytest.mark.parametrize("content", [b"", b"not a network", None])
def test_a_file_that_is_no_network_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VerificationError, match="ONNX Runtime cannot read the model") as refused:
        onnx.open_session(path)
    assert refused.value.where == str(path)


def test_inputs_of_another_shape_or_number_are_refused(tmp_path: Path) -> None:
    _onnx.export(built("rows"), tmp_path / "network.onnx")
    portable = onnx.PortableNetwork(tmp_path / "network.onnx")
    right = np.zeros((1, 5), np.float32)
    assert portable(right).shape == (1, 2)
    for wrong in ((np.zeros((1, 4), np.float32),), (right, right), (right.astype(np.float64),)):
        with pytest.raises(VerificationError, match="does not take this input"):
            portable(*wrong)


def test_threads_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(onnx.THREADS, raising=False)
    assert onnx.default_threads() >= 1
    monkeypatch.setenv(onnx.THREADS, "3")
    assert onnx.default_threads() == 3
    for wrong in ("0", "-1", "many", "", "2000", "٣"):
        monkeypatch.setenv(onnx.THREADS, wrong)
        with pytest.raises(UsageError, match="must be a number of threads"):
            onnx.default_threads()
