"""The default: a calibrated blend of network, linear, neighbours and clusters, with 90 % intervals.

Source: systems.md 4, last row; the weights were fitted per source on prompts that no component was fitted on.
"""

from typing import Final

from routing.encoder import Card
from routing.predictors.graph import GraphHead
from routing.predictors.method import Method

HEAD: Final = "score"


def build(card: Card) -> GraphHead:
    """The blend's scores with their intervals."""
    return GraphHead(card, HEAD, has_interval=True)


METHOD: Final = Method(
    title="Calibrated blend",
    system="Later methods",
    about="A weighted mean of clusters, neighbours, ridge and network, with calibrated 90 % intervals.",
    source="this project",
    build=build,
)
