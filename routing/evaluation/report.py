"""Every measure of one router on one pool, as JSON-ready numbers; a missing measure is None."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.evaluation import curve, detail, measures
from routing.evaluation.costs import PoolOutcomes
from routing.evaluation.decided import Decided, best_per_task
from routing.schema import Floats, Prediction

RESAMPLES: Final = 500
LEVEL: Final = (2.5, 97.5)
SHARES_OF_BEST: Final = {"100": 1.0, "99": 0.99, "95": 0.95}
RECOVERED: Final = {"50": 0.5, "80": 0.8}

PREDICTION_KEYS: Final = (
    *("aiq", "aiq_static_mix", "aiq_above_static_mix", "aiq_above_static_mix_interval", "cost_at"),
    *("cost_at_static_mix", "curve", "brier", "brier_base_rate", "calibration_error", "rank_correlation"),
    *("interval_coverage", "reliability", "score_of_first", "apgr", "apgr_interval", "cpt", "deferral"),
)
"""Measures of predicted scores, None for choices that come without them."""

Interval = tuple[float, float]


def resample_weights(count: int, *, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Bootstrap weights of prompts, shape (resamples, count), each row summing to 1."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(count, np.full(count, 1.0 / count), size=resamples) / count


def ladder(pool: PoolOutcomes, task: NDArray[np.object_], weights: Floats) -> dict[str, Any]:
    """Random < best single < dataset oracle < oracle, each a mean score in [0, 1]."""
    score = pool.score
    best = pool.best_single
    cost = float(pool.cost_usd[:, best].mean())
    return {
        "random": float(score.mean()),
        "best_single": {
            "name": pool.experts[best].name,
            "score": float(score[:, best].mean()),
            "interval": interval(weights @ score[:, best]),
            "cost": None if np.isnan(cost) else cost,
        },
        "dataset_oracle": float(score[np.arange(len(score)), best_per_task(pool, task)].mean()),
        "oracle": float(score.max(axis=1).mean()),
    }


def interval(values: Floats) -> Interval:
    """The central 95 % of resampled values."""
    low, high = np.nanpercentile(values, LEVEL)
    return float(low), float(high)


def choice_report(pool: PoolOutcomes, decided: Decided, weights: Floats) -> dict[str, Any]:
    """How good choices are when only the score counts (every lambda 0), and how they share out the calls."""
    score = pool.score
    gain = decided.score - score[:, pool.best_single]
    top = score.max(axis=1, keepdims=True)
    is_top = score == top
    room = float(top.mean() - score[:, pool.best_single].mean())
    alone = (is_top.sum(axis=1) == 1) & decided.is_single
    strict = (decided.called * is_top).sum(axis=1)
    tolerant = strict if decided.is_single else (decided.score >= top[:, 0]).astype(float)
    return {
        "score": float(decided.score.mean()),
        "score_interval": interval(weights @ decided.score),
        "above_best_single": float(gain.mean()),
        "above_best_single_interval": interval(weights @ gain),
        "p_value": detail.p_value(gain, weights),
        "gap_closed": None if room <= 0 else float(gain.mean() / room),
        "accuracy_strict": float(strict[alone].mean()) if alone.any() else None,
        "accuracy_strict_interval": interval(_mean_where(weights, strict, alone)) if alone.any() else None,
        "n_single_best": int(alone.sum()),
        "accuracy_tolerant": float(tolerant.mean()),
        "accuracy_tolerant_interval": interval(weights @ tolerant),
        "regret": float(top.mean() - decided.score.mean()),
        **detail.use(pool, decided),
    }


def _mean_where(weights: Floats, values: Floats, kept: NDArray[np.bool_]) -> Floats:
    mass = weights[:, kept]
    return np.asarray((mass @ values[kept]) / np.maximum(mass.sum(axis=1), 1e-12))


def prediction_report(
    pool: PoolOutcomes, mine: Prediction, vector: NDArray[np.float32], task: NDArray[np.object_]
) -> dict[str, Any]:
    """How good the predicted scores are."""
    base = np.broadcast_to(pool.score.mean(axis=0), pool.score.shape)
    return {
        "brier": measures.brier(mine.score, pool.score),
        "brier_base_rate": measures.brier(base, pool.score),
        "calibration_error": measures.calibration_error(mine.score, pool.score),
        "rank_correlation": measures.rank_correlation(mine.score, pool.score),
        "interval_coverage": measures.coverage(
            mine.score_low, mine.score_high, pool.score, measures.nearest(vector), task
        ),
        "reliability": detail.reliability(mine.score, pool.score),
        "score_of_first": detail.first_k(mine.score, pool.score),
    }


def cost_report(pool: PoolOutcomes, score: Floats, predicted_cost: Floats, weights: Floats) -> dict[str, Any]:
    """The cost-quality curve of a router beside the static mix of single experts; None throughout without prices."""
    if not pool.has_costs or np.isnan(predicted_cost).any():
        keys = ("aiq", "aiq_static_mix", "aiq_above_static_mix", "aiq_above_static_mix_interval", "cost_at")
        return dict.fromkeys((*keys, "cost_at_static_mix", "curve"))
    picks = curve.sweep(score, predicted_cost)
    rows = np.arange(len(score))
    cost, quality = pool.cost_usd[rows, picks], pool.score[rows, picks]
    whole = np.full((1, len(score)), 1.0 / len(score))
    aiq, static = (values[0] for values in _areas(pool, cost, quality, whole))
    many, many_static = _areas(pool, cost, quality, weights)
    router, singles = _hulls(pool, cost, quality, whole[0])
    best = pool.best_single
    return {
        "aiq": float(aiq),
        "aiq_static_mix": float(static),
        "aiq_above_static_mix": float(aiq - static),
        "aiq_above_static_mix_interval": interval(many - many_static),
        "cost_at": _shares_of_cost(router, pool, best),
        "cost_at_static_mix": _shares_of_cost(singles, pool, best),
        "curve": {"cost_usd": router[0].tolist(), "score": router[1].tolist()},
    }


def _hulls(
    pool: PoolOutcomes, cost: Floats, quality: Floats, weight: Floats
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Hull of the router, which may always fall back on the cheapest expert, and hull of the single experts."""
    single_cost, single_score = weight @ pool.cost_usd, weight @ pool.score
    cheapest = int(single_cost.argmin())
    router = curve.hull(
        np.append(cost @ weight, single_cost[cheapest]), np.append(quality @ weight, single_score[cheapest])
    )
    return router, curve.hull(single_cost, single_score)


def _areas(pool: PoolOutcomes, cost: Floats, quality: Floats, weights: Floats) -> tuple[Floats, Floats]:
    areas = []
    for weight in weights:
        spent = weight @ pool.cost_usd
        areas.append([curve.area(h, spent.min(), spent.max()) for h in _hulls(pool, cost, quality, weight)])
    both = np.array(areas)
    return both[:, 0], both[:, 1]


def _shares_of_cost(hull: tuple[Floats, Floats], pool: PoolOutcomes, best: int) -> dict[str, float | None]:
    spent, reached = float(pool.cost_usd[:, best].mean()), float(pool.score[:, best].mean())
    found = {name: curve.cost_at(hull, share * reached) for name, share in SHARES_OF_BEST.items()}
    return {name: None if cost is None or spent <= 0 else cost / spent for name, cost in found.items()}


def pair_report(pool: PoolOutcomes, score: Floats, weights: Floats) -> dict[str, Any]:
    """Deferral measures of a pool of two; None for other pools, or where neither expert is stronger."""
    empty: dict[str, Any] = {"apgr": None, "apgr_interval": None, "cpt": None, "deferral": None}
    if len(pool.experts) != 2:
        return empty
    strong = pool.best_single
    gain = pool.score[:, strong] - pool.score[:, 1 - strong]
    predicted = score[:, strong] - score[:, 1 - strong]
    if gain.sum() <= 0 or np.isnan(predicted).any():
        return empty
    order = np.argsort(-predicted, kind="stable")
    shared = curve.shared_by_ties(gain, predicted)[order]
    many = [_weighted_apgr(shared, weight[order]) for weight in weights]
    return {
        "apgr": curve.apgr(gain, predicted),
        "apgr_interval": interval(np.array(many)),
        "cpt": {name: curve.cpt(gain, predicted, part) for name, part in RECOVERED.items()},
        "deferral": detail.deferral_curve(pool, score),
    }


def _weighted_apgr(gain: Floats, weight: Floats) -> float:
    share = np.concatenate([[0.0], np.cumsum(weight)])
    recovered = np.concatenate([[0.0], np.cumsum(weight * gain)])
    return float(np.trapezoid(recovered, share) / recovered[-1]) if recovered[-1] > 0 else float("nan")
