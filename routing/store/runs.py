"""Runs and their answers: begun before the first call, each answer kept whole the moment it ends."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, Final

from sqlalchemy import Engine, Select, delete, func, or_, select
from sqlalchemy.orm import Session, selectinload

from routing.errors import AnswerError, StoreError
from routing.schema import Answer
from routing.store.damage import Found, mapping, numbers, whole
from routing.store.records import KeptAnswer, KeptRun, NewRun, Place, Summary, Verdict, Vote
from routing.store.tables import AnswerRow, RunRow, VoteRow

MOST_REPEATS: Final = 1_000  # what a stored run may say; far above what a page asks
_PLAIN = tuple(f.name for f in fields(Answer) if f.name not in {"expert", "error"})


class Runs:
    """What was asked and answered.

    Args:
        engine: The open database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, run: NewRun, place: Place) -> str:
        """Keep a run before its experts are asked; returns its id."""
        run_id = uuid.uuid4().hex
        values = asdict(run) | {"asked": list(run.asked), "conversation": run.conversation or run_id}
        with Session(self._engine) as session, session.begin():
            session.add(RunRow(id=run_id, owner=place.owner, browser=place.browser, is_finished=False, **values))
        return run_id

    def keep(self, run_id: str, answer: Answer, *, repeat: int = 0, reading_ease: float | None = None) -> int:
        """Keep a finished answer in one transaction; returns its id."""
        row = _answer_row(run_id, answer, repeat, reading_ease)
        with Session(self._engine) as session, session.begin():
            session.add(row)
            session.flush()
            return row.id

    def replace(
        self,
        run_id: str,
        answer: Answer,
        *,
        repeat: int = 0,
        reading_ease: float | None = None,
        asked: str | None = None,
        has_taken_over: bool = False,
    ) -> int:
        """Keep an answer in the place of those before, in one transaction: a column may be asked again.

        Args:
            run_id: The run.
            answer: What came.
            repeat: Which repeat of the column.
            reading_ease: Of the answer.
            asked: Whom the column was first asked for; the answering expert where None.
            has_taken_over: Whether those who failed just before it in the column stay beside it.
        """
        asked = asked or answer.expert
        gone = AnswerRow.expert == answer.expert
        if not has_taken_over:
            gone = or_(gone, func.coalesce(AnswerRow.asked, AnswerRow.expert) == asked)
        row = _answer_row(run_id, answer, repeat, reading_ease)
        row.asked = None if asked == answer.expert else asked
        with Session(self._engine) as session, session.begin():
            session.execute(delete(AnswerRow).where(AnswerRow.run_id == run_id, AnswerRow.repeat == repeat, gone))
            session.add(row)
            session.flush()
            return row.id

    def finish(self, run_id: str) -> None:
        """All answers are kept."""
        with Session(self._engine) as session, session.begin():
            row = session.get(RunRow, run_id)
            if row is not None:
                row.is_finished = True

    def reveal(self, run_id: str) -> None:
        """Names were shown before anybody voted: the run is not blind any more."""
        with Session(self._engine) as session, session.begin():
            row = session.get(RunRow, run_id)
            if row is not None:
                row.is_blind = False

    def check(self, answer_id: int, kind: str, expected: str, *, is_passed: bool) -> None:
        """Keep what a check of an answer found."""
        with Session(self._engine) as session, session.begin():
            row = session.get(AnswerRow, answer_id)
            if row is not None:
                row.check_kind, row.check_expected, row.is_passed = kind, expected, is_passed

    def open(self, run_id: str, owner: str) -> KeptRun:
        """One run with its answers and votes.

        Raises:
            StoreError: There is none of that id for this person, or it is damaged.
        """
        everything = select(RunRow).options(selectinload(RunRow.answers), selectinload(RunRow.votes))
        with Session(self._engine) as session:
            row = session.scalar(everything.where(RunRow.id == run_id, RunRow.owner == owner))
            if row is None:
                raise StoreError(f"There is no run {run_id[:32]!r}; it may have been deleted. Choose one of the list.")
            return whole(row, _run)

    def all(self, owner: str, *, limit: int = 10_000) -> Found[KeptRun]:
        """Runs with everything in them, newest first, for exports and measures."""
        everything = select(RunRow).options(selectinload(RunRow.answers), selectinload(RunRow.votes))
        newest = everything.where(RunRow.owner == owner).order_by(RunRow.created.desc()).limit(limit)
        with Session(self._engine) as session:
            return Found.of(session.scalars(newest), _run)

    def conversation(self, conversation: str, owner: str) -> Found[KeptRun]:
        """The runs of one conversation in their order."""
        everything = select(RunRow).options(selectinload(RunRow.answers), selectinload(RunRow.votes))
        mine = everything.where(RunRow.conversation == conversation, RunRow.owner == owner)
        with Session(self._engine) as session:
            return Found.of(session.scalars(mine.order_by(RunRow.turn)), _run)

    def count(self, owner: str, *, search: str = "", domain: str = "", expert: str = "") -> int:
        """How many runs a search finds."""
        found = _searched(select(RunRow.id), owner, search, domain, expert).subquery()
        with Session(self._engine) as session:
            return int(session.scalar(select(func.count()).select_from(found)) or 0)

    def find(
        self,
        owner: str,
        *,
        search: str = "",
        domain: str = "",
        expert: str = "",
        limit: int = 50,
        offset: int = 0,
    ) -> Found[Summary]:
        """Runs of a person, newest first.

        Args:
            owner: Whose.
            search: Text that the prompt or an answer contains, in any case.
            domain: Only this domain.
            expert: Only runs that asked this expert.
            limit: At most so many.
            offset: Leaving out so many of the newest.
        """
        query = select(RunRow).options(selectinload(RunRow.answers), selectinload(RunRow.votes))
        query = _searched(query, owner, search, domain, expert).order_by(RunRow.created.desc(), RunRow.id)
        with Session(self._engine) as session:
            return Found.of(session.scalars(query.limit(limit).offset(offset)), _summary)

    def domains(self, owner: str) -> list[str]:
        """Domains of a person's runs."""
        with Session(self._engine) as session:
            return sorted(
                d for d in session.scalars(select(RunRow.domain).where(RunRow.owner == owner).distinct()) if d
            )

    def experts(self, owner: str) -> list[str]:
        """Experts that answered a person, hidden and removed ones too."""
        mine = select(AnswerRow.expert).join(RunRow).where(RunRow.owner == owner).distinct()
        with Session(self._engine) as session:
            return sorted(session.scalars(mine))

    def delete_found(self, owner: str, *, search: str = "", domain: str = "", expert: str = "") -> None:
        """Delete what a search finds, with answers and votes; spend stays in the ledger."""
        found = _searched(select(RunRow.id), owner, search, domain, expert)
        with Session(self._engine) as session, session.begin():
            session.execute(delete(RunRow).where(RunRow.id.in_(found)))

    def delete(self, run_ids: Sequence[str], owner: str) -> int:
        """Delete runs with their answers and votes; spend stays in the ledger. Returns how many were deleted."""
        with Session(self._engine) as session, session.begin():
            rows = session.scalars(select(RunRow).where(RunRow.id.in_(run_ids), RunRow.owner == owner)).all()
            for row in rows:
                session.delete(row)
            return len(rows)


def _searched(query: Select[Any], owner: str, search: str, domain: str, expert: str) -> Select[Any]:
    query = query.where(RunRow.owner == owner)
    if search.strip():
        text = search.strip()
        answered = select(AnswerRow.run_id).where(AnswerRow.text.icontains(text, autoescape=True))
        query = query.where(or_(RunRow.prompt.icontains(text, autoescape=True), RunRow.id.in_(answered)))
    if domain:
        query = query.where(RunRow.domain == domain)
    if expert:
        query = query.where(RunRow.id.in_(select(AnswerRow.run_id).where(AnswerRow.expert == expert)))
    return query


def _answer_row(run_id: str, answer: Answer, repeat: int, reading_ease: float | None) -> AnswerRow:
    return AnswerRow(
        run_id=run_id,
        expert=answer.expert,
        repeat=repeat,
        reading_ease=reading_ease,
        error_kind=None if answer.error is None else type(answer.error).__name__,
        error=None if answer.error is None else str(answer.error),
        **{name: getattr(answer, name) for name in _PLAIN},
    )


def _run(row: RunRow) -> KeptRun:
    _check_shape(row)
    values = {f.name: getattr(row, f.name) for f in fields(NewRun)}
    answers, votes = Found.of(row.answers, _answer), Found.of(row.votes, _vote)
    return KeptRun(
        id=row.id,
        created=row.created,
        run=NewRun(**values | {"asked": tuple(row.asked)}),
        answers=answers,
        votes=votes,
        is_finished=row.is_finished,
        damage=" ".join(filter(None, (answers.note("answer"), votes.note("vote")))),
    )


def _check_shape(row: RunRow) -> None:
    """What the JSON of a run must hold, so that pages can rely on it."""
    from routing.asking import settings_from

    numbers(row.preferences.get("weights", {}))
    numbers(row.preferences.get("limits", {}))
    _names(row.preferences.get("pool"))
    settings_from(mapping(row.settings))
    _names(row.settings.get("fallbacks"))
    for told in mapping(row.predicted).values():
        numbers({name: value for name, value in mapping(told).items() if value is not None})
    _names(row.asked)
    if not 1 <= row.repeats <= MOST_REPEATS or row.turn < 0:
        raise ValueError(f"{row.repeats} repeats, turn {row.turn}")


def _names(raw: Any) -> None:  # noqa: ANN401 - what a database holds
    if raw is not None and not (isinstance(raw, list) and all(isinstance(name, str) for name in raw)):
        raise TypeError(f"{str(raw)[:40]!r} is no list of names")


def _answer(row: AnswerRow) -> KeptAnswer:
    answer = Answer(
        expert=row.expert,
        error=None if row.error is None else AnswerError(row.error),
        **{name: getattr(row, name) for name in _PLAIN},
    )
    check = None
    if row.check_kind is not None:
        check = (row.check_kind, row.check_expected or "", bool(row.is_passed))
    return KeptAnswer(
        row.id, row.run_id, row.repeat, row.kept, answer, row.error_kind, row.reading_ease, check, row.asked
    )


def _vote(row: VoteRow) -> Vote:
    _names(row.experts)
    verdict: Verdict = "win" if row.verdict == "win" else "tie" if row.verdict == "tie" else "both bad"
    return Vote(row.judge, verdict, row.winner, tuple(row.experts), row.is_blind, row.cost_usd, row.created)


def _summary(row: RunRow) -> Summary:
    kept = _run(row)
    costs = [a.answer.cost_usd for a in kept.answers]
    known = [c for c in costs if c is not None]
    winners = [v.winner for v in kept.votes if v.judge == "person"]
    return Summary(
        id=row.id,
        created=row.created,
        prompt=row.prompt,
        domain=row.domain,
        asked=tuple(row.asked),
        pick=row.pick,
        n_answers=len(kept.answers),
        n_failed=sum(a.answer.error is not None for a in kept.answers),
        cost_usd=sum(known) if known and len(known) == len(costs) else None,
        winner=winners[-1] if winners else None,
        is_finished=row.is_finished,
    )
