"""Measures that a page draws: reliability, deferral, the best of the first k, use of experts, domains."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.evaluation import curve
from routing.evaluation.costs import PoolOutcomes
from routing.evaluation.decided import Decided
from routing.evaluation.measures import BINS
from routing.schema import Floats

COLLAPSED: Final = 0.95  # systems.md 3: a router that sends more than this to one expert has collapsed to it
FIRST: Final = (1, 2, 3)
DEFERRAL_POINTS: Final = 101


def p_value(gain: Floats, weights: Floats) -> float | None:
    """Two-sided paired bootstrap p-value of a mean gain; None where there is nothing to tell apart.

    Args:
        gain: Score of the router minus that of the best single expert, shape (n_prompts,).
        weights: Bootstrap weights, shape (resamples, n_prompts).

    Source: Efron & Tibshirani 1993, chapter 16; one is added so that no finite number of resamples gives 0.
    """
    if not gain.any():
        return None
    means = weights @ gain
    tail = min(int((means <= 0).sum()), int((means >= 0).sum()))
    return float(min(1.0, 2.0 * (tail + 1) / (len(means) + 1)))


def reliability(predicted: Floats, score: Floats) -> dict[str, list[float]]:
    """Mean predicted and mean measured score in ten bins of equal count, over cells that are predicted."""
    flat, truth = predicted.ravel(), score.ravel()
    known = ~(np.isnan(flat) | np.isnan(truth))
    order = np.argsort(flat[known], kind="stable")
    bins = [i for i in np.array_split(order, BINS) if len(i)]
    return {
        "predicted": [float(flat[known][i].mean()) for i in bins],
        "measured": [float(truth[known][i].mean()) for i in bins],
        "count": [len(i) for i in bins],
    }


def deferral_curve(pool: PoolOutcomes, predicted: Floats) -> dict[str, list[float]] | None:
    """Gap recovered against the share sent to the strong expert, at most 101 points; None unless a pool of two."""
    if len(pool.experts) != 2 or np.isnan(predicted).any():
        return None
    strong = pool.best_single
    gain = pool.score[:, strong] - pool.score[:, 1 - strong]
    if gain.sum() <= 0:
        return None
    share, recovered = curve.deferral(gain, predicted[:, strong] - predicted[:, 1 - strong])
    at = np.linspace(0.0, 1.0, min(DEFERRAL_POINTS, len(share)))
    return {"share": at.tolist(), "recovered": np.interp(at, share, recovered).tolist()}


def first_k(predicted: Floats, score: Floats) -> dict[str, float]:
    """Mean of the best score among the first one, two and three experts by prediction."""
    known = np.where(np.isnan(predicted), -np.inf, predicted)
    ranked = np.take_along_axis(score, np.argsort(-known, axis=1, kind="stable"), axis=1)
    return {str(k): float(ranked[:, :k].max(axis=1).mean()) for k in FIRST if k <= score.shape[1]}


def use(pool: PoolOutcomes, decided: Decided) -> dict[str, Any]:
    """How calls are shared out, what they cost, and whether the router has collapsed to one expert."""
    shares = decided.shares()
    cost = float(decided.cost(pool).mean())
    most = int(shares.argmax())
    return {
        "shares": {e.name: float(s) for e, s in zip(pool.experts, shares, strict=True)},
        "most_used": {"name": pool.experts[most].name, "share": float(shares[most])},
        "is_collapsed": bool(shares[most] > COLLAPSED),
        "calls": decided.calls,
        "share_called": decided.calls / len(pool.experts),
        "cost_usd": None if np.isnan(cost) else cost,
        "latency_s": _latency(pool, decided),
    }


def _latency(pool: PoolOutcomes, decided: Decided) -> float | None:
    """Mean measured seconds of the answers asked for, wrong ones included; None where the log has too few."""
    known = ~np.isnan(pool.latency_s)
    weight = decided.called * known
    if weight.sum() < 0.5 * decided.called.sum():
        return None
    return float((weight * np.nan_to_num(pool.latency_s)).sum() / weight.sum())


def domain_report(pool: PoolOutcomes, decided: Decided, domain: NDArray[np.object_]) -> dict[str, Any]:
    """Per domain: prompts, score, cost and regret of the choices, the best single expert there, and the oracle."""
    spent = decided.cost(pool)
    top = pool.score.max(axis=1)
    table: dict[str, Any] = {}
    for name in sorted({str(d) for d in domain}):
        here = domain == name
        means = pool.score[here].mean(axis=0)
        cost = float(spent[here].mean())
        table[name] = {
            "n_prompts": int(here.sum()),
            "score": float(decided.score[here].mean()),
            "cost_usd": None if np.isnan(cost) else cost,
            "regret": float((top - decided.score)[here].mean()),
            "best_single": {"name": pool.experts[int(means.argmax())].name, "score": float(means.max())},
            "oracle": float(top[here].mean()),
        }
    return table


def allocation(pool: PoolOutcomes, decided: Decided, domain: NDArray[np.object_]) -> dict[str, Any]:
    """Share of prompts per domain that each expert gets, beside the share on which it is best (ties shared)."""
    is_top = pool.score == pool.score.max(axis=1, keepdims=True)
    best = is_top / is_top.sum(axis=1, keepdims=True)
    names = sorted({str(d) for d in domain})
    return {
        "domains": names,
        "experts": [e.name for e in pool.experts],
        "chosen": [decided.called[domain == name].mean(axis=0).tolist() for name in names],
        "best": [best[domain == name].mean(axis=0).tolist() for name in names],
    }
