"""From scores of measurements to scores of experts, as the graph does it for its own methods.

A column is a measurement: one expert in one source. A place is an expert in a source, measured or inferred. The sources
are weighed by how much the prompt is like each (the graph's output ``share``).
"""

from typing import Final

import numpy as np

from routing.predictors.links import logit, sigmoid
from routing.predictors.stored import Arrays
from routing.schema import Floats

PLACES: Final = "places"


def to_experts(columns: Floats, share: Floats, places: Arrays) -> Floats:
    """Scores of experts, shape (n_prompts, n_experts).

    Args:
        columns: Scores of measurements in [0, 1], shape (n_prompts, n_columns).
        share: Probability of every source, shape (n_prompts, n_sources).
        places: ``mix`` (n_columns, n_sources * n_experts) and ``shift`` make logits of places from logits of columns;
            ``trust`` (n_sources, n_experts) is the weight of a place, small where it is inferred.
    """
    logits = logit(columns) @ places["mix"].astype(np.float64) + places["shift"]
    trust = places["trust"].astype(np.float64)
    by_place = sigmoid(logits).reshape(len(columns), *trust.shape)
    weight = share[:, :, np.newaxis] * trust
    weight /= weight.sum(axis=1, keepdims=True)
    return np.asarray((by_place * weight).sum(axis=1))
