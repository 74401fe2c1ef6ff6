"""The ONNX runtime: opening a graph on the processor, and running it over many prompts with little padding."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from routing.errors import GraphError

BATCH: Final = 32


def open_session(graph: bytes | str, threads: int = 2) -> ort.InferenceSession:
    """A session on the processor; the graph as bytes or as a path.

    Raises:
        GraphError: The runtime cannot read the graph.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except (RuntimeError, ort.capi.onnxruntime_pybind11_state.InvalidProtobuf) as error:
        raise GraphError(f"The graph cannot be opened ({error}); restore it or run training again.") from error


def run_batches(
    session: ort.InferenceSession, ids: Sequence[Sequence[int]], outputs: Sequence[str], *, batch: int = BATCH
) -> dict[str, NDArray[np.float32]]:
    """Run the graph over many prompts, shortest first so that little is padding; rows come back in their order."""
    if len(ids) == 1:  # the one prompt of a page: nothing to sort and nothing to pad
        only = np.array([ids[0]], dtype=np.int64)
        found = session.run(list(outputs), {"input_ids": only, "attention_mask": np.ones_like(only)})
        return dict(zip(outputs, found, strict=True))
    order = np.argsort([len(row) for row in ids], kind="stable")
    chunks: list[list[NDArray[np.float32]]] = []
    for start in range(0, len(order), batch):
        rows = [ids[i] for i in order[start : start + batch]]
        width = max(len(row) for row in rows)
        padded = np.zeros((len(rows), width), dtype=np.int64)
        mask = np.zeros_like(padded)
        for i, row in enumerate(rows):
            padded[i, : len(row)] = row
            mask[i, : len(row)] = 1
        chunks.append(session.run(list(outputs), {"input_ids": padded, "attention_mask": mask}))
    back = np.argsort(order, kind="stable")
    return {name: _joined([chunk[i] for chunk in chunks])[back] for i, name in enumerate(outputs)}


def _joined(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Rows of all batches; a token axis is filled with zeros up to the longest batch."""
    if parts[0].ndim < 3:
        return np.concatenate(parts)
    width = max(part.shape[1] for part in parts)
    return np.concatenate([np.pad(part, ((0, 0), (0, width - part.shape[1]), (0, 0))) for part in parts])
