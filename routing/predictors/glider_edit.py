"""Cards that a person changed: their sentences are embedded anew and take the place of the fitted ones."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from routing import encoder as graph
from routing.encoder import Card
from routing.predictors.glider_cards import CARDS_FILE, Cards, load_cards
from routing.predictors.links import unit
from routing.predictors.stored import Arrays

Embed = Callable[[Sequence[str]], NDArray[np.floating]]


def with_cards(card: Card, arrays: Arrays, cards: Cards, embed: Embed) -> Arrays:
    """The method's arrays with these cards; experts that are not named lose theirs.

    Scales and calibration stay as fitted, so that a changed card changes what it says and nothing else.

    Args:
        card: The router card, for the order of experts.
        arrays: The fitted arrays of the method.
        cards: Cards by expert; experts that the router does not predict are left out.
        embed: Sentences to vectors, by the router's own encoder.
    """
    texts = sorted({text for name in card.experts if name in cards for text in cards[name].sentences})
    width = arrays["instructions"].shape[1]
    vectors = unit(np.asarray(embed(texts), dtype=np.float64)) if texts else np.zeros((0, width))
    is_own = np.zeros((len(card.experts), len(texts)), dtype=np.uint8)
    place = {text: i for i, text in enumerate(texts)}
    for row, name in enumerate(card.experts):
        for text in cards[name].sentences if name in cards else ():
            is_own[row, place[text]] = 1
    return {**arrays, "cards": vectors.astype(np.float32), "is_own": is_own}


def with_cards_beside(card: Card, arrays: Arrays) -> Arrays:
    """The arrays as fitted, or with the cards of the file beside the router card where that was changed since.

    Raises:
        CatalogError: The file is there and damaged.
        GraphError: It was changed, and the graph that must read it is missing or damaged.
    """
    if card.folder is None or card.methods is not None or not (card.folder / CARDS_FILE).is_file():
        return arrays
    cards = load_cards(card.folder / CARDS_FILE)
    if cards_hash(cards) == int(arrays["cards_hash"]):
        return arrays
    folder = card.folder
    return with_cards(card, arrays, cards, lambda texts: _embedded(folder, tuple(texts)))


def cards_hash(cards: Cards) -> int:
    """A number that changes when a sentence, or whose it is, changes."""
    lines = sorted(f"{name}\t{text}" for name, entry in cards.items() for text in entry.sentences)
    return int.from_bytes(blake2b("\n".join(lines).encode(), digest_size=7).digest(), "big")


@lru_cache(maxsize=4)
def _embedded(folder: Path, texts: tuple[str, ...]) -> NDArray[np.float32]:
    return graph.load(folder, heads=()).encode(texts).vector
