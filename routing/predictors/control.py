"""The random control: every expert gets a score by lot, the same for the same prompt.

Source: systems.md 5, first rung of the oracle ladder.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.encoder import Card
from routing.predictors.graph import GraphHead, rescored
from routing.predictors.method import Method
from routing.schema import Features, Floats, Prediction

NAME: Final = "random"


class Lots:
    """Scores drawn by lot from the prompt's word pieces and the expert's name.

    Args:
        card: The router card.
    """

    def __init__(self, card: Card) -> None:
        self._base = GraphHead(card, "score")

    def predict(self, features: Features) -> Prediction:
        """A score in [0, 1) for every prompt and expert; no interval."""
        told = self._base.predict(features)
        prompts = np.array([_number(np.asarray(key).tobytes()) for key in _keys(features)], dtype=np.uint64)
        experts = np.array([_number(name.encode()) for name in told.experts], dtype=np.uint64)
        return rescored(told, _lots(prompts, experts))


def _keys(features: Features) -> Sequence[Sequence[int] | NDArray[np.float32]]:
    """What stands for each prompt: its word pieces, else its sentence vector to two digits."""
    return features.pieces if len(features.pieces) else list(np.round(features.vector, 2))


def _number(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big")


def _lots(prompts: NDArray[np.uint64], experts: NDArray[np.uint64]) -> Floats:
    """Uniform numbers in [0, 1) for every pair of keys, shape (n_prompts, n_experts).

    Source: the finaliser of SplitMix64 (Steele et al. 2014, doi:10.1145/2660193.2660195).
    """
    mixed = prompts[:, np.newaxis] ^ experts
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return np.asarray((mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def build(card: Card) -> Lots:
    """Lots for the experts of the card."""
    return Lots(card)


METHOD: Final = Method(
    title="Random",
    system="Controls",
    about="Every expert gets a score by lot, the same whenever the same prompt comes.",
    source="systems.md 5",
    build=build,
)
