"""What is given up as one weight moves: mean score against the mean of its constraint, over many prompts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from routing.catalog import Catalog
from routing.evaluation.curve import hull
from routing.objective import CONSTRAINTS, Scale, known_or_worst, penalties, predicted_cost
from routing.sample import Sample
from routing.schema import Floats, Prediction

SWEPT_WEIGHTS = np.concatenate([[0.0], np.logspace(-4, 1, 80)])
FEWEST = 30


@dataclass(frozen=True, slots=True)
class Sweep:
    """One weight, swept, on the same prompts for everybody.

    Args:
        constraint: Whose weight moves.
        weights: Shape (n_weights,), ascending from 0.
        value: Mean of the constraint over the chosen experts, in its unit, shape (n_weights,).
        score: Mean score of the chosen experts, shape (n_weights,).
        shares: Share of prompts sent to each expert, shape (n_weights, n_experts).
        experts: Names, in the order of the columns of ``shares``.
        single_value: Mean of the constraint when one expert answers everything, shape (n_experts,).
        single_score: Its mean score, shape (n_experts,).
        mix: Value and score of the best random mixes of single experts, each of shape (n,).
        oracle: Value and score of the best expert of each prompt, the smaller value among equals.
        random: Value and score of a uniformly random expert.
        n_prompts: How many prompts.
        is_measured: Whether scores are measured outcomes; otherwise they are predictions.
    """

    constraint: str
    weights: Floats
    value: Floats
    score: Floats
    shares: Floats
    experts: tuple[str, ...]
    single_value: Floats
    single_score: Floats
    mix: tuple[Floats, Floats]
    oracle: tuple[float, float] | None
    random: tuple[float, float]
    n_prompts: int
    is_measured: bool


def sweep(sample: Sample, catalog: Catalog, scale: Scale, constraint: str) -> Sweep | None:
    """Sweep the weight of one constraint over held-out prompts.

    Experts without a predicted score or without any value of the constraint take no part. Where at least 30 prompts
    were measured for all experts, scores are measured on those; else predicted scores on all prompts stand in, and
    the result says so.

    Args:
        sample: Held-out predictions and outcomes.
        catalog: The pool.
        scale: Of the same pool.
        constraint: Whose weight moves.

    Returns:
        None when fewer than two experts can take part.
    """
    prediction = sample.prediction.of(catalog.names)
    values, penalty = _matrices(prediction, catalog, scale, sample.input_tokens.astype(np.float64), constraint)
    able = np.flatnonzero(np.isfinite(prediction.score).any(axis=0) & np.isfinite(values).any(axis=0))
    if able.size < 2:
        return None
    experts = tuple(catalog.names[i] for i in able)
    rows = sample.rows_measured(experts)
    is_measured = rows.size >= FEWEST
    rows = rows if is_measured else np.arange(len(sample.input_tokens))
    predicted = prediction.score[np.ix_(rows, able)]
    score = _measured(sample, experts)[rows] if is_measured else predicted
    return _swept(
        constraint, experts, predicted, penalty[np.ix_(rows, able)], values[np.ix_(rows, able)], score, is_measured
    )


def _matrices(
    prediction: Prediction, catalog: Catalog, scale: Scale, input_tokens: Floats, constraint: str
) -> tuple[Floats, Floats]:
    """Values and penalties of one constraint, shape (n_prompts, n_experts)."""
    shape = prediction.score.shape
    values = {
        "cost": predicted_cost(catalog, input_tokens, prediction.output_tokens)[0],
        "latency": prediction.latency_s,
        "size": np.broadcast_to(catalog.params_b, shape),
        "recency": np.broadcast_to(catalog.age_days, shape),
        "security": np.broadcast_to(catalog.security_tier, shape),
        "verbosity": prediction.output_tokens,
        "readability": prediction.reading_ease,
    }
    return values[constraint], penalties(values, scale)[constraint]


def _measured(sample: Sample, experts: Sequence[str]) -> Floats:
    column = {name: i for i, name in enumerate(sample.prediction.experts)}
    return sample.measured_score[:, [column[name] for name in experts]]


def _swept(
    constraint: str,
    experts: tuple[str, ...],
    predicted: Floats,
    penalty: Floats,
    values: Floats,
    score: Floats,
    is_measured: bool,
) -> Sweep:
    n_prompts, n_experts = predicted.shape
    row = np.arange(n_prompts)
    # Among equals the smaller penalty wins, so experts are tried in the order of their mean penalty.
    order = np.argsort(np.nanmean(penalty, axis=0), kind="stable")
    known = np.where(np.isnan(predicted), -np.inf, predicted)[:, order]
    burden = known_or_worst(penalty)[:, order]
    picks = np.stack([order[np.argmax(known - w * burden, axis=1)] for w in SWEPT_WEIGHTS])
    single_value, single_score = np.nanmean(values, axis=0), score.mean(axis=0)
    sign = -1.0 if CONSTRAINTS[constraint].is_floor else 1.0
    across, up = hull(sign * single_value, single_score)
    best = np.where(score == score.max(axis=1, keepdims=True), np.nan_to_num(sign * values, nan=np.inf), np.inf)
    ideal = best.argmin(axis=1)
    return Sweep(
        constraint=constraint,
        weights=SWEPT_WEIGHTS,
        value=np.array([np.nanmean(values[row, p]) for p in picks]),
        score=np.array([score[row, p].mean() for p in picks]),
        shares=np.stack([np.bincount(p, minlength=n_experts) / n_prompts for p in picks]),
        experts=experts,
        single_value=single_value,
        single_score=single_score,
        mix=(sign * across, up),
        oracle=(float(np.nanmean(values[row, ideal])), float(score[row, ideal].mean())) if is_measured else None,
        random=(float(single_value.mean()), float(single_score.mean())),
        n_prompts=n_prompts,
        is_measured=is_measured,
    )
