"""Attention without a mask, for batches without padding.

Where nothing is masked, ONNX Runtime computes attention in blocks and never writes all its weights down, in little more
than half the time. Whether anything is, each batch shows by itself: texts alike in length stand together, and one text
alone has no padding.
"""

from __future__ import annotations

from typing import Any

_MASK = 4  # among the inputs of MultiHeadAttention: what is padding; behind it comes what is added to the scores


def branch(model: Any) -> None:
    """Give each attention of an `onnx.ModelProto` that passes over padding a branch for batches that have none."""
    from onnx import TensorProto, helper

    masked = [
        node for node in model.graph.node if node.op_type == "MultiHeadAttention" and len(node.input) == _MASK + 1
    ]
    if not masked:
        return
    kept = [node for node in model.graph.node if not any(node is each for each in masked)]
    for mask in dict.fromkeys(node.input[_MASK] for node in masked):
        kept.append(helper.make_node("ReduceMin", [mask], [f"{mask} least"], keepdims=0))
        kept.append(helper.make_node("Cast", [f"{mask} least"], [_whole(mask)], to=TensorProto.BOOL))
    for node in masked:
        bodies = {"then_branch": _body(node, list(node.input[:3])), "else_branch": _body(node, list(node.input))}
        kept.append(helper.make_node("If", [_whole(node.input[_MASK])], list(node.output), **bodies))
    del model.graph.node[:]
    model.graph.node.extend(kept)


def _whole(mask: str) -> str:
    return f"{mask} is all"


def _body(node: Any, inputs: list[str]) -> Any:
    """The attention `node` with these inputs, as a branch."""
    from onnx import TensorProto, helper

    alone = type(node)()
    alone.CopyFrom(node)
    alone.input[:] = inputs
    alone.output[:] = [f"{node.output[0]} of {len(inputs)}"]
    made = helper.make_tensor_value_info(alone.output[0], TensorProto.FLOAT, None)
    return helper.make_graph([alone], f"attention of {len(inputs)}", [], [made])
