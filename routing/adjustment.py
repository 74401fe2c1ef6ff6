"""Learning from votes and checks, reviewably: a shift of every expert's predicted score, judged on runs it never saw.

One shift per expert on the scale of log odds is all that a few dozen votes can carry; it moves levels, it never reads
the prompt. Nothing here applies itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations
from typing import Final

import numpy as np

from routing.store.records import KeptRun, Proposal

HELD_OUT_OF: Final = 3  # one run in three judges the proposal and takes no part in it
PENALTY: Final = 2.0  # draws shifts to zero: an expert needs a few judgements before it moves noticeably
LEAST: Final = 0.004
STEPS: Final = 30


@dataclass(frozen=True, slots=True)
class _Judgement:
    """``expert`` solved it (``label`` 1), or was better than ``other``; ``offset`` is what the predictions said."""

    expert: str
    other: str | None
    offset: float
    label: float


def propose(runs: Iterable[KeptRun], in_force: Mapping[str, float] | None = None) -> Proposal:
    """Fit shifts on two runs in three and judge them on the third, against the shifts that are in force now.

    A checked answer is a success or a failure of its expert; a vote says who of a pair is better, a tie one half.
    Which runs are held out follows from their ids, so that asking again proposes the same.

    Source: logistic regression with the predicted log odds as offset; pairs as in Bradley & Terry 1952.
    """
    used: list[_Judgement] = []
    held: list[_Judgement] = []
    for run in runs:
        digest = blake2b(run.id.encode(), digest_size=4).digest()
        (held if int.from_bytes(digest, "big") % HELD_OUT_OF == 0 else used).extend(_judgements(run))
    names = sorted({n for j in (*used, *held) for n in (j.expert, j.other) if n is not None})
    shifts = _fit(used, names)
    now = {name: (in_force or {}).get(name, 0.0) for name in names}
    return Proposal(shifts, len(used), len(held), _loss(held, now), _loss(held, shifts))


def shifted(score: float, by: float) -> float:
    """A score moved by log odds.

    >>> shifted(0.5, 0.0)
    0.5
    """
    return float(1.0 / (1.0 + np.exp(-(_log_odds(score) + by))))


def _judgements(run: KeptRun) -> list[_Judgement]:
    # What was applied when the run was asked is taken off again, so that all runs speak of the same predictions.
    applied = run.run.preferences.get("shifts", {})
    told = {
        n: _log_odds(v["score"]) - float(applied.get(n, 0.0))
        for n, v in run.run.predicted.items()
        if v.get("score") is not None
    }
    found = [
        _Judgement(kept.answer.expert, None, told[kept.answer.expert], float(kept.check[2]))
        for kept in run.answers
        if kept.check is not None and kept.answer.expert in told
    ]
    for vote in run.votes:
        if vote.judge != "person" or vote.verdict == "both bad":
            continue
        for a, b in combinations([n for n in vote.experts if n in told], 2):
            if vote.verdict == "tie":
                found.append(_Judgement(a, b, told[a] - told[b], 0.5))
            elif vote.winner in (a, b):
                found.append(_Judgement(a, b, told[a] - told[b], float(vote.winner == a)))
    return found


def _log_odds(score: float | None) -> float:
    p = min(max(score if score is not None else 0.5, LEAST), 1.0 - LEAST)
    return float(np.log(p / (1.0 - p)))


def _fit(judgements: list[_Judgement], names: list[str]) -> dict[str, float]:
    place = {name: i for i, name in enumerate(names)}
    design = np.zeros((len(judgements), len(names)))
    for row, judgement in enumerate(judgements):
        design[row, place[judgement.expert]] = 1.0
        if judgement.other is not None:
            design[row, place[judgement.other]] = -1.0
    offset = np.array([j.offset for j in judgements])
    label = np.array([j.label for j in judgements])
    shift = np.zeros(len(names))
    for _ in range(STEPS if len(judgements) else 0):
        chance = 1.0 / (1.0 + np.exp(-(offset + design @ shift)))
        slope = design.T @ (label - chance) - PENALTY * shift
        bend = design.T @ (design * (chance * (1.0 - chance))[:, np.newaxis]) + PENALTY * np.eye(len(names))
        shift = shift + np.clip(np.linalg.solve(bend, slope), -1.0, 1.0)
    return {name: round(float(value), 4) for name, value in zip(names, shift, strict=True)}


def _loss(judgements: list[_Judgement], shifts: Mapping[str, float]) -> float:
    """Mean log loss, NaN without judgements."""
    if not judgements:
        return float("nan")
    logit = np.array([j.offset + shifts[j.expert] - (shifts[j.other] if j.other else 0.0) for j in judgements])
    label = np.array([j.label for j in judgements])
    return float(np.mean(np.logaddexp(0.0, logit) - label * logit))
