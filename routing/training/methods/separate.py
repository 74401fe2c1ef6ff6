"""Fit the separate classifiers."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.predictors.capable import THRESHOLD
from routing.predictors.links import logit, sigmoid
from routing.schema import Floats
from routing.training.fits import Linear
from routing.training.methods.data import TrainingSet
from routing.training.methods.logistic import logistic
from routing.training.methods.thresholds import fit_thresholds, out_of_fold

PENALTY: Final = 12.0  # times the spread of the vectors; 1 to 40 were tried on validation prompts
FEWEST: Final = 20


def fit(data: TrainingSet) -> dict[str, NDArray[Any]]:
    """One logistic regression per column on its own rows, and a threshold per expert.

    A column without both successes and failures, or with fewer than 20 outcomes, keeps its mean.
    """
    told = out_of_fold(data, lambda fitted, asked: sigmoid(classifiers(fitted)(asked.vector)))
    found = classifiers(data)
    return {
        "weight": found.weight.astype(np.float16),
        "bias": found.bias.astype(np.float32),
        THRESHOLD: fit_thresholds(data, told).astype(np.float32),
    }


def classifiers(data: TrainingSet) -> Linear:
    """Logits of every column from sentence vectors."""
    weight, bias = np.zeros((data.vector.shape[1], len(data.column_source))), logit(data.base())
    for source in range(len(data.sources)):
        rows = data.rows_of(source)
        columns = [c for c in data.columns_of(source) if _is_fit(data.score[rows, c], data.is_thin[c])]
        if columns:
            found = logistic(data.vector[rows], data.score[np.ix_(rows, columns)], penalty=PENALTY * data.spread())
            weight[:, columns], bias[columns] = found.weight, found.bias
    return Linear(weight, bias)


def _is_fit(score: Floats, is_thin: np.bool_) -> bool:
    known = score[np.isfinite(score)]
    return bool(len(known) >= FEWEST and not is_thin and 0.0 < known.mean() < 1.0)
