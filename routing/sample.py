"""Predictions and outcomes on held-out prompts, numbers only: what the Front page sweeps over."""

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from routing.catalog import ASSETS
from routing.errors import GraphError
from routing.schema import Floats, Prediction

SAMPLE_FILE = "sample.npz"
_PREDICTED = ("score", "score_low", "score_high", "output_tokens", "reading_ease", "latency_s")


@dataclass(frozen=True, slots=True)
class Sample:
    """Held-out prompts without their text.

    Args:
        prediction: What the router predicted, shape (n_prompts, n_experts).
        input_tokens: Counted tokens of each prompt, shape (n_prompts,).
        measured_score: Outcomes in [0, 1], shape (n_prompts, n_experts), NaN where not measured.
        measured_tokens: Output tokens, same shape, NaN where not measured.
        domain: Domain of each prompt, shape (n_prompts,).
        source: Source of each prompt, shape (n_prompts,).
        split: The split that all prompts come from.
    """

    prediction: Prediction
    input_tokens: NDArray[np.int64]
    measured_score: Floats
    measured_tokens: Floats
    domain: NDArray[np.str_]
    source: NDArray[np.str_]
    split: str

    def rows_measured(self, experts: Sequence[str]) -> NDArray[np.int64]:
        """Prompts on which every one of these experts was measured, shape (n,)."""
        column = {name: i for i, name in enumerate(self.prediction.experts)}
        if not all(name in column for name in experts):
            return np.zeros(0, dtype=np.int64)
        columns = [column[name] for name in experts]
        return np.flatnonzero(np.isfinite(self.measured_score[:, columns]).all(axis=1))


def save_sample(sample: Sample, path: Path) -> None:
    """Write a sample, halves of the usual precision: the file is small and the page needs no more."""
    arrays = {name: getattr(sample.prediction, name).astype(np.float16) for name in _PREDICTED}
    np.savez_compressed(
        path,
        experts=np.array(sample.prediction.experts),
        input_tokens=sample.input_tokens.astype(np.int32),
        measured_score=sample.measured_score.astype(np.float16),
        measured_tokens=sample.measured_tokens.astype(np.float32),
        domain=np.asarray(sample.domain, dtype=np.str_),
        source=np.asarray(sample.source, dtype=np.str_),
        split=np.array(sample.split),
        **arrays,
    )


def load_sample(path: Path = ASSETS / SAMPLE_FILE) -> Sample:
    """Read a sample.

    Raises:
        GraphError: The file is missing or damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            predicted = {name: stored[name].astype(np.float64) for name in _PREDICTED}
            return Sample(
                prediction=Prediction(experts=tuple(str(e) for e in stored["experts"]), **predicted),
                input_tokens=stored["input_tokens"].astype(np.int64),
                measured_score=stored["measured_score"].astype(np.float64),
                measured_tokens=stored["measured_tokens"].astype(np.float64),
                domain=stored["domain"],
                source=stored["source"],
                split=str(stored["split"]),
            )
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as problem:
        raise GraphError(
            f"{path.name} is missing or damaged ({problem}). Restore it with git, or write it anew with: make train"
        ) from problem
