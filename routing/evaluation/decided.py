"""What choices come to on measured outcomes: routers, policies that ask several experts, and the baselines."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routing.evaluation.costs import PoolOutcomes
from routing.schema import Floats

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Decided:
    """Choices on one pool.

    Args:
        score: Score reached, shape (n_prompts,).
        called: Probability that each expert is asked, shape (n_prompts, n_experts); rows may sum to more than 1.
        is_single: Whether exactly one expert answers each prompt.
    """

    score: Floats
    called: Floats
    is_single: bool = True

    @property
    def calls(self) -> float:
        """Mean number of experts asked per prompt."""
        return float(self.called.sum(axis=1).mean())

    def shares(self) -> Floats:
        """Share of all calls that goes to each expert, shape (n_experts,), summing to 1."""
        total = self.called.sum(axis=0)
        return np.asarray(total / total.sum())

    def cost(self, pool: PoolOutcomes) -> Floats:
        """Dollars for everyone asked, shape (n_prompts,), NaN where a price is unknown."""
        return np.asarray((self.called * pool.cost_usd).sum(axis=1))


def picked(pool: PoolOutcomes, choice: IntArray) -> Decided:
    """One expert a prompt, by its column."""
    called = np.zeros(pool.score.shape)
    called[np.arange(len(choice)), choice] = 1.0
    return Decided(pool.score[np.arange(len(choice)), choice], called)


def drawn(pool: PoolOutcomes) -> Decided:
    """Any expert, each as likely as the other."""
    called = np.full(pool.score.shape, 1.0 / pool.score.shape[1])
    return Decided((called * pool.score).sum(axis=1), called)


def best_per_task(pool: PoolOutcomes, task: NDArray[np.object_]) -> IntArray:
    """The expert with the highest mean score on the prompt's task: what the dataset oracle picks."""
    means = pd.DataFrame(pool.score).groupby(task).transform("mean").to_numpy()
    return np.asarray(means.argmax(axis=1), dtype=np.int64)


def best_of(pool: PoolOutcomes, allowed: NDArray[np.bool_]) -> Decided:
    """The best score among those allowed, asked at the cheapest of the best; 0 where nobody is allowed."""
    known = np.where(allowed, pool.score, -1.0)
    is_top = known == known.max(axis=1, keepdims=True)
    cost = np.where(np.isnan(pool.cost_usd), 0.0, pool.cost_usd)
    choice = np.where(is_top, cost, np.inf).argmin(axis=1).astype(np.int64)
    found = picked(pool, choice)
    nobody = ~allowed.any(axis=1)
    found.called[nobody] = 0.0
    return Decided(np.where(nobody, 0.0, found.score), found.called)


def oracle(pool: PoolOutcomes) -> Decided:
    """The best expert of every prompt, the cheapest of them on ties."""
    return best_of(pool, np.ones(pool.score.shape, dtype=bool))
