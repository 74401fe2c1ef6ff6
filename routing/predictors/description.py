"""Retrieval by description: the expert whose description is nearest to the prompt.

Source: a baseline of Hari & Thomson 2023 (arXiv:2308.11601), in the manner of Gorilla (arXiv:2305.15334).
"""

from typing import Final

import numpy as np

from routing.encoder import Card
from routing.predictors.glider_cards import Cards
from routing.predictors.graph import GraphHead, rescored
from routing.predictors.links import sigmoid
from routing.predictors.method import Method
from routing.predictors.stored import Arrays, arrays_of
from routing.schema import Expert, Features, Floats, Prediction

NAME: Final = "description"
CARDS_READ: Final = 3


def scores(features: Features, arrays: Arrays) -> Floats:
    """Calibrated cosine of the prompt to every expert's description, shape (n_prompts, n_experts).

    One rising curve maps cosines of all experts to scores, so that the nearest description has the highest score.
    """
    cosines = features.vector.astype(np.float64) @ arrays["descriptions"].astype(np.float64).T
    return sigmoid(float(arrays["intercept"]) + float(arrays["slope"]) * cosines)


def describe(name: str, expert: Expert | None, cards: Cards) -> str:
    """A few sentences about an expert: what the catalogue knows, then its first cards.

    >>> describe("alpha", None, {})
    'alpha is a language model.'
    """
    title = name if expert is None else f"{expert.title} by {expert.provider}"
    facts = ["is a language model"]
    if expert is not None and expert.params_b:
        facts.append(f"has {expert.params_b:g} billion parameters")
    if expert is not None and expert.released:
        facts.append(f"was released in {expert.released.year}")
    listed = facts[0] if len(facts) == 1 else f"{', '.join(facts[:-1])} and {facts[-1]}"
    own = cards[name].sentences[:CARDS_READ] if name in cards else ()
    return " ".join([f"{title} {listed}.", *own])


class Retrieval:
    """Scores by description; tokens, reading ease and latency as the graph predicts them; no interval.

    Args:
        card: The router card.
        arrays: Unit vectors of descriptions and the curve from cosines to scores.
    """

    def __init__(self, card: Card, arrays: Arrays) -> None:
        self._base = GraphHead(card, "score")
        self._arrays = arrays

    def predict(self, features: Features) -> Prediction:
        """Predict for every expert of the graph, one row a prompt."""
        return rescored(self._base.predict(features), scores(features, self._arrays))


METHOD: Final = Method(
    title="Nearest description",
    system="Tryage",
    about="The expert whose description (catalogue facts and cards) is nearest to the prompt, as in Gorilla.",
    source="arXiv:2308.11601",
    build=lambda card: Retrieval(card, arrays_of(card, NAME)),
)
