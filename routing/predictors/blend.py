"""The default: a calibrated blend of network, linear, neighbours and clusters, with 90 % intervals.

Source: systems.md 4, last row; the weights were fitted per source on prompts that no component was fitted on.
"""

from routing.encoder import Card
from routing.predictors.graph import GraphHead

HEAD = "score"


def build(card: Card) -> GraphHead:
    """The blend's scores with their intervals."""
    return GraphHead(card, HEAD, has_interval=True)
