"""The cost-quality curve: sweep of lambda_cost, concave hull, area under it, and the cost of a given quality."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.schema import Floats

LAMBDAS: Final = np.concatenate([[0.0], np.logspace(-4, 1.5, 150)])
"""Weights of the cost penalty that draw the curve; a penalty of 1 is the dearest expert's typical cost."""

Choices = NDArray[np.int64]


def sweep(score: Floats, cost: Floats, lambdas: Floats = LAMBDAS) -> Choices:
    """Which expert is chosen per weight and prompt, shape (n_lambdas, n_prompts).

    The penalty is linear in dollars with one reference for the whole pool, its dearest expert's mean cost, so that
    a lambda is a price of quality and means the same on every prompt. Ties go to the cheaper expert.

    Args:
        score: Predicted scores, shape (n_prompts, n_experts); NaN is never chosen.
        cost: Predicted cost in dollars, same shape.
        lambdas: Weights, ascending.
    """
    known = np.where(np.isnan(score), -np.inf, score)
    order = np.argsort(cost.mean(axis=0), kind="stable")
    penalty = (cost / max(cost.mean(axis=0).max(), 1e-300))[:, order]
    picks = np.stack([np.argmax(known[:, order] - weight * penalty, axis=1) for weight in lambdas])
    return np.asarray(order[picks], dtype=np.int64)


def hull(cost: Floats, score: Floats) -> tuple[Floats, Floats]:
    """The non-decreasing concave hull above points, from its cheapest point to its best.

    Mixing two points at random reaches every point of the line between them, so the hull is attainable.

    >>> hull(np.array([1.0, 2.0, 3.0]), np.array([0.2, 0.3, 0.8]))
    (array([1., 3.]), array([0.2, 0.8]))
    """
    kept: list[tuple[float, float]] = []
    for i in np.lexsort((-score, cost)):
        x, y = float(cost[i]), float(score[i])
        if kept and y <= kept[-1][1]:
            continue
        while len(kept) >= 2 and _is_below(kept[-2], kept[-1], (x, y)):
            kept.pop()
        kept.append((x, y))
    points = np.array(kept)
    return points[:, 0], points[:, 1]


def _is_below(left: tuple[float, float], middle: tuple[float, float], right: tuple[float, float]) -> bool:
    rise, run = right[1] - left[1], right[0] - left[0]
    return (middle[1] - left[1]) * run <= rise * (middle[0] - left[0])


def area(curve: tuple[Floats, Floats], low: float, high: float) -> float:
    """Mean height of a hull between two costs (AIQ); flat beyond either end. Its value at ``low`` when both agree.

    Source: systems.md 5, after RouterBench (arXiv:2403.12031).
    """
    x, y = curve
    if high <= low:
        return float(np.interp(low, x, y))
    inside = (x > low) & (x < high)
    at = np.concatenate([[low], x[inside], [high]])
    return float(np.trapezoid(np.interp(at, x, y), at) / (high - low))


def cost_at(curve: tuple[Floats, Floats], target: float) -> float | None:
    """Lowest cost on a hull that reaches a score, None where it never does."""
    x, y = curve
    if target > y[-1] + 1e-12:
        return None
    return float(np.interp(target, y, x))


def deferral(gain: Floats, predicted_gain: Floats) -> tuple[Floats, Floats]:
    """Performance gap recovered against the share of prompts sent to the strong expert.

    Args:
        gain: Strong expert's score minus the weak one's, shape (n_prompts,), with a positive mean.
        predicted_gain: What a router expects of it; the most promising prompts are sent first.

    Returns:
        Share in [0, 1] and gap recovered (0 weak alone, 1 strong alone), both of shape (n_prompts + 1,).

    Source: RouteLLM (arXiv:2406.18665).
    """
    order = np.argsort(-predicted_gain, kind="stable")
    recovered = np.concatenate([[0.0], np.cumsum(shared_by_ties(gain, predicted_gain)[order])]) / gain.sum()
    return np.linspace(0.0, 1.0, len(gain) + 1), recovered


def shared_by_ties(gain: Floats, predicted_gain: Floats) -> Floats:
    """Gains averaged over prompts of equal prediction: a router that cannot tell them apart sends them in any order.

    >>> shared_by_ties(np.array([1.0, 0.0, 1.0]), np.array([0.5, 0.5, 0.2]))
    array([0.5, 0.5, 1. ])
    """
    _, group, counts = np.unique(predicted_gain, return_inverse=True, return_counts=True)
    return np.asarray((np.bincount(group, weights=gain) / counts)[group])


def apgr(gain: Floats, predicted_gain: Floats) -> float:
    """Average performance gap recovered: mean of the deferral curve; a random order gives 0.5."""
    share, recovered = deferral(gain, predicted_gain)
    return float(np.trapezoid(recovered, share))


def cpt(gain: Floats, predicted_gain: Floats, recovered: float) -> float | None:
    """Call-performance threshold: smallest share of strong calls that recovers this part of the gap."""
    share, curve = deferral(gain, predicted_gain)
    reached = np.flatnonzero(curve >= recovered - 1e-12)
    return float(share[reached[0]]) if len(reached) else None
