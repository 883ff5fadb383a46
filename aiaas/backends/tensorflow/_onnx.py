"""A network of Keras as an .onnx file."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas import plugins
from aiaas.backends import onnx_graph
from aiaas.backends.onnx import FROM_KERAS
from aiaas.errors import ExportError, first_line

if TYPE_CHECKING:
    from numpy.typing import NDArray


def export(network: Any, path: Path) -> None:
    """Write `network`, a Keras model in float32 with weights, to `path`. Equal networks, equal bytes.

    The first axis of each input stays open, as do the others that the network leaves open (the length of a text).
    Raises MissingPackageError, and ExportError when a layer has no counterpart in ONNX.
    """
    plugins.require(FROM_KERAS, "exporting a network of TensorFlow")
    with _quiet():
        try:
            _call_once(network)
            network.export(str(path), format="onnx", verbose=False)
        except Exception as error:  # whatever tf2onnx meets first: it has no errors of its own
            raise ExportError(f"the network has no form in ONNX: {first_line(error)}") from error
        constants = _constants(network)

    def mend(model: Any) -> None:
        _bind(model.graph, len(network.inputs), constants)
        _without_erfc(model.graph)

    onnx_graph.rewrite(path, mend)


def _constants(network: Any) -> list[NDArray[Any]]:
    """Values that layers hold beside their weights, such as the mean of a `Normalization`, in their order."""
    import tensorflow as tf

    given = [tf.TensorSpec(each.shape, each.dtype) for each in network.inputs]
    traced = tf.function(lambda *inputs: network(inputs[0] if len(inputs) == 1 else inputs, training=False))
    captured = traced.get_concrete_function(*given).captured_inputs
    return [each.numpy() for each in captured if each.dtype != tf.resource]


def _bind(graph: Any, inputs: int, constants: list[NDArray[Any]]) -> None:
    """Fix what tf2onnx leaves open behind the first `inputs` inputs to the constants it stands for. In place."""
    from onnx import numpy_helper

    open_ones = list(graph.input)[inputs:]
    if len(open_ones) != len(constants):
        raise ExportError(f"the network keeps {len(constants)} constants, its form in ONNX {len(open_ones)}")
    for value, constant in zip(open_ones, constants, strict=True):
        graph.initializer.append(numpy_helper.from_array(constant, value.name))
    del graph.input[inputs:]


def _without_erfc(graph: Any) -> None:
    """Write erfc(x), which gelu computes with and ONNX has not, as 1 - erf(x). In place."""
    from onnx import TensorProto, helper

    for node in [each for each in graph.node if each.op_type == "Erfc"]:
        one, erf = f"{node.output[0]} one", f"{node.output[0]} erf"
        graph.initializer.append(helper.make_tensor(one, TensorProto.FLOAT, (), [1.0]))
        graph.node.append(helper.make_node("Erf", list(node.input), [erf]))
        graph.node.append(helper.make_node("Sub", [one, erf], list(node.output)))
        graph.node.remove(node)


def _call_once(network: Any) -> None:
    """Keras exports only what was called; a network read from a file was not."""
    import numpy as np

    shapes = [tuple(size or 1 for size in each.shape) for each in network.inputs]
    given = [np.zeros(shape, each.dtype) for shape, each in zip(shapes, network.inputs, strict=True)]
    network(given[0] if len(given) == 1 else given)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what Keras, tf2onnx and TensorFlow say to people; np.object is touched where NumPy is told apart."""
    loggers = [logging.getLogger(name) for name in ("tf2onnx", "tensorflow")]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.filterwarnings("ignore", category=FutureWarning, message=".*np.object")
            yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)
