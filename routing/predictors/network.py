"""The perceptive router: one network with an output per measurement, trained on all experts at once.

Source: Hari & Thomson 2023 (arXiv:2308.11601); loss = 1 - score, masked where an expert was not measured.
"""

from typing import Final

from routing.encoder import Card
from routing.predictors.graph import GraphHead
from routing.predictors.method import Method

HEAD: Final = "score_network"


def build(card: Card) -> GraphHead:
    """The network's scores."""
    return GraphHead(card, HEAD)


METHOD: Final = Method(
    title="Perceptive router",
    system="Tryage",
    about="One network on the frozen sentence vector with an output per expert, trained by masked loss (form a).",
    source="arXiv:2308.11601",
    build=build,
    heads=(HEAD,),
)
