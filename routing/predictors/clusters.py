"""K-means clusters of the prompts of each source, with every expert's mean score in the cluster.

Source: clustering of Srivatsa et al. 2024 (arXiv:2405.00467), fitted on training prompts only; soft assignment.
"""

from typing import Final

from routing.encoder import Card
from routing.predictors.graph import GraphHead
from routing.predictors.method import Method

HEAD: Final = "score_clusters"


def build(card: Card) -> GraphHead:
    """The clusters' scores."""
    return GraphHead(card, HEAD)


METHOD: Final = Method(
    title="Soft clusters",
    system="Later methods",
    about="K-means clusters per source, softly assigned, with every expert's shrunk mean score in each.",
    source="arXiv:2508.12631",
    build=build,
    heads=(HEAD,),
)
