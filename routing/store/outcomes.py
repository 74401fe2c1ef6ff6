"""Outcomes that were collected: how experts did on prompts with checkable answers, written the moment each ends."""

from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from routing.errors import StoreError
from routing.store.damage import Found
from routing.store.tables import ProbeOutcomeRow

MOST_KEPT: Final = 1_000_000  # outcomes of one person
LONGEST_KEPT: Final = 4_000  # characters of an answer


@dataclass(frozen=True, slots=True)
class Collected:
    """How one expert did on one prompt; None where it is not known.

    Args:
        expert: Who was asked.
        prompt_id: What.
        score: In [0, 1]; None where the call or the judge failed, which is not a score of 0.
        input_tokens: Tokens that went in.
        output_tokens: Tokens that came out.
        latency_s: Seconds until the answer was complete.
        cost_usd: Cost of the answer in US dollars, a judge's not included.
        reading_ease: Flesch reading ease of the answer.
        answer: What was said, cut at ``LONGEST_KEPT`` characters.
        error: Why there is no score; None where there is one.
    """

    expert: str
    prompt_id: str
    score: float | None
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_s: float | None = None
    cost_usd: float | None = None
    reading_ease: float | None = None
    answer: str = ""
    error: str | None = None


class ProbeOutcomes:
    """Collected outcomes by person and job; one per expert and prompt, a later one in the place of an earlier.

    Args:
        engine: The open database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, owner: str, job: str, outcome: Collected) -> None:
        """Keep one outcome, in the place of what was kept for this expert and prompt."""
        try:
            self._keep(owner, job, outcome)
        except IntegrityError:  # another worker made the row in the same moment; now it is there
            self._keep(owner, job, outcome)

    def _keep(self, owner: str, job: str, outcome: Collected) -> None:
        values = {**asdict(outcome), "answer": outcome.answer[:LONGEST_KEPT].replace("\0", "")}
        with Session(self._engine) as session, session.begin():
            row = session.scalar(
                select(ProbeOutcomeRow).where(
                    ProbeOutcomeRow.owner == owner, ProbeOutcomeRow.job == job,
                    ProbeOutcomeRow.expert == outcome.expert, ProbeOutcomeRow.prompt_id == outcome.prompt_id,
                )
            )  # fmt: skip
            if row is None:
                session.add(ProbeOutcomeRow(owner=owner, job=job, **values))
                return
            for name, value in values.items():
                setattr(row, name, value)

    def all(self, owner: str, job: str, expert: str | None = None) -> Found[Collected]:
        """Outcomes of a job, of one expert or of all, in the order in which they were first asked."""
        wanted = select(ProbeOutcomeRow).where(ProbeOutcomeRow.owner == owner, ProbeOutcomeRow.job == job)
        if expert is not None:
            wanted = wanted.where(ProbeOutcomeRow.expert == expert)
        with Session(self._engine) as session:
            return Found.of(session.scalars(wanted.order_by(ProbeOutcomeRow.id)), _collected)

    def forget(self, owner: str, job: str, expert: str | None = None) -> None:
        """Delete outcomes of a job, of one expert or of all."""
        gone = delete(ProbeOutcomeRow).where(ProbeOutcomeRow.owner == owner, ProbeOutcomeRow.job == job)
        with Session(self._engine) as session, session.begin():
            session.execute(gone if expert is None else gone.where(ProbeOutcomeRow.expert == expert))

    def check_room(self, owner: str, wanted: int) -> None:
        """Refuse to begin what could not be kept.

        Raises:
            StoreError: The person keeps too many outcomes.
        """
        mine = select(func.count(ProbeOutcomeRow.id)).where(ProbeOutcomeRow.owner == owner)
        with Session(self._engine) as session:
            count = session.scalar(mine) or 0
        if count + wanted > MOST_KEPT:
            raise StoreError(
                f"{count:,} collected outcomes are kept and {wanted:,} more are wanted; at most {MOST_KEPT:,} can be. "
                "Forget an earlier collection first."
            )


def _collected(row: ProbeOutcomeRow) -> Collected:
    return Collected(**{name: getattr(row, name) for name in Collected.__dataclass_fields__})
