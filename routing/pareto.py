"""Which experts are worth considering at all: those that no other beats on every axis."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from routing.schema import Floats


def pareto_mask(axes: Sequence[Floats]) -> NDArray[np.bool_]:
    """Mark the experts that no other expert beats on all axes.

    Expert a beats expert b when it is at least as good on every axis and strictly better on one. Exact ties
    stay on the front together. An expert with an unknown value on an axis cannot be placed and is left out.

    Args:
        axes: One array of shape (n_experts,) per axis; lower is better on each (negate a score).

    Returns:
        Mask of shape (n_experts,), True on the front.

    Raises:
        ValueError: No axis, or axes of different lengths.

    Source:
        Hari & Thomson 2023 (arXiv:2308.11601) explore this front; the definition is Pareto's.
    """
    if not axes:
        raise ValueError("The front needs at least one axis.")
    points = np.stack(axes, axis=1)
    mask = np.zeros(len(points), dtype=np.bool_)
    known = np.flatnonzero(np.isfinite(points).all(axis=1))
    if known.size == 0:
        return mask
    kept = points[known]
    if kept.shape[1] == 2:
        mask[known] = _front_of_two(kept)
        return mask
    # Whoever is best in total is on the front; each such expert removes all that it beats.
    order = np.argsort(_ranked(kept).sum(axis=1), kind="stable")
    kept, known = kept[order], known[order]
    position = 0
    while position < len(kept):
        this = kept[position]
        survives = (kept < this).any(axis=1) | (kept == this).all(axis=1)
        position = int(survives[:position].sum()) + 1
        kept, known = kept[survives], known[survives]
    mask[known] = True
    return mask


def _ranked(points: Floats) -> Floats:
    """Values replaced by their rank per axis: a sum of ranks cannot lose precision to a large unit."""
    return np.stack([np.unique(column, return_inverse=True)[1] for column in points.T], axis=1).astype(np.float64)


def _front_of_two(points: Floats) -> NDArray[np.bool_]:
    order = np.lexsort((points[:, 1], points[:, 0]))
    first, second = points[order, 0], points[order, 1]
    best_before = np.concatenate(([np.inf], np.minimum.accumulate(second)[:-1]))
    starts = np.concatenate(([True], first[1:] != first[:-1]))
    # Within one value of the first axis only the smallest second value can stay, with its exact ties.
    group = np.cumsum(starts) - 1
    least = second[np.flatnonzero(starts)][group]
    before = best_before[np.flatnonzero(starts)][group]
    mask = np.zeros(len(points), dtype=np.bool_)
    mask[order] = (second == least) & (second < before)
    return mask
