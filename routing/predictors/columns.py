"""What every method on stored arrays shares: it predicts measurements, and places make experts of them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from routing.encoder import Card
from routing.predictors.graph import GraphHead, rescored, wide
from routing.predictors.places import PLACES, to_experts
from routing.predictors.stored import Arrays, arrays_of
from routing.schema import Features, Floats, Prediction, Predictor

SHARE = "share"

Columns = Callable[[Features, Arrays], Floats]


class ColumnPredictor:
    """A method that predicts one score per measurement.

    Args:
        card: The router card.
        columns: Features and the method's arrays to scores in [0, 1], shape (n_prompts, n_columns).
        arrays: The method's fitted arrays.
        places: How measurements make experts.
        tokens: The same for tokens of the answer, NaN where the method knows none; None leaves them to the graph.
    """

    def __init__(
        self, card: Card, columns: Columns, arrays: Arrays, places: Arrays, tokens: Columns | None = None
    ) -> None:
        self._base = GraphHead(card, "score")
        self._columns = columns
        self._arrays = arrays
        self._places = places
        self._tokens = tokens

    def predict(self, features: Features) -> Prediction:
        """Scores by this method; tokens, reading ease and latency as the graph predicts them; no interval."""
        told = self._base.predict(features)
        share = wide(features.heads[SHARE])
        score = to_experts(self._columns(features, self._arrays), share, self._places)
        if self._tokens is not None:
            own = self._tokens(features, self._arrays)
            tokens = own_tokens(own, share, self._arrays, told.output_tokens)
            told = replace(told, output_tokens=tokens, latency_s=self._base.latency(tokens))
        return rescored(told, score)


def own_tokens(columns: Floats, share: Floats, arrays: Arrays, usual: Floats) -> Floats:
    """Tokens per expert, shape (n_prompts, n_experts): the method's own where it knows the source, else the usual.

    Args:
        columns: Tokens by measurement, shape (n_prompts, n_columns), NaN in whole columns that are not known.
        share: Probability of every source, shape (n_prompts, n_sources).
        arrays: ``column_source`` and ``column_expert`` of the measurements.
        usual: Tokens as the graph predicts them, shape (n_prompts, n_experts), NaN where unknown.
    """
    source, expert = arrays["column_source"], arrays["column_expert"]
    known = np.flatnonzero(np.isfinite(columns).all(axis=0))
    mass, told = np.zeros_like(usual), np.zeros_like(usual)
    for column in known:
        weight = share[:, source[column]]
        mass[:, expert[column]] += weight
        told[:, expert[column]] += weight * columns[:, column]
    mean = told / np.maximum(mass, 1e-12)
    rest = np.where(np.isfinite(usual), usual, mean)
    return np.asarray(np.where(mass > 0, told + (1.0 - np.minimum(mass, 1.0)) * rest, usual))


def column_method(name: str, columns: Columns, tokens: Columns | None = None) -> Callable[[Card], Predictor]:
    """How the registry builds a method of that name from its stored arrays."""

    def build(card: Card) -> Predictor:
        return ColumnPredictor(card, columns, arrays_of(card, name), arrays_of(card, PLACES), tokens)

    return build
