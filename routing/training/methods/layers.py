"""Fit networks with one hidden layer, which start from every column's mean."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from routing.predictors.links import logit
from routing.training.methods.data import TrainingSet
from routing.training.methods.descent import Loss, Schedule, array, descend


def fit_layers(
    data: TrainingSet, loss: Loss, schedule: Schedule, *, hidden: int, dropout: float, by_source: bool = False
) -> dict[str, NDArray[Any]]:
    """Train the network; what ``links.two_layers`` computes outputs from.

    Args:
        data: Training prompts.
        loss: From outputs of columns and scores to a scalar.
        schedule: How long and how fast to train.
        hidden: Width of the hidden layer.
        dropout: Share of inputs, and of hidden units, left out at random while training.
        by_source: Whether every batch holds prompts of one source only.
    """
    base = torch.tensor(logit(data.base()), dtype=torch.float32)

    def make() -> nn.Module:
        out = nn.Linear(hidden, len(base))
        nn.init.zeros_(out.weight)
        out.bias.data.copy_(base)
        first = nn.Linear(data.vector.shape[1], hidden)
        return nn.Sequential(nn.Dropout(dropout), first, nn.GELU("tanh"), nn.Dropout(dropout), out)

    found, scaled = descend(make, loss, data, schedule, by_source=by_source)
    weight, bias = scaled.fold(array(found[1].weight).T, array(found[1].bias))
    return {
        "hidden": weight.astype(np.float16),
        "hidden_bias": bias.astype(np.float32),
        "weight": array(found[4].weight).T.astype(np.float16),
        "bias": array(found[4].bias).astype(np.float32),
    }
