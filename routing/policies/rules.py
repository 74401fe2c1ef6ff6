"""The rules behind the policies: confidences in, an order of preference and whom to ask out."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.schema import Floats

UNSURE_BELOW: Final = 0.6  # of the highest confidence; then their variant draws among the best three
TOP: Final = 3
STRONG_FROM: Final = 0.6  # chance to beat the weak expert from which the strong one is asked

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
    return _one(_by(-known(told.score)))


def random_capable(told: Confidences) -> Choice:
    """One of those predicted capable, each as likely as the other; the most confident where none is."""
    draw = draws(told)
    lost = np.where(told.capable, draw, 2.0 - known(told.score))
    return _one(_by(lost))


def random_top3(told: Confidences) -> Choice:
    """The most confident expert, or one of the best three at random where its confidence is below 0.6."""
    score = known(told.score)
    rank = np.argsort(np.argsort(-score, axis=1, kind="stable"), axis=1)
    is_unsure = score.max(axis=1, keepdims=True) < UNSURE_BELOW
    key = np.where(is_unsure & (rank < TOP), draws(told), 1.0 + rank)
    return _one(_by(key))


def sorted_by_accuracy(told: Confidences) -> Choice:
    """The first predicted capable in order of training accuracy; the most confident where none is."""
    return _first_capable(told, -known(told.accuracy))


def sorted_by_cost(told: Confidences) -> Choice:
    """The cheapest predicted capable; the most confident where none is."""
    return _first_capable(told, np.where(np.isnan(told.cost_usd), np.inf, told.cost_usd))


def sorted_as_published(told: Confidences) -> Choice:
    """The walk by training accuracy with the confidences left in catalogue order, so that each is read off by place.

    The i-th expert of the order is taken when the i-th expert of the catalogue is predicted capable: the defect that
    ``sorted_by_accuracy`` mends.
    """
    order = np.argsort(-known(told.accuracy), kind="stable")
    misread = np.zeros_like(told.capable)
    misread[:, order] = told.capable
    rank = np.argsort(order)
    return _one(_by(np.where(misread, rank, len(order) + 1.0 - known(told.score))))


def vote(told: Confidences) -> Choice:
    """Ask everyone predicted capable and take the answer of the majority; the most confident alone where none is."""
    order = _by(-known(told.score))
    called = told.capable.copy()
    nobody = ~called.any(axis=1)
    called[nobody, order[nobody, 0]] = True
    return Choice(order, called)


def performance_efficiency(told: Confidences, alpha: float = 0.5) -> Choice:
    """The highest alpha * quality + (1 - alpha) * cheapness, both scaled from 0 to 1 over a prompt's experts.

    Source: Avengers-Pro (arXiv:2508.12631), which sweeps alpha from 0 to 1; one half is the middle.
    """
    # An unknown cost counts as the worst known one; costs are never below 0, so where none is known all are alike.
    worst = np.nan_to_num(told.cost_usd, nan=0.0).max(axis=1, keepdims=True)
    cost = np.where(np.isnan(told.cost_usd), worst, told.cost_usd)
    value = alpha * _scaled(known(told.score)) + (1.0 - alpha) * (1.0 - _scaled(cost))
    return _one(_by(-np.where(np.isnan(told.score), -1.0, value)))


def strong_or_weak(told: Confidences, threshold: float = STRONG_FROM) -> Choice:
    """The pool's strong expert where it is likely enough to beat the weak one, else the weak one.

    Strong is the expert of the highest training accuracy, weak the cheapest; the threshold is the knob that sets the
    share of strong calls, and the deferral curve shows all of its positions.

    Source: RouteLLM (arXiv:2406.18665); the chance to win from two scores by Bradley & Terry 1952.
    """
    score, rows = known(told.score), np.arange(len(told.score))
    mean_cost = np.where(np.isnan(told.cost_usd), np.inf, told.cost_usd).mean(axis=0)
    strong, weak = int(known(told.accuracy).argmax()), int(mean_cost.argmin())
    odds = np.clip(score, 0.004, 0.996)
    odds = odds / (1.0 - odds)
    wins = odds[:, strong] / (odds[:, strong] + odds[:, weak]) >= threshold
    key = 2.0 - score
    key[rows, strong] = np.where(wins, -1.0, 0.0)
    key[rows, weak] = np.where(wins, 0.0, -1.0) if weak != strong else -1.0
    return _one(_by(np.where(np.isnan(told.score), 4.0, key)))


def cascade(told: Confidences) -> Choice:
    """The cheapest expert first, then only dearer ones in whom confidence is higher; the others follow by confidence.

    Who is asked after the first depends on the answers, see ``cascaded``.
    """
    cost, score = np.where(np.isnan(told.cost_usd), np.inf, told.cost_usd), known(told.score)
    ladder = np.asarray(np.lexsort((-score, cost), axis=1), dtype=np.int64)
    climbed = np.take_along_axis(score, ladder, axis=1)
    best_before = np.maximum.accumulate(
        np.concatenate([np.full((len(score), 1), -1.0), climbed[:, :-1]], axis=1), axis=1
    )
    is_step = np.zeros(score.shape, dtype=bool)
    np.put_along_axis(is_step, ladder, climbed > best_before, axis=1)
    order = np.lexsort((-score, np.where(is_step, cost, 0.0), ~is_step), axis=1)
    return _one(np.asarray(order, dtype=np.int64))


def _first_capable(told: Confidences, rank: Floats) -> Choice:
    """Those capable by rank, then the others by confidence."""
    shape = told.score.shape
    ranks = np.broadcast_to(rank, shape)
    others = -known(told.score)
    order = np.lexsort((others, np.where(told.capable, ranks, 0.0), ~told.capable), axis=1)
    return _one(np.asarray(order, dtype=np.int64))


def known(values: Floats) -> Floats:
    """The values, -1 where unknown: an unknown confidence is below every known one."""
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


def draws(told: Confidences) -> Floats:
    """One number in [0, 1) per prompt and expert, from the prompts' keys."""
    n_experts = told.score.shape[1]
    return np.stack([np.random.default_rng(int(key)).random(n_experts) for key in told.key])
