"""Methods that predict from features: one file a method, one registry."""

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from routing.encoder import Card
from routing.errors import PreferenceError
from routing.predictors import (
    avengers,
    blend,
    carrot,
    clustering,
    clusters,
    constant,
    control,
    description,
    factors,
    glider,
    linear,
    mirt,
    multilabel,
    neighbours,
    network,
    ranking,
    separate,
    uniroute,
)
from routing.predictors.method import Method
from routing.schema import Predictor

DEFAULT: Final = "blend"
PROMPT_BLIND: Final = "prompt-blind"

PREDICTORS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        DEFAULT: blend.METHOD,
        "network": network.METHOD,
        "linear": linear.METHOD,
        "neighbours": neighbours.METHOD,
        "clusters": clusters.METHOD,
        multilabel.NAME: multilabel.METHOD,
        multilabel.SECOND_NAME: multilabel.SECOND,
        separate.NAME: separate.METHOD,
        clustering.VECTOR_NAME: clustering.VECTOR,
        clustering.WORDS_NAME: clustering.WORDS,
        avengers.NAME: avengers.METHOD,
        mirt.NAME: mirt.METHOD,
        factors.NAME: factors.METHOD,
        carrot.NAME: carrot.METHOD,
        uniroute.NAME: uniroute.METHOD,
        ranking.NAME: ranking.METHOD,
        glider.NAME: glider.ADAPTIVE,
        "glider-local": glider.ONLY_LOCAL_FORM,
        "glider-global": glider.ONLY_GLOBAL_FORM,
        "glider-fixed": glider.FIXED,
        description.NAME: description.METHOD,
        PROMPT_BLIND: constant.METHOD,
        control.NAME: control.METHOD,
    }
)


def heads_of(name: str) -> tuple[str, ...]:
    """Outputs of the graph that a method needs beyond the usual ones; none for an unknown name."""
    return PREDICTORS[name].heads if name in PREDICTORS else ()


def build(name: str, card: Card) -> Predictor:
    """The method of that name.

    Raises:
        GraphError: The method's stored arrays are missing or damaged.
        PreferenceError: There is none; the message lists the names and suggests the nearest.
    """
    if name not in PREDICTORS:
        close = difflib.get_close_matches(name, PREDICTORS, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise PreferenceError(f"No router is called {name!r}. Known are {', '.join(PREDICTORS)}.{hint}")
    return PREDICTORS[name].build(card)
