"""What was spent: of one browser session from its ledger, and of all stored answers."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from routing.store.ledger import Line
from routing.store.records import KeptRun


@dataclass(frozen=True, slots=True)
class Account:
    """The money of a browser session; ``left_usd`` is None where there is no budget."""

    spent_usd: float
    charged_usd: float
    left_usd: float | None


@dataclass(frozen=True, slots=True)
class Total:
    """What stored answers cost, NaN where nothing is known; what ``n_unknown`` of them cost is in no sum."""

    n_answers: int
    cost_usd: float
    n_unknown: int


def account_of(lines: Iterable[Line], budget_usd: float | None) -> Account:
    """Spent so far, spent or reserved, and what is left."""
    found = list(lines)
    charged = sum(line.charged_usd for line in found)
    left = None if budget_usd is None else max(0.0, budget_usd - charged)
    return Account(sum(line.spent_usd or 0.0 for line in found), charged, left)


def total_of(runs: Iterable[KeptRun]) -> Total:
    """Cost of every stored answer together."""
    answers = [kept.answer for run in runs for kept in run.answers]
    known = [a.cost_usd for a in answers if a.cost_usd is not None]
    cost = sum(known) if known or not answers else math.nan
    return Total(len(answers), cost, len(answers) - len(known))
