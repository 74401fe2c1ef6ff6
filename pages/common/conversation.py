"""The comparison of this browser session: its turns, how one is begun, and what was judged in each."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import streamlit as st

from pages.common import active, asking, cached, keys, money, own
from routing.answer.client import Message
from routing.asking import Estimate, Plan, blind_order, column_of, new_run, predicted
from routing.comparison import Column, Comparison
from routing.errors import BudgetError, StoreError
from routing.histories import further
from routing.judging import Bench, Judging
from routing.recording import RunRecorder, begin, kept
from routing.router import Routed
from routing.schema import Answer
from routing.store import KeptRun, Vote

# Calls go out before the page is drawn anew: on one processor the two would hold each other up.
HEAD_START_S: Final = 0.2


@dataclass
class Turn:
    """One prompt and the answers to it; ``before`` is the stored run that was asked again."""

    plan: Plan
    routed: Routed
    cost: Estimate
    comparison: Comparison
    recorder: RunRecorder | None
    is_blind: bool
    shown: tuple[str, ...]
    domain: str
    conversation: str
    number: int
    before: KeptRun | None = None
    problem: str | None = None
    vote: Vote | None = None
    checks: dict[str, tuple[str, str, bool]] = field(default_factory=dict)
    judging: Judging | None = None
    is_vote_gone: bool = False

    @property
    def is_hidden(self) -> bool:
        """Whether names are still hidden."""
        return self.is_blind and self.vote is None

    @property
    def prompt(self) -> str:
        """What was asked."""
        return self.plan.prompt

    @property
    def trouble(self) -> str | None:
        """Why something is not kept, if it is not."""
        return self.problem or (self.recorder.problem if self.recorder is not None else None)

    def columns(self) -> list[Column]:
        """Every answer so far, in the order shown."""
        found = {column.key: column for column in self.comparison.columns()}
        return [found[key] for key in self.shown]

    def name(self, column: Column) -> str:
        """What a column is called: the expert, or a letter while names are hidden."""
        if self.is_hidden:
            return letter(self.shown.index(column.key))
        again = f", {column.repeat + 1} of {self.plan.repeats}" if self.plan.repeats > 1 else ""
        return own.titles().get(column.expert.name, column.expert.title) + again

    def predicted(self, expert: str) -> dict[str, float | None]:
        """What was predicted of an expert."""
        return predicted(self.routed, [expert]).get(expert, {})

    def answered(self) -> list[tuple[Column, Answer]]:
        """Columns with text, one an expert: what votes and judges compare."""
        found: dict[str, tuple[Column, Answer]] = {}
        for column in self.columns():
            if column.answer is not None and column.answer.text.strip():
                found.setdefault(column.expert.name, (column, column.answer))
        return list(found.values())


def letter(place: int) -> str:
    """What the column at a place is called while names are hidden; there may be thirty.

    >>> letter(0), letter(26)
    ('Answer A', 'Answer A2')
    """
    round_, i = divmod(place, 26)
    return f"Answer {chr(ord('A') + i)}{round_ + 1 if round_ else ''}"


def turns() -> list[Turn]:
    """The turns of the comparison on the page, oldest first."""
    found: list[Turn] = st.session_state.setdefault("turns", [])
    return found


def last() -> Turn | None:
    """The turn that is being answered, or was last."""
    return turns()[-1] if turns() else None


def ask(
    plan: Plan, routed: Routed, cost: Estimate, *, domain: str, is_blind: bool, earlier: Sequence[Turn] = ()
) -> None:
    """Reserve, record and ask; a budget that does not allow it says so and nothing is asked.

    Raises:
        BudgetError: The calls could go beyond the budget.
    """
    before = asked_again(plan.prompt)
    conversation, number = (earlier[-1].conversation, earlier[-1].number + 1) if earlier else ("", 0)
    if before is not None and before.run.turn > 0:
        conversation, number = before.run.conversation, before.run.turn
    run = new_run(
        plan, routed, sha256=str(cached.card(active.folder()).get("graph_sha256", "")), domain=domain,
        conversation=conversation, turn=number, is_blind=is_blind, shifts=asking.shifts(),
    )  # fmt: skip
    recorder, problem = None, None
    try:
        recorder = begin(asking.store(), run, asking.place(), cost.to_reserve(), money.budget_usd())
    except StoreError as failure:
        watched(cost.most, f"{failure} Without it")
        problem = f"{failure} The answers are shown but not kept."
    running = Comparison(plan.requests(), keys.ring(), fallbacks=plan.taking_over(), recorder=recorder)
    running.wait_for_first_words(HEAD_START_S)
    shown = [request.key for request in plan.requests()]
    if is_blind:
        shown = blind_order(shown, recorder.run_id if recorder else secrets.token_hex(16))
    begun = conversation or (recorder.run_id if recorder else "")
    turn = Turn(
        plan, routed, cost, running, recorder, is_blind, tuple(shown), domain, begun, number,
        before=before, problem=problem,
    )  # fmt: skip
    st.session_state["turns"] = [*earlier, turn]
    st.session_state.pop("ask_again", None)


def revealed(run_id: str) -> None:
    """Names of a run were shown before a vote; it is not blind any more, here and in the store.

    Raises:
        StoreError: The database failed.
    """
    for turn in turns():
        if turn.recorder is not None and turn.recorder.run_id == run_id:
            turn.is_blind = False
    with kept("That names were shown"):
        asking.store().runs.reveal(run_id)


def voted(run_id: str, vote: Vote) -> None:
    """A vote was given elsewhere on a run that is on the page."""
    for turn in turns():
        if turn.recorder is not None and turn.recorder.run_id == run_id:
            turn.vote = vote


def asked_again(prompt: str) -> KeptRun | None:
    """The stored run that is about to be asked again; None where there is none, or the prompt is another now."""
    run: KeptRun | None = st.session_state.get("ask_again")
    return run if run is not None and run.run.prompt == prompt else None


def histories(earlier: Sequence[Turn]) -> dict[str, tuple[Message, ...]]:
    """What each column was asked and said before."""
    found = dict(earlier[0].plan.histories) if earlier else {}
    for turn in earlier:
        texts = {column_of(c.asked.name, c.repeat): c.text for c in turn.comparison.columns()}
        found = further(found, turn.prompt, texts)
    return found


def retry(turn: Turn, column: str, cost: Estimate) -> None:
    """Ask one column again with the keys that are there now, at what that costs now; the budget must allow it.

    A second click on a column that is being asked again already does nothing.

    Raises:
        BudgetError: It could go beyond the budget, or costs an unknown amount that nobody accepted.
        StoreError: The database failed.
    """
    if any(found.key == column and found.answer is None for found in turn.comparison.columns()):
        return
    if surprising := [name for name in cost.unknown if name not in turn.cost.unknown]:
        names = ", ".join(own.titles().get(name, name) for name in dict.fromkeys(surprising))
        names = "one of them" if turn.is_hidden else names
        raise BudgetError(f"What {names} costs is unknown now. Accept that beside Ask, and ask again there.")
    most = cost.to_reserve(column)[column]
    if turn.recorder is None:
        watched(most)
    else:
        turn.recorder.reserve_again(column, most, asking.place(), money.budget_usd())
    turn.checks.pop(column, None)
    _take_votes_back(turn)
    turn.comparison.retry(column, keys.ring())


def _take_votes_back(turn: Turn) -> None:
    """Votes were on answers that change now, so they no longer count; names that were shown stay shown.

    Raises:
        StoreError: The database failed.
    """
    if turn.vote is None and turn.judging is None:
        return
    if turn.judging is not None:
        turn.judging.void()
    if turn.recorder is not None:
        with kept("The vote"):
            asking.store().votes.remove(turn.recorder.run_id)
            asking.store().runs.reveal(turn.recorder.run_id)
    turn.is_blind = turn.is_hidden
    turn.vote, turn.judging, turn.is_vote_gone = None, None, True
    asking.changed()


def watched(most_usd: float | None, without: str = "This run is not kept, and without that") -> None:
    """Without the database nothing that may cost is asked under a budget; an unknown price (None, NaN) was accepted.

    Raises:
        BudgetError: It may cost something, and there is a budget.
    """
    if money.budget_usd() is not None and most_usd is not None and most_usd > 0:
        raise BudgetError(f"{without} the budget cannot be watched; empty the budget to ask.")


def bench(turn: Turn, most_usd: float | None) -> Bench | None:
    """Where a judgement of this turn is kept; None where nothing is kept.

    Raises:
        BudgetError: Nothing is kept, so that a budget could not be watched.
    """
    if turn.recorder is None:
        watched(most_usd)
        return None
    return Bench(asking.store(), turn.recorder.run_id, asking.place(), money.budget_usd())
