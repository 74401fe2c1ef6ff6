"""Separate classifiers: for every measurement a logistic regression of its own on the sentence vector.

Source: Srivatsa et al. 2024 (arXiv:2405.00467), one classifier per expert with its own threshold (see capable.py).
"""

from typing import Final

from routing.predictors.columns import SHARE, column_method
from routing.predictors.links import sigmoid
from routing.predictors.method import Method
from routing.predictors.stored import Arrays
from routing.schema import Features, Floats

NAME: Final = "separate"


def columns(features: Features, arrays: Arrays) -> Floats:
    """Probability that each measurement's expert solves the prompt, shape (n_prompts, n_columns)."""
    return sigmoid(features.vector.astype(float) @ arrays["weight"] + arrays["bias"])


METHOD: Final = Method(
    title="Separate classifiers",
    system="Multiple Minds",
    about="One logistic regression per expert and source says whether the expert solves the prompt.",
    source="arXiv:2405.00467",
    build=column_method(NAME, columns),
    heads=(SHARE,),
)
