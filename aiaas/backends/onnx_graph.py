"""An .onnx file in one form, so that equal networks have equal bytes.

Exporters number what they name as they go, and a second export in the same process goes on counting. Here nodes stand
in the order in which the outputs need them, values are named after their place, and nothing says who wrote the file
when. Inputs and outputs keep the order they have, by which they are given and taken; inputs that people know by name
keep it.

Large weights stand in a file beside, `NAME.onnx.data`: the runtime maps it into memory in place of reading it twice,
and of a matrix of which few rows are asked for, few pages are ever read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from aiaas.errors import ExportError, first_line

PRODUCER = "aiaas"

_LARGE = 1024  # bytes of a tensor that goes into the file beside
_PAGE = 4096  # at whose multiples they begin there, as a map into memory wants it


def rewrite(path: Path, mend: Callable[[Any], None] = lambda model: None) -> None:
    """Check the file and bring it to its one form; `mend` may first change the `onnx.ModelProto` in place. Raises
    ExportError when it is no sound network."""
    import onnx

    try:
        model = onnx.load(path)
        mend(model)
        canonical = in_one_form(model)
        onnx.checker.check_model(canonical, full_check=True)
    except ExportError:
        raise
    except Exception as error:  # protobuf's, the checker's and shape inference's errors have no other common class
        raise ExportError(f"the exported network is not sound: {first_line(error)}") from error
    path.write_bytes(canonical.SerializeToString(deterministic=True))


def rewrite_large(raw: Path, path: Path, mend: Callable[[Any], None] = lambda model: None) -> None:
    """Write the network in `raw`, whose weights may stand in files beside it, to `path` and `data_of(path)` in its one
    form; `mend` as `rewrite` has it. Raises ExportError when it is no sound network."""
    import onnx

    try:
        model = onnx.load(raw, load_external_data=False)
        mend(model)
        canonical = in_one_form(model, named=True)
        with data_of(path).open("wb") as stream:
            for tensor in canonical.graph.initializer:
                _put_beside(tensor, raw.parent, stream, data_of(path).name)
        path.write_bytes(canonical.SerializeToString(deterministic=True))
        onnx.checker.check_model(str(path), full_check=True)
    except Exception as error:
        raise ExportError(f"the exported network is not sound: {first_line(error)}") from error


def data_of(path: Path) -> Path:
    """The file beside a network that holds its large weights."""
    return path.with_name(f"{path.name}.data")


def _put_beside(tensor: Any, folder: Path, stream: BinaryIO, name: str) -> None:
    """Move the values of a tensor, from a file in `folder` or from itself, into `stream`; small ones into itself."""
    from onnx import external_data_helper, numpy_helper

    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor, str(folder)), tensor.name))
    if len(tensor.raw_data) < _LARGE:
        return
    stream.write(bytes(-stream.tell() % _PAGE))
    external_data_helper.set_external_data(tensor, name, stream.tell(), len(tensor.raw_data))
    stream.write(tensor.raw_data)
    tensor.ClearField("raw_data")


def in_one_form(model: Any, *, named: bool = False) -> Any:
    """The same network (an `onnx.ModelProto`), with names and order that follow from what it computes. `named` leaves
    the inputs the names they have."""
    import onnx

    same = onnx.ModelProto()
    same.CopyFrom(model)
    for name in ("producer_version", "domain", "model_version", "doc_string", "metadata_props"):
        same.ClearField(name)
    same.producer_name = PRODUCER
    versions = sorted(same.opset_import, key=lambda each: each.domain)
    used = {each.domain for each in _nodes(same.graph)}
    del same.opset_import[:]
    same.opset_import.extend(each for each in versions if each.domain in used or each.domain == "")
    graph = same.graph
    _Names([value.name for value in graph.input] if named else []).graph(graph, "network")
    for value in (*graph.input, *graph.output):
        for place, size in enumerate(value.type.tensor_type.shape.dim):
            if not size.HasField("dim_value"):
                size.dim_param = f"{value.name}_size_{place}" if place else "batch"
    return same


def _nodes(graph: Any) -> Iterable[Any]:
    for node in graph.node:
        yield node
        for each in _subgraphs(node):
            yield from _nodes(each)


def _subgraphs(node: Any) -> list[Any]:
    """The bodies of a loop or a condition, by the name of their attribute."""
    attributes = sorted(node.attribute, key=lambda each: each.name)
    return [graph for each in attributes for graph in ([each.g] if each.HasField("g") else each.graphs)]


class _Names:
    """Renames in place. Names are unique in the whole network, its bodies included, so one numbering serves all."""

    def __init__(self, kept: Iterable[str] = ()) -> None:
        self.new = {name: name for name in kept}
        self.numbers, self.bodies = count(1), count(1)

    def graph(self, graph: Any, name: str) -> None:
        """Order the nodes, name the values, and sort what has no order of its own."""
        graph.ClearField("doc_string")
        graph.ClearField("value_info")  # shapes between: the runtime infers them
        graph.name = name
        _drop_identities(graph)
        nodes = _in_order(graph)
        del graph.node[:]
        graph.node.extend(nodes)
        for value in graph.input:
            self._value(value)
        for node in graph.node:
            self._node(node)
        for value in graph.output:
            self._value(value)
        for tensor in graph.initializer:
            tensor.name = self._name(tensor.name)
            tensor.ClearField("doc_string")
        needed = {each for node in _nodes(graph) for each in node.input} | {value.name for value in graph.output}
        kept = sorted((each for each in graph.initializer if each.name in needed), key=lambda each: _place(each.name))
        del graph.initializer[:]
        graph.initializer.extend(kept)

    def _value(self, value: Any) -> None:
        value.name = self._name(value.name)
        value.ClearField("doc_string")
        for size in value.type.tensor_type.shape.dim:
            size.ClearField("dim_param")

    def _node(self, node: Any) -> None:
        node.ClearField("doc_string")
        node.ClearField("name")
        node.ClearField("metadata_props")
        node.input[:] = [self._name(each) for each in node.input]
        attributes = sorted(node.attribute, key=lambda each: each.name)
        for attribute in attributes:
            attribute.ClearField("doc_string")
            if attribute.HasField("t"):
                attribute.t.ClearField("name")
        for body in _subgraphs(node):
            self.graph(body, f"body {next(self.bodies)}")
        node.output[:] = [self._name(each) for each in node.output]
        del node.attribute[:]
        node.attribute.extend(attributes)

    def _name(self, old: str) -> str:
        if old and old not in self.new:
            self.new[old] = f"v{next(self.numbers)}"
        return self.new.get(old, "")


def _place(name: str) -> tuple[int, str]:
    return (int(name[1:]), "") if name[1:].isdecimal() else (0, name)


def _drop_identities(graph: Any) -> None:
    """Let whoever reads a copy of a value read the value: exporters leave more or fewer copies from time to time. What
    leaves the graph must be made in it, each under its own name, so there a copy is made where it is needed."""
    from onnx import helper

    copied = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}

    def origin(name: str) -> str:
        while name in copied:
            name = copied[name]
        return name

    for node in _nodes(graph):
        node.input[:] = [origin(name) for name in node.input]
    for body in (body for node in _nodes(graph) for body in _subgraphs(node)):
        for value in body.output:
            value.name = origin(value.name)
    nodes = [node for node in graph.node if node.op_type != "Identity"]
    made = {name for node in nodes for name in node.output}
    for place, value in enumerate(graph.output):
        name = origin(value.name)
        value.name = name
        if name not in made:  # an input, something from outside, or what another output is called already
            value.name = f"{name} as output {place} of {graph.name}"
            nodes.append(helper.make_node("Identity", [name], [value.name]))
        made.discard(name)
    del graph.node[:]
    graph.node.extend(nodes)


def _in_order(graph: Any) -> list[Any]:
    """The nodes that the outputs need, each after those it needs: depth first, in the order of the inputs."""
    made = {name: node for node in graph.node for name in node.output if name}
    order: list[Any] = []
    seen: set[int] = set()
    waiting = [(made[value.name], False) for value in reversed(graph.output) if value.name in made]
    while waiting:
        node, ready = waiting.pop()
        if ready:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            waiting.append((node, True))
            waiting += [(made[name], False) for name in reversed(_needs(node)) if name in made]
    return order


def _needs(node: Any) -> list[str]:
    """The values that a node reads, those that its bodies take from outside included."""
    inner = [name for body in _subgraphs(node) for each in _nodes(body) for name in each.input]
    inner += [value.name for body in _subgraphs(node) for value in body.output]
    return [*node.input, *inner]
