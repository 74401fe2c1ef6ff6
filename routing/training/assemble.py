"""Fit every part of the router from encoded prompts and outcomes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.schema import Floats
from routing.training.features import Encoded
from routing.training.fits import (
    Clusters,
    Linear,
    component_ridge,
    fill_gaps,
    fit_clusters,
    principal_axes,
    shared_ridge,
    source_classifier,
)
from routing.training.fitted import Amount, Fitted, Memory, Network
from routing.training.scaled import LIMIT, Scaled
from routing.training.start import has_torch
from routing.training.tables import IntArray, Table
from routing.training.transfer import Expansion, expand_amounts, expand_scores

SEEDS: Final = (0, 1, 2)
NEIGHBOUR_AXES: Final = 64
NEIGHBOUR_TEMPERATURE: Final = 0.1
CLUSTER_SETS: Final = ((48, 0.05), (100, 0.03))  # clusters per source and their softness
CLUSTER_PRIOR: Final = 5.0
STRANGE: Final = 0.05  # share of a source's own training prompts that count as foreign to it
BLEND: Final[Mapping[str, float]] = MappingProxyType(  # README, "What was tried"
    {"clusters": 0.10, "neighbours": 0.25, "linear": 0.25, "network": 0.40}
)
CAUTION: Final = 2.0
SOURCE_PENALTY: Final = 10.0
AMOUNT_PENALTY: Final = 30.0
LOW_EASE: Final = -50.0

Say = Callable[[str], None]
Seeds = Sequence[int]
Bytes = NDArray[np.uint8]


def fit_router(
    table: Table,
    encoded: Encoded,
    form_table: NDArray[np.uint8],
    train: IntArray,
    progress: Say,
    *,
    seeds: Seeds = SEEDS,
) -> Fitted:
    """Fit all parts on training prompts; intervals are calibrated afterwards.

    Args:
        table: Outcomes by measurement.
        encoded: Features of all prompts.
        form_table: Classes of form per word piece.
        train: Rows of training prompts.
        progress: Told what is being fitted.
        seeds: Seeds of the networks; refits for a check make do with one. Without torch there is no network, and
            the other methods share its weight.
    """
    known = train[table.source[train] >= 0]
    features, filled = Scaled(encoded, known), replace(table, score=_filled(table, known))
    clusters = _clusters(filled, encoded, known, progress)
    axes, memory = _neighbours(filled, features, known)
    strange, width = _strangeness(table, encoded, clusters, known)
    networks = _networks(table, features, known, seeds, progress) if has_torch() else []
    return Fitted(
        form_table=form_table,
        mean=features.mean,
        scale=features.scale,
        limit=LIMIT,
        source=_source(table, features, known, progress),
        linear=_linear(filled, features, known, progress),
        clusters=clusters,
        columns=[table.columns_of(source) for source in range(len(table.sources))],
        axes=axes,
        memory=memory,
        temperature=NEIGHBOUR_TEMPERATURE,
        networks=networks,
        blend=BLEND if networks else without_network(BLEND),
        expansion=_expansion(filled, known),
        inferred=inferred_places(table),
        strange=strange,
        strange_width=width,
        spread=np.ones(len(table.sources)),
        tokens=_amount(table, features, table.output_tokens, table.mean_tokens, known, least=1.0),
        ease=_amount(table, features, table.reading_ease, table.mean_ease, known, least=LOW_EASE),
    )


def _filled(table: Table, known: IntArray) -> Floats:
    """Scores with the gaps of training prompts filled, source by source."""
    score = table.score.copy()
    for source in range(len(table.sources)):
        place = np.ix_(table.rows_of(source, known), table.columns_of(source))
        score[place] = fill_gaps(table.score[place])
    return score


def _source(table: Table, features: Scaled, known: IntArray, progress: Say) -> Linear:
    progress("Source classifier")
    return source_classifier(features.x[known], table.source[known], len(table.sources), penalty=SOURCE_PENALTY)


def _networks(table: Table, features: Scaled, known: IntArray, seeds: Seeds, progress: Say) -> list[Network]:
    from routing.training.perceptive import as_arrays, fit_perceptive

    supervision = np.concatenate([table.score, table.helper], axis=1)[known]
    nets = [fit_perceptive(features.x[known], supervision, seed=seed, progress=progress) for seed in seeds]
    return [as_arrays(net, table.score.shape[1]) for net in nets]


def without_network(blend: Mapping[str, float]) -> dict[str, float]:
    """The same weights among the methods that need no torch."""
    rest = {name: weight for name, weight in blend.items() if name != "network"}
    return {name: weight / sum(rest.values()) for name, weight in rest.items()}


def _expansion(table: Table, known: IntArray) -> Expansion:
    mean = np.clip(np.nanmean(table.score[known], axis=0), 0.02, 0.98)
    return expand_scores(table, np.log(mean / (1.0 - mean)))


def inferred_places(table: Table) -> NDArray[np.bool_]:
    """Places whose score is inferred from other experts, shape (n_sources * n_experts,)."""
    places = np.ones((len(table.sources), len(table.experts)), dtype=bool)
    solid = ~table.is_thin
    places[table.column_source[solid], table.column_expert[solid]] = False
    return places.ravel()


def _linear(table: Table, features: Scaled, known: IntArray, progress: Say) -> Linear:
    width, count = features.x.shape[1], table.score.shape[1]
    weight, bias = np.zeros((width, count)), np.zeros(count)
    for source, name in enumerate(table.sources):
        progress(f"Ridge of {name}")
        rows, columns = table.rows_of(source, known), table.columns_of(source)
        found = component_ridge(features.weighted(rows), table.score[np.ix_(rows, columns)], caution=CAUTION)
        weight[:, columns], bias[columns] = found.weight * features.ridge_weight[:, np.newaxis], found.bias
    return Linear(weight, bias)


def _clusters(table: Table, encoded: Encoded, known: IntArray, progress: Say) -> list[list[Clusters]]:
    progress("Clusters")
    sets: list[list[Clusters]] = []
    for source in range(len(table.sources)):
        rows, columns = table.rows_of(source, known), table.columns_of(source)
        vector, score = encoded.vector[rows].astype(np.float64), table.score[np.ix_(rows, columns)]
        sets.append(
            [
                fit_clusters(vector, score, count=count, temperature=soft, prior=CLUSTER_PRIOR, seed=SEEDS[0])
                for count, soft in CLUSTER_SETS
            ]
        )
    return sets


def _strangeness(
    table: Table, encoded: Encoded, clusters: Sequence[Sequence[Clusters]], known: IntArray
) -> tuple[Floats, Floats]:
    """Cosine to the nearest centre below which a prompt is foreign to a source, and how sharply, per source."""
    middle, width = np.zeros(len(clusters)), np.zeros(len(clusters))
    for source, sets in enumerate(clusters):
        vector = encoded.vector[table.rows_of(source, known)]
        nearest = np.max([(vector @ found.centres.T).max(axis=1) for found in sets], axis=0)
        low, middle[source], high = np.quantile(nearest, [STRANGE / 2, STRANGE, 1.5 * STRANGE])
        width[source] = max(1e-3, 0.4 * (high - low))
    return middle, width


def _neighbours(table: Table, features: Scaled, known: IntArray) -> tuple[Floats, list[Memory]]:
    weight = features.near_weight
    axes = principal_axes(features.x[known] * weight, NEIGHBOUR_AXES) * weight[:, np.newaxis]
    memory = []
    for source in range(len(table.sources)):
        rows = table.rows_of(source, known)
        points = features.x[rows] @ axes
        points /= np.linalg.norm(points, axis=1, keepdims=True) + 1e-12
        score = table.score[np.ix_(rows, table.columns_of(source))]
        memory.append(Memory(np.rint(points * 127.0).astype(np.int8), np.rint(score * 255.0).astype(np.uint8)))
    return axes, memory


def _amount(
    table: Table, features: Scaled, values: Floats, overall: Floats, known: IntArray, *, least: float
) -> Amount:
    """Ridge per column on its own rows; predictions stay between the 1st and 99th percentile seen."""
    width, count = features.x.shape[1], values.shape[1]
    weight, bias = np.zeros((width, count)), np.zeros(count)
    low, high = np.zeros(count), np.zeros(count)
    for source in range(len(table.sources)):
        rows = table.rows_of(source, known)
        x = np.concatenate([features.weighted(rows), np.ones((len(rows), 1))], axis=1)
        gram = x.T @ x
        for column in table.columns_of(source):
            seen = np.isfinite(values[rows, column])
            if not seen.any():
                continue
            y = values[rows[seen], column]
            low[column], high[column] = np.percentile(y, [1.0, 99.0])
            bias[column] = y.mean()
            if not table.is_thin[column]:
                found = shared_ridge(x, gram, seen, y, penalty=AMOUNT_PENALTY)
                weight[:, column], bias[column] = found[:-1] * features.ridge_weight, found[-1]
    measured = np.isfinite(values[known])
    total = np.where(measured, values[known], 0.0).sum(axis=0)
    number = measured.sum(axis=0)
    mean = np.where(number > 0, total / np.maximum(1, number), np.nan)
    return Amount(
        Linear(weight, bias), low, high, expand_amounts(table, mean, number.astype(float), overall, least=least)
    )
