"""K-means clusters of the prompts of each source, with every expert's mean score in the cluster.

Source: clustering of Srivatsa et al. 2024 (arXiv:2405.00467), fitted on training prompts only; soft assignment.
"""

from routing.encoder import Card
from routing.predictors.graph import GraphHead

HEAD = "score_clusters"


def build(card: Card) -> GraphHead:
    """The clusters' scores."""
    return GraphHead(card, HEAD)
