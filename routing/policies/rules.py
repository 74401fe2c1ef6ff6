"""The rules behind the policies: confidences in, an order of preference and whom to ask out."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.schema import Floats

UNSURE_BELOW: Final = 0.6  # of the highest confidence; then their variant draws among the best three
TOP: Final = 3
ENOUGH: Final = 0.7  # a cascade stops at the first answer that is this likely to be right
JUDGE_ACCURACY: Final = 0.8  # of the simulated judge of answers, on right and on wrong ones alike
MAJORITY: Final = 0.5

IntArray = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Confidences:
    """What a policy chooses from.

    Args:
        score: Confidence in [0, 1] that each expert solves each prompt, shape (n_prompts, n_experts), NaN unknown.
        threshold: From which confidence an expert counts as capable, shape (n_experts,).
        cost_usd: Predicted cost, shape (n_prompts, n_experts), NaN unknown.
        accuracy: Mean score in training, shape (n_experts,), NaN unknown.
        key: A number per prompt from which anything random is drawn, shape (n_prompts,): the same prompt gets the
            same draw.
    """

    score: Floats
    threshold: Floats
    cost_usd: Floats
    accuracy: Floats
    key: NDArray[np.uint64]

    @property
    def capable(self) -> Mask:
        """Who is predicted to solve which prompt, shape (n_prompts, n_experts)."""
        return np.asarray(np.nan_to_num(self.score, nan=-1.0) >= self.threshold)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a policy decided.

    Args:
        order: Positions of all experts in order of preference, shape (n_prompts, n_experts).
        called: Whom it asks, shape (n_prompts, n_experts).
    """

    order: IntArray
    called: Mask

    @property
    def pick(self) -> IntArray:
        """The first of the order, shape (n_prompts,)."""
        return self.order[:, 0]


def argmax(told: Confidences) -> Choice:
    """The most confident expert."""
    return _one(_by(-_known(told.score)))


def random_capable(told: Confidences) -> Choice:
    """One of those predicted capable, each as likely as the other; the most confident where none is."""
    draw = _draws(told)
    lost = np.where(told.capable, draw, 2.0 - _known(told.score))
    return _one(_by(lost))


def random_top3(told: Confidences) -> Choice:
    """The most confident expert, or one of the best three at random where its confidence is below 0.6."""
    score = _known(told.score)
    rank = np.argsort(np.argsort(-score, axis=1, kind="stable"), axis=1)
    is_unsure = score.max(axis=1, keepdims=True) < UNSURE_BELOW
    key = np.where(is_unsure & (rank < TOP), _draws(told), 1.0 + rank)
    return _one(_by(key))


def sorted_by_accuracy(told: Confidences) -> Choice:
    """The first predicted capable in order of training accuracy; the most confident where none is."""
    return _first_capable(told, -_known(told.accuracy))


def sorted_by_cost(told: Confidences) -> Choice:
    """The cheapest predicted capable; the most confident where none is."""
    return _first_capable(told, np.where(np.isnan(told.cost_usd), np.inf, told.cost_usd))


def sorted_as_published(told: Confidences) -> Choice:
    """The walk by training accuracy with the confidences left in catalogue order, so that each is read off by place.

    The i-th expert of the order is taken when the i-th expert of the catalogue is predicted capable: the defect that
    ``sorted_by_accuracy`` mends.
    """
    order = np.argsort(-_known(told.accuracy), kind="stable")
    misread = np.zeros_like(told.capable)
    misread[:, order] = told.capable
    rank = np.argsort(order)
    return _one(_by(np.where(misread, rank, len(order) + 1.0 - _known(told.score))))


def vote(told: Confidences) -> Choice:
    """Ask everyone predicted capable and take the answer of the majority; the most confident alone where none is."""
    order = _by(-_known(told.score))
    called = told.capable.copy()
    nobody = ~called.any(axis=1)
    called[nobody, order[nobody, 0]] = True
    return Choice(order, called)


def performance_efficiency(told: Confidences, alpha: float = 0.5) -> Choice:
    """The highest alpha * quality + (1 - alpha) * cheapness, both scaled from 0 to 1 over a prompt's experts.

    Source: Avengers-Pro (arXiv:2508.12631), which sweeps alpha from 0 to 1; one half is the middle.
    """
    cost = np.where(np.isnan(told.cost_usd), np.nanmax(told.cost_usd, axis=1, keepdims=True), told.cost_usd)
    value = alpha * _scaled(_known(told.score)) + (1.0 - alpha) * (1.0 - _scaled(np.nan_to_num(cost)))
    return _one(_by(-np.where(np.isnan(told.score), -1.0, value)))


def cascade(told: Confidences) -> Choice:
    """The cheapest expert first, then only dearer ones in whom confidence is higher; the others follow by confidence.

    Who is asked after the first depends on the answers, see ``cascaded``.
    """
    cost, score = np.where(np.isnan(told.cost_usd), np.inf, told.cost_usd), _known(told.score)
    ladder = np.asarray(np.lexsort((-score, cost), axis=1), dtype=np.int64)
    climbed = np.take_along_axis(score, ladder, axis=1)
    best_before = np.maximum.accumulate(
        np.concatenate([np.full((len(score), 1), -1.0), climbed[:, :-1]], axis=1), axis=1
    )
    is_step = np.zeros(score.shape, dtype=bool)
    np.put_along_axis(is_step, ladder, climbed > best_before, axis=1)
    order = np.lexsort((-score, np.where(is_step, cost, 0.0), ~is_step), axis=1)
    return _one(np.asarray(order, dtype=np.int64))


def cascaded(told: Confidences, measured: Floats) -> tuple[Floats, Mask]:
    """Play a cascade on measured outcomes: score per prompt, shape (n_prompts,), and who was asked.

    An answer is judged by a simulated judge that is right on 80 % of answers; its word and the confidence are joined by
    Bayes. The cascade stops at the first answer at least 0.7 likely to be right, else takes the likeliest one asked.

    Args:
        told: Confidences.
        measured: Measured scores, shape (n_prompts, n_experts).
    """
    order, draws, confidence = cascade(told).order, _draws(told), _known(told.score)
    top = confidence.max(axis=1)  # the last step of every ladder is the most confident expert
    called = np.zeros(measured.shape, dtype=bool)
    score = np.zeros(len(measured))
    for row, ranked in enumerate(order):
        likeliest = -1.0
        for expert in ranked:
            called[row, expert] = True
            is_right = bool(measured[row, expert] >= MAJORITY)
            is_praised = is_right == bool(draws[row, expert] < JUDGE_ACCURACY)
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


def _first_capable(told: Confidences, rank: Floats) -> Choice:
    """Those capable by rank, then the others by confidence."""
    shape = told.score.shape
    ranks = np.broadcast_to(rank, shape)
    others = -_known(told.score)
    order = np.lexsort((others, np.where(told.capable, ranks, 0.0), ~told.capable), axis=1)
    return _one(np.asarray(order, dtype=np.int64))


def _known(values: Floats) -> Floats:
    return np.where(np.isnan(values), -1.0, values)


def _scaled(values: Floats) -> Floats:
    """From 0 to 1 within a row; 0 where all are equal."""
    low = values.min(axis=1, keepdims=True)
    width = values.max(axis=1, keepdims=True) - low
    return np.asarray((values - low) / np.where(width > 0, width, 1.0))


def _by(key: Floats) -> IntArray:
    return np.argsort(key, axis=1, kind="stable").astype(np.int64)


def _one(order: IntArray) -> Choice:
    called = np.zeros(order.shape, dtype=bool)
    called[np.arange(len(order)), order[:, 0]] = True
    return Choice(order, called)


def _draws(told: Confidences) -> Floats:
    """One number in [0, 1) per prompt and expert, from the prompts' keys."""
    n_experts = told.score.shape[1]
    return np.stack([np.random.default_rng(int(key)).random(n_experts) for key in told.key])
