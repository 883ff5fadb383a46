"""A network as the function that a model calls: arrays in, arrays out, wherever it is computed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from aiaas.backends import arrays
from aiaas.backends.onnx import PortableNetwork
from aiaas.backends.tensorflow._keras import plain, tensorflow
from aiaas.contracts import Params

if TYPE_CHECKING:
    from numpy.typing import NDArray

SETTINGS, WEIGHTS, PORTABLE = "model.json", "weights.npz", "network.onnx"
Saved = TypeVar("Saved", bound=Params)


class Network(Protocol):
    """What a model of this backend calls: Keras, or a portable runtime."""

    def __call__(self, *inputs: NDArray[Any]) -> NDArray[np.float32]:
        """The outputs (n, …) for inputs (n, …), in their order."""

    def save(self, directory: Path) -> None:
        """Write the weights into `directory`; equal weights, equal bytes."""


class KerasNetwork:
    """A network of Keras, called as one compiled function."""

    def __init__(self, network: Any) -> None:
        self.network = network
        self._call = tensorflow().function(
            lambda *inputs: network(_unpacked(inputs), training=False), reduce_retracing=True
        )

    def __call__(self, *inputs: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(self._call(*inputs), np.float32)

    def save(self, directory: Path) -> None:
        named = {f"{number:04d} {each.name}": np.asarray(each) for number, each in enumerate(self.network.weights)}
        arrays.write_arrays(directory / WEIGHTS, named)


def _unpacked(inputs: tuple[Any, ...]) -> Any:
    return inputs[0] if len(inputs) == 1 else inputs


def finished(network: Any, build: Callable[[], Any]) -> KerasNetwork:
    """A trained network as one that answers: the same weights in float32, in a network that `build` makes."""
    plain()
    fresh = build()
    fresh.set_weights(network.get_weights())
    return KerasNetwork(fresh)


def write_settings(directory: Path, settings: Params) -> None:
    """What `build` needs to make the same network again."""
    arrays.write_json(directory / SETTINGS, settings.model_dump(mode="json"))


def read_settings(directory: Path, kind: type[Saved]) -> Saved:
    """What `write_settings` wrote. Raises VerificationError."""
    return arrays.read_settings(directory / SETTINGS, kind)


def read_network(directory: Path, build: Callable[[], Any]) -> KerasNetwork:
    """The network that `build` makes, with the weights that `KerasNetwork.save` wrote. Raises VerificationError."""
    plain()
    network = build()
    path = directory / WEIGHTS
    expected = {f"{number:04d} {each.name}": each for number, each in enumerate(network.weights)}
    kinds = {name: (np.dtype(each.dtype).type, len(each.shape)) for name, each in expected.items()}
    kept = arrays.read_arrays(path, kinds)
    for name, variable in expected.items():
        if kept[name].shape != tuple(variable.shape):
            raise arrays.damaged(path, f"the array {name!r} of the model has another shape")
        variable.assign(kept[name])
    return KerasNetwork(network)


def export(directory: Path, out: Path, build: Callable[[], Any]) -> None:
    """Write settings and network, which the model saved in `directory` consists of, into `out` for `portable_network`.
    Raises ExportError, VerificationError."""
    from aiaas.backends.tensorflow import _onnx

    _onnx.export(read_network(directory, build).network, out / PORTABLE)
    shutil.copyfile(directory / SETTINGS, out / SETTINGS)


def portable_network(directory: Path) -> PortableNetwork:
    """The network that `export` wrote, run without TensorFlow. Raises VerificationError."""
    return PortableNetwork(directory / PORTABLE)
