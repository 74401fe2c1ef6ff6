"""Fit the separate classifiers."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from routing.training.methods.data import TrainingSet

STRENGTH: Final = 3.0  # inverse penalty
FEWEST: Final = 20


def fit(data: TrainingSet) -> dict[str, NDArray[Any]]:
    """One logistic regression per column on its own rows; a score between 0 and 1 counts as a share of successes.

    A column without both successes and failures, or with fewer than 20 outcomes, keeps its mean.
    """
    base = data.base()
    weight = np.zeros((data.vector.shape[1], len(base)))
    bias = np.log(base / (1.0 - base))
    for column in range(len(base)):
        rows = np.flatnonzero(np.isfinite(data.score[:, column]))
        score = data.score[rows, column]
        if len(rows) < FEWEST or data.is_thin[column] or not 0.0 < score.mean() < 1.0:
            continue
        x = np.concatenate([data.vector[rows]] * 2)
        label = np.repeat([1, 0], len(rows))
        share = np.concatenate([score, 1.0 - score])
        used = share > 0
        model = LogisticRegression(C=STRENGTH, max_iter=200).fit(x[used], label[used], sample_weight=share[used])
        weight[:, column], bias[column] = model.coef_[0], model.intercept_[0]
    return {"weight": weight, "bias": bias}
