"""How much each method counts in the blend, found on validation prompts."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.schema import Floats

STEPS: Final = 20  # weights are multiples of 1 / STEPS
CENTRED_SHARE: Final = 1.0  # of the differences between experts beside the scores themselves, as for the network
TRUST: Final = 200.0  # validation outcomes from which the weights found count as much as equal ones


def fitted_blend(said: Mapping[str, NDArray[np.float32]], truth: Floats) -> dict[str, float]:
    """Weights, summing to 1, with the least squared error of scores and of differences between experts.

    Few validation outcomes tell methods apart badly, so that the weights found are drawn to equal ones.

    Args:
        said: What each method says of validation prompts, shape (n_prompts, n_experts) each.
        truth: Measured scores, same shape, NaN where not measured.

    Source: stacking with weights on the simplex (Breiman 1996, Machine Learning 24:49-64).
    """
    known = np.isfinite(truth)
    gaps = np.stack([np.where(known, part - np.nan_to_num(truth), 0.0) for part in said.values()])
    count = np.maximum(1, known.sum(axis=1, keepdims=True))
    centred = np.where(known, gaps - gaps.sum(axis=2, keepdims=True) / count, 0.0)
    moments = sum(
        share * np.einsum("ipe,jpe->ij", part, part) for share, part in ((1.0, gaps), (CENTRED_SHARE, centred))
    )
    grid = np.array(list(_simplex(len(said), STEPS))) / STEPS
    best = grid[np.einsum("gi,ij,gj->g", grid, moments, grid).argmin()]
    trust = known.sum() / (known.sum() + TRUST)
    weights = trust * best + (1.0 - trust) / len(said)
    return {name: float(weight) for name, weight in zip(said, weights, strict=True)}


def _simplex(parts: int, total: int) -> Iterator[list[int]]:
    """Every way to share a total out among so many parts."""
    if parts == 1:
        yield [total]
        return
    for first in range(total + 1):
        for rest in _simplex(parts - 1, total - first):
            yield [first, *rest]
