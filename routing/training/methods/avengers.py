"""Fit clusters over all sources with quality and length per expert."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from routing.predictors.avengers import membership
from routing.predictors.links import unit
from routing.schema import Floats
from routing.training.methods.data import TrainingSet

COUNT: Final = 200
PER_CLUSTER: Final = 20
PRIOR: Final = 8.0
TEMPERATURES: Final = (0.02, 0.05, 0.1, 0.2)
HELD_OUT: Final = 0.25


def fit(data: TrainingSet) -> dict[str, NDArray[Any]]:
    """K-means over all prompts, then means by membership, drawn to every column's overall mean."""
    arrays: dict[str, NDArray[Any]] = {
        "centres": centres_of(data, COUNT).astype(np.float16),
        "column_source": data.column_source.astype(np.int16),
        "column_expert": data.column_expert.astype(np.int16),
    }
    arrays["temperature"] = np.array(best_temperature(data, arrays), dtype=np.float32)
    share = membership(data.vector, arrays)
    return arrays | {
        "quality": cluster_means(share, data.score, data.base()).astype(np.float16),
        "tokens": cluster_means(share, data.output_tokens, _mean(data.output_tokens)).astype(np.float32),
    }


def best_temperature(data: TrainingSet, arrays: dict[str, NDArray[Any]]) -> float:
    """How soft the assignment has to be to predict held-out training prompts with the least squared error."""
    held = np.random.default_rng(data.seed).random(len(data.source)) < HELD_OUT
    if not 0 < held.sum() < len(held):
        return TEMPERATURES[0]
    errors = []
    for temperature in TEMPERATURES:
        share = membership(data.vector, arrays | {"temperature": np.array(temperature)})
        told = share[held] @ cluster_means(share[~held], data.score[~held], data.base())
        errors.append(float(np.nansum((told - data.score[held]) ** 2)))
    return TEMPERATURES[int(np.argmin(errors))]


def centres_of(data: TrainingSet, count: int) -> Floats:
    """Unit centres of K-means over all prompts, shape (n_clusters, width); fewer where prompts are few."""
    wanted = max(1, min(count, len(data.vector) // PER_CLUSTER))
    model = KMeans(wanted, n_init=1, random_state=data.seed, max_iter=40)
    return unit(np.asarray(model.fit(data.vector.astype(np.float32)).cluster_centers_, dtype=np.float64))


def cluster_means(share: Floats, values: Floats, mean: Floats) -> Floats:
    """Mean per cluster and column, shape (n_clusters, n_columns), drawn to the column's mean; NaN where that is."""
    known = np.isfinite(values)
    total = share.T @ np.where(known, values, 0.0) + PRIOR * mean
    return np.asarray(total / (share.T @ known.astype(float) + PRIOR))


def _mean(values: Floats) -> Floats:
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(1, known.sum(axis=0)), np.nan)
