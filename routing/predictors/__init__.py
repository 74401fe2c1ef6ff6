"""Methods that predict from features: one file a method, one registry."""

import difflib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from routing.encoder import Card
from routing.errors import PreferenceError
from routing.predictors import blend, clusters, constant, linear, neighbours, network
from routing.schema import Predictor

DEFAULT: Final = "blend"
PROMPT_BLIND: Final = "prompt-blind"

PREDICTORS: Final[Mapping[str, Callable[[Card], Predictor]]] = MappingProxyType(
    {
        DEFAULT: blend.build,
        "network": network.build,
        "linear": linear.build,
        "neighbours": neighbours.build,
        "clusters": clusters.build,
        PROMPT_BLIND: constant.build,
    }
)
EXTRA_HEADS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "network": (network.HEAD,),
        "linear": (linear.HEAD,),
        "neighbours": (neighbours.HEAD,),
        "clusters": (clusters.HEAD,),
    }
)
"""Outputs of the graph that a method needs beyond the default ones."""


def build(name: str, card: Card) -> Predictor:
    """The method of that name.

    Raises:
        PreferenceError: There is none; the message lists the names and suggests the nearest.
    """
    try:
        return PREDICTORS[name](card)
    except KeyError:
        close = difflib.get_close_matches(name, PREDICTORS, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise PreferenceError(f"No router is called {name!r}. Known are {', '.join(PREDICTORS)}.{hint}") from None
