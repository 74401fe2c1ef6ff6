"""Fit the multi-label classifier, its thresholds and the second model."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.predictors.capable import THRESHOLD
from routing.predictors.links import sigmoid, two_layers
from routing.training.methods.data import TrainingSet
from routing.training.methods.descent import Schedule, masked_cross_entropy
from routing.training.methods.layers import fit_layers
from routing.training.methods.regression import regressions
from routing.training.methods.thresholds import fit_thresholds, out_of_fold

HIDDEN: Final = 128
DROPOUT: Final = 0.4
SCHEDULE: Final = Schedule(epochs=8, rate=2e-3, decay=0.1)


def fit(data: TrainingSet) -> dict[str, NDArray[Any]]:
    """One network on all prompts, a threshold per expert, and the second model; the last two out of fold."""
    told = out_of_fold(data, lambda fitted, asked: sigmoid(two_layers(asked.vector, network(fitted))))
    usable = np.flatnonzero(np.isfinite(told).all(axis=1))
    second = regressions(told[usable], data.take(usable))
    return network(data) | {
        "second_weight": second.weight.astype(np.float16),
        "second_bias": second.bias.astype(np.float32),
        THRESHOLD: fit_thresholds(data, told).astype(np.float32),
    }


def network(data: TrainingSet) -> dict[str, NDArray[Any]]:
    """The classifier alone."""
    return fit_layers(data, masked_cross_entropy, SCHEDULE, hidden=HIDDEN, dropout=DROPOUT)
