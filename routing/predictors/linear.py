"""One logistic regression per measurement (source and expert) on the frozen sentence vector and the prompt's form.

Source: the separate classifiers of Srivatsa et al. 2024 (arXiv:2405.00467).
"""

from routing.encoder import Card
from routing.predictors.graph import GraphHead

HEAD = "score_linear"


def build(card: Card) -> GraphHead:
    """The logistic regressions' scores."""
    return GraphHead(card, HEAD)
