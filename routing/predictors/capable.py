"""From which score on an expert counts as capable of a prompt, which the policies of Multiple Minds ask."""

from typing import Final

import numpy as np

from routing.encoder import Card
from routing.predictors.stored import arrays_of
from routing.schema import Floats

USUAL: Final = 0.5
FITTED: Final = ("separate", "multi-label")


def thresholds(card: Card, name: str) -> Floats:
    """The threshold of every expert of the card under one method, shape (n_experts,).

    The two classifiers have thresholds of their own, fitted per expert; for every other method it is one half.

    Raises:
        GraphError: The method's stored arrays are missing or damaged.
    """
    if name not in FITTED:
        return np.full(len(card.experts), USUAL)
    return np.asarray(arrays_of(card, name)["threshold"], dtype=np.float64)
