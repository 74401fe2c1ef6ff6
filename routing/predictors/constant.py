"""The prompt-blind control: one score per expert, its mean over all training outcomes.

Its predicted tokens still vary with the prompt, so that what it gains over a static mix is what a penalty that varies
with the prompt gains by itself (systems.md 5, prompt-blind floor).
"""

from typing import Final

import numpy as np

from routing.encoder import Card
from routing.predictors.graph import GraphHead, rescored
from routing.predictors.method import Method
from routing.schema import Features, Floats, Prediction


class Constant:
    """One score per expert, whatever the prompt.

    Args:
        base: Supplies tokens, reading ease and latency.
        score: Score per expert in the order of the graph's experts, shape (n_experts,).
    """

    def __init__(self, base: GraphHead, score: Floats) -> None:
        self._base = base
        self._score = score

    def predict(self, features: Features) -> Prediction:
        """The same scores in every row; no interval."""
        told = self._base.predict(features)
        return rescored(told, np.broadcast_to(self._score, told.score.shape).copy())


def build(card: Card) -> Constant:
    """Scores from the router card's mean training score per expert."""
    return Constant(GraphHead(card, "score"), card.numbers("mean_score"))


METHOD: Final = Method(
    title="Prompt-blind control",
    system="Controls",
    about="One score per expert, its mean over all training outcomes, whatever the prompt.",
    source="this project",
    build=build,
)
