"""Fit the matrix factorisation: outcomes one by one, and wins of one expert over another on the same prompt."""

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from routing.predictors.links import logit
from routing.training.methods.data import TrainingSet
from routing.training.methods.descent import Schedule, array, descend, masked_cross_entropy
from routing.training.methods.pairs import pair_loss

WIDTH: Final = 48
DROPOUT: Final = 0.4
PAIR_SHARE: Final = 1.0  # weight of wins beside single outcomes
SCHEDULE: Final = Schedule(epochs=6, rate=2e-3, decay=0.1)


def fit(data: TrainingSet) -> dict[str, NDArray[Any]]:
    """Places of prompts by a linear map, places of measurements freely, and a bias per measurement."""
    base = torch.tensor(logit(data.base()), dtype=torch.float32)

    def make() -> nn.Module:
        place, out = nn.Linear(data.vector.shape[1], WIDTH), nn.Linear(WIDTH, len(base))
        nn.init.normal_(out.weight, std=0.02)
        out.bias.data.copy_(base)
        return nn.Sequential(nn.Dropout(DROPOUT), place, nn.Dropout(DROPOUT / 2), out)

    def loss(logits: Tensor, score: Tensor) -> Tensor:
        return masked_cross_entropy(logits, score) + PAIR_SHARE * pair_loss(logits, score)

    found, scaled = descend(make, loss, data, SCHEDULE, by_source=True)
    prompt, prompt_bias = scaled.fold(array(found[1].weight).T, array(found[1].bias))
    return {
        "prompt": prompt.astype(np.float16),
        "prompt_bias": prompt_bias.astype(np.float32),
        "expert": array(found[3].weight).T.astype(np.float16),
        "bias": array(found[3].bias).astype(np.float32),
    }
