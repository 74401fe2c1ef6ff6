"""Learning the basis from what the router predicts for known experts on training prompts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.errors import DataError
from routing.onboarding.basis import Basis
from routing.onboarding.benchmarks import Benchmark, benchmark_of, some_of
from routing.predictors.links import logit
from routing.schema import Floats

IntArray = NDArray[np.int64]
PER_SOURCE: Final = 1200  # training prompts of each source that the axes are learned on
PER_BENCHMARK: Final = 60
DIFFERENCES: Final = 5  # axes of differences per source; 3, 5, 8 and 16 differ little on validation prompts
FEWEST: Final = 5  # experts measured in a source that can span its axes; with fewer, all experts of the graph do
OWN_VARIANCE: Final = 0.1  # share of variances taken as independent: a few experts say little about correlations
COUPLING: Final = 0.7
"""How far correlations between sources are believed; 0.5, 0.7 and 1 were tried on validation prompts."""
WIDER: Final = 1.5
"""Factor on the spread of known experts, since a new one may lie outside them; 1 and 1.5 were tried."""
ALIKE: Final = 0.25
"""Least variance of levels in a source, as a share of that over all experts. Who was measured there may be alike (eight
translators, whose levels spread by 0.18 where all experts' spread by 0.84), and a new one need not be so. A quarter
cost nothing on validation prompts; a half raised frontier4's regret at 50 probes from .003 to .005."""
LEVEL: Final = 2  # the axes of a block that say how good an expert is: its offset, and its slope with the others' mean
TRACE: Final = 1e-4


@dataclass(frozen=True, slots=True)
class Known:
    """What the router says of training prompts.

    Args:
        graph_sha256: Its graph.
        experts: Experts in the order of the columns.
        score: Predicted scores, shape (n_prompts, n_experts).
        share: How much each prompt is like every source, shape (n_prompts, n_sources).
        source: Source of every prompt as an index, shape (n_prompts,), -1 for none.
        names: Names of the sources.
        task: Task of every prompt, shape (n_prompts,).
        is_measured: Which experts were measured in which source, shape (n_sources, n_experts).
    """

    graph_sha256: str
    experts: tuple[str, ...]
    score: Floats
    share: Floats
    source: IntArray
    names: tuple[str, ...]
    task: NDArray[np.object_]
    is_measured: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Block:
    """The axes of one source, and where experts lie on them.

    Args:
        mix: From log odds to axes, shape (n_experts, n_axes).
        shift: Added, shape (n_axes,).
        places: Every expert on these axes, shape (n_experts, n_axes).
        measured: Experts that span them.
        residual: Variance of their log odds that the axes leave open.
    """

    mix: Floats
    shift: Floats
    places: Floats
    measured: IntArray
    residual: float

    @property
    def mean(self) -> Floats:
        """The mean of the experts that span the axes."""
        return np.asarray(self.places[self.measured].mean(axis=0))

    def covariance(self, kept: IntArray) -> Floats:
        """How these experts are spread; their level at least by a share of how all experts' levels are."""
        found, everyone = _steady(self.places[self.measured]), np.diag(_steady(self.places[kept]))
        longer = np.ones(len(found))
        longer[:LEVEL] = np.sqrt(np.maximum(1.0, ALIKE * everyone[:LEVEL] / np.diag(found)[:LEVEL]))
        return np.asarray(WIDER * found * np.outer(longer, longer))


def build_basis(known: Known, *, without: str | None = None) -> Basis:
    """The basis of a router.

    Args:
        known: What it says of training prompts.
        without: An expert to leave out throughout, for validation.

    Raises:
        DataError: There are fewer than three experts or no source to learn from.
    """
    kept = np.array([i for i, name in enumerate(known.experts) if name != without], dtype=np.int64)
    sources = [s for s in range(len(known.names)) if (known.source == s).any()]
    if len(kept) < 3 or not sources:
        raise DataError(f"{len(kept)} experts cannot tell how experts differ; at least three with outcomes are needed.")
    odds = logit(known.score)
    blocks = [_block(known, odds, source, kept) for source in sources]
    sizes = [len(block.shift) for block in blocks]
    basis = Basis(
        graph_sha256=known.graph_sha256,
        experts=known.experts,
        mix=np.concatenate([block.mix for block in blocks], axis=1),
        shift=np.concatenate([block.shift for block in blocks]),
        source=np.repeat(np.array(sources, dtype=np.int64), sizes),
        mean=np.concatenate([block.mean for block in blocks]),
        covariance=_joined(blocks, kept),
        residual=_residual(blocks, sources, len(known.names)),
        benchmarks={},
    )
    axes = basis.axes(known.score, known.share)
    return _with_benchmarks(basis, known, axes)


def _block(known: Known, odds: Floats, source: int, kept: IntArray) -> _Block:
    rows = some_of(np.flatnonzero(known.source == source), PER_SOURCE)
    measured = kept[known.is_measured[source, kept]]
    is_spanned = len(measured) >= FEWEST
    span = measured if is_spanned else kept
    here = odds[np.ix_(rows, span)]
    level = here.mean(axis=1)
    away = here - level[:, np.newaxis]
    middle = away.mean(axis=0)
    count = min(DIFFERENCES, len(span) - 2) if is_spanned else 0
    sizes, axes = np.linalg.eigh((away - middle).T @ (away - middle) / len(rows))
    first, size = axes[:, ::-1][:, :count], np.sqrt(np.maximum(sizes[::-1][:count], TRACE))
    # Differences from the mean over experts, then ((odds - mean) - middle) @ first / size: linear in the odds.
    centred = (np.eye(len(span)) - 1.0 / len(span)) @ first / size
    mix = np.zeros((odds.shape[1], 2 + count))
    mix[span, 1], mix[span, 2:] = 1.0 / len(span) / level.std(), centred
    shift = np.concatenate([[1.0, -level.mean() / level.std()], -middle @ first / size])
    told = odds[rows] @ mix + shift
    places = np.linalg.lstsq(told, odds[rows], rcond=None)[0].T
    open_odds = here - told @ places[span].T
    return _Block(mix, shift, places, span, float((open_odds**2).mean()))


def _joined(blocks: Sequence[_Block], kept: IntArray) -> Floats:
    """Covariance over all sources: within a source that of the experts measured there, between sources that of all.

    Where an expert was not measured, its place is inferred from its overall ability, so that such experts differ less
    than measured ones do. Their correlations between sources are kept and their spread within each is corrected.
    """
    whole = _steady(np.concatenate([block.places[kept] for block in blocks], axis=1))
    ends = np.cumsum([0, *(len(block.shift) for block in blocks)])
    parts = [slice(a, b) for a, b in pairwise(ends)]
    scale = np.zeros_like(whole)
    for block, part in zip(blocks, parts, strict=True):
        scale[part, part] = _power(block.covariance(kept), 0.5) @ _power(whole[part, part], -0.5)
    joined = scale @ whole @ scale.T
    alone = np.zeros_like(joined)
    for part in parts:
        alone[part, part] = joined[part, part]
    return np.asarray(COUPLING * joined + (1.0 - COUPLING) * alone)


def _steady(places: Floats) -> Floats:
    """Covariance of rows, drawn a little to independence so that it can be inverted."""
    found = np.atleast_2d(np.cov(places.T))
    return np.asarray(
        (1.0 - OWN_VARIANCE) * found + OWN_VARIANCE * np.diag(np.diag(found)) + TRACE * np.eye(len(found))
    )


def _power(matrix: Floats, exponent: float) -> Floats:
    sizes, axes = np.linalg.eigh(matrix)
    return np.asarray((axes * np.maximum(sizes, TRACE**2) ** exponent) @ axes.T)


def _residual(blocks: Sequence[_Block], sources: Sequence[int], count: int) -> Floats:
    """Open variance per source; a source without prompts has the mean of the others."""
    found = np.full(count, np.mean([block.residual for block in blocks]))
    found[list(sources)] = [block.residual for block in blocks]
    return found


def _with_benchmarks(basis: Basis, known: Known, axes: Floats) -> Basis:
    gathered: dict[str, list[int]] = {}
    for row in range(len(axes)):
        if known.source[row] >= 0:
            for name in benchmark_of(known.names[known.source[row]], str(known.task[row])):
                gathered.setdefault(name, []).append(row)
    benchmarks = {
        name: Benchmark(name, axes[some_of(np.array(sorted(rows), dtype=np.int64), PER_BENCHMARK)])
        for name, rows in sorted(gathered.items())
    }
    return replace(basis, benchmarks=benchmarks)
