"""Matrix factorisation: prompts and experts as points of one space, whose product says who answers well.

The published router asks how probable it is that the strong of two experts wins; ours keeps that reading for any two
experts, since what it predicts are logits that can be subtracted.

Source: RouteLLM (arXiv:2406.18665).
"""

from typing import Final

from routing.predictors.columns import SHARE, column_method
from routing.predictors.links import logit, sigmoid
from routing.predictors.method import Method
from routing.predictors.stored import Arrays
from routing.schema import Features, Floats

NAME: Final = "matrix-factorisation"


def columns(features: Features, arrays: Arrays) -> Floats:
    """Probability that each measurement's expert solves the prompt, shape (n_prompts, n_columns)."""
    place = features.vector.astype(float) @ arrays["prompt"].astype(float) + arrays["prompt_bias"]
    return sigmoid(place @ arrays["expert"].astype(float) + arrays["bias"])


def win_probability(strong: Floats, weak: Floats) -> Floats:
    """Probability that the strong expert's answer is preferred, from both experts' scores (Bradley and Terry 1952).

    The strong expert is called where this passes a threshold: the knob that sets the share of strong calls.

    >>> win_probability(np.array([0.5]), np.array([0.5]))
    array([0.5])
    """
    return sigmoid(logit(strong) - logit(weak))


METHOD: Final = Method(
    title="Matrix factorisation",
    system="Later methods",
    about="Prompts and experts are points of one space; their products give win probabilities of any two experts.",
    source="arXiv:2406.18665",
    build=column_method(NAME, columns),
    heads=(SHARE,),
)
