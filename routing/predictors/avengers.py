"""Cluster routing with a cost weight: quality and length of every expert's answers per cluster of prompts.

Source: Avengers-Pro (arXiv:2508.12631): K-means over all prompts, a prompt asks its few nearest clusters, and a weight
alpha trades normalised quality against normalised cost.
"""

from typing import Final

import numpy as np

from routing.predictors.columns import SHARE, column_method
from routing.predictors.links import softmax
from routing.predictors.method import Method
from routing.predictors.stored import Arrays
from routing.schema import Features, Floats

NAME: Final = "avengers"
NEAREST: Final = 4  # clusters that a prompt asks, as published


def columns(features: Features, arrays: Arrays) -> Floats:
    """Quality of every measurement in the nearest clusters, shape (n_prompts, n_columns)."""
    return np.asarray(membership(features.vector.astype(float), arrays) @ arrays["quality"].astype(float))


def tokens(features: Features, arrays: Arrays) -> Floats:
    """Tokens of the answers there, shape (n_prompts, n_columns), NaN where never measured."""
    return np.asarray(membership(features.vector.astype(float), arrays) @ arrays["tokens"].astype(float))


def membership(vector: Floats, arrays: Arrays) -> Floats:
    """Share of every cluster in every prompt, shape (n_prompts, n_clusters): nearest ones only, closer ones more."""
    closeness = vector @ arrays["centres"].astype(float).T
    if closeness.shape[1] > NEAREST:
        least = np.partition(closeness, -NEAREST, axis=1)[:, -NEAREST, np.newaxis]
        closeness = np.where(closeness >= least, closeness, -np.inf)
    return softmax(closeness / float(arrays["temperature"]))


def weigh(score: Floats, cost: Floats, alpha: float) -> Floats:
    """The published objective, shape (n_prompts, n_experts); the highest is chosen.

    Quality and cost are each scaled to [0, 1] among the experts of the prompt.

    Args:
        score: Predicted scores, shape (n_prompts, n_experts).
        cost: Predicted cost, same shape.
        alpha: Weight of quality in [0, 1]; 1 asks for quality alone, 0 for cheapness alone.

    >>> weigh(np.array([[0.5, 0.7]]), np.array([[1.0, 3.0]]), 0.25)
    array([[0.75, 0.25]])
    """
    return np.asarray(alpha * _scaled(score) + (1.0 - alpha) * (1.0 - _scaled(cost)))


def _scaled(values: Floats) -> Floats:
    low, high = np.nanmin(values, axis=1, keepdims=True), np.nanmax(values, axis=1, keepdims=True)
    return np.asarray((values - low) / np.where(high > low, high - low, 1.0))


METHOD: Final = Method(
    title="Cost-weighted clusters (Avengers-Pro)",
    system="Later methods",
    about="A prompt asks its four nearest clusters for every expert's quality and length, and so its cost, there.",
    source="arXiv:2508.12631",
    build=column_method(NAME, columns, tokens),
    heads=(SHARE,),
)
