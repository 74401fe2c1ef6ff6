"""Scores of the nearest training prompts of each source, weighted by similarity.

Source: arXiv:2505.12601 finds tuned nearest neighbours hard to beat.
"""

from routing.encoder import Card
from routing.predictors.graph import GraphHead

HEAD = "score_neighbours"


def build(card: Card) -> GraphHead:
    """The neighbours' scores."""
    return GraphHead(card, HEAD)
