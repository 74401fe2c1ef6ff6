"""Multi-label classifier: one small network with one output per measurement, trained on all of them at once.

Beside it the second model, which reads the confidences of all outputs and says what each expert will score. *Fixed*:
as published it was fitted on confidences in prompts that the classifier had learned by heart, and comes down to ArgMax;
ours is fitted on confidences out of fold.

Source: Srivatsa et al. 2024 (arXiv:2405.00467): binary cross-entropy, one output per expert; their policy "Prediction".
"""

from typing import Final

import numpy as np

from routing.predictors.columns import SHARE, column_method
from routing.predictors.links import sigmoid, two_layers
from routing.predictors.method import Method
from routing.predictors.stored import Arrays
from routing.schema import Features, Floats

NAME: Final = "multi-label"
SECOND_NAME: Final = "second"


def columns(features: Features, arrays: Arrays) -> Floats:
    """Probability that each measurement's expert solves the prompt, shape (n_prompts, n_columns)."""
    return sigmoid(two_layers(features.vector.astype(float), arrays))


def second(features: Features, arrays: Arrays) -> Floats:
    """Scores by the second model, shape (n_prompts, n_columns)."""
    confidence = columns(features, arrays)
    return np.asarray(np.clip(confidence @ arrays["second_weight"].astype(float) + arrays["second_bias"], 0.0, 1.0))


METHOD: Final = Method(
    title="Multi-label classifier",
    system="Multiple Minds",
    about="One network with an output per expert and source, trained by cross-entropy on all experts at once.",
    source="arXiv:2405.00467",
    build=column_method(NAME, columns),
    heads=(SHARE,),
)
SECOND: Final = Method(
    title="Second model on confidences",
    system="Multiple Minds",
    about="A regression reads the multi-label classifier's confidences in all experts and predicts each one's score.",
    source="arXiv:2405.00467",
    build=column_method(NAME, second),
    heads=(SHARE,),
)
