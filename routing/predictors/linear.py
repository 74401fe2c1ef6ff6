"""Ridge regression per source on sentence vector, middle layer and form, penalised apart for level and differences.

Source: reduced-rank and "curds and whey" regression (Breiman & Friedman 1997, JRSS B 59:3-54).
"""

from typing import Final

from routing.encoder import Card
from routing.predictors.graph import GraphHead
from routing.predictors.method import Method

HEAD: Final = "score_linear"


def build(card: Card) -> GraphHead:
    """The regressions' scores."""
    return GraphHead(card, HEAD)


METHOD: Final = Method(
    title="Ridge in expert space",
    system="Later methods",
    about="Ridge regression on how hard a prompt is for all, and apart from it on the differences between experts.",
    source="Breiman & Friedman 1997, JRSS B 59:3-54",
    build=build,
    heads=(HEAD,),
)
