"""Fit retrieval by description: one text per expert, and one curve from cosines to scores."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.catalog import load_catalog
from routing.predictors.glider_cards import Cards
from routing.schema import Expert
from routing.training.methods.data import TrainingSet
from routing.training.methods.glider import embedded
from routing.training.methods.glider_alpha import logistic
from routing.training.methods.glider_cards import make_cards

CARDS_READ: Final = 3
LEAST_SLOPE: Final = 0.1  # the nearest description stays the choice even where nearness tells nothing


def fit(data: TrainingSet) -> dict[str, NDArray[Any]]:
    """Vectors of descriptions, and the curve fitted on all measured outcomes of training prompts."""
    cards = make_cards(data)
    known = {expert.name: expert for expert in load_catalog().experts}
    texts = [describe(name, known.get(name), cards) for name in data.experts]
    vectors = embedded(data, texts)
    cosines = (data.vector @ vectors.T)[:, data.column_expert]
    intercept, slope = logistic(cosines.reshape(-1, 1), data.score.reshape(-1, 1))
    return {
        "descriptions": vectors.astype(np.float16),
        "intercept": np.array(float(intercept[0])),
        "slope": np.array(max(float(slope[0]), LEAST_SLOPE)),
    }


def describe(name: str, expert: Expert | None, cards: Cards) -> str:
    """A few sentences about an expert: what the catalogue knows, then its first cards.

    >>> describe("alpha", None, {})
    'alpha is a language model.'
    """
    title = name if expert is None else f"{expert.title} by {expert.provider}"
    facts = ["is a language model"]
    if expert is not None and expert.params_b:
        facts.append(f"has {expert.params_b:g} billion parameters")
    if expert is not None and expert.released:
        facts.append(f"was released in {expert.released.year}")
    listed = facts[0] if len(facts) == 1 else f"{', '.join(facts[:-1])} and {facts[-1]}"
    own = cards[name].sentences[:CARDS_READ] if name in cards else ()
    return " ".join([f"{title} {listed}.", *own])
