"""The ONNX runtime: opening a graph on the processor, and running it over prompts, each by itself."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from routing.errors import GraphError

RUNS_AT_ONCE: Final = 2  # of many prompts; a run gives the same numbers to the last digit beside others


def open_session(graph: bytes | str, threads: int = 1) -> ort.InferenceSession:
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


def run_graph(
    session: ort.InferenceSession, ids: Sequence[Sequence[int]], outputs: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    """Run the graph over prompts, one a run, rows in their order; a token axis is filled with zeros at its end.

    Dynamic quantisation finds one scale for all that is in a run, and padding is in it too: of several prompts in one
    run each would move the predictions of the others. Alone, a prompt's numbers depend on nothing but the prompt.
    """

    def alone(row: Sequence[int]) -> list[NDArray[np.float32]]:
        only = np.array([row], dtype=np.int64)
        found: list[NDArray[np.float32]] = session.run(
            list(outputs), {"input_ids": only, "attention_mask": np.ones_like(only)}
        )
        return found

    if len(ids) == 1:
        return dict(zip(outputs, alone(ids[0]), strict=True))
    with ThreadPoolExecutor(RUNS_AT_ONCE) as pool:
        rows = list(pool.map(alone, ids))
    return {name: _joined([row[i] for row in rows]) for i, name in enumerate(outputs)}


def _joined(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Rows of all runs; a token axis is filled with zeros up to the longest prompt."""
    if parts[0].ndim < 3:
        return np.concatenate(parts)
    width = max(part.shape[1] for part in parts)
    return np.concatenate([np.pad(part, ((0, 0), (0, width - part.shape[1]), (0, 0))) for part in parts])
