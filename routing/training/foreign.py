"""Whether somebody else's graph is one that training here could have written.

A graph is a program. Operators that make their own shapes, loops, and tensors that lie in other files could fill the
memory or read files of this machine, so the encoder must have the shipped encoder's structure, operator by operator,
and everything behind it may only use the operators of the heads, whose memory depends on the prompt's length alone.
"""

from hashlib import sha256
from pathlib import Path
from typing import Final

import onnx
from onnx.utils import Extractor

from routing.errors import GraphError
from routing.training.graph import ENCODER_OUTPUTS, cut_encoder

HEAD_OPERATORS: Final = frozenset(
    [
        *("Add", "Cast", "Clip", "Concat", "Constant", "Div", "Gather", "Identity", "Log", "MatMul", "Max", "Min"),
        *("Mul", "ReduceL2", "ReduceMax", "ReduceSum", "Reshape", "Sigmoid", "Softmax", "Sqrt", "Sub", "Tanh"),
        "Unsqueeze",
    ]
)
SMALL: Final = 256  # bytes of whole numbers that belong to the structure: axes and shapes
Node = tuple[str, str, tuple[str, ...]]


def check_graph(content: bytes, shipped: Path) -> None:
    """Refuse a graph that training could not have written.

    Args:
        content: The graph as bytes.
        shipped: Folder of the shipped router.

    Raises:
        GraphError: It is no graph, refers to other files, or has operators that training never writes.
    """
    try:
        model = onnx.load_model_from_string(content)
    except Exception as problem:  # noqa: BLE001 - protobuf has no public base for its errors
        raise GraphError(f"router.onnx is no ONNX graph ({type(problem).__name__}). Export the router again.") from None
    _check_self_contained(model)
    try:
        encoder = Extractor(model).extract_model(["input_ids", "attention_mask"], list(ENCODER_OUTPUTS))
    except (ValueError, KeyError, IndexError, onnx.checker.ValidationError) as problem:
        raise GraphError(
            f"router.onnx has no encoder as ours ({type(problem).__name__}); it was not made here."
        ) from None
    if structure(encoder) != structure(cut_encoder(shipped)):
        raise GraphError("router.onnx has another encoder than routers made here, so it is refused.")
    inside = {output for node in encoder.graph.node for output in node.output}
    for node in model.graph.node:
        if node.op_type not in HEAD_OPERATORS and not inside.issuperset(node.output):
            raise GraphError(f"router.onnx has the operator {node.op_type[:30]!r} in its heads, which is refused.")


def _check_self_contained(model: onnx.ModelProto) -> None:
    tensors = list(model.graph.initializer)
    for node in model.graph.node:
        if node.domain not in ("", "ai.onnx"):
            raise GraphError(f"router.onnx has an operator of {node.domain[:30]!r}, which is refused.")
        for attribute in node.attribute:
            if attribute.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
                raise GraphError(f"router.onnx has a graph inside {node.op_type[:30]!r}, which is refused.")
            tensors += [attribute.t, *attribute.tensors]
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data for tensor in tensors):
        raise GraphError("router.onnx refers to another file, which is refused. Export the router again.")
    if model.functions or model.graph.sparse_initializer or len(model.graph.input) != 2:
        raise GraphError("router.onnx is not laid out as training writes it, so it is refused.")


def structure(model: onnx.ModelProto) -> list[Node]:
    """Operators whatever they are called and in whatever order: attributes, axes and where their inputs come from."""
    made_by: dict[str, str] = {given.name: f"input {i}" for i, given in enumerate(model.graph.input)}
    made_by |= {tensor.name: _tensor(tensor) for tensor in model.graph.initializer}
    found = []
    for node in model.graph.node:
        sources = tuple(made_by.get(name, "") for name in node.input)
        attributes = sorted((one.name, _attribute(one)) for one in node.attribute)
        one = sha256(repr((node.op_type, attributes, sources)).encode()).hexdigest()
        if node.op_type == "Constant" and node.attribute:
            one = _tensor(node.attribute[0].t)  # a constant is the same as an initializer
        made_by |= {name: f"{one}/{i}" if node.op_type != "Constant" else one for i, name in enumerate(node.output)}
        if node.op_type not in {"Constant", "Identity"}:
            found.append((node.op_type, repr(attributes), sources))
    return sorted(found)


def _attribute(one: onnx.AttributeProto) -> str:
    return _tensor(one.t) if one.type == onnx.AttributeProto.TENSOR else repr(onnx.helper.get_attribute_value(one))


def _tensor(tensor: onnx.TensorProto) -> str:
    """Axes and shapes by their values, weights by their shape: weights may differ, axes may not."""
    values = onnx.numpy_helper.to_array(tensor)
    is_axis = values.dtype.name in {"int64", "int32", "bool"} and values.nbytes <= SMALL
    small = values.tobytes().hex() if is_axis else ""
    return f"{values.dtype}{values.shape}{small}"
