"""Fits in closed form, source by source: component-wise ridge, clusters, and the source classifier."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression

from routing.schema import Floats

PENALTIES: Final = np.geomspace(2.0, 3000.0, 24)
FILL_ROUNDS: Final = 30
AT_ONCE: Final = 4096  # rows
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Linear:
    """y = x @ weight + bias, weight of shape (n_features, n_columns)."""

    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        """Predictions, shape (n_rows, n_columns)."""
        return x @ self.weight + self.bias


def component_ridge(x: Floats, y: Floats, *, caution: float = 2.0) -> Linear:
    """Ridge regression with one penalty per component of the expert space.

    How hard a prompt is for everybody is easy to read from it; which expert does better than another is hard. One
    penalty for both either blurs the first or chases noise in the second. The expert space is therefore rotated (the
    mean over experts first, then the principal components of the differences), and every component gets the penalty
    with the least leave-one-out error, times ``caution``, since the least error is found with noise.

    Args:
        x: Features, shape (n_rows, n_features).
        y: Scores, shape (n_rows, n_columns), NaN where not measured; a gap counts as the column's mean.
        caution: Factor on the chosen penalties, at least 1.

    Source: reduced-rank and "curds and whey" regression (Breiman & Friedman 1997, JRSS B 59:3-54).
    """
    known = ~np.isnan(y)
    centre, mean = x.mean(axis=0), np.nanmean(y, axis=0)
    target = np.where(known, y - mean, 0.0)
    axes = expert_axes(target)
    parts = target @ axes
    values, vectors = np.linalg.eigh(x.T @ x - len(x) * np.outer(centre, centre))
    moment = vectors.T @ (x.T @ parts - np.outer(centre, parts.sum(axis=0)))
    scales = 1.0 / (np.maximum(values, 0.0)[:, np.newaxis] + PENALTIES)
    error = np.zeros((len(PENALTIES), parts.shape[1]))
    for start in range(0, len(x), AT_ONCE):  # what is as large as the features exists for some rows at a time
        turned = (x[start : start + AT_ONCE] - centre) @ vectors
        leverage = turned**2 @ scales + 1.0 / len(x)
        for i, scale in enumerate(scales.T):
            gap = parts[start : start + AT_ONCE] - turned @ (moment * scale[:, np.newaxis])
            error[i] += ((gap / (1.0 - leverage[:, i : i + 1])) ** 2).sum(axis=0)
    chosen = PENALTIES[error.argmin(axis=0)]
    shrunk = moment / (np.maximum(values, 0.0)[:, np.newaxis] + caution * chosen)
    weight = vectors @ shrunk @ axes.T
    return Linear(weight, mean - centre @ weight)


def fill_gaps(y: Floats) -> Floats:
    """Scores with gaps filled by an additive model of prompt and column.

    In some sources an expert was measured on the easy tasks alone. Its mean there must not stand for the harder
    prompts too: a gap holds the column's level, had it been measured on every prompt, plus how easy the prompt is for
    those who were.

    Args:
        y: Scores of one source, shape (n_rows, n_columns), NaN where not measured.

    Source: two-way layout with empty cells, fitted in turns (Yates 1933).
    """
    known = ~np.isnan(y)
    if known.all():
        return y
    seen = np.where(known, y, 0.0)
    rows, columns = known.sum(axis=1), known.sum(axis=0)
    level = seen.sum(axis=0) / np.maximum(1, columns)
    for _ in range(FILL_ROUNDS):
        ease = (seen - np.where(known, level, 0.0)).sum(axis=1) / (rows + 1.0)
        ease -= ease.mean()
        level = (seen - np.where(known, ease[:, np.newaxis], 0.0)).sum(axis=0) / np.maximum(1, columns)
    return np.asarray(np.where(known, y, np.clip(level + ease[:, np.newaxis], 0.0, 1.0)))


def expert_axes(target: Floats) -> Floats:
    """Orthonormal axes of the expert space: the mean over experts, then principal components of the differences."""
    count = target.shape[1]
    level = np.full((count, 1), 1.0 / np.sqrt(count))
    rest = target - (target @ level) @ level.T
    _, axes = np.linalg.eigh(rest.T @ rest)
    return np.concatenate([level, axes[:, ::-1][:, : count - 1]], axis=1)


@dataclass(frozen=True, slots=True)
class Clusters:
    """Soft clusters: weights are a softmax of cosine / temperature over one source's centres.

    Args:
        centres: Unit vectors, shape (n_clusters, width).
        means: Mean score per cluster and column, shape (n_clusters, n_columns).
        temperature: Softness; towards 0 the nearest centre alone decides.
    """

    centres: Floats
    means: Floats
    temperature: float


def fit_clusters(vector: Floats, y: Floats, *, count: int, temperature: float, prior: float, seed: int) -> Clusters:
    """K-means on training prompts, then each cluster's mean scores, drawn to the overall mean.

    Args:
        vector: Unit sentence vectors, shape (n_rows, width).
        y: Scores, shape (n_rows, n_columns), NaN where not measured.
        count: Clusters wanted; fewer where there are less than 20 prompts for each.
        temperature: Softness of the assignment.
        prior: Weight of the overall mean, in prompts.
        seed: Seed of K-means.
    """
    wanted = max(1, min(count, len(vector) // 20))
    found = KMeans(wanted, n_init=1, random_state=seed).fit(vector.astype(np.float32)).cluster_centers_
    centres = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float64)
    share = soft_assign(vector, centres, temperature)
    known = ~np.isnan(y)
    mean = np.nanmean(y, axis=0)
    total = share.T @ np.where(known, y, 0.0) + prior * mean
    return Clusters(centres, total / (share.T @ known + prior), temperature)


def soft_assign(vector: Floats, centres: Floats, temperature: float) -> Floats:
    """Share of every centre in every row, shape (n_rows, n_centres), rows summing to 1."""
    sharp = (vector @ centres.T) / temperature
    sharp = np.exp(sharp - sharp.max(axis=1, keepdims=True))
    return np.asarray(sharp / sharp.sum(axis=1, keepdims=True))


def source_classifier(x: NDArray[np.floating], source: IntArray, count: int, *, penalty: float) -> Linear:
    """Which source a prompt is like: logits of a multinomial logistic regression, shape (n_rows, count)."""
    if count == 1:  # there is nothing to tell apart
        return Linear(np.zeros((x.shape[1], 1)), np.zeros(1))
    model = LogisticRegression(C=1.0 / penalty, max_iter=120, tol=1e-3).fit(x, source)
    weight, bias = np.zeros((x.shape[1], count)), np.full(count, -20.0)
    if len(model.classes_) == 2:
        weight[:, model.classes_[1]], bias[model.classes_] = model.coef_[0], [0.0, model.intercept_[0]]
    else:
        weight[:, model.classes_], bias[model.classes_] = model.coef_.T, model.intercept_
    return Linear(weight, bias)


def ridge(x: Floats, y: Floats, *, penalty: float) -> Linear:
    """Ridge regression of one target, shape (n_rows,), with an unpenalised bias."""
    centre, mean = x.mean(axis=0), y.mean()
    rows = x - centre
    weight = np.linalg.solve(rows.T @ rows + penalty * np.eye(x.shape[1]), rows.T @ (y - mean))[:, np.newaxis]
    return Linear(weight, np.array([mean]) - centre @ weight)


def shared_ridge(x: Floats, gram: Floats, seen: NDArray[np.bool_], y: Floats, *, penalty: float) -> Floats:
    """Weights of ``ridge`` on some of the rows, reusing the products of all rows, which most columns of a source share.

    Args:
        x: Features with a last column of ones, shape (n_rows, n_features + 1); that column is not penalised.
        gram: x.T @ x.
        seen: Rows to fit on, shape (n_rows,).
        y: Target on these rows.
        penalty: Of every other weight.
    """
    kept, left = x[seen], x[~seen]
    products = kept.T @ kept if len(kept) < len(left) else gram - left.T @ left
    loss = np.full(x.shape[1], penalty)
    loss[-1] = 0.0
    return np.asarray(np.linalg.solve(products + np.diag(loss), kept.T @ y))


def principal_axes(x: Floats, count: int) -> Floats:
    """The first principal axes of centred features, shape (n_features, count); signs are fixed.

    Their signs are set so that the largest entry of each is positive: two runs give the same axes.
    """
    centre = x.mean(axis=0)
    _, axes = np.linalg.eigh(x.T @ x - len(x) * np.outer(centre, centre))
    first = axes[:, ::-1][:, :count]
    return np.asarray(first * np.sign(first[np.abs(first).argmax(axis=0), np.arange(first.shape[1])]))
