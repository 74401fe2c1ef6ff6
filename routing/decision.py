"""The one pure function that picks: for the page, the command line, the batch, the export and the endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from routing.flips import Flip, find_flips
from routing.objective import CONSTRAINTS, Candidates, check_preferences, objective, weighted_terms
from routing.pareto import pareto_mask
from routing.policies import Rule
from routing.schema import Floats, Preferences

ReasonKind = Literal["picked", "limit", "context", "unknown score", "objective", "policy"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one expert was picked or not.

    Args:
        expert: Whom it is about.
        kind: ``limit``: outside a hard limit; ``context``: prompt and answer do not fit; ``unknown score``: nothing
            is predicted; ``objective``: feasible but worth less than the pick; ``policy``: further back in its order.
        constraint: The broken limit, or the term that costs it most against the pick ("score" or a constraint).
        by: How far outside, in the constraint's unit (NaN where its value is unknown), or how much lower the objective.
        text: The same as one sentence.
    """

    expert: str
    kind: ReasonKind
    constraint: str | None
    by: float
    text: str


@dataclass(frozen=True)
class Decision:
    """Everything that follows from candidates and preferences; all arrays have shape (n_experts,).

    Args:
        options: What was chosen from.
        preferences: Under which weights and limits.
        terms: Weighted penalties by constraint; the objective is the score minus their sum.
        objective: Higher is better; NaN where the score is unknown.
        is_feasible: Within every limit, with a known score, and with room in the context.
        ranking: Positions of the feasible experts, best first: the pick, then the fallbacks.
        axes: The constraints that span the front with the score.
        rule: The policy that ranked the experts; None where the objective did.
    """

    options: Candidates
    preferences: Preferences
    terms: Mapping[str, Floats]
    objective: Floats
    is_feasible: NDArray[np.bool_]
    ranking: NDArray[np.int64]
    axes: tuple[str, ...]
    rule: Rule | None = None

    @property
    def pick(self) -> str | None:
        """The expert to ask; None when no expert is feasible."""
        return self.options.experts[self.ranking[0]] if self.ranking.size else None

    @property
    def order(self) -> tuple[str, ...]:
        """The pick and its fallbacks, best first."""
        return tuple(self.options.experts[i] for i in self.ranking)

    @cached_property
    def on_front(self) -> NDArray[np.bool_]:
        """Feasible and beaten by no feasible expert on the score and the active constraints (cost, if none is)."""
        front = np.zeros_like(self.is_feasible)
        placed = np.flatnonzero(self.is_feasible)
        if placed.size:
            axes = (self.options.penalties[name][placed] for name in self.axes)
            front[placed] = pareto_mask([-self.options.score[placed], *axes])
        return front

    @cached_property
    def flips(self) -> Mapping[str, Flip]:
        """The smallest change of one weight or limit that makes another expert the pick, by expert.

        An expert that no single change can make the pick is absent. Every change was applied and seen to flip.
        A policy does not heed the objective, so nothing is stated under one.
        """
        if self.rule is not None:
            return {}
        return find_flips(self.options, self.preferences, self.ranking, self.objective, choose)

    @cached_property
    def smallest_flip(self) -> Flip | None:
        """The smallest of all flips; None when nothing flips the pick."""
        return min(self.flips.values(), key=lambda f: (f.size, f.expert), default=None)

    def reason(self, expert: str) -> Reason:
        """Why this expert was picked or not."""
        i = self.options.index(expert)
        if self.ranking.size and i == self.ranking[0]:
            return Reason(expert, "picked", None, 0.0, self._why_picked())
        if np.isnan(self.options.score[i]):
            return Reason(
                expert, "unknown score", None, np.nan, "No outcome of this expert is known, so no score is predicted."
            )
        for name, limit in self.preferences.limits.items():
            if not _within(self.options, name, limit)[i]:
                return _broken_limit(expert, name, limit, float(self.options.values[name][i]))
        if self.options.overflow[i] > 0:
            over = float(self.options.overflow[i])
            return Reason(expert, "context", None, over, f"Prompt and answer exceed its context by {over:,.0f} tokens.")
        return self._objective_reason(expert, i)

    def _why_picked(self) -> str:
        i = self.ranking[0]
        if self.ranking.size == 1:
            return f"The only feasible expert, predicted score {self.options.score[i]:.2f}."
        if self.rule is not None:
            return f"{self.rule.policy.title}: {self.rule.policy.about} Predicted score {self.options.score[i]:.2f}."
        second = self.ranking[1]
        ahead = self.objective[i] - self.objective[second]
        return (
            f"Highest objective ({self.objective[i]:.3f}), ahead of {self.options.experts[second]} by {ahead:.3f}; "
            f"predicted score {self.options.score[i]:.2f}."
        )

    def _objective_reason(self, expert: str, i: int) -> Reason:
        best = self.ranking[0]
        if self.rule is not None:
            place = int(np.flatnonzero(self.ranking == i)[0]) + 1
            text = f"The policy puts it in place {place:,} of {self.ranking.size:,}."
            return Reason(expert, "policy", None, float(self.objective[best] - self.objective[i]), text)
        lacks = {"score": float(self.options.score[best] - self.options.score[i])}
        lacks |= {name: float(term[i] - term[best]) for name, term in self.terms.items()}
        main = max(lacks, key=lambda name: (lacks[name], name))
        by = float(self.objective[best] - self.objective[i])
        if by == 0:
            text = "Ties with the pick; the cheaper one is taken, then the better one, then the first by name."
        elif main == "score":
            text = f"Objective lower by {by:.3f}: its predicted score is {lacks['score']:.3f} lower."
        else:
            text = f"Objective lower by {by:.3f}: {main} weighs {lacks[main]:.3f} more against it."
        return Reason(expert, "objective", main, by, text)


def decide(options: Candidates, preferences: Preferences, rule: Rule | None = None) -> Decision:
    """Pick the feasible expert with the highest objective, and keep everything that explains it.

    Under a policy the pick is the first feasible expert of the policy's order; limits hold, weights do not move it.

    Exact ties go to the cheaper expert, then to the higher score, then to the first name, so that the order of the
    catalogue never matters.

    Raises:
        PreferenceError: A weight or limit that cannot be used.
    """
    check_preferences(preferences)
    terms = weighted_terms(options, preferences.weights)
    total = objective(options, terms)
    feasible = feasible_mask(options, preferences.limits)
    ranking = _ranking(options, total, feasible) if rule is None else _ruled(options, rule, feasible)
    active = [name for name in CONSTRAINTS if preferences.weights.get(name, 0) > 0 or name in preferences.limits]
    axes = tuple(active or ["cost"])
    return Decision(options, preferences, terms, total, feasible, ranking, axes, rule)


def choose(options: Candidates, preferences: Preferences) -> int | None:
    """Position of the pick, by the rule of ``decide`` and nothing else; None when no expert is feasible."""
    total = objective(options, weighted_terms(options, preferences.weights))
    feasible = feasible_mask(options, preferences.limits)
    if not feasible.any():
        return None
    tied = np.flatnonzero(feasible & (total == total[feasible].max()))
    return int(tied[np.lexsort(_tie_break(options, tied))[0]])


def feasible_mask(options: Candidates, limits: Mapping[str, float]) -> NDArray[np.bool_]:
    """Experts with a known score and enough context that keep every limit; an unknown value keeps none."""
    mask: NDArray[np.bool_] = np.isfinite(options.score) & (options.overflow == 0)
    for name, limit in limits.items():
        mask &= _within(options, name, limit)
    return mask


def _within(options: Candidates, name: str, limit: float) -> NDArray[np.bool_]:
    values = options.values[name]
    return values >= limit if CONSTRAINTS[name].is_floor else values <= limit


def _ranking(options: Candidates, total: Floats, feasible: NDArray[np.bool_]) -> NDArray[np.int64]:
    placed = np.flatnonzero(feasible)
    return placed[np.lexsort((*_tie_break(options, placed), -total[placed]))]


def _ruled(options: Candidates, rule: Rule, feasible: NDArray[np.bool_]) -> NDArray[np.int64]:
    order = rule.order(np.where(feasible, options.score, np.nan), options.values["cost"])
    return np.asarray(order[feasible[order]])


def _tie_break(options: Candidates, rows: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Keys for lexsort, least important first."""
    cost = np.nan_to_num(options.values["cost"][rows], nan=np.inf)
    return options.name_rank[rows], -options.score[rows], cost


def _broken_limit(expert: str, name: str, limit: float, value: float) -> Reason:
    constraint = CONSTRAINTS[name]
    if np.isnan(value):
        text = f"Its {name} is unknown, so it cannot be shown to keep the limit of {limit:g}."
        return Reason(expert, "limit", name, np.nan, text)
    by = abs(value - limit)
    side = "below" if constraint.is_floor else "above"
    text = f"{constraint.title} {value:.4g} is {by:.4g} {side} the limit of {limit:g} ({constraint.unit})."
    return Reason(expert, "limit", name, by, text)
