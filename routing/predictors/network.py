"""The perceptive router: one network with an output per measurement, trained on all experts at once.

Source: Hari & Thomson 2023 (arXiv:2308.11601); loss = 1 - score, masked where an expert was not measured.
"""

from routing.encoder import Card
from routing.predictors.graph import GraphHead

HEAD = "score_network"


def build(card: Card) -> GraphHead:
    """The network's scores."""
    return GraphHead(card, HEAD)
