"""What an entry of the registry says about itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from routing.encoder import Card
from routing.schema import Predictor

System = Literal["Tryage", "GLIDER-style", "Multiple Minds", "Later methods", "Controls"]


@dataclass(frozen=True, slots=True)
class Method:
    """One method that predicts.

    Args:
        title: Its name for people.
        system: The family it belongs to.
        about: What it does, in one sentence.
        source: Where it was published.
        build: Makes the predictor from a router card.
        heads: Outputs of the graph that it needs beyond the usual ones.
    """

    title: str
    system: System
    about: str
    source: str
    build: Callable[[Card], Predictor]
    heads: tuple[str, ...] = ()
