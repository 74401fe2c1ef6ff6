"""What fitting gives, as arrays: the heads of the graph are built from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.schema import Floats
from routing.training.fits import Clusters, Linear
from routing.training.transfer import Expansion


@dataclass(frozen=True, slots=True)
class Memory:
    """Training prompts of one source for the neighbours.

    Args:
        points: Unit vectors on the neighbour axes times 127, rounded, shape (n_prompts, n_axes).
        scores: Scores times 255, rounded; a gap holds the column's mean; shape (n_prompts, n_columns of the source).
    """

    points: NDArray[np.int8]
    scores: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Network:
    """A perceptive network for use: its two layers without dropout, and only the columns that are predicted."""

    first: Linear
    second: Linear


@dataclass(frozen=True, slots=True)
class Amount:
    """A linear head for tokens or reading ease per column, its bounds, and its expansion to places."""

    linear: Linear
    low: Floats
    high: Floats
    expansion: Expansion


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted router. Columns are measurements; places are (source, expert) in row-major order.

    Args:
        form_table: Classes of form per word piece, shape (n_pieces, n_classes).
        mean: Mean of the raw features [vector, pooled, form], shape (n_features,).
        scale: Their standard deviation.
        limit: Standardised features are cut to plus and minus this.
        source: Source logits from features.
        linear: Component-wise ridge from features to columns.
        clusters: Sets of clusters per source; a source's sets are averaged.
        columns: Columns of every source.
        axes: Neighbour axes, shape (n_features, n_axes).
        memory: Training prompts of every source.
        temperature: Softness of the neighbours.
        networks: Perceptive networks, averaged; none where the router was fitted without torch.
        blend: Weight of every method that the graph has, of clusters, neighbours, linear and network; they sum to 1.
        expansion: From logits of columns to logits of places.
        inferred: Places that were not measured, shape (n_places,).
        strange: Cosine to the nearest centre of a source at which a prompt is half foreign to it, shape (n_sources,).
        strange_width: How fast it becomes foreign below that, same shape.
        spread: Factor on the half-width of intervals per source, shape (n_sources,).
        tokens: Head for output tokens.
        ease: Head for reading ease.
    """

    form_table: NDArray[np.uint8]
    mean: Floats
    scale: Floats
    limit: float
    source: Linear
    linear: Linear
    clusters: Sequence[Sequence[Clusters]]
    columns: Sequence[NDArray[np.int64]]
    axes: Floats
    memory: Sequence[Memory]
    temperature: float
    networks: Sequence[Network]
    blend: Mapping[str, float]
    expansion: Expansion
    inferred: NDArray[np.bool_]
    strange: Floats
    strange_width: Floats
    spread: Floats
    tokens: Amount
    ease: Amount
