"""The ledger of a browser session: reserved before a call, refused beyond the budget, settled after it."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from routing.errors import BudgetError
from routing.store.damage import Found, whole
from routing.store.records import PERSON, Place
from routing.store.tables import RunRow, SpendRow, VoteRow


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger; ``spent_usd`` is None while the call runs, and where its cost stayed unknown."""

    id: int
    created: datetime
    run_id: str | None
    expert: str
    reserved_usd: float
    spent_usd: float | None
    is_settled: bool

    @property
    def charged_usd(self) -> float:
        """What counts against the budget: the reserve until the true cost is known."""
        return self.reserved_usd if self.spent_usd is None else self.spent_usd


class Ledger:
    """What calls cost, by browser session.

    Args:
        engine: The open database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()

    def reserve(
        self, place: Place, most_usd: Mapping[str, float], budget_usd: float | None, *, run_id: str | None = None
    ) -> dict[str, int]:
        """Reserve the most that calls may cost, all or none; returns the line of every expert.

        Args:
            place: Whose budget.
            most_usd: By expert, the most that its call may cost; 0 where the price is unknown and that was confirmed.
            budget_usd: The budget of this browser session; None for no budget.
            run_id: The run that the calls belong to.

        Raises:
            BudgetError: The calls could go beyond the budget.
        """
        # One browser session lives in one process, so a lock is enough to keep two clicks from passing together.
        with self._lock, Session(self._engine) as session, session.begin():
            rows = session.scalars(select(SpendRow).where(SpendRow.browser == place.browser))
            charged = sum(whole(row, _line).charged_usd for row in rows)
            wanted = sum(most_usd.values())
            if budget_usd is not None and charged + wanted > budget_usd + 1e-12:
                left = max(0.0, budget_usd - charged)
                raise BudgetError(
                    f"These calls may cost ${wanted:.4f}, and ${left:.4f} of the budget of ${budget_usd:g} is left. "
                    "Raise the budget, shorten the longest answer, or ask fewer experts."
                )
            made = {
                expert: SpendRow(
                    owner=place.owner, browser=place.browser, run_id=run_id, expert=expert, reserved_usd=most,
                    spent_usd=None, is_settled=False,
                )
                for expert, most in most_usd.items()
            }  # fmt: skip
            session.add_all(made.values())
            session.flush()
            return {expert: row.id for expert, row in made.items()}

    def settle(self, line: int, spent_usd: float | None) -> None:
        """The call is over; an unknown cost leaves the reserve charged."""
        with Session(self._engine) as session, session.begin():
            row = session.get(SpendRow, line)
            if row is not None:
                row.spent_usd, row.is_settled = spent_usd, True

    def lines(self, browser: str) -> Found[Line]:
        """The lines of a browser session, oldest first."""
        with Session(self._engine) as session:
            rows = session.scalars(select(SpendRow).where(SpendRow.browser == browser).order_by(SpendRow.id))
            return Found.of(rows, _line)

    def hidden(self, browser: str) -> frozenset[str]:
        """Runs of a browser session whose names are hidden: what calls cost would tell whose answer is whose."""
        mine = RunRow.id.in_(select(SpendRow.run_id).where(SpendRow.browser == browser))
        query = select(RunRow.id).where(mine, RunRow.is_blind, ~RunRow.votes.any(VoteRow.judge == PERSON))
        with Session(self._engine) as session:
            return frozenset(session.scalars(query))

    def charged(self, browser: str) -> float:
        """What a browser session has spent or reserved, in dollars."""
        return sum(line.charged_usd for line in self.lines(browser))


def _line(row: SpendRow) -> Line:
    return Line(row.id, row.created, row.run_id, row.expert, row.reserved_usd, row.spent_usd, row.is_settled)
