"""Adjustments that a person applied, newest last; at most one of a person's is active."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from routing.errors import StoreError
from routing.store.damage import Found, numbers
from routing.store.records import Proposal
from routing.store.tables import AdjustmentRow


@dataclass(frozen=True, slots=True)
class Applied:
    """An applied proposal; ``is_active`` says whether predictions heed it now."""

    id: int
    created: datetime
    proposal: Proposal
    is_active: bool


class Adjustments:
    """Applied changes of the calibration.

    Args:
        engine: The open database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def apply(self, proposal: Proposal, owner: str) -> int:
        """Make a proposal the active adjustment of a person; returns its id.

        Raises:
            StoreError: It is not better on the held-out part, or too little judged it.
        """
        if not proposal.is_better:
            raise StoreError(
                f"The proposal is not applied: on {proposal.n_held_out} held-out judgements its loss is "
                f"{proposal.loss_after:.4f} against {proposal.loss_before:.4f} before. Vote or check more."
            )
        measures = {
            "n_used": proposal.n_used, "n_held_out": proposal.n_held_out,
            "loss_before": proposal.loss_before, "loss_after": proposal.loss_after,
        }  # fmt: skip
        with Session(self._engine) as session, session.begin():
            session.execute(update(AdjustmentRow).where(AdjustmentRow.owner == owner).values(is_active=False))
            row = AdjustmentRow(owner=owner, parameters=dict(proposal.shifts), measures=measures, is_active=True)
            session.add(row)
            session.flush()
            return row.id

    def undo(self, owner: str) -> None:
        """Take the active adjustment back; the one that it took the place of, if any, is active again."""
        with Session(self._engine) as session, session.begin():
            mine = select(AdjustmentRow).where(AdjustmentRow.owner == owner).order_by(AdjustmentRow.id)
            rows = list(session.scalars(mine))
            active = next((i for i, row in enumerate(rows) if row.is_active), None)
            if active is None:
                return
            # What was taken back is gone, so that a later undo cannot bring it in force again.
            session.delete(rows[active])
            if active > 0:
                rows[active - 1].is_active = True

    def all(self, owner: str) -> Found[Applied]:
        """What was applied, newest first."""
        with Session(self._engine) as session:
            mine = select(AdjustmentRow).where(AdjustmentRow.owner == owner).order_by(AdjustmentRow.id.desc())
            return Found.of(session.scalars(mine), _applied)

    def shifts(self, owner: str) -> dict[str, float]:
        """Shifts that predictions heed now; none where nothing is active."""
        return next((dict(a.proposal.shifts) for a in self.all(owner) if a.is_active), {})


def _applied(row: AdjustmentRow) -> Applied:
    proposal = Proposal(
        shifts=numbers(row.parameters),
        n_used=int(row.measures["n_used"]),
        n_held_out=int(row.measures["n_held_out"]),
        loss_before=float(row.measures["loss_before"]),
        loss_after=float(row.measures["loss_after"]),
    )
    return Applied(row.id, row.created, proposal, row.is_active)
