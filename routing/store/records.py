"""What the store takes and gives: frozen records, no rows of the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from routing.schema import Answer

PERSON: Final = "person"
Verdict = Literal["win", "tie", "both bad"]
FEWEST: Final = 10  # judgements on either side of a proposal


@dataclass(frozen=True, slots=True)
class Place:
    """Whose run it is.

    Args:
        owner: The signed-in person, empty where nobody signs in: then all who reach the app share one history.
        browser: A random name of the browser session, for the budget.
    """

    owner: str
    browser: str


@dataclass(frozen=True, slots=True)
class NewRun:
    """A comparison about to be asked.

    Args:
        prompt: What is asked, without flags.
        domain: Its domain, for votes by domain; "" where it is not known.
        conversation: Id of the first run of the conversation; "" begins one.
        turn: 0 for the first prompt of a conversation.
        router: Name of the router that suggested.
        router_sha256: Hash of the graph that predicted.
        pick: The expert that it picked.
        preferences: Weights, limits and pool, JSON-ready.
        settings: How the experts are asked, JSON-ready, no key in it.
        predicted: By expert what was predicted: score, score_low, score_high, cost_usd, latency_s, output_tokens,
            reading_ease; None where unknown.
        asked: Experts in the order of the columns.
        repeats: How often each is asked.
        is_blind: Whether names are hidden until the vote.
    """

    prompt: str
    domain: str
    conversation: str
    turn: int
    router: str
    router_sha256: str
    pick: str | None
    preferences: Mapping[str, Any]
    settings: Mapping[str, Any]
    predicted: Mapping[str, Mapping[str, float | None]]
    asked: Sequence[str]
    repeats: int
    is_blind: bool


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it was kept.

    ``answer.error`` is an ``AnswerError`` with the text of the first; ``error_kind`` the name of its class.
    ``check`` is the kind, what was expected, and whether it was met; None where nothing was checked. ``asked`` is the
    expert that the column was first asked for where another took over; None where nobody did.
    """

    id: int
    run_id: str
    repeat: int
    kept: datetime
    answer: Answer
    error_kind: str | None
    reading_ease: float | None
    check: tuple[str, str, bool] | None
    asked: str | None = None

    @property
    def place(self) -> tuple[str, int]:
        """The column it stands in: the expert asked for, and the repeat."""
        return self.asked or self.answer.expert, self.repeat


@dataclass(frozen=True, slots=True)
class Vote:
    """A judgement of a run.

    Args:
        judge: "person", or the expert that judged.
        verdict: ``win`` for ``winner``, ``tie``, or ``both bad``.
        winner: The expert that won; None otherwise.
        experts: Whom it was between.
        is_blind: Whether names were hidden.
        cost_usd: What a judging expert cost; None where nothing or unknown.
        created: When; None before it is kept.
    """

    judge: str
    verdict: Verdict
    winner: str | None
    experts: tuple[str, ...]
    is_blind: bool
    cost_usd: float | None = None
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A run with everything that happened in it.

    ``is_finished`` is False when the app ended, or was ended, before all answers were there: those that were complete
    are kept, the others are ``missing``. ``damage`` says what of it could not be read; empty where everything could.
    """

    id: str
    created: datetime
    run: NewRun
    answers: tuple[KeptAnswer, ...]
    votes: tuple[Vote, ...]
    is_finished: bool
    damage: str = ""

    @property
    def is_hidden(self) -> bool:
        """Whether names are hidden still: it was asked blind, and no person has voted."""
        return self.run.is_blind and not any(vote.judge == PERSON for vote in self.votes)

    @property
    def missing(self) -> tuple[str, ...]:
        """Experts with fewer answers than were asked for; an answer of whoever took over counts."""
        kept = [expert for expert, _ in {a.place for a in self.answers}]
        return tuple(name for name in self.run.asked if kept.count(name) < self.run.repeats)


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in a list."""

    id: str
    created: datetime
    prompt: str
    domain: str
    asked: tuple[str, ...]
    pick: str | None
    n_answers: int
    n_failed: int
    cost_usd: float | None
    winner: str | None
    is_finished: bool


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed change of the calibration.

    Args:
        shifts: Log odds to add to each expert's predicted score.
        n_used: Judgements it was fitted on.
        n_held_out: Judgements that judged it.
        loss_before: Mean log loss of the held-out judgements with the predictions as they are, with what is in force.
        loss_after: The same with the shifts.
    """

    shifts: Mapping[str, float]
    n_used: int
    n_held_out: int
    loss_before: float
    loss_after: float

    @property
    def is_enough(self) -> bool:
        """Whether there are judgements enough on both sides."""
        return min(self.n_used, self.n_held_out) >= FEWEST

    @property
    def is_better(self) -> bool:
        """Whether it may be applied."""
        return self.is_enough and self.loss_after < self.loss_before
