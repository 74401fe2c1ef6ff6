"""Functions of numbers that methods share: logits to probabilities and back, shares, unit rows, two layers."""

from typing import Final

import numpy as np

from routing.predictors.stored import Arrays
from routing.schema import Floats

LEAST: Final = 0.004  # probabilities stay this far from 0 and 1 before they become logits
_GELU: Final = float(np.sqrt(2.0 / np.pi))


def sigmoid(logits: Floats) -> Floats:
    """Probabilities of logits.

    >>> sigmoid(np.array([0.0]))
    array([0.5])
    """
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -60.0, 60.0))))


def logit(probability: Floats) -> Floats:
    """Logits of probabilities, finite also at 0 and 1."""
    safe = np.clip(probability, LEAST, 1.0 - LEAST)
    return np.asarray(np.log(safe / (1.0 - safe)))


def softmax(logits: Floats) -> Floats:
    """Shares along the last axis, summing to 1."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def gelu(x: Floats) -> Floats:
    """Gaussian error linear unit in its tanh form, as torch computes it with approximate="tanh"."""
    return np.asarray(0.5 * x * (1.0 + np.tanh(_GELU * (x + 0.044715 * x**3))))


def unit(rows: Floats) -> Floats:
    """Rows of length 1; a row of zeros stays as it is."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1.0))


def two_layers(vector: Floats, arrays: Arrays) -> Floats:
    """Outputs of a network with one hidden layer, shape (n_prompts, n_columns).

    Args:
        vector: Sentence vectors, shape (n_prompts, width).
        arrays: ``hidden`` (width, n_hidden) and ``weight`` (n_hidden, n_columns) with their biases.
    """
    hidden = gelu(vector @ arrays["hidden"].astype(float) + arrays["hidden_bias"])
    return np.asarray(hidden @ arrays["weight"].astype(float) + arrays["bias"])
