"""From which score on an expert counts as able to solve a prompt: the thresholds that policies ask for.

Source: Srivatsa et al. 2024 (arXiv:2405.00467) give every classifier its own threshold.
"""

from typing import Final

import numpy as np

from routing.encoder import Card
from routing.predictors.stored import arrays_of
from routing.schema import Floats

THRESHOLD: Final = "threshold"
USUAL: Final = 0.5
WITH_THRESHOLDS: Final = frozenset({"separate", "multi-label"})


def thresholds(card: Card, name: str) -> Floats:
    """Threshold per expert of the card, shape (n_experts,); one half for a method that has none of its own.

    Raises:
        GraphError: The method's stored arrays are missing or damaged.
    """
    if name not in WITH_THRESHOLDS:
        return np.full(len(card.experts), USUAL)
    return np.asarray(arrays_of(card, name)[THRESHOLD], dtype=np.float64)
