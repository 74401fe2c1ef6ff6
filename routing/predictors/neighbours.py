"""Scores of the nearest training prompts of each source, weighted by similarity.

Source: arXiv:2505.12601 finds tuned nearest neighbours hard to beat.
"""

from typing import Final

from routing.encoder import Card
from routing.predictors.graph import GraphHead
from routing.predictors.method import Method

HEAD: Final = "score_neighbours"


def build(card: Card) -> GraphHead:
    """The neighbours' scores."""
    return GraphHead(card, HEAD)


METHOD: Final = Method(
    title="Nearest neighbours",
    system="Later methods",
    about="Mean scores on all training prompts, weighted by their similarity to this one.",
    source="arXiv:2505.12601",
    build=build,
    heads=(HEAD,),
)
