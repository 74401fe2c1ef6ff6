"""Votes to strengths: Bradley-Terry by domain, with intervals that say how little a few votes tell."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from routing.schema import Floats
from routing.store.records import KeptRun, Vote

PRIOR: Final = 0.5  # wins and losses that every expert has against an average one: keeps a first vote finite
STEPS: Final = 50
SCALE: Final = 400.0 / np.log(10.0)  # the scale of Elo, so that a difference of 400 is odds of ten to one
AVERAGE: Final = 1000.0
NORMAL_95: Final = 1.959964


@dataclass(frozen=True, slots=True)
class Strength:
    """How strong votes say an expert is.

    Args:
        expert: Its name.
        strength: On the scale of Elo, 1000 for an average expert of the domain.
        low: Lower end of the 95 % interval.
        high: Upper end.
        n_votes: Votes that it took part in.
        wins: Votes that it won, ties counting one half.
    """

    expert: str
    strength: float
    low: float
    high: float
    n_votes: int
    wins: float


def by_domain(runs: Iterable[KeptRun], *, judge: str = "person") -> dict[str, list[Strength]]:
    """Strengths in every domain that has votes, and over all of them under "all"; strongest first.

    Args:
        runs: Runs with their votes.
        judge: Whose votes count.
    """
    votes: dict[str, list[Vote]] = {}
    for run in runs:
        mine = [vote for vote in run.votes if vote.judge == judge]
        if mine:
            for domain in dict.fromkeys(("all", run.run.domain or "unstated")):  # a person may call one "all"
                votes.setdefault(domain, []).extend(mine)
    return {domain: strengths(found) for domain, found in votes.items()}


def strengths(votes: Iterable[Vote]) -> list[Strength]:
    """Bradley-Terry strengths with 95 % intervals, strongest first.

    A winner beats every other expert of its run; under a tie each pair shares the point; "both bad" says nothing
    about who is better, and only counts as a vote.

    Source: Bradley & Terry 1952 (Biometrika 39:324-345); maximum a posteriori by Newton's method, intervals from the
    curvature at the top, as in the leaderboards of Chatbot Arena (arXiv:2403.04132).
    """
    found = list(votes)
    names = sorted({name for vote in found for name in vote.experts})
    if len(names) < 2:
        return []
    place = {name: i for i, name in enumerate(names)}
    points = np.zeros((len(names), len(names)))
    for vote in found:
        for a, b in combinations((place[n] for n in vote.experts), 2):
            if vote.verdict == "tie":
                points[a, b] += 0.5
                points[b, a] += 0.5
            elif vote.verdict == "win" and vote.winner is not None and place[vote.winner] in (a, b):
                winner = place[vote.winner]
                points[winner, b if winner == a else a] += 1.0
    theta, spread = _fit(points)
    taken = {name: [v for v in found if name in v.experts] for name in names}
    listed = [
        Strength(
            expert=name,
            strength=AVERAGE + SCALE * theta[i],
            low=AVERAGE + SCALE * (theta[i] - NORMAL_95 * spread[i]),
            high=AVERAGE + SCALE * (theta[i] + NORMAL_95 * spread[i]),
            n_votes=len(taken[name]),
            wins=sum(1.0 if v.winner == name else 0.5 if v.verdict == "tie" else 0.0 for v in taken[name]),
        )
        for i, name in enumerate(names)
    ]
    return sorted(listed, key=lambda s: (-s.strength, s.expert))


def _fit(points: Floats) -> tuple[Floats, Floats]:
    """Log strengths, mean zero, and their standard errors; ``points[a, b]`` is what a won against b."""
    games = points + points.T
    theta = np.zeros(len(points))
    curvature = np.eye(len(points))
    for _ in range(STEPS):
        chance = 1.0 / (1.0 + np.exp(theta[np.newaxis, :] - theta[:, np.newaxis]))
        own = 1.0 / (1.0 + np.exp(-theta))
        slope = (points - games * chance).sum(axis=1) + PRIOR * (1.0 - 2.0 * own)
        bend = games * chance * (1.0 - chance)
        curvature = np.diag(bend.sum(axis=1) + 2.0 * PRIOR * own * (1.0 - own)) - bend
        step = np.linalg.solve(curvature, slope)
        theta = theta + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-10:
            break
    centre = np.eye(len(theta)) - 1.0 / len(theta)  # only differences mean something, so the level carries no doubt
    return centre @ theta, np.sqrt(np.diag(centre @ np.linalg.inv(curvature) @ centre))
