"""One ONNX file: the quantised encoder with every head behind it."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from routing.runtime import open_session
from routing.training.heads import OUTPUTS, Heads
from routing.training.weights import OPSET, WIDTH

INPUTS = ("vector", "pooled", "input_ids", "attention_mask")
KEPT = ("vector", "local", "token_states")
"""Outputs of the encoder that the whole graph has too."""


def export_heads(heads: Heads) -> onnx.ModelProto:
    """The heads alone as a graph, constants as they are stored (bytes and half precision)."""
    ids = torch.ones(2, 16, dtype=torch.long)
    example = (torch.rand(2, WIDTH), torch.rand(2, heads.mean.shape[0] - WIDTH - _form_width(heads)), ids, ids)
    axes = {name: {0: "batch"} for name in (*INPUTS, *OUTPUTS)}
    for name in ("input_ids", "attention_mask"):
        axes[name][1] = "tokens"
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "heads.onnx"))
        torch.onnx.export(
            heads.eval(),
            example,
            path,
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes=axes,
            opset_version=OPSET,
            do_constant_folding=False,
            dynamo=False,
        )
        return onnx.load(path)


def _form_width(heads: Heads) -> int:
    return 2 + 2 * int(heads.form_table.shape[1])


def join(encoder: onnx.ModelProto, heads: onnx.ModelProto) -> onnx.ModelProto:
    """Encoder and heads as one graph with the inputs input_ids and attention_mask."""
    behind = onnx.compose.add_prefix(heads, "heads/", rename_inputs=False, rename_outputs=False)
    graph = behind.graph
    for node in graph.node:
        for i, name in enumerate(node.input):
            if name in ("input_ids", "attention_mask"):
                node.input[i] = f"heads/{name}"
    for given in graph.input:
        if given.name in ("input_ids", "attention_mask"):
            given.name = f"heads/{given.name}"
    behind.ir_version = encoder.ir_version
    joined = onnx.compose.merge_models(
        encoder, behind, io_map=[("vector", "vector"), ("pooled", "pooled")], outputs=[*KEPT, *OUTPUTS]
    )
    return _share_inputs(joined)


def _share_inputs(model: onnx.ModelProto) -> onnx.ModelProto:
    """Feed the heads from the same two inputs as the encoder."""
    graph = model.graph
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = name.removeprefix("heads/") if name in ("heads/input_ids", "heads/attention_mask") else name
    kept = [given for given in graph.input if not given.name.startswith("heads/")]
    del graph.input[:]
    graph.input.extend(kept)
    onnx.checker.check_model(model)
    return model


def run_heads(
    heads: onnx.ModelProto, vector: NDArray[np.float32], pooled: NDArray[np.float32], ids: Sequence[Sequence[int]]
) -> dict[str, NDArray[np.float32]]:
    """Every output for prompts that are encoded already, so that judging needs no second encoding."""
    session = open_session(heads.SerializeToString())
    chunks: list[list[NDArray[np.float32]]] = []
    for start in range(0, len(ids), 256):
        rows = ids[start : start + 256]
        padded = np.zeros((len(rows), max(len(row) for row in rows)), dtype=np.int64)
        mask = np.zeros_like(padded)
        for i, row in enumerate(rows):
            padded[i, : len(row)], mask[i, : len(row)] = row, 1
        part = slice(start, start + len(rows))
        fed = {"vector": vector[part], "pooled": pooled[part], "input_ids": padded, "attention_mask": mask}
        chunks.append(session.run(list(OUTPUTS), fed))
    return {name: np.concatenate([chunk[i] for chunk in chunks]) for i, name in enumerate(OUTPUTS)}
