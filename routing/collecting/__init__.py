"""Collecting outcomes: experts are asked many prompts in the background, each answer scored and kept as it ends.

Onboarding asks probes this way, each as the last answers suggest; ``collect`` asks a person's own prompts.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from routing import bounded
from routing.answer import Stop, ask
from routing.answer.client import Request, Settings
from routing.answer.text import reading_ease
from routing.asking import column_of
from routing.collecting.tasks import SETTINGS, Judge, Queue, Task, cost_at_most
from routing.collecting.under_way import note
from routing.errors import AnswerError, RoutingError
from routing.keys import KeyRing
from routing.recording import kept
from routing.schema import Answer, Expert
from routing.store import Place, Store
from routing.store.outcomes import Collected

AT_ONCE: Final = 4
MOST_IN_A_ROW: Final = 3  # calls of an expert that fail one after the other before it is given up for now


@dataclass(frozen=True, slots=True)
class Desk:
    """Where outcomes are kept and paid.

    Args:
        store: The open store.
        place: Whose they are, and whose budget.
        job: For which purpose; a job is resumed under its name.
        budget_usd: Of the browser session or the command; None for no budget.
    """

    store: Store
    place: Place
    job: str
    budget_usd: float | None


@dataclass(frozen=True, slots=True)
class Manner:
    """How experts are asked.

    Args:
        settings: Shared by all calls.
        at_once: Most calls at the same time; an expert on this machine is asked one prompt at a time.
        judge: Scores what has no check.
        unpriced: Experts whose price nobody knows; nothing is reserved for them.
        with_code: Whether code that experts write may be run even where the kernel cannot hold it.
    """

    settings: Settings = SETTINGS
    at_once: int = AT_ONCE
    judge: Judge | None = None
    unpriced: frozenset[str] = frozenset()
    with_code: bool = False


class Collection:
    """Asks in threads of its own; a page may look at any time.

    Args:
        queues: Whom to ask, and what next.
        keys: Keys and own addresses.
        desk: Where outcomes are kept; what was kept earlier under its job counts as done.
        manner: How they are asked.
        done: Outcomes that are there already.
        on_outcome: Told of each outcome, from the thread that got it.
    """

    def __init__(
        self,
        queues: Mapping[Expert, Queue],
        keys: KeyRing,
        desk: Desk,
        manner: Manner | None = None,
        *,
        done: Sequence[Collected] = (),
        on_outcome: Callable[[Collected], None] | None = None,
    ) -> None:
        self.note = ""
        self.problems: dict[str, str] = {}
        self._keys, self._desk, self._manner = keys, desk, manner or Manner()
        self.queues, self._on_outcome = dict(queues), on_outcome
        self._done: dict[str, dict[str, Collected]] = {e.name: {} for e in queues}
        for outcome in done:
            self._done.setdefault(outcome.expert, {})[outcome.prompt_id] = outcome
        self._failed_in_a_row = dict.fromkeys((e.name for e in queues), 0)
        self._lock = threading.Lock()
        self._stop = Stop()
        self._threads = [
            threading.Thread(target=self._work, args=(expert, queue), name=f"collect-{expert.name}-{i}", daemon=True)
            for expert, queue in queues.items()
            for i in range(self._workers(expert, queues))
        ]
        for expert in queues:
            note(self._desk.store, self._desk.place.owner, self._desk.job, expert.name, self)
        for thread in self._threads:
            thread.start()

    @property
    def is_running(self) -> bool:
        """Whether something is still being asked."""
        return any(thread.is_alive() for thread in self._threads)

    @property
    def is_stopped(self) -> bool:
        """Whether somebody stopped it."""
        return self._stop.is_set("")

    def outcomes(self) -> tuple[Collected, ...]:
        """Every outcome so far, earlier ones of the job first."""
        with self._lock:
            return tuple(outcome for mine in self._done.values() for outcome in mine.values())

    def stop(self) -> None:
        """Stop; answers being written are not kept, everything that ended is."""
        self._stop.all()

    def wait(self, timeout_s: float | None = None) -> tuple[Collected, ...]:
        """Wait until everything was asked, or for each thread at most the time given."""
        for thread in self._threads:
            thread.join(timeout_s)
        return self.outcomes()

    def _workers(self, expert: Expert, queues: Mapping[Expert, Queue]) -> int:
        if expert.is_local:
            return 1
        remote = sum(not e.is_local for e in queues)
        return max(1, self._manner.at_once // remote)

    def _work(self, expert: Expert, queue: Queue) -> None:
        while not self.is_stopped and expert.name not in self.problems:
            try:
                with self._lock:
                    task = queue.take(self._done[expert.name])
                if task is None:
                    return
                found = self._outcome(expert, task)
                if found is None:
                    return
                with kept("The outcome"):
                    self._desk.store.outcomes.keep(self._desk.place.owner, self._desk.job, found)
            except (RoutingError, ValueError) as problem:  # drivers refuse some characters with a ValueError
                self.problems[expert.name] = str(problem)
                return
            self._add(expert, found)

    def _add(self, expert: Expert, found: Collected) -> None:
        with self._lock:
            self._done[expert.name][found.prompt_id] = found
            failed = self._failed_in_a_row[expert.name] + 1 if found.score is None else 0
            self._failed_in_a_row[expert.name] = failed
        if failed >= MOST_IN_A_ROW:
            self.problems[expert.name] = (
                f"{failed} calls in a row failed, so it is not asked on. The last: {found.error}"
            )
        if self._on_outcome is not None:
            self._on_outcome(found)

    def _outcome(self, expert: Expert, task: Task) -> Collected | None:
        """The outcome of one prompt, whatever breaks on the way; None where it was stopped."""
        try:
            return self._asked(expert, task)
        except (RoutingError, ValueError):
            raise
        except Exception as problem:  # noqa: BLE001 - one prompt's failure is its own, is shown and is counted
            return Collected(
                expert=expert.name, prompt_id=task.prompt_id, score=None, input_tokens=None, output_tokens=None,
                latency_s=0.0, cost_usd=None, reading_ease=None, answer="",
                error=f"It could not be counted ({type(problem).__name__}: {str(problem)[:80]}).",
            )  # fmt: skip

    def _asked(self, expert: Expert, task: Task) -> Collected | None:
        """The outcome of one prompt; None where it was stopped.

        Raises:
            AnswerError: Checking it would run code that nothing holds, and nobody allowed that.
            BudgetError: It could go beyond the budget.
            StoreError: The database failed.
        """
        judge = self._manner.judge if task.grade is None else None
        if task.runs_code and not (self._manner.with_code or bounded.is_filtered()):
            raise AnswerError(f"{task.prompt_id} is not asked, since checking it runs code. {bounded.UNHELD}")
        # Both at once, so that no answer is paid for that nobody can pay to judge.
        line, judge_line = self._reserve(expert, task, judge)
        spent, cost = None, None  # unknown, should anything break
        try:
            answer = self._answer(expert, task.question)
            spent, cost = answer.cost_usd, 0.0
            score: float | None = None
            error = None if answer.error is None else str(answer.error)
            if answer.error is None and answer.finish_reason != "stopped":
                score, error, cost = self._score(task, answer.text)
        finally:
            self._settle(line, spent)
            if judge_line is not None:
                self._settle(judge_line, cost)
        if answer.finish_reason == "stopped":
            return None
        ease = reading_ease(answer.text)
        return Collected(
            expert=expert.name, prompt_id=task.prompt_id, score=score, input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens, latency_s=round(answer.latency_s, 3), cost_usd=answer.cost_usd,
            reading_ease=None if ease is None else round(ease, 2), answer=answer.text, error=error,
        )  # fmt: skip

    def _answer(self, expert: Expert, question: str) -> Answer:
        found: Answer | None = None
        for event in ask([Request(expert, question, self._manner.settings)], keys=self._keys, stop=self._stop):
            if event.kind in {"starting", "retrying"}:
                self.note = event.text
            if event.answer is not None:
                found = event.answer
        self.note = ""
        if found is None:
            raise AnswerError(f"{expert.title} ended without a last word.")
        return found

    def _score(self, task: Task, text: str) -> tuple[float | None, str | None, float | None]:
        """The score, why there is none, and what a judge cost."""
        judge = self._manner.judge
        if task.grade is not None:
            try:
                return task.grade(text), None, 0.0
            except RoutingError as problem:
                return None, f"Not checked: {problem}", 0.0
        if judge is None:
            return None, "There is no check and no judge for this prompt.", 0.0
        try:
            score, cost = judge.grade(task, text)
        except RoutingError as problem:
            return None, f"Not judged: {problem}", None
        return score, None, cost

    def _reserve(self, expert: Expert, task: Task, judge: Judge | None) -> tuple[int, int | None]:
        most = cost_at_most(expert, task, self._manner.settings) or 0.0
        wanted = {column_of(expert.name, 0): 0.0 if expert.name in self._manner.unpriced else most}
        if judge is not None:
            wanted["judge"] = judge.most_usd(task)
        desk = self._desk
        with kept("The reserve"):
            lines = desk.store.ledger.reserve(desk.place, wanted, desk.budget_usd)
        return lines[column_of(expert.name, 0)], lines.get("judge")

    def _settle(self, line: int, spent_usd: float | None) -> None:
        with kept("The ledger"):
            self._desk.store.ledger.settle(line, spent_usd)
