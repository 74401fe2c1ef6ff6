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

EXPLORED: Final = 3  # every how many probes one is of a domain not asked yet


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

    Each is the one expected to tell most about prompts of every kind. But every third is of a domain not asked yet,
    while there is one: what is expected rests on known experts, and a new one may be unlike them where nobody looked.
    Each choice supposes that what is under way was asked, whatever comes back, so that several probes can run at once
    without all asking the same.

    Args:
        basis: What experts differ in.
        skill: What is known of the expert so far (``fit.prior`` before the first probe).
        axes: Axes of every probe, shape (n_probes, n_axes).
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
        open_now = free & _explored(domain, [*before, *chosen], free)
        best = int(np.where(open_now, _gain(basis, covariance, axes, tells), -np.inf).argmax())
        chosen.append(best)
        free[best] = False
        covariance = _after(covariance, axes[best], float(tells[best]))
    return chosen


def _explored(domain: NDArray[np.object_], asked: Sequence[int], free: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Probes among which to choose now: at every third those of domains not asked yet, where there are any."""
    if len(asked) % EXPLORED == EXPLORED - 1:
        is_new = ~np.isin(domain.astype(str), domain[list(asked)].astype(str))
        if (is_new & free).any():
            return np.asarray(is_new)
    return np.ones(len(domain), dtype=bool)


def _after(covariance: Floats, axes: Floats, tells: float) -> Floats:
    """The covariance after one more outcome, whatever it is."""
    along = covariance @ axes
    return np.asarray(covariance - np.outer(along, along) * tells / (1.0 + tells * axes @ along))


def _gain(basis: Basis, covariance: Floats, axes: Floats, tells: Floats) -> Floats:
    """By how much each probe is expected to lower the mean variance over typical prompts, shape (n_probes,)."""
    along = axes @ covariance
    lowered = np.einsum("ij,jk,ik->i", along, basis.typical, along, optimize=True)
    return np.asarray(tells * lowered / (1.0 + tells * np.einsum("ij,ij->i", along, axes)))
