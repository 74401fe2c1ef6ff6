"""Fit retrieval by description: one text per expert, and one curve from cosines to scores."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.catalog import load_catalog
from routing.predictors.description import describe
from routing.training.methods.data import TrainingSet
from routing.training.methods.glider import embedded
from routing.training.methods.glider_alpha import logistic
from routing.training.methods.glider_cards import make_cards

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
