"""Policies that ask several experts, played on measured outcomes: what they score and whom they paid."""

from typing import Final

import numpy as np

from routing.policies.rules import Confidences, Mask, cascade, draws, known, vote
from routing.schema import Floats

ENOUGH: Final = 0.7  # a cascade stops at the first answer that is this likely to be right
JUDGE_ACCURACY: Final = 0.8  # of the simulated judge of answers, on right and on wrong ones alike
MAJORITY: Final = 0.5


def cascaded(told: Confidences, measured: Floats) -> tuple[Floats, Mask]:
    """Play a cascade on measured outcomes: score per prompt, shape (n_prompts,), and who was asked.

    An answer is judged by a simulated judge that is right on 80 % of answers; its word and the confidence are joined by
    Bayes. The cascade stops at the first answer at least 0.7 likely to be right, else takes the likeliest one asked.

    Args:
        told: Confidences.
        measured: Measured scores, shape (n_prompts, n_experts).
    """
    order, drawn, confidence = cascade(told).order, draws(told), known(told.score)
    top = confidence.max(axis=1)  # the last step of every ladder is the most confident expert
    called = np.zeros(measured.shape, dtype=bool)
    score = np.zeros(len(measured))
    for row, ranked in enumerate(order):
        likeliest = -1.0
        for expert in ranked:
            called[row, expert] = True
            is_right = bool(measured[row, expert] >= MAJORITY)
            is_praised = is_right == bool(drawn[row, expert] < JUDGE_ACCURACY)
            likely = _joined(float(confidence[row, expert]), is_praised)
            if likely > likeliest:
                likeliest, score[row] = likely, measured[row, expert]
            if likely >= ENOUGH or confidence[row, expert] >= top[row]:
                break
    return score, called


def _joined(confidence: float, is_praised: bool) -> float:
    """Probability that an answer is right, from the confidence in the expert and the judge's word."""
    right, wrong = (JUDGE_ACCURACY, 1.0 - JUDGE_ACCURACY) if is_praised else (1.0 - JUDGE_ACCURACY, JUDGE_ACCURACY)
    p = min(max(confidence, 0.004), 0.996)
    return p * right / (p * right + (1.0 - p) * wrong)


def voted(told: Confidences, measured: Floats) -> tuple[Floats, Mask]:
    """Hold a vote on measured outcomes: score per prompt, shape (n_prompts,), and who was asked.

    The score is 1 where most of those asked are right, and one half where just half are.
    Right is a score of at least one half. Wrong answers may differ from each other, so that fewer right ones can win a
    real vote: this is the careful figure. Where one expert was asked, it is that expert's score.

    Args:
        told: Confidences.
        measured: Measured scores, shape (n_prompts, n_experts).
    """
    called = vote(told).called
    number = called.sum(axis=1)
    share = np.where(called, measured >= MAJORITY, False).sum(axis=1) / np.maximum(1, number)
    alone = np.where(called, measured, 0.0).sum(axis=1)
    many = np.where(share == MAJORITY, 0.5, (share > MAJORITY).astype(float))
    return np.where(number == 1, alone, many), called


def upper_bound(score: Floats, capable: Mask) -> Floats:
    """What a classifier could reach at most, shape (n_prompts,): the best score among those it predicts capable."""
    return np.asarray(np.where(capable, score, 0.0).max(axis=1))
