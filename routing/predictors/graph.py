"""What every method inside the graph shares: one head holds its scores, the other heads are common to all."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from routing.encoder import Card
from routing.schema import Features, Floats, Prediction


class GraphHead:
    """Reads one method's scores out of the features, and tokens, reading ease and latency beside them.

    Args:
        card: The router card, for latencies measured per expert.
        head: The output that holds the method's scores, shape (n_prompts, n_experts).
        has_interval: Whether score_low and score_high belong to this head; else the interval is unknown.
    """

    def __init__(self, card: Card, head: str, *, has_interval: bool = False) -> None:
        self.head = head
        self._has_interval = has_interval
        self._first_s = card.numbers("latency_first_s")
        self._per_token_s = card.numbers("latency_per_token_s")

    def predict(self, features: Features) -> Prediction:
        """Predict for every expert of the graph, one row a prompt."""
        score = wide(features.heads[self.head])
        unknown = np.full_like(score, np.nan)
        tokens = wide(features.heads["output_tokens"])
        return Prediction(
            experts=features.graph_experts,
            score=score,
            score_low=wide(features.heads["score_low"]) if self._has_interval else unknown,
            score_high=wide(features.heads["score_high"]) if self._has_interval else unknown,
            output_tokens=tokens,
            reading_ease=wide(features.heads["reading_ease"]),
            latency_s=self.latency(tokens),
        )

    def latency(self, tokens: Floats) -> Floats:
        """Seconds until answers of these lengths are complete, same shape, NaN for experts never timed."""
        return np.asarray(self._first_s + self._per_token_s * tokens)


def rescored(told: Prediction, score: Floats) -> Prediction:
    """The same prediction with another method's scores, whose interval is unknown."""
    unknown = np.full_like(score, np.nan)
    return replace(told, score=score, score_low=unknown, score_high=unknown)


def wide(values: NDArray[np.float32]) -> Floats:
    """The same numbers in double precision."""
    return values.astype(np.float64)
