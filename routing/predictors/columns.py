"""What every method on stored arrays shares: it predicts measurements, and places make experts of them."""

from collections.abc import Callable

import numpy as np

from routing.encoder import Card
from routing.predictors.graph import GraphHead, wide
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
    """

    def __init__(self, card: Card, columns: Columns, arrays: Arrays, places: Arrays) -> None:
        self._base = GraphHead(card, "score")
        self._columns = columns
        self._arrays = arrays
        self._places = places

    def predict(self, features: Features) -> Prediction:
        """Scores by this method; tokens, reading ease and latency as the graph predicts them; no interval."""
        told = self._base.predict(features)
        score = to_experts(self._columns(features, self._arrays), wide(features.heads[SHARE]), self._places)
        unknown = np.full_like(score, np.nan)
        return Prediction(
            experts=told.experts,
            score=score,
            score_low=unknown,
            score_high=unknown,
            output_tokens=told.output_tokens,
            reading_ease=told.reading_ease,
            latency_s=told.latency_s,
        )


def column_method(name: str, columns: Columns) -> Callable[[Card], Predictor]:
    """How the registry builds a method of that name from its stored arrays."""

    def build(card: Card) -> Predictor:
        return ColumnPredictor(card, columns, arrays_of(card, name), arrays_of(card, PLACES))

    return build
