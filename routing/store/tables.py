"""The tables of the store. A change here needs a new file under ``migrations/versions``; a test compares the two."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from sqlalchemy import JSON, DateTime, Dialect, ForeignKey, Index, MetaData, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

UNREADABLE: Final[Any] = object()
"""In the place of a value that its column's type cannot read: one such value must not sink the rows beside it."""


def _forgiving(read: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    if read is None:
        return None

    def value(raw: Any) -> Any:  # noqa: ANN401 - what a driver gives
        try:
            return read(raw)
        except (TypeError, ValueError, RecursionError, OverflowError):
            return UNREADABLE

    return value


class Json(TypeDecorator[Any]):
    """JSON of which a damaged value reads as ``UNREADABLE``."""

    impl = JSON
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """From the database."""
        return _forgiving(super().result_processor(dialect, coltype))


class JsonList(Json):
    """A JSON list."""

    cache_ok = True

    @property
    def python_type(self) -> type[list[Any]]:
        """A list, where JSON as such says an object."""
        return list


class UtcTime(TypeDecorator[datetime]):
    """A moment, always in UTC and always aware: SQLite forgets the zone, Postgres gives the server's."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """From the database; a damaged value reads as ``UNREADABLE``."""
        return _forgiving(super().result_processor(dialect, coltype))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """What all tables share: names of constraints that migrations can refer to on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: UtcTime, dict[str, Any]: Json, list[str]: JsonList, str: Text}


class RunRow(Base):
    """One comparison: a prompt and whom it went to."""

    __tablename__ = "run"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    browser: Mapped[str]
    created: Mapped[datetime] = mapped_column(default=now)
    prompt: Mapped[str]
    domain: Mapped[str]
    conversation: Mapped[str]
    turn: Mapped[int]
    router: Mapped[str]
    router_sha256: Mapped[str]
    pick: Mapped[str | None]
    preferences: Mapped[dict[str, Any]]
    settings: Mapped[dict[str, Any]]
    predicted: Mapped[dict[str, Any]]
    asked: Mapped[list[str]]
    repeats: Mapped[int]
    is_blind: Mapped[bool]
    is_finished: Mapped[bool]

    answers: Mapped[list["AnswerRow"]] = relationship(cascade="all, delete-orphan", order_by="AnswerRow.id")
    votes: Mapped[list["VoteRow"]] = relationship(cascade="all, delete-orphan", order_by="VoteRow.id")

    __table_args__ = (Index(None, "owner", "created"), Index(None, "conversation"))


class AnswerRow(Base):
    """One finished answer, whole or not: written at once when it ended, and never changed but by a check."""

    __tablename__ = "answer"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"))
    expert: Mapped[str]
    asked: Mapped[str | None]
    repeat: Mapped[int]
    kept: Mapped[datetime] = mapped_column(default=now)
    text: Mapped[str]
    served: Mapped[str | None]
    time_to_first_token_s: Mapped[float | None]
    latency_s: Mapped[float]
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    tokens_source: Mapped[str]
    cost_usd: Mapped[float | None]
    cost_source: Mapped[str]
    finish_reason: Mapped[str | None]
    is_complete: Mapped[bool]
    error_kind: Mapped[str | None]
    error: Mapped[str | None]
    retries: Mapped[int]
    note: Mapped[str] = mapped_column(default="", server_default="")
    reading_ease: Mapped[float | None]
    check_kind: Mapped[str | None]
    check_expected: Mapped[str | None]
    is_passed: Mapped[bool | None]

    __table_args__ = (UniqueConstraint("run_id", "expert", "repeat"), Index(None, "expert"))


class VoteRow(Base):
    """One judgement of a run, by a person or by an expert that was asked to judge."""

    __tablename__ = "vote"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"))
    created: Mapped[datetime] = mapped_column(default=now)
    judge: Mapped[str]
    verdict: Mapped[str]
    winner: Mapped[str | None]
    experts: Mapped[list[str]]
    is_blind: Mapped[bool]
    cost_usd: Mapped[float | None]

    __table_args__ = (Index(None, "run_id"),)


class SpendRow(Base):
    """One line of the ledger: reserved before a call, settled after it."""

    __tablename__ = "spend"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]
    browser: Mapped[str]
    created: Mapped[datetime] = mapped_column(default=now)
    run_id: Mapped[str | None]
    expert: Mapped[str]
    reserved_usd: Mapped[float]
    spent_usd: Mapped[float | None]
    is_settled: Mapped[bool]

    __table_args__ = (Index(None, "browser"), Index(None, "run_id"))


class AdjustmentRow(Base):
    """One proposed change of the calibration: what it was learned from, what it did held out, and whether it is on."""

    __tablename__ = "adjustment"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]
    created: Mapped[datetime] = mapped_column(default=now)
    parameters: Mapped[dict[str, Any]]
    measures: Mapped[dict[str, Any]]
    is_active: Mapped[bool]


class OwnExpertRow(Base):
    """An expert that a person added, or a shipped one whose facts they changed or which they hid."""

    __tablename__ = "own_expert"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]
    name: Mapped[str]
    changed: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    facts: Mapped[dict[str, Any]]
    address: Mapped[str | None]
    is_hidden: Mapped[bool]
    skill: Mapped[dict[str, Any] | None]
    api_version: Mapped[str | None]

    __table_args__ = (UniqueConstraint("owner", "name"),)


class ProbeOutcomeRow(Base):
    """How one expert did on one prompt with a checkable answer; ``job`` says for which purpose it was asked."""

    __tablename__ = "probe_outcome"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]
    job: Mapped[str]
    expert: Mapped[str]
    prompt_id: Mapped[str]
    created: Mapped[datetime] = mapped_column(default=now)
    score: Mapped[float | None]
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    latency_s: Mapped[float | None]
    cost_usd: Mapped[float | None]
    reading_ease: Mapped[float | None]
    answer: Mapped[str]
    error: Mapped[str | None]

    __table_args__ = (UniqueConstraint("owner", "job", "expert", "prompt_id"),)


class OwnRouterRow(Base):
    """A router that a person trained: where its files lie and how it compared; at most one of theirs is active."""

    __tablename__ = "own_router"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]
    name: Mapped[str]
    created: Mapped[datetime] = mapped_column(default=now)
    folder: Mapped[str]
    graph_sha256: Mapped[str]
    measures: Mapped[dict[str, Any]]
    is_active: Mapped[bool]

    __table_args__ = (UniqueConstraint("owner", "name"),)


class PolicyRow(Base):
    """One version of a policy file; versions count from 1 and are never changed."""

    __tablename__ = "policy"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]
    name: Mapped[str]
    version: Mapped[int]
    created: Mapped[datetime] = mapped_column(default=now)
    content: Mapped[dict[str, Any]]

    __table_args__ = (UniqueConstraint("owner", "name", "version"),)


class PersonRow(Base):
    """Somebody who signed in; ``email`` only where their provider has verified it."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    issuer: Mapped[str]
    subject: Mapped[str]
    email: Mapped[str | None]
    seen: Mapped[datetime] = mapped_column(default=now)

    __table_args__ = (UniqueConstraint("issuer", "subject"),)
