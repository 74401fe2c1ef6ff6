"""How much the global score weighs: calibration at every weight, then weights and threshold, leaving tasks out."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.predictors.glider_score import ONLY_GLOBAL, combine
from routing.predictors.links import sigmoid
from routing.schema import Floats

ALPHAS: Final = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, ONLY_GLOBAL)
QUANTILES: Final = (0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9)
STEPS: Final = 8
SLOPE_PENALTY: Final = 4.0
LEAST_BASE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Scores:
    """Standardised scores of one source's prompts, out of sample.

    Args:
        local: Local scores, shape (n_rows, n_columns).
        overall: Global scores, same shape.
        score: Outcomes, same shape, NaN where not measured.
    """

    local: Floats
    overall: Floats
    score: Floats


def calibrate(found: Scores) -> tuple[Floats, Floats]:
    """Intercept and slope per alpha and column that map combined scores to outcomes, shape (n_alphas, n_columns)."""
    fitted = [logistic(combine(found.local, found.overall, alpha), found.score) for alpha in ALPHAS]
    return np.stack([a for a, _ in fitted]), np.stack([b for _, b in fitted])


def logistic(x: Floats, score: Floats) -> tuple[Floats, Floats]:
    """Logistic regression on one number per column; a slope below 0 is 0, since a higher score must not mean less.

    Two more outcomes, one solved and one not, keep a column that never fails away from certainty.
    """
    known = np.isfinite(score)
    y, mass = np.where(known, score, 0.0), known.astype(float)
    base = (y.sum(axis=0) + 1.0) / (mass.sum(axis=0) + 2.0)
    rest = np.log(base / (1.0 - base))
    intercept, slope = rest.copy(), np.zeros_like(rest)
    for _ in range(STEPS):
        expected, middle = sigmoid(intercept + slope * x), sigmoid(intercept)
        error, weight = mass * (y - expected), mass * expected * (1.0 - expected)
        pull = (error.sum(axis=0) + 1.0 - 2.0 * middle, (error * x).sum(axis=0) - SLOPE_PENALTY * slope)
        aa = weight.sum(axis=0) + 2.0 * middle * (1.0 - middle) + 1e-9
        ab, bb = (weight * x).sum(axis=0), (weight * x**2).sum(axis=0) + SLOPE_PENALTY
        inverse = 1.0 / (aa * bb - ab**2)
        intercept = intercept + inverse * (bb * pull[0] - ab * pull[1])
        slope = slope + inverse * (aa * pull[1] - ab * pull[0])
    is_rising = np.isfinite(slope) & (slope > 0)
    return np.where(is_rising, intercept, rest), np.where(is_rising, slope, 0.0)


def regrets(left_out: Scores, intercept: Floats, slope: Floats) -> Floats:
    """How much less than the best measured expert the one with the highest prediction scored, per prompt and alpha.

    Shape (n_rows, n_alphas); 0 where fewer than two experts were measured.
    """
    known = np.isfinite(left_out.score)
    measured = np.where(known, left_out.score, -np.inf)
    usable = known.sum(axis=1) > 1
    found = np.zeros((len(known), len(ALPHAS)))
    for at, alpha in enumerate(ALPHAS):
        told = intercept[at] + slope[at] * combine(left_out.local, left_out.overall, alpha)
        choice = np.where(known, told, -np.inf)[usable].argmax(axis=1)
        chosen = measured[usable][np.arange(len(choice)), choice]
        found[usable, at] = measured[usable].max(axis=1) - chosen
    return found


def choose(regret: Floats, best: Floats) -> dict[str, NDArray[np.float64]]:
    """Threshold and weights with the least regret on prompts of left-out tasks; of equals the smaller weight.

    Args:
        regret: Per prompt and alpha, shape (n_rows, n_alphas).
        best: Best similarity of every prompt to any card, shape (n_rows,).

    Returns:
        ``alpha_fixed`` for all prompts; ``threshold`` on the best similarity, ``alpha_near`` from it on and
        ``alpha_far`` below it, never the higher one.
    """
    weights = regret[:, :-1]  # the global score alone, the last, is an ablation and not a weight
    fixed = int(weights.sum(axis=0).argmin())
    found = (float(weights.sum(axis=0)[fixed]), 0.0, fixed, fixed)
    for threshold in np.unique(np.quantile(best, QUANTILES)) if len(best) else ():
        is_near = best >= threshold
        near, far = weights[is_near].sum(axis=0), weights[~is_near].sum(axis=0)
        above = int((near + np.minimum.accumulate(far)).argmin())
        below = int(far[: above + 1].argmin())
        total = float(near[above] + far[below])
        if total < found[0] - 1e-9:
            found = (total, float(threshold), above, below)
    numbers = {
        "alpha_fixed": ALPHAS[fixed],
        "threshold": found[1],
        "alpha_near": ALPHAS[found[2]],
        "alpha_far": ALPHAS[found[3]],
    }
    return {name: np.array(value) for name, value in numbers.items()}
