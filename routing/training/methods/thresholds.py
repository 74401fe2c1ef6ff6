"""Thresholds per expert, from predictions on prompts that the classifier was not fitted on."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.predictors.capable import USUAL
from routing.schema import Floats
from routing.training.methods.data import TrainingSet
from routing.training.tables import IntArray

GRID: Final = np.linspace(0.05, 0.95, 91)
FEWEST: Final = 20
FOLDS: Final = 2


def folds(data: TrainingSet, count: int = FOLDS) -> IntArray:
    """Fold per prompt, shape (n_prompts,), dealt at random; fewer folds than asked where prompts are few."""
    return np.random.default_rng(data.seed).permutation(len(data.source)) % max(1, min(count, len(data.source)))


def out_of_fold(data: TrainingSet, predict: Callable[[TrainingSet, TrainingSet], Floats]) -> Floats:
    """Predictions of every prompt by a fit on the other folds, shape (n_prompts, n_columns).

    Args:
        data: Training prompts.
        predict: From training prompts and prompts to predict to scores of columns.
    """
    fold = folds(data)
    told = np.full(data.score.shape, np.nan)
    for held in range(int(fold.max()) + 1 if fold.max() else 0):
        mine, others = np.flatnonzero(fold == held), np.flatnonzero(fold != held)
        told[mine] = predict(data.take(others), data.take(mine))
    return told


def fit_thresholds(data: TrainingSet, told: Floats) -> Floats:
    """Per expert the threshold with the best macro F1 over all its measurements, shape (n_experts,).

    Macro F1, the mean of F1 for solved and for not solved, is not won by calling everybody capable, which plain F1
    is wherever most prompts are solved. Too few outcomes, or only one kind of them: one half.

    Args:
        data: Training prompts.
        told: Predictions out of fold, shape (n_prompts, n_columns).
    """
    found = np.full(len(data.experts), USUAL)
    for expert in range(len(data.experts)):
        mine = np.flatnonzero((data.column_expert == expert) & ~data.is_thin)
        score, guess = data.score[:, mine], told[:, mine]
        known = np.isfinite(score) & np.isfinite(guess)
        solved, guess = score[known] >= USUAL, guess[known]
        if len(solved) >= FEWEST and 0 < solved.sum() < len(solved):
            found[expert] = GRID[np.argmax([_macro_f1(solved, guess >= at) for at in GRID])]
    return found


def _macro_f1(solved: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    """Mean of the F1 of both classes.

    >>> _macro_f1(np.array([True, False]), np.array([True, False]))
    1.0
    """
    both, neither = float((solved & said).sum()), float((~solved & ~said).sum())
    wrong = float((solved != said).sum())
    return float(np.mean([2 * right / max(2 * right + wrong, 1e-12) for right in (both, neither)]))
