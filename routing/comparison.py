"""Answers of several experts while they are being written: a page may look at any time, from any thread."""

import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from routing.answer import Stop, ask
from routing.answer.client import Request
from routing.errors import ServerFailed
from routing.keys import KeyRing
from routing.schema import Answer, AnswerEvent, Expert


@dataclass(frozen=True, slots=True)
class Column:
    """One expert's answer so far.

    ``expert`` is who answers now, ``asked`` who was meant to; they differ where a fallback stepped in, and ``failed``
    then holds the answers of those before. ``note`` says what is being prepared or retried, ``share`` in [0, 1] how
    far that is; ``answer`` is None until the answer is finished, one way or another.
    """

    key: str
    expert: Expert
    asked: Expert
    repeat: int = 0
    text: str = ""
    note: str = ""
    share: float = 0.0
    answer: Answer | None = None
    failed: tuple[Answer, ...] = ()


class Recorder(Protocol):
    """Whoever keeps answers: told of each the moment it ends, from the thread that gathered it."""

    def keep(self, column: Column, answer: Answer) -> None:
        """An answer ended, for good or for a fallback to take over."""
        ...

    def finish(self) -> None:
        """No answer is being written any more."""
        ...


class Comparison:
    """Asks experts in the background and keeps what arrives.

    Args:
        requests: Who is asked what; columns that ask the same expert again are repeats of it.
        keys: Keys and own addresses.
        fallbacks: Who takes over a column whose expert failed before any text came, by the failed expert's name and
            in order; nobody where an expert is absent.
        recorder: Told of every answer.

    Raises:
        PromptError: A prompt is empty, or a column is there twice.
    """

    def __init__(
        self,
        requests: Sequence[Request],
        keys: KeyRing,
        *,
        fallbacks: Mapping[str, Sequence[Expert]] | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.prompt = requests[0].prompt if requests else ""
        self._requests = {request.key: request for request in requests}
        self._fallbacks, self._recorder = dict(fallbacks or {}), recorder
        self._keys = dict.fromkeys(self._requests, keys)
        self._columns = _empty_columns(requests)
        self._lock = threading.Lock()
        self._heard = threading.Condition(self._lock)
        self._stop = Stop()
        self._running = 0
        self._idle = threading.Event()
        self._gather(tuple(requests), keys)

    @property
    def is_running(self) -> bool:
        """Whether some answer is still being written."""
        return not self._idle.is_set()

    def columns(self) -> tuple[Column, ...]:
        """Every answer so far, in the order asked."""
        with self._lock:
            return tuple(self._columns.values())

    def stop(self, column: str | None = None) -> None:
        """Stop one answer, or all; what arrived is kept."""
        if column is None:
            self._stop.all()
        else:
            self._stop.one(column)

    def retry(self, column: str, keys: KeyRing | None = None) -> None:
        """Ask the expert of a finished column again, with these keys; does nothing while it is still being written."""
        with self._lock:
            before = self._columns[column]
            if before.answer is None:
                return
            self._columns[column] = replace(_fresh(before, before.asked), failed=())
            self._keys[column] = keys or self._keys[column]
            if self._running == 0:
                self._stop = Stop()
            self._stop.again(column)
        self._gather((self._requests[column],), self._keys[column])

    def wait_for_first_words(self, timeout_s: float) -> None:
        """Wait until every answer has begun or is finished, or the time is over."""
        with self._heard:
            self._heard.wait_for(lambda: all(c.text or c.answer for c in self._columns.values()), timeout_s)

    def wait(self, timeout_s: float | None = None) -> tuple[Column, ...]:
        """Wait until every answer is finished, or the time is over, and give what is there."""
        self._idle.wait(timeout_s)
        return self.columns()

    def _gather(self, requests: tuple[Request, ...], keys: KeyRing) -> None:
        events = ask(requests, keys=keys, stop=self._stop)
        with self._lock:
            self._running += 1
            self._idle.clear()

        def follow() -> None:
            missing = {request.key for request in requests}
            try:
                for event in events:
                    if event.kind == "finished":
                        missing.discard(event.column)
                    self._take(event)
            except Exception as problem:  # noqa: BLE001 - what was asked must end, however it does
                self._lost(missing, problem)
            finally:
                self._ended()

        thread = threading.Thread(target=follow, name="comparison", daemon=True)
        try:
            thread.start()
        except RuntimeError as problem:  # no more threads
            self._lost({request.key for request in requests}, problem)
            self._ended()

    def _take(self, event: AnswerEvent) -> None:
        """One event; what fails here is its column's failure and no other's."""
        try:
            if event.answer is not None:
                self._finished(event.column, event.answer)
                return
            with self._lock:
                column = self._columns[event.column]
                if event.kind == "text":
                    column = replace(column, text=column.text + event.text, note="")
                else:
                    column = replace(column, note=event.text, share=event.share)
                self._columns[event.column] = column
                self._heard.notify_all()
        except Exception as problem:  # noqa: BLE001 - see above
            self._lost([event.column] if event.kind == "finished" else [], problem)

    def _lost(self, keys: Collection[str], problem: Exception) -> None:
        """Nothing more is heard of these columns: they end with what they have, at an unknown cost."""
        for key in keys:
            column = self._columns[key]
            if column.answer is not None:
                continue
            error = ServerFailed(
                f"{column.expert.title} was lost on the way ({type(problem).__name__} in this program): try again."
            )
            answer = _lost_answer(column, error)
            self._keep(column, answer)
            with self._lock:
                self._columns[key] = replace(column, note="", answer=answer)
                self._heard.notify_all()

    def _keep(self, column: Column, answer: Answer) -> None:
        """What a recorder cannot keep is its to tell; the answer is on the screen all the same."""
        if self._recorder is not None:
            with suppress(Exception):
                self._recorder.keep(column, answer)

    def _finished(self, key: str, answer: Answer) -> None:
        column = self._columns[key]
        self._keep(column, answer)
        with self._lock:
            successor = self._successor(column, answer)
            if successor is None:
                self._columns[key] = replace(column, text=answer.text, note="", answer=answer)
                self._heard.notify_all()
                return
            note = f"{column.expert.title} failed; asking {successor.title} instead"
            failed = (*column.failed, answer)
            self._columns[key] = replace(_fresh(column, successor), note=note, failed=failed)
        self._gather((replace(self._requests[key], expert=successor, column=key),), self._keys[key])

    def _successor(self, column: Column, answer: Answer) -> Expert | None:
        """Who takes over: the first fallback that nobody asked yet, where the expert failed before any text came.

        An expert that answers in another column of the same repeat would only say the same twice. A failure that was
        billed has used up what was reserved for the column, so nobody takes over.
        """
        if answer.error is None or answer.text or answer.cost_usd or self._stop.is_set(column.key):
            return None
        beside = [c for c in self._columns.values() if c.repeat == column.repeat]
        tried = {name for c in beside for name in (c.expert.name, *(a.expert for a in c.failed))}
        return next((e for e in self._fallbacks.get(column.asked.name, ()) if e.name not in tried), None)

    def _ended(self) -> None:
        with self._lock:
            self._running -= 1
            is_over = self._running == 0
        if is_over and self._recorder is not None:
            with suppress(Exception):
                self._recorder.finish()
        with self._lock:
            if self._running == 0:
                self._idle.set()


def _empty_columns(requests: Sequence[Request]) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    asked: dict[str, int] = {}
    for request in requests:
        repeat = asked.get(request.expert.name, 0)
        asked[request.expert.name] = repeat + 1
        columns[request.key] = Column(request.key, request.expert, request.expert, repeat)
    return columns


def _lost_answer(column: Column, error: ServerFailed) -> Answer:
    """What is left of an answer of which nothing but its text is known."""
    return Answer(
        expert=column.expert.name, text=column.text, time_to_first_token_s=None, latency_s=0.0, input_tokens=None,
        output_tokens=None, tokens_source="unknown", cost_usd=None, cost_source="unknown", served=None,
        finish_reason=None, is_complete=False, error=error, retries=0,
    )  # fmt: skip


def _fresh(column: Column, expert: Expert) -> Column:
    return Column(column.key, expert, column.asked, column.repeat)
