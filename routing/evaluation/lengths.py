"""Predicted lengths and reading ease of answers, judged against each expert's mean in the prompt's source."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.evaluation.folds import Fold
from routing.evaluation.measures import groups_of, rank_correlation
from routing.outcomes import Outcomes
from routing.schema import Floats

HEADS: Final = {"verbosity": "output_tokens", "readability": "reading_ease"}
"""What is judged, and the outcome and the output of the graph that it is about."""

IntArray = NDArray[np.int64]


def length_row(truth: Floats, predicted: Floats, mean: Floats, source: NDArray[np.object_]) -> dict[str, Any]:
    """Root mean squared errors of predictions and of means, ranks within a prompt, and which of the two to use.

    Args:
        truth: Measured values, shape (n_prompts, n_experts), NaN where not measured.
        predicted: Predictions, same shape.
        mean: The expert's mean, same shape.
        source: Source per prompt, shape (n_prompts,).
    """
    known = np.isfinite(truth) & np.isfinite(predicted) & np.isfinite(mean)
    truth, predicted, mean = (np.where(known, values, np.nan) for values in (truth, predicted, mean))
    parts = {}
    for name, here in groups_of(source):
        if known[here].any():
            parts[name] = {
                "error": _error(predicted[here], truth[here]),
                "error_of_mean": _error(mean[here], truth[here]),
                "n_outcomes": int(known[here].sum()),
            }
    error, error_of_mean = (
        float(np.average([part[key] for part in parts.values()], weights=[p["n_outcomes"] for p in parts.values()]))
        for key in ("error", "error_of_mean")
    )
    some = known.sum(axis=1) > 1
    return {
        "error": error,
        "error_of_mean": error_of_mean,
        "rank_correlation": rank_correlation(predicted[some], truth[some]),
        "rank_correlation_of_mean": rank_correlation(mean[some], truth[some]),
        "used": "predicted" if error < error_of_mean else "mean",
        "n_outcomes": int(known.sum()),
        "sources": parts,
    }


def _error(values: Floats, truth: Floats) -> float:
    return float(np.sqrt(np.nanmean((values - truth) ** 2)))


def source_means(outcomes: Outcomes, column: str, experts: tuple[str, ...], train: IntArray, rows: IntArray) -> Floats:
    """Mean of every expert over these training prompts of the prompt's source, else over all of them.

    Shape (n_rows, n_experts), NaN where an expert was never measured.
    """
    values = outcomes.matrix(column, experts)[train]
    source = outcomes.prompts["source"].to_numpy(dtype=object)
    overall = _means(values)
    found = np.tile(overall, (len(rows), 1))
    for name, here in groups_of(source[rows]):
        mine = _means(values[source[train] == name])
        found[here] = np.where(np.isfinite(mine), mine, overall)
    return found


def fold_means(outcomes: Outcomes, column: str, experts: tuple[str, ...], folds: list[Fold], rows: IntArray) -> Floats:
    """The same from what each fold leaves to train on, shape (n_rows, n_experts); NaN for prompts in no fold."""
    found = np.full((len(rows), len(experts)), np.nan)
    for fold in folds:
        here = np.isin(rows, fold.predicted)
        found[here] = source_means(outcomes, column, experts, fold.train, rows[here])
    return found


def _means(values: Floats) -> Floats:
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.asarray(np.where(count > 0, total / np.maximum(1, count), np.nan))
