"""What experts differ in, as few numbers per prompt, and how known experts are spread over it.

Within each source the experts that were measured there span the ways in which experts differ on such prompts: their
mean, and the principal components of their differences. A new expert is a point in that space, and known experts say
which points are likely. The numbers of a prompt are called its axes; they are linear in the log odds that the router
predicts for known experts, weighted by how much the prompt is like each source.

Source: principal components as features of new rows (Ilin & Raiko 2010, on probabilistic PCA with gaps); experts as
points learned from few outcomes: UniRoute (arXiv:2502.08773), IRT-Router (arXiv:2506.01048).
"""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.errors import GraphError
from routing.onboarding.benchmarks import Benchmark
from routing.predictors.links import logit
from routing.schema import Features, Floats

BASIS_FILE: Final = "onboarding.npz"
SHARE: Final = "share"


@dataclass(frozen=True)
class Basis:
    """Axes of prompts and where experts lie on them.

    Args:
        graph_sha256: The graph whose predictions the axes are made of.
        experts: Experts in the order of the graph's columns.
        mix: From log odds of experts to axes, shape (n_experts, n_axes).
        shift: Added to them, shape (n_axes,).
        source: Source that each axis belongs to, shape (n_axes,).
        mean: Where an expert is expected before it was asked anything, shape (n_axes,).
        covariance: How known experts are spread round that, shape (n_axes, n_axes).
        residual: Variance of log odds that the axes leave open, per source, shape (n_sources,).
        benchmarks: Published benchmarks by name.
    """

    graph_sha256: str
    experts: tuple[str, ...]
    mix: Floats
    shift: Floats
    source: NDArray[np.int64]
    mean: Floats
    covariance: Floats
    residual: Floats
    benchmarks: Mapping[str, Benchmark]

    def axes(self, score: Floats, share: Floats) -> Floats:
        """Axes of prompts, shape (n_prompts, n_axes).

        Args:
            score: What the graph predicts for its experts, shape (n_prompts, n_experts).
            share: How much each prompt is like every source, shape (n_prompts, n_sources).
        """
        return np.asarray(share[:, self.source] * (logit(score) @ self.mix + self.shift))

    def axes_of(self, features: Features) -> Floats:
        """Axes of encoded prompts; their heads must hold ``score`` and ``share``."""
        heads = features.heads
        return self.axes(heads["score"].astype(np.float64), heads[SHARE].astype(np.float64))

    def open_variance(self, axes: Floats) -> Floats:
        """Variance of log odds that no skill explains, by the sources that each prompt is like, shape (n_prompts,)."""
        constant = self._constant
        return np.asarray(np.clip(axes[:, constant], 0.0, 1.0) @ self.residual[self.source[constant]])

    @cached_property
    def _constant(self) -> NDArray[np.int64]:
        """The axis of every source that is the share itself."""
        return np.flatnonzero(~self.mix.any(axis=0) & (self.shift == 1.0))

    @cached_property
    def typical(self) -> Floats:
        """Mean of axes times axes over prompts of all benchmarks, each counting the same, shape (n_axes, n_axes)."""
        parts = [one.axes.T @ one.axes / max(1, one.n_prompts) for one in self.benchmarks.values()]
        return np.mean(parts, axis=0) if parts else np.eye(len(self.mean))


def save_basis(basis: Basis, path: Path) -> None:
    """Write a basis; axes of benchmarks in half precision, the rest in single."""
    arrays: dict[str, Any] = {
        name: getattr(basis, name).astype(np.float32) for name in ("mix", "shift", "mean", "covariance", "residual")
    }
    arrays |= {"source": basis.source, "experts": np.array(basis.experts), "graph_sha256": np.array(basis.graph_sha256)}
    arrays |= {f"benchmark/{name}": one.axes.astype(np.float16) for name, one in basis.benchmarks.items()}
    np.savez_compressed(path, allow_pickle=False, **arrays)


def load_basis(folder: Path, graph_sha256: str) -> Basis | None:
    """The basis beside a graph; None where there is none, or where it belongs to another graph.

    Raises:
        GraphError: The file is damaged.
    """
    path = folder / BASIS_FILE
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        if str(arrays["graph_sha256"]) != graph_sha256:
            return None
        return _basis(arrays)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as problem:
        raise GraphError(f"{path.name} is damaged ({problem}). Restore it with git, or: make train") from problem


def _basis(arrays: Mapping[str, NDArray[Any]]) -> Basis:
    wide = {name: arrays[name].astype(np.float64) for name in ("mix", "shift", "mean", "covariance", "residual")}
    found = {
        key.removeprefix("benchmark/"): values.astype(np.float64)
        for key, values in arrays.items()
        if key.startswith("benchmark/")
    }
    return Basis(
        graph_sha256=str(arrays["graph_sha256"]),
        experts=tuple(str(name) for name in arrays["experts"]),
        source=arrays["source"].astype(np.int64),
        benchmarks={name: Benchmark(name, axes) for name, axes in found.items()},
        **wide,
    )
