"""Intervals that cover as stated: one factor per source, read off the validation prompts."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.evaluation.measures import MOSTLY, nearest
from routing.schema import Floats
from routing.training.heads import NEIGHBOURS
from routing.training.tables import IntArray, Table

COVERAGE: Final = 0.90
FEWEST: Final = 40  # validation prompts of a source below which the median factor of the others is taken
ROUNDS: Final = 4


def interval_growth(
    table: Table,
    told: Mapping[str, NDArray[np.float32]],
    vector: NDArray[np.float32],
    rows: IntArray,
    task: NDArray[np.object_],
) -> Floats:
    """Factor per source by which half-widths must grow for intervals to cover 90 %, shape (n_sources,).

    What must lie inside is the outcome itself where scores are graded, and the mean over the prompt and its 24
    nearest validation prompts where they are mostly 0 or 1 (systems.md 5). An interval mixes the sources that a
    prompt may come from, so that factors found at once for all sources are right only after a few rounds.

    Args:
        table: Outcomes by measurement.
        told: ``score``, ``score_low`` and ``score_high`` of the rows, shape (n_rows, n_experts) each.
        vector: Unit sentence vectors of the rows.
        rows: Validation prompts.
        task: Task of the rows.

    Source: split conformal prediction, Lei et al. 2018 (arXiv:1604.04173).
    """
    factors = np.full(len(table.sources), np.nan)
    for source in range(len(table.sources)):
        here = np.flatnonzero(table.source[rows] == source)
        if len(here) < FEWEST:
            continue
        columns = table.columns_of(source)
        columns = columns[~table.is_thin[columns]]
        experts = table.column_expert[columns]
        target = _targets(table.score[np.ix_(rows[here], columns)], vector[here], task[here])
        low, score, high = (told[name][np.ix_(here, experts)] for name in ("score_low", "score", "score_high"))
        side = np.where(target < score, score - low, high - score)
        ratios = np.abs(target - score) / np.maximum(side, 1e-6)
        known = np.sort(ratios[np.isfinite(ratios)])
        factors[source] = known[min(len(known) - 1, int(np.ceil(COVERAGE * (len(known) + 1))) - 1)]
    usual = np.nanmedian(factors) if np.isfinite(factors).any() else 1.0
    return np.where(np.isnan(factors), usual, factors)


def _targets(truth: Floats, vector: NDArray[np.float32], task: NDArray[np.object_]) -> Floats:
    """What intervals must cover, shape (n_rows, n_columns), NaN where not measured."""
    near = nearest(vector, int(NEIGHBOURS))
    known = np.isfinite(truth)
    counts = known[near].sum(axis=1)
    means = np.where(known, truth, 0.0)[near].sum(axis=1) / np.maximum(1, counts)
    target = np.where(known, truth, np.nan)
    for name in set(task):
        mine = task == name
        values = truth[mine][known[mine]]
        if len(values) and np.isin(values, (0.0, 1.0)).mean() > MOSTLY:
            target[mine] = np.where(known[mine], means[mine], np.nan)
    return np.asarray(target)
