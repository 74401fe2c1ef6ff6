"""Votes on runs."""

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from routing.errors import StoreError
from routing.store.records import Vote
from routing.store.tables import RunRow, VoteRow


class Votes:
    """Judgements by people and by judging experts.

    Args:
        engine: The open database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def remove(self, run_id: str) -> int:
        """Take back every vote on a run, because its answers change; returns how many there were."""
        with Session(self._engine) as session, session.begin():
            rows = session.scalars(select(VoteRow).where(VoteRow.run_id == run_id)).all()
            for row in rows:
                session.delete(row)
            return len(rows)

    def add(self, run_id: str, vote: Vote) -> None:
        """Keep a vote; a later vote of the same judge on the same run takes the place of the earlier one.

        Raises:
            StoreError: The run is gone, or the vote names a winner who took no part.
        """
        if vote.verdict == "win" and vote.winner not in vote.experts:
            raise StoreError(f"{vote.winner!r} cannot win among {', '.join(vote.experts)}; vote for one of these.")
        with Session(self._engine) as session, session.begin():
            if session.get(RunRow, run_id) is None:
                raise StoreError(f"There is no run {run_id[:32]!r} any more, so the vote was not kept.")
            for row in session.scalars(select(VoteRow).where(VoteRow.run_id == run_id, VoteRow.judge == vote.judge)):
                session.delete(row)
            session.add(
                VoteRow(
                    run_id=run_id,
                    judge=vote.judge,
                    verdict=vote.verdict,
                    winner=vote.winner if vote.verdict == "win" else None,
                    experts=list(vote.experts),
                    is_blind=vote.is_blind,
                    cost_usd=vote.cost_usd,
                )
            )
