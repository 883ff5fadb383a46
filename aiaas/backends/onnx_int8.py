"""The int8 form of a network: weights as whole numbers of eight bits, and the rest as it comes.

Quantised are the products with a matrix, each column of which gets a scale of its own, and the tables that rows are
taken from, such as the embedding of tokens. What goes into a product is quantised while it is computed (dynamically),
so no examples are needed beforehand.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from aiaas.backends.onnx_graph import rewrite_large
from aiaas.backends.silence import silence
from aiaas.errors import ExportError, first_line

_OPERATORS = ["MatMul", "Gather"]
_RAW = "raw.onnx"


def quantise(path: Path, out: Path) -> None:
    """Write the int8 form of the network in `path` to `out`; equal networks, equal bytes. Raises ExportError."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with TemporaryDirectory(dir=out.parent) as scratch, silence():
        raw = Path(scratch) / _RAW
        try:
            quantize_dynamic(
                onnx.load(path),
                raw,
                op_types_to_quantize=_OPERATORS,
                per_channel=True,
                weight_type=QuantType.QInt8,
                use_external_data_format=True,
                # Operators of the runtime's own have no type that the quantiser could infer.
                extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
            )
        except Exception as error:  # it has no errors of its own
            raise ExportError(f"the network has no int8 form: {first_line(error)}") from error
        rewrite_large(raw, out)
