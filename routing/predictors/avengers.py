"""Cluster routing with a cost weight: quality and length of every expert's answers per cluster of prompts.

Source: Avengers-Pro (arXiv:2508.12631): K-means over all prompts, and a prompt asks its few nearest clusters. The
published objective, normalised quality against normalised cost, is the policy "avengers/balanced".
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


METHOD: Final = Method(
    title="Cost-weighted clusters (Avengers-Pro)",
    system="Later methods",
    about="A prompt asks its four nearest clusters for every expert's quality and length, and so its cost, there.",
    source="arXiv:2508.12631",
    build=column_method(NAME, columns, tokens),
    heads=(SHARE,),
)
