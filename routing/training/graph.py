"""One ONNX file: the quantised encoder with every head behind it. Nothing here needs torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.utils import Extractor
from spox import Tensor, Var, argument, build, inline

from routing.encoder import GRAPH_FILE
from routing.errors import GraphError
from routing.runtime import open_session
from routing.training.fitted import Fitted
from routing.training.heads import heads

WIDTH: Final = 384
ENCODER_OUTPUTS: Final = ("vector", "pooled", "local", "token_states")
"""The whole graph has them too, so that the encoder can be cut out of it; what nobody asks for costs nothing."""
AT_ONCE: Final = 256
SHARED_FROM: Final = 10_000  # bytes
IDS: Final = Tensor(np.int64, ("batch", "tokens"))
ROWS: Final = Tensor(np.float32, ("batch", WIDTH))


def export_heads(fit: Fitted) -> onnx.ModelProto:
    """The heads alone as a graph, constants as they are stored (bytes and half precision)."""
    given = {"vector": argument(ROWS), "pooled": argument(ROWS), **_word_pieces()}
    return build(given, heads(fit, **given))


def join(encoder: onnx.ModelProto, fit: Fitted) -> onnx.ModelProto:
    """Encoder and heads as one graph with the inputs input_ids and attention_mask."""
    given = _word_pieces()
    encoded = inline(encoder)(**given)
    told = heads(fit, encoded["vector"], encoded["pooled"], **given)
    joined = build(given, {**{name: encoded[name] for name in ENCODER_OUTPUTS}, **told})
    joined.ir_version = encoder.ir_version
    share_constants(joined)
    onnx.checker.check_model(joined)
    return joined


def share_constants(model: onnx.ModelProto) -> None:
    """Keep one of every large constant that heads hold several times; what the graph answers stays the same."""
    first: dict[bytes, str] = {}
    same: dict[str, str] = {}
    kept = []
    for node in model.graph.node:
        if node.op_type == "Constant":
            content = node.attribute[0].SerializeToString()
            if content in first:
                same[node.output[0]] = first[content]
                continue
            if len(content) > SHARED_FROM:  # a smaller one of the encoder would tie the heads to it
                first[content] = node.output[0]
        kept.append(node)
    for node in kept:
        for place, name in enumerate(node.input):
            node.input[place] = same.get(name, name)
    del model.graph.node[:]
    model.graph.node.extend(kept)


def cut_encoder(assets: Path) -> onnx.ModelProto:
    """The encoder out of a router's graph, with the outputs ``ENCODER_OUTPUTS``; no weights of a hub are needed.

    Raises:
        GraphError: The graph is missing or has no encoder of that shape.
    """
    path = assets / GRAPH_FILE
    try:
        whole = onnx.load(path)
        return Extractor(whole).extract_model(["input_ids", "attention_mask"], list(ENCODER_OUTPUTS))
    except OSError as problem:
        raise GraphError(f"{GRAPH_FILE} is missing from {assets}; restore it with git.") from problem
    except (ValueError, onnx.checker.ValidationError) as problem:
        raise GraphError(f"{GRAPH_FILE} has no encoder to start from ({problem}); restore it with git.") from problem


def _word_pieces() -> dict[str, Var]:
    return {"input_ids": argument(IDS), "attention_mask": argument(IDS)}


def run_heads(
    graph: onnx.ModelProto, vector: NDArray[np.float32], pooled: NDArray[np.float32], ids: Sequence[Sequence[int]]
) -> dict[str, NDArray[np.float32]]:
    """Every output for prompts that are encoded already, so that judging needs no second encoding."""
    session = open_session(graph.SerializeToString())
    names = [output.name for output in session.get_outputs()]
    chunks: list[list[NDArray[np.float32]]] = []
    for start in range(0, len(ids), AT_ONCE):
        rows = ids[start : start + AT_ONCE]
        padded = np.zeros((len(rows), max(len(row) for row in rows)), dtype=np.int64)
        mask = np.zeros_like(padded)
        for i, row in enumerate(rows):
            padded[i, : len(row)], mask[i, : len(row)] = row, 1
        part = slice(start, start + len(rows))
        fed = {"vector": vector[part], "pooled": pooled[part], "input_ids": padded, "attention_mask": mask}
        chunks.append(session.run(names, fed))
    return {name: np.concatenate([chunk[i] for chunk in chunks]) for i, name in enumerate(names)}
