"""An encoder of torch in portable form.

torch's own exporter writes the network, from the example of one batch whose two sizes stay open. The attention is
written as one operator of ONNX Runtime (`MultiHeadAttention`), which is faster than the products, the softmax and the
turning of axes that it consists of; where an encoder computes its attention in a way of its own, it is written as it
stands.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiaas.backends import onnx_int8
from aiaas.backends.encoders import INPUTS, NETWORK, copy_beside
from aiaas.backends.onnx_graph import rewrite_large
from aiaas.backends.silence import silence
from aiaas.backends.torch import _unpadded
from aiaas.backends.torch._torch import quiet, torch, transformers
from aiaas.errors import ExportError, first_line

_OPSET = 20  # the first one with gelu as one operator
_ATTENTION = "aiaas_onnx"
_RAW = "raw.onnx"


def export(directory: Path, out: Path, network: Any, encoder: Any, *, types: bool) -> None:
    """Write into `out` what `PortableEncoder` reads, for the model that `save` wrote in `directory`.

    `network` is a module of torch that takes the tensors `INPUTS` by name, each (n, length), and gives what the model
    answers (n, outputs); `encoder` is the network of transformers in it, and `types` says whether it takes
    `token_type_ids`. Raises ExportError.
    """
    with TemporaryDirectory(dir=out) as scratch, quiet(), silence():
        raw = Path(scratch) / _RAW
        try:
            _fuse_attention(encoder)
            _export(network.cpu().eval(), INPUTS if types else INPUTS[:2], raw)
        except Exception as error:  # whatever the exporter meets first: it has no common class for it
            raise ExportError(f"the encoder has no form in ONNX: {first_line(error)}") from error
        rewrite_large(raw, out / NETWORK, _unpadded.branch)
    copy_beside(directory, out)


def quantize(portable: Path, out: Path) -> None:
    """See `Quantizable.quantize`."""
    onnx_int8.quantise(portable / NETWORK, out / NETWORK)
    copy_beside(portable, out)


def probabilities(network: Any) -> Any:
    """A classifier of transformers as a module that gives probabilities (n, labels)."""
    frame: Any = torch()

    class Probabilities(frame.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any = None) -> Any:
            types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
            logits = self.network(input_ids=input_ids, attention_mask=attention_mask, **types).logits
            return frame.softmax(logits.float(), dim=-1)

    return Probabilities()


def _export(network: Any, names: tuple[str, ...], path: Path) -> None:
    frame = torch()
    sizes = {0: frame.export.Dim.DYNAMIC, 1: frame.export.Dim.DYNAMIC}
    program = frame.onnx.export(
        network,
        (),
        kwargs={name: frame.ones((2, 16), dtype=frame.int64) for name in names},
        dynamic_shapes=dict.fromkeys(names, sizes),
        input_names=list(names),
        opset_version=_OPSET,
        dynamo=True,
        verbose=False,
    )
    program.save(str(path), external_data=True)


def _fuse_attention(encoder: Any) -> None:
    """Let the encoder write its attention as one operator, where it computes it as transformers lets others do."""
    library = transformers()
    if not encoder._supports_attention_backend:
        return
    library.AttentionInterface.register(_ATTENTION, _attention)
    library.AttentionMaskInterface.register(_ATTENTION, _mask)
    encoder.set_attn_implementation(_ATTENTION)


def _mask(*, attention_mask: Any = None, mask_function: Any = None, **others: Any) -> Any:
    """What may be looked at: only which tokens are padding (n, length), where that is all; else every pair of places
    (n, 1, length, length), as something to add to the scores."""
    from transformers.masking_utils import bidirectional_mask_function, eager_mask

    if mask_function is bidirectional_mask_function and attention_mask is not None:
        return attention_mask.to(torch().int32)
    return eager_mask(attention_mask=attention_mask, mask_function=mask_function, **others)


def _attention(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any, scaling: float | None = None, **others: Any
) -> tuple[Any, None]:
    """The attention of `query`, `key` and `value` (n, heads, length, size) as an operator of ONNX Runtime."""
    n, heads, length, size = query.shape
    inputs = [each.transpose(1, 2).reshape(n, length, heads * size) for each in (query, key, value)]
    # Behind them come the bias of the inputs, what is padding, and what is added to the scores.
    is_padding = attention_mask is not None and attention_mask.ndim == 2
    masks = [None, attention_mask] if is_padding else [None, None, attention_mask]
    found = torch().onnx.ops.symbolic(
        "com.microsoft::MultiHeadAttention",
        inputs + (masks if attention_mask is not None else []),
        attrs={"num_heads": heads, "scale": float(size**-0.5 if scaling is None else scaling)},
        dtype=query.dtype,
        shape=(n, length, heads * size),
        version=1,
    )
    return found.reshape(n, length, heads, size), None
