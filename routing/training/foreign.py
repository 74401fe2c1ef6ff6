"""Whether somebody else's graph is one that training here could have written.

A graph is a program. Operators that make their own shapes, loops, and tensors that lie in other files could fill the
memory or read files of this machine, so the encoder must have the shipped encoder's structure, operator by operator,
and everything behind it may only use the operators of the heads, whose memory depends on the prompt's length alone.
"""

import math
from hashlib import sha256
from pathlib import Path
from typing import Final

import onnx
from onnx.utils import Extractor

from routing.errors import GraphError
from routing.training.graph import ENCODER_OUTPUTS, WIDTH, cut_encoder
from routing.word_pieces import MAX_TOKENS

HEAD_OPERATORS: Final = frozenset(
    [
        *("Add", "Cast", "Clip", "Concat", "Constant", "Div", "Gather", "Identity", "Log", "MatMul", "Max", "Min"),
        *("Mul", "ReduceL2", "ReduceMax", "ReduceSum", "Reshape", "Sigmoid", "Softmax", "Sqrt", "Sub", "Tanh"),
        "Unsqueeze",
    ]
)
SMALL: Final = 256  # bytes of whole numbers that belong to the structure: axes and shapes
HEAD_OUTPUTS: Final = frozenset(
    ("score", "score_low", "score_high", "output_tokens", "reading_ease", "familiarity", "share")
)
# The shipped router has 27 million constants, 538 nodes in its heads, and 143,000 numbers on their way for one prompt;
# one trained on the largest upload has 39 million constants more.
MOST_NODES: Final = 2_000
MOST_CONSTANTS: Final = 80_000_000
MOST_NUMBERS: Final = 4_000_000
"""That the heads may hold at once for one prompt: 16 MB."""
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
    heads = [node for node in model.graph.node if not inside.issuperset(node.output)]
    for node in heads:
        if node.op_type not in HEAD_OPERATORS:
            raise GraphError(f"router.onnx has the operator {node.op_type[:30]!r} in its heads, which is refused.")
    _check_sizes(model, heads, inside)


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


def _check_sizes(model: onnx.ModelProto, heads: list[onnx.NodeProto], inside: set[str]) -> None:
    """Refuse heads whose memory is not bounded by the prompt's length: every shape must follow, and be small.

    What is made of constants alone may be no larger than they are. All else is added up, as if nothing were let go.
    """
    sizes = {tensor.name: math.prod(tensor.dims) for tensor in model.graph.initializer}
    sizes |= {node.output[0]: math.prod(node.attribute[0].t.dims) for node in heads if node.op_type == "Constant"}
    if len(heads) > MOST_NODES or sum(sizes.values()) > MOST_CONSTANTS:
        raise GraphError(
            f"router.onnx has {len(heads):,} operators and {sum(sizes.values()):,} constants in its heads; at most "
            f"{MOST_NODES:,} and {MOST_CONSTANTS:,} are run. It is refused."
        )
    shapes = _shapes(model, heads, inside)
    fixed, on_the_way = set(sizes), 0
    for node in heads:
        if node.op_type == "Constant":
            continue
        for name in node.output:
            dims = shapes.get(name)
            if dims is None or None in dims:
                raise GraphError("router.onnx has an operator whose size does not follow from the prompt's: refused.")
            sizes[name] = size = math.prod(dim or 0 for dim in dims)
            sources = [one for one in node.input if one]
            if fixed.issuperset(sources) and size <= max(SMALL, *(sizes[one] for one in sources)):
                fixed.add(name)
            else:
                on_the_way += size
    if on_the_way > MOST_NUMBERS:
        raise GraphError(
            f"router.onnx would hold {on_the_way:,} numbers for one prompt; at most {MOST_NUMBERS:,} are allowed."
        )


def _shapes(model: onnx.ModelProto, heads: list[onnx.NodeProto], inside: set[str]) -> dict[str, list[int | None]]:
    """Shapes in the heads for one prompt of the greatest length, as ONNX infers them; None where it does not."""
    same: dict[str, str] = {}  # what the heads read of the encoder, by the output that it is
    for node in model.graph.node:
        if node.op_type == "Identity" and node.output[0] in ENCODER_OUTPUTS:
            same[node.input[0]] = node.output[0]
    known = {
        "input_ids": (1, MAX_TOKENS),
        "attention_mask": (1, MAX_TOKENS),
        "vector": (1, WIDTH),
        "pooled": (1, WIDTH),
    }
    kinds = {one.name: one.type.tensor_type.elem_type for one in (*model.graph.input, *model.graph.output)}
    made = {name for node in heads for name in node.output} | {tensor.name for tensor in model.graph.initializer}
    inputs = []
    for name in sorted({name for node in heads for name in node.input if name and name not in made}):
        called = same.get(name, name)
        if called not in known or (name not in inside and name not in kinds):
            raise GraphError("router.onnx has heads that read what ours do not, so it is refused.")
        inputs.append(onnx.helper.make_tensor_value_info(name, kinds[called], known[called]))
    wanted = [one.name for one in model.graph.output if one.name not in ENCODER_OUTPUTS]
    if not HEAD_OUTPUTS.issubset(wanted) or any(
        name not in HEAD_OUTPUTS and not name.startswith("score_") for name in wanted
    ):
        raise GraphError("router.onnx has other outputs than training writes, so it is refused.")
    outputs = [onnx.helper.make_tensor_value_info(name, kinds[name], None) for name in wanted]
    graph = onnx.helper.make_graph(heads, "heads", inputs, outputs, list(model.graph.initializer))
    alone = onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    try:
        inferred = onnx.shape_inference.infer_shapes(alone, check_type=True, strict_mode=True, data_prop=True)
    except onnx.shape_inference.InferenceError as problem:
        raise GraphError(f"router.onnx does not fit together ({str(problem)[:120]}). It is refused.") from None
    return {
        one.name: [dim.dim_value if dim.HasField("dim_value") else None for dim in one.type.tensor_type.shape.dim]
        for one in (*inferred.graph.value_info, *inferred.graph.output)
        if one.type.tensor_type.HasField("shape")
    }


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
