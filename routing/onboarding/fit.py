"""Fitting a new expert: the likeliest point given its outcomes, published figures, and where known experts lie.

The posterior is approximated by a normal distribution at its mode (Laplace), found by Newton's method. A probe counts
as a Bernoulli outcome (a score between 0 and 1 as that share of one); a figure says what the mean predicted score on
the training prompts of its benchmark should be, up to its noise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from routing.errors import DataError
from routing.onboarding.basis import Basis
from routing.onboarding.benchmarks import Figure
from routing.onboarding.skill import Skill, Source
from routing.predictors.links import sigmoid
from routing.schema import Floats

ROUNDS: Final = 60
ENOUGH: Final = 1e-8
SHORTEST: Final = 1e-4
FIGURE_NOISE: Final = 0.08
"""Standard deviation between a published mean and ours when none is stated. By leaving known experts out, 0.01 followed
a figure too closely; 0.03 to 0.08 predict equally well, and 0.08 leaves room for other prompts and other wording."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """A figure with the axes of its benchmark."""

    axes: Floats
    score: float
    noise: float


def fit(basis: Basis, axes: Floats, score: Floats, *, figures: Sequence[Figure] = ()) -> Skill:
    """Where an expert stands.

    Args:
        basis: What experts differ in.
        axes: Axes of the prompts it was asked, shape (n_probes, n_axes); may be empty.
        score: Its scores there in [0, 1], shape (n_probes,).
        figures: Published mean scores.

    Raises:
        DataError: There is neither an outcome nor a figure, a score is outside [0, 1], or a benchmark is unknown.
    """
    claims = [_claim(basis, figure) for figure in figures]
    if not len(score) and not claims:
        raise DataError("There is no outcome and no figure to learn from; ask at least one probe, or type one figure.")
    if len(score) != len(axes):
        raise DataError(f"{len(axes)} probes have {len(score)} scores; every probe needs one.")
    if not ((score >= 0) & (score <= 1)).all():
        raise DataError(f"A probe's score is {score[~((score >= 0) & (score <= 1))][0]!r}; scores lie from 0 to 1.")
    precision, rows = inverse(basis.covariance), axes.reshape(-1, len(basis.mean))
    mean = _mode(basis, precision, rows, score, claims)
    _, curvature = _slope(basis, precision, rows, score, claims, mean)
    source: Source = "probes and published figures" if len(score) and claims else "published figures"
    return Skill(
        graph_sha256=basis.graph_sha256,
        mean=mean,
        covariance=inverse(curvature),
        source="probes" if not claims else source,
        n_probes=len(score),
        n_figures=len(claims),
        fitted=date.today(),
    )


def prior(basis: Basis) -> Skill:
    """What is believed of an expert that was asked nothing: it is one like the known ones."""
    return Skill(basis.graph_sha256, basis.mean, basis.covariance, "probes", 0, 0, date.today())


def inverse(matrix: Floats) -> Floats:
    """The inverse of a covariance, or of what becomes one."""
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)


def _claim(basis: Basis, figure: Figure) -> _Claim:
    if figure.benchmark not in basis.benchmarks:
        raise DataError(f"No benchmark is called {figure.benchmark!r}; known are {', '.join(basis.benchmarks)}.")
    if not 0.0 <= figure.score <= 1.0:
        raise DataError(
            f"The figure for {figure.benchmark} is {figure.score:g}; means lie from 0 to 1 (write 72.5 % as 0.725)."
        )
    if not figure.noise > 0.0:
        raise DataError(f"The noise of {figure.benchmark} is {figure.noise:g}; it must be above 0.")
    return _Claim(basis.benchmarks[figure.benchmark].axes, figure.score, figure.noise)


def _mode(basis: Basis, precision: Floats, axes: Floats, score: Floats, claims: Sequence[_Claim]) -> Floats:
    """Newton's method from the prior's mean; a step that does not help is halved."""

    def loss(point: Floats) -> float:
        away, told = point - basis.mean, axes @ point
        surprise = float((np.logaddexp(0.0, told) - score * told).sum())
        gaps = sum((sigmoid(c.axes @ point).mean() - c.score) ** 2 / (2.0 * c.noise**2) for c in claims)
        return float(0.5 * away @ precision @ away + surprise + gaps)

    point, now = basis.mean.copy(), loss(basis.mean)
    for _ in range(ROUNDS):
        slope, curvature = _slope(basis, precision, axes, score, claims, point)
        point, before = _stepped(point, inverse(curvature) @ slope, loss, now), now
        now = loss(point)
        if before - now < ENOUGH:
            break
    return point


def _stepped(point: Floats, step: Floats, loss: Callable[[Floats], float], now: float) -> Floats:
    length = 1.0
    while length > SHORTEST:
        if loss(point - length * step) <= now:
            return np.asarray(point - length * step)
        length /= 2.0
    return point


def _slope(
    basis: Basis, precision: Floats, axes: Floats, score: Floats, claims: Sequence[_Claim], point: Floats
) -> tuple[Floats, Floats]:
    """First derivatives of the loss, and its second ones as far as they are positive (Gauss-Newton for figures)."""
    likely = sigmoid(axes @ point)
    slope = precision @ (point - basis.mean) + axes.T @ (likely - score)
    curvature = precision + (axes * (likely * (1.0 - likely))[:, np.newaxis]).T @ axes
    for claim in claims:
        told = sigmoid(claim.axes @ point)
        by = (claim.axes * (told * (1.0 - told))[:, np.newaxis]).mean(axis=0)
        slope = slope + by * (told.mean() - claim.score) / claim.noise**2
        curvature = curvature + np.outer(by, by) / claim.noise**2
    return np.asarray(slope), np.asarray(curvature)
