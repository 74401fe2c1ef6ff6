"""Quality and cost predicted together, each by its own regression, and plugged into the objective.

Source: CARROT (arXiv:2502.03261): the plug-in choice is rate-optimal.
"""

from typing import Final

import numpy as np

from routing.predictors.columns import SHARE, column_method
from routing.predictors.method import Method
from routing.predictors.stored import Arrays
from routing.schema import Features, Floats

NAME: Final = "carrot"


def columns(features: Features, arrays: Arrays) -> Floats:
    """Predicted score of every measurement, shape (n_prompts, n_columns)."""
    told = features.vector.astype(float) @ arrays["weight"].astype(float) + arrays["bias"]
    return np.asarray(np.clip(told, 0.0, 1.0))


def tokens(features: Features, arrays: Arrays) -> Floats:
    """Predicted tokens of the answers, same shape, within what was seen; NaN where never measured."""
    told = features.vector.astype(float) @ arrays["token_weight"].astype(float) + arrays["token_bias"]
    return np.asarray(np.clip(told, arrays["token_low"], arrays["token_high"]))


METHOD: Final = Method(
    title="Quality and cost together (CARROT)",
    system="Later methods",
    about="Two regressions on the sentence vector predict score and answer length, and the objective weighs both.",
    source="arXiv:2502.03261",
    build=column_method(NAME, columns, tokens),
    heads=(SHARE,),
)
