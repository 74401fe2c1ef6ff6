"""Prompts in clusters of each source, and what experts scored there: the two clustering routers of Multiple Minds.

Source: Srivatsa et al. 2024 (arXiv:2405.00467), K-means on prompt features; *fixed*: fitted on training prompts only.
"""

from typing import Final

import numpy as np

from routing.predictors.columns import SHARE, column_method
from routing.predictors.method import Method
from routing.predictors.stored import Arrays
from routing.predictors.words import word_features
from routing.schema import Features, Floats

VECTOR_NAME: Final = "clusters-vector"
WORDS_NAME: Final = "clusters-tfidf"


def by_vector(features: Features, arrays: Arrays) -> Floats:
    """Means of the cluster nearest to the sentence vector, shape (n_prompts, n_columns)."""
    return nearest_means(features.vector.astype(float), arrays)


def by_words(features: Features, arrays: Arrays) -> Floats:
    """Means of the cluster nearest to the prompt's words, shape (n_prompts, n_columns)."""
    return nearest_means(word_features(features.pieces, arrays), arrays)


def nearest_means(points: Floats, arrays: Arrays) -> Floats:
    """Mean scores in the nearest cluster of every source, shape (n_prompts, n_columns).

    Args:
        points: Features of prompts, shape (n_prompts, width).
        arrays: ``centres`` (n_clusters, width) and their ``means`` (n_clusters, n_columns); ``centre_source`` and
            ``column_source`` say which source a cluster and a column belong to; ``base`` (n_columns,) stands where a
            source has no cluster.
    """
    centres = arrays["centres"].astype(float)
    distance = (centres**2).sum(axis=1) - 2.0 * points @ centres.T
    told = np.tile(arrays["base"].astype(float), (len(points), 1))
    for source in np.unique(arrays["centre_source"]):
        mine = np.flatnonzero(arrays["centre_source"] == source)
        columns = np.flatnonzero(arrays["column_source"] == source)
        nearest = mine[distance[:, mine].argmin(axis=1)]
        told[:, columns] = arrays["means"][np.ix_(nearest, columns)]
    return told


VECTOR: Final = Method(
    title="Clusters of sentence vectors",
    system="Multiple Minds",
    about="K-means on sentence vectors of training prompts; a prompt takes every expert's mean in its nearest cluster.",
    source="arXiv:2405.00467",
    build=column_method(VECTOR_NAME, by_vector),
    heads=(SHARE,),
)
WORDS: Final = Method(
    title="Clusters of words (TF-IDF)",
    system="Multiple Minds",
    about="K-means on TF-IDF of word pieces; a prompt takes every expert's mean in its nearest cluster.",
    source="arXiv:2405.00467",
    build=column_method(WORDS_NAME, by_words),
    heads=(SHARE,),
)
