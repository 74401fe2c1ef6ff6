"""Fit the clusters of sentence vectors and of words: as many per source as predict held-out training prompts best."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from routing.predictors.clustering import nearest_means
from routing.predictors.words import word_features
from routing.schema import Floats
from routing.training.methods.data import TrainingSet
from routing.training.methods.words import fit_words
from routing.training.tables import IntArray

COUNTS: Final = (1, 6, 12, 24, 48)
PER_CLUSTER: Final = 20  # prompts that a cluster needs on average
PRIOR: Final = 5.0  # weight of the source's mean in a cluster's mean, in prompts
HELD_OUT: Final = 0.25

Fitted = dict[str, NDArray[Any]]


def fit_vectors(data: TrainingSet) -> Fitted:
    """Clusters of sentence vectors."""
    return fit_clusters(data.vector, data)


def fit_tfidf(data: TrainingSet) -> Fitted:
    """Clusters of TF-IDF vectors on their principal axes."""
    words = fit_words(data)
    return words | fit_clusters(word_features(data.pieces, words), data)


def fit_clusters(points: Floats, data: TrainingSet) -> Fitted:
    """K-means per source, and every column's mean score in each cluster.

    Args:
        points: Features of the prompts, shape (n_prompts, width).
        data: Their outcomes.
    """
    held = np.random.default_rng(data.seed).random(len(points)) < HELD_OUT
    centres, source = [], []
    for s in np.unique(data.source):
        rows = data.rows_of(int(s))
        found = _kmeans(points[rows], best_count(points, data, rows, held), data.seed)
        centres.append(found)
        source.append(np.full(len(found), s))
    return _with_means(np.concatenate(centres), np.concatenate(source), points, data)


def best_count(points: Floats, data: TrainingSet, rows: IntArray, held: NDArray[np.bool_]) -> int:
    """How many clusters of one source predict its held-out prompts with the least squared error."""
    fitted, asked = rows[~held[rows]], rows[held[rows]]
    if len(fitted) < 2 * PER_CLUSTER or not len(asked):
        return 1
    least, best = np.inf, 1
    for count in COUNTS:
        centres = _kmeans(points[fitted], count, data.seed)
        source = np.full(len(centres), data.source[rows[0]])
        arrays = _with_means(centres, source, points[fitted], data.take(fitted))
        error = float(np.nansum((nearest_means(points[asked], arrays) - data.score[asked]) ** 2))
        if error < least:
            least, best = error, count
    return best


def _kmeans(points: Floats, count: int, seed: int) -> Floats:
    wanted = max(1, min(count, len(points) // PER_CLUSTER))
    found = KMeans(wanted, n_init=1, random_state=seed, max_iter=50).fit(points.astype(np.float32)).cluster_centers_
    return np.asarray(found, dtype=np.float64)


def _with_means(centres: Floats, source: IntArray, points: Floats, data: TrainingSet) -> Fitted:
    """Mean scores per cluster and column, drawn to the column's mean over its source."""
    base = data.base()
    means = np.tile(base, (len(centres), 1))
    half = centres.astype(np.float16).astype(np.float64)
    for s in np.unique(source):
        mine, rows, columns = np.flatnonzero(source == s), data.rows_of(int(s)), data.columns_of(int(s))
        distance = (half[mine] ** 2).sum(axis=1) - 2.0 * points[rows] @ half[mine].T
        member = np.eye(len(mine))[distance.argmin(axis=1)]
        score = data.score[np.ix_(rows, columns)]
        known = np.isfinite(score)
        total = member.T @ np.where(known, score, 0.0) + PRIOR * base[columns]
        means[np.ix_(mine, columns)] = total / (member.T @ known + PRIOR)
    return {
        "centres": centres.astype(np.float16),
        "centre_source": source.astype(np.int16),
        "means": means.astype(np.float16),
        "column_source": data.column_source.astype(np.int16),
        "base": base.astype(np.float32),
    }
