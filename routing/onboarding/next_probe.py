"""Which probe to ask next: one rule, for the page, for the command and for measuring how good it is.

Source: sequential design for logistic regression that minimises the mean predictive variance (A-optimality over a
reference set; Chaloner & Verdinelli 1995, "Bayesian experimental design"), one probe at a time.
"""

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.onboarding.basis import Basis
from routing.onboarding.skill import Skill
from routing.predictors.links import sigmoid
from routing.schema import Floats

EXPLORED: Final = 3
"""Every how many probes one is not the most telling. By leaving experts out on validation prompts (50 and 100 probes,
eight draws), regret over the five pools was .0046 and .0057 without it, .0043 and .0038 with it: where a new expert is
unlike the known ones (strong-weak), probes that known experts find telling mislead, the more so the more are asked."""


def next_probes(
    basis: Basis,
    skill: Skill,
    axes: Floats,
    domain: NDArray[np.object_],
    asked: Sequence[int],
    count: int = 1,
    *,
    under_way: Collection[int] = (),
    left_out: Collection[int] = (),
) -> list[int]:
    """Rows of the probes to ask next.

    Each is the one expected to tell most about prompts of every kind. But what is expected rests on known experts, and
    a new one may be unlike them. So every third is of a domain not asked yet, the most telling of those; where every
    domain was asked, it is simply the first that is left, whatever it is expected to tell.
    Each choice supposes that what is under way was asked, whatever comes back, so that several probes can run at once
    without all asking the same.

    Args:
        basis: What experts differ in.
        skill: What is known of the expert so far (``fit.prior`` before the first probe).
        axes: Axes of every probe, shape (n_probes, n_axes); in an order that mixes them.
        domain: Domain of every probe, shape (n_probes,).
        asked: Rows whose outcomes the skill rests on.
        count: How many to choose; fewer come back when fewer are left.
        under_way: Rows that were asked, whose outcomes are not there yet.
        left_out: Rows never to ask.
    """
    likely = sigmoid(axes @ skill.mean)
    tells = likely * (1.0 - likely)
    covariance, free = skill.covariance, np.ones(len(axes), dtype=bool)
    free[[*asked, *under_way, *left_out]] = False
    for row in under_way:
        covariance = _after(covariance, axes[row], float(tells[row]))
    before, chosen = [*asked, *under_way], list[int]()
    for _ in range(min(count, int(free.sum()))):
        among = _among(domain, [*before, *chosen], free)
        best = int(np.where(among, _gain(basis, covariance, axes, tells), -np.inf).argmax())
        chosen.append(best)
        free[best] = False
        covariance = _after(covariance, axes[best], float(tells[best]))
    return chosen


def _among(domain: NDArray[np.object_], asked: Sequence[int], free: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Probes among which the most telling is chosen now."""
    if len(asked) % EXPLORED < EXPLORED - 1:
        return free
    is_new = free & ~np.isin(domain.astype(str), domain[list(asked)].astype(str))
    return is_new if is_new.any() else np.asarray(free & (np.arange(len(free)) == free.argmax()))


def _after(covariance: Floats, axes: Floats, tells: float) -> Floats:
    """The covariance after one more outcome, whatever it is."""
    along = covariance @ axes
    return np.asarray(covariance - np.outer(along, along) * tells / (1.0 + tells * axes @ along))


def _gain(basis: Basis, covariance: Floats, axes: Floats, tells: Floats) -> Floats:
    """By how much each probe is expected to lower the mean variance over typical prompts, shape (n_probes,)."""
    along = axes @ covariance
    lowered = np.einsum("ij,jk,ik->i", along, basis.typical, along, optimize=True)
    return np.asarray(tells * lowered / (1.0 + tells * np.einsum("ij,ij->i", along, axes)))
