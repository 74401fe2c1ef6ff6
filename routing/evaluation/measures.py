"""Measures of predictions and of choices against outcomes; every array has shape (n_prompts, n_experts)."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routing.schema import Floats

BINS: Final = 10
MOSTLY: Final = 0.5
NEIGHBOURS: Final = 25  # systems.md 5: binary scores are judged by means over 25 neighbours


def strict_accuracy(choice: NDArray[np.int64], score: Floats) -> Floats:
    """1 where the chosen expert is the single best one, 0 where another is, NaN where several tie for best.

    Shape (n_prompts,). On most prompts several experts are right, and then there is no one expert to find.
    """
    top = score.max(axis=1, keepdims=True)
    is_alone = (score == top).sum(axis=1) == 1
    return np.asarray(np.where(is_alone, (score.argmax(axis=1) == choice).astype(float), np.nan))


def tolerant_accuracy(choice: NDArray[np.int64], score: Floats) -> Floats:
    """1 where no expert scored more than the chosen one, shape (n_prompts,)."""
    chosen = np.take_along_axis(score, choice[:, np.newaxis], axis=1)[:, 0]
    return np.asarray((chosen >= score.max(axis=1)).astype(float))


def brier(predicted: Floats, score: Floats) -> float:
    """Mean squared error of predicted scores, over cells that are both predicted and measured."""
    return float(np.nanmean((predicted - score) ** 2))


def calibration_error(predicted: Floats, score: Floats, bins: int = BINS) -> float:
    """Expected calibration error in bins of equal count: mean gap between predicted and measured mean."""
    flat, truth = predicted.ravel(), score.ravel()
    known = ~(np.isnan(flat) | np.isnan(truth))
    order = np.argsort(flat[known], kind="stable")
    parts = [(flat[known][i], truth[known][i]) for i in np.array_split(order, bins) if len(i)]
    count = max(1, int(known.sum()))
    return float(sum(abs(p.mean() - t.mean()) * len(p) for p, t in parts) / count)


def rank_correlation(predicted: Floats, score: Floats) -> float | None:
    """Mean Spearman correlation over experts within a prompt; prompts on which all experts tie say nothing."""
    mine, truth = _centred_ranks(predicted), _centred_ranks(score)
    size = np.sqrt((mine**2).sum(axis=1) * (truth**2).sum(axis=1))
    told = size > 0
    return float(((mine * truth).sum(axis=1)[told] / size[told]).mean()) if told.any() else None


def _centred_ranks(values: Floats) -> Floats:
    ranks = pd.DataFrame(values).rank(axis=1).to_numpy()
    return np.asarray(np.nan_to_num(ranks - np.nanmean(ranks, axis=1, keepdims=True)))


def groups_of(names: NDArray[np.object_]) -> list[tuple[str, NDArray[np.int64]]]:
    """Every name with the places that carry it, in the order of names."""
    return [(name, np.flatnonzero(names == name).astype(np.int64)) for name in sorted({str(n) for n in names})]


def coverage(
    low: Floats, high: Floats, score: Floats, near: NDArray[np.int64], task: NDArray[np.object_]
) -> float | None:
    """Share of held-out outcomes inside their interval, in [0, 1]; None where no interval is given.

    A score that is only ever 0 or 1 lies outside any useful interval around its probability. In tasks whose scores
    are mostly 0 or 1, the mean score over the prompt and its 24 nearest prompts therefore stands for the outcome.

    Args:
        low: Lower ends.
        high: Upper ends.
        score: Measured scores without gaps.
        near: Rows of the 25 nearest prompts, the prompt itself among them, shape (n_prompts, 25); see ``nearest``.
        task: Name of the task per prompt, shape (n_prompts,).
    """
    if np.isnan(low).all():
        return None
    inside = ((score >= low) & (score <= high)).astype(float)
    means = score[near].mean(axis=1)
    inside_mean = (means >= low) & (means <= high)
    for name in set(task):
        here = task == name
        if np.isin(score[here], (0.0, 1.0)).mean() > MOSTLY:
            inside[here] = inside_mean[here]
    inside[np.isnan(low)] = np.nan
    return float(np.nanmean(inside))


def nearest(vector: NDArray[np.float32], count: int = NEIGHBOURS, *, chunk: int = 2048) -> NDArray[np.int64]:
    """Rows of the nearest prompts by cosine, the prompt itself among them, shape (n_prompts, count); all of a few."""
    count = min(count, len(vector))
    found = [
        np.argpartition(-(vector[start : start + chunk] @ vector.T), count - 1, axis=1)[:, :count]
        for start in range(0, len(vector), chunk)
    ]
    return np.concatenate(found).astype(np.int64)
