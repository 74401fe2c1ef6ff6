"""Which probe to ask next: the one that is expected to tell most about prompts of every kind.

Source: sequential design for logistic regression that minimises the mean predictive variance (A-optimality over a
reference set; Chaloner & Verdinelli 1995, "Bayesian experimental design"), one probe at a time.
"""

from collections.abc import Collection

import numpy as np

from routing.onboarding.basis import Basis
from routing.onboarding.skill import Skill
from routing.predictors.links import sigmoid
from routing.schema import Floats


def next_probes(basis: Basis, skill: Skill, axes: Floats, asked: Collection[int], count: int) -> list[int]:
    """Rows of the probes to ask next, the most telling first.

    Each choice supposes that the earlier ones were asked, whatever comes back, so that several probes can run at once
    without all asking the same.

    Args:
        basis: What experts differ in.
        skill: What is known of the expert so far (``fit.prior`` before the first probe).
        axes: Axes of every probe, shape (n_probes, n_axes).
        asked: Rows that were asked already.
        count: How many to choose; fewer come back when fewer are left.
    """
    likely = sigmoid(axes @ skill.mean)
    tells = likely * (1.0 - likely)
    covariance, free = skill.covariance, np.ones(len(axes), dtype=bool)
    free[list(asked)] = False
    chosen: list[int] = []
    for _ in range(min(count, int(free.sum()))):
        best = int(np.where(free, _gain(basis, covariance, axes, tells), -np.inf).argmax())
        chosen.append(best)
        free[best] = False
        along = covariance @ axes[best]
        covariance = covariance - np.outer(along, along) * tells[best] / (1.0 + tells[best] * axes[best] @ along)
    return chosen


def _gain(basis: Basis, covariance: Floats, axes: Floats, tells: Floats) -> Floats:
    """By how much each probe is expected to lower the mean variance over typical prompts, shape (n_probes,)."""
    along = axes @ covariance
    lowered = np.einsum("ij,jk,ik->i", along, basis.typical, along)
    return np.asarray(tells * lowered / (1.0 + tells * np.einsum("ij,ij->i", along, axes)))
