"""Intervals that cover as stated: one factor per source, read off the validation prompts."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.evaluation.measures import MOSTLY, nearest
from routing.schema import Floats
from routing.training.heads import NEIGHBOURS, SPREAD_FLOOR
from routing.training.tables import IntArray, Table

COVERAGE: Final = 0.90
FEWEST: Final = 40  # validation prompts of a source below which the median factor of the others is taken


def interval_spread(
    table: Table,
    score: NDArray[np.float32],
    vector: NDArray[np.float32],
    rows: IntArray,
    task: NDArray[np.object_],
) -> Floats:
    """Factor on the half-width per source, shape (n_sources,), so that intervals cover 90 % of validation outcomes.

    What must lie inside is the outcome itself where scores are graded, and the mean over the prompt and its 24
    nearest validation prompts where they are mostly 0 or 1 (systems.md 5).

    Args:
        table: Outcomes by measurement.
        score: Predicted scores of all prompts, shape (n_prompts, n_experts).
        vector: Unit sentence vectors of all prompts.
        rows: Validation prompts.
        task: Task of all prompts.

    Source: split conformal prediction, Lei et al. 2018 (arXiv:1604.04173).
    """
    factors = np.full(len(table.sources), np.nan)
    for source in range(len(table.sources)):
        here = table.rows_of(source, rows)
        if len(here) < FEWEST:
            continue
        columns = table.columns_of(source)
        columns = columns[~table.is_thin[columns]]
        ratios = _ratios(
            table.score[np.ix_(here, columns)], score[here][:, table.column_expert[columns]], vector[here], task[here]
        )
        known = np.sort(ratios[np.isfinite(ratios)])
        factors[source] = known[min(len(known) - 1, int(np.ceil(COVERAGE * (len(known) + 1))) - 1)]
    usual = np.nanmedian(factors) if np.isfinite(factors).any() else 2.0
    return np.where(np.isnan(factors), usual, factors)


def _ratios(
    truth: Floats, predicted: NDArray[np.float32], vector: NDArray[np.float32], task: NDArray[np.object_]
) -> Floats:
    """Absolute error over the unit half-width, shape (n_rows, n_columns), NaN where not measured."""
    unit = np.sqrt(predicted * (1.0 - predicted) / NEIGHBOURS + SPREAD_FLOOR)
    near = nearest(vector, min(int(NEIGHBOURS), len(vector)))
    known = np.isfinite(truth)
    counts = known[near].sum(axis=1)
    means = np.where(known, truth, 0.0)[near].sum(axis=1) / np.maximum(1, counts)
    target = np.where(known, truth, np.nan)
    for name in set(task):
        mine = task == name
        values = truth[mine][known[mine]]
        if len(values) and np.isin(values, (0.0, 1.0)).mean() > MOSTLY:
            target[mine] = np.where(known[mine], means[mine], np.nan)
    return np.asarray(np.abs(target - predicted) / unit)
