"""What answers really cost, and the pools on which experts can be compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routing.errors import DataError
from routing.outcomes import Outcomes, measured_together
from routing.schema import Expert, Floats


@dataclass(frozen=True, slots=True)
class PoolOutcomes:
    """Outcomes of one pool on the prompts where every expert of it was scored.

    Args:
        name: Name of the pool.
        experts: Its experts, in column order.
        rows: Rows of the prompts in the whole data.
        score: Measured scores, shape (n_prompts, n_experts), no gaps.
        output_tokens: Measured, else assumed, tokens of the answers, same shape.
        cost_usd: Cost of the answers, same shape, NaN where an expert has no price.
        latency_s: Measured seconds until the answer was complete, same shape, NaN where not measured.
    """

    name: str
    experts: tuple[Expert, ...]
    rows: NDArray[np.int64]
    score: Floats
    output_tokens: Floats
    cost_usd: Floats
    latency_s: Floats

    @property
    def has_costs(self) -> bool:
        """Whether every answer has a known cost."""
        return not bool(np.isnan(self.cost_usd).any())

    @property
    def best_single(self) -> int:
        """Column of the expert with the highest mean score."""
        return int(self.score.mean(axis=0).argmax())

    def narrow(self, at: NDArray[np.int64], members: Sequence[str]) -> Self:
        """The same outcomes on some of the prompts, by place, and for some of the experts, in their order."""
        column = {expert.name: i for i, expert in enumerate(self.experts)}
        kept = np.array([column[name] for name in members], dtype=np.int64)
        arrays = {
            key: getattr(self, key)[np.ix_(at, kept)] for key in ("score", "output_tokens", "cost_usd", "latency_s")
        }
        return replace(self, experts=tuple(self.experts[i] for i in kept), rows=self.rows[at], **arrays)


def pool_outcomes(
    outcomes: Outcomes,
    name: str,
    members: Sequence[str],
    *,
    split: str,
    experts: Mapping[str, Expert],
    input_tokens: Mapping[int, int],
) -> PoolOutcomes:
    """Gather one pool's outcomes and what they cost.

    Cost is what the log states, else price_in * counted input tokens + price_out * output tokens; output tokens are
    the measured ones, else the expert's mean in that source, else its mean over all sources, else the mean of the
    other experts of the pool on that prompt (systems.md 5).

    Raises:
        DataError: An expert has no facts or no outcomes, or no prompt was answered by all.
    """
    absent = [member for member in members if member not in experts]
    if absent:
        raise DataError(f"Pool {name!r} names {absent[0]!r}, which the table of experts does not have; add it there.")
    rows = np.intersect1d(measured_together(outcomes, members), outcomes.rows(split))
    if not len(rows):
        raise DataError(
            f"No prompt of the split {split!r} was scored for every expert of pool {name!r}; choose another."
        )
    facts = tuple(experts[member] for member in members)
    tokens = assumed_tokens(outcomes, members)[rows]
    counted = np.array([input_tokens[int(row)] for row in rows], dtype=float)
    price_in = np.array([_price(e.price_in_usd_per_mtok) for e in facts])
    price_out = np.array([_price(e.price_out_usd_per_mtok) for e in facts])
    listed = (price_in * counted[:, np.newaxis] + price_out * tokens) / 1e6
    stated = outcomes.matrix("cost_usd", members)[rows]
    cost = np.where(np.isnan(stated), listed, stated)
    latency = outcomes.matrix("latency_s", members)[rows]
    return PoolOutcomes(name, facts, rows, outcomes.matrix("score", members)[rows], tokens, cost, latency)


def assumed_tokens(outcomes: Outcomes, members: Sequence[str]) -> Floats:
    """Output tokens of every prompt and expert, measured or assumed; 0 only where no expert has any."""
    tokens = pd.DataFrame(outcomes.matrix("output_tokens", members))
    source = outcomes.prompts["source"].to_numpy()
    by_source = tokens.groupby(source).transform("mean")
    filled = tokens.fillna(by_source).fillna(tokens.mean())
    values = filled.to_numpy(dtype=float, copy=True)
    gaps = np.isnan(values)
    others = np.where(gaps, 0.0, values).sum(axis=1) / np.maximum(1, (~gaps).sum(axis=1))
    return np.asarray(np.where(gaps, others[:, np.newaxis], values))


def _price(value: float | None) -> float:
    return float("nan") if value is None else value
