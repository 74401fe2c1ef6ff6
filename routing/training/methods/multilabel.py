"""Fit the multi-label classifier."""

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from routing.predictors.capable import THRESHOLD
from routing.predictors.links import gelu, logit, sigmoid
from routing.schema import Floats
from routing.training.methods.data import TrainingSet
from routing.training.methods.descent import Schedule, array, descend, masked_cross_entropy
from routing.training.methods.regression import regressions
from routing.training.methods.thresholds import fit_thresholds, out_of_fold

HIDDEN: Final = 128
DROPOUT: Final = 0.4
SCHEDULE: Final = Schedule(epochs=8, rate=2e-3, decay=0.1)

Layers = tuple[Floats, Floats, Floats, Floats]


def fit(data: TrainingSet) -> dict[str, NDArray[Any]]:
    """One network on all prompts, a threshold per expert, and the second model; the last two out of fold."""
    told = out_of_fold(data, lambda fitted, asked: _predict(network(fitted), asked.vector))
    hidden, hidden_bias, weight, bias = network(data)
    usable = np.flatnonzero(np.isfinite(told).all(axis=1))
    second = regressions(told[usable], data.take(usable))
    return {
        "second_weight": second.weight.astype(np.float16),
        "second_bias": second.bias.astype(np.float32),
        "hidden": hidden.astype(np.float16),
        "hidden_bias": hidden_bias.astype(np.float32),
        "weight": weight.astype(np.float16),
        "bias": bias.astype(np.float32),
        THRESHOLD: fit_thresholds(data, told).astype(np.float32),
    }


def network(data: TrainingSet) -> Layers:
    """Weights and biases of both layers, for raw sentence vectors."""
    base = torch.tensor(logit(data.base()), dtype=torch.float32)

    def make() -> nn.Module:
        out = nn.Linear(HIDDEN, len(base))
        nn.init.zeros_(out.weight)
        out.bias.data.copy_(base)
        first = nn.Linear(data.vector.shape[1], HIDDEN)
        return nn.Sequential(nn.Dropout(DROPOUT), first, nn.GELU("tanh"), nn.Dropout(DROPOUT), out)

    found, scaled = descend(make, masked_cross_entropy, data, SCHEDULE)
    first, last = found[1], found[4]
    return *scaled.fold(array(first.weight).T, array(first.bias)), array(last.weight).T, array(last.bias)


def _predict(layers: Layers, vector: Floats) -> Floats:
    hidden, hidden_bias, weight, bias = layers
    return sigmoid(gelu(vector @ hidden + hidden_bias) @ weight + bias)
