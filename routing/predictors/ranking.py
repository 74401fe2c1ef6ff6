"""A network trained on the order of experts alone, calibrated to scores afterwards.

The calibration keeps the order on every prompt: it only says how far apart the experts are and how hard the prompt is.

Source: EquiRouter (arXiv:2602.03478): choosing needs the order, which a pairwise loss learns.
"""

from typing import Final

import numpy as np

from routing.predictors.columns import SHARE, column_method
from routing.predictors.links import sigmoid, two_layers
from routing.predictors.method import Method
from routing.predictors.stored import Arrays
from routing.schema import Features, Floats

NAME: Final = "ranking"


def columns(features: Features, arrays: Arrays) -> Floats:
    """Calibrated scores of every measurement, shape (n_prompts, n_columns)."""
    vector, source = features.vector.astype(float), arrays["column_source"]
    gap = centred(two_layers(vector, arrays), source)
    level = vector @ arrays["level"].astype(float) + arrays["level_bias"]
    stretch, lift, shift = arrays["calibration"].astype(float).T
    return sigmoid(stretch[source] * gap + (lift * level + shift)[:, source])


def centred(rank: Floats, source: np.ndarray) -> Floats:
    """Ranks minus their mean over the measurements of the same source; ranks compare experts on one prompt only."""
    told = rank.copy()
    for s in np.unique(source):
        told[:, source == s] -= rank[:, source == s].mean(axis=1, keepdims=True)
    return told


METHOD: Final = Method(
    title="Pairwise ranking (EquiRouter)",
    system="Later methods",
    about="A network learns only which of two experts does better on a prompt; scores are calibrated afterwards.",
    source="arXiv:2602.03478",
    build=column_method(NAME, columns),
    heads=(SHARE,),
)
