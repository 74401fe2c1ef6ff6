"""Fit error vectors of experts, then the map from prompts to clusters that predicts outcomes best."""

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from routing.predictors.uniroute import expert_vector
from routing.training.methods.avengers import centres_of
from routing.training.methods.data import TrainingSet
from routing.training.methods.descent import Schedule, array, descend, masked_cross_entropy, standard

COUNT: Final = 120
SHARPNESS: Final = 25.0  # of cosines, before the map is learned; 12 is worse on clinical prompts (validation)
DROPOUT: Final = 0.3
SCHEDULE: Final = Schedule(epochs=5, rate=3e-3, decay=0.01)


class Map(nn.Module):  # type: ignore[misc]
    """Standardised vectors to logits of outcomes, by way of shares of clusters; error vectors stay as measured."""

    def __init__(self, weight: Tensor, bias: Tensor, error: Tensor) -> None:
        super().__init__()
        self.drop = nn.Dropout(DROPOUT)
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.register_buffer("error", error)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (batch, n_columns)."""
        share = torch.softmax(self.drop(x) @ self.weight + self.bias, dim=1)
        return torch.logit(1.0 - share @ self.error, eps=1e-4)


def fit(data: TrainingSet) -> dict[str, NDArray[Any]]:
    """K-means over all prompts, error vectors on its hard clusters, and the learned map."""
    centres = centres_of(data, COUNT)
    hard = np.eye(len(centres))[(data.vector @ centres.T).argmax(axis=1)]
    error = np.stack([expert_vector(hard, data.score[:, c]) for c in range(data.score.shape[1])], axis=1)
    scaled = standard(data.vector)
    weight = SHARPNESS * centres.T * scaled.scale[:, np.newaxis]
    bias = SHARPNESS * centres @ scaled.mean

    def make() -> nn.Module:
        return Map(*(torch.tensor(values, dtype=torch.float32) for values in (weight, bias, error)))

    found, scaled = descend(make, masked_cross_entropy, data, SCHEDULE)
    weight, bias = scaled.fold(array(found.weight), array(found.bias))
    return {
        "weight": weight.astype(np.float16),
        "bias": bias.astype(np.float32),
        "error": error.astype(np.float16),
    }
