"""Multi-label classifier: one small network with one output per measurement, trained on all of them at once.

Source: Srivatsa et al. 2024 (arXiv:2405.00467): binary cross-entropy, one output per expert.
"""

from typing import Final

from routing.predictors.columns import SHARE, column_method
from routing.predictors.links import gelu, sigmoid
from routing.predictors.method import Method
from routing.predictors.stored import Arrays
from routing.schema import Features, Floats

NAME: Final = "multi-label"


def columns(features: Features, arrays: Arrays) -> Floats:
    """Probability that each measurement's expert solves the prompt, shape (n_prompts, n_columns)."""
    hidden = gelu(features.vector.astype(float) @ arrays["hidden"] + arrays["hidden_bias"])
    return sigmoid(hidden @ arrays["weight"] + arrays["bias"])


METHOD: Final = Method(
    title="Multi-label classifier",
    system="Multiple Minds",
    about="One network with an output per expert and source, trained by cross-entropy on all experts at once.",
    source="arXiv:2405.00467",
    build=column_method(NAME, columns),
    heads=(SHARE,),
)
