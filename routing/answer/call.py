"""One call to one expert: its thread, its retries, its time limit, and the answer it ends with."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from routing.answer.client import Client, Request, Stream
from routing.answer.errors import RETRYABLE, explain
from routing.errors import AnswerError, TimedOut
from routing.keys import Access, KeyRing
from routing.local import local_experts, weights_of
from routing.schema import OWN_ADDRESS, Answer, AnswerEvent

_GRACE_S = 1.0  # a call that reports its own time-out is given this long to do so
_BACK_OFF_S = 0.5
MOST_CHARACTERS: Final = 200_000  # far beyond the longest answer that can be asked for: a server may not stop by itself
CUT: Final = frozenset({"stopped", "length", "content_filter"})  # how an answer ends that is only a part
_LEAST_KEY = 5  # shorter ones, "none" among them, are words
NO_ANSWER: Final = "none, since no answer came"


Emit = Callable[[AnswerEvent], None]


@dataclass
class _Progress:
    """What is known of an answer so far; written by the thread that calls, read by the one that gathers."""

    began: float = field(default_factory=time.monotonic)
    is_sent: bool = False
    text: list[str] = field(default_factory=list)
    length: int = 0
    is_reasoning: bool = False
    first_token_s: float | None = None
    stream: Stream | None = None
    access: Access | None = None
    retries: int = 0
    is_done: bool = False


class Call:
    """One expert being asked: ``start`` it once, then gather its events."""

    def __init__(self, request: Request, keys: KeyRing, client: Client, emit: Emit) -> None:
        self.request, self.expert = request, request.expert
        self._keys, self._settings = keys, request.settings
        self._client, self._emit = client, emit
        self._state = _Progress()
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"ask-{request.key}")

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    @property
    def is_overdue(self) -> bool:
        """Whether the time allowed is over and the call has not said so itself."""
        return self._state.is_sent and self._passed() > self._settings.timeout_s + _GRACE_S

    @property
    def is_lost(self) -> bool:
        """Whether its thread ended without a last word."""
        return not self._thread.is_alive() and not self._state.is_done

    def abandon(self, *, is_stopped: bool = True) -> Answer:
        """Stop listening; the answer holds what arrived. The connection closes with the next piece at the latest."""
        self._abandoned.set()
        error: AnswerError | None = None
        if not is_stopped:
            error = self._explain(TimeoutError()) if self.is_overdue else self._explain(ValueError("no last word"))
        return self._answer(error, is_stopped=is_stopped)

    def _passed(self) -> float:
        return time.monotonic() - self._state.began

    def _run(self) -> None:
        error: AnswerError | None = None
        try:
            self._state.access = self._find_access()
            error = self._try_often(self._state.access)
        except AnswerError as failure:
            error = failure
        self._state.is_done = True
        if not self._abandoned.is_set():
            self._emit(AnswerEvent(self.request.key, "finished", answer=self._answer(error)))

    def _find_access(self) -> Access:
        """Keys and address; starts a local expert and tells how far it is."""
        name = self.expert.name
        if not self.expert.is_local or name in self._keys.endpoints:
            return self._keys.access(self.expert)

        def tell(note: str, share: float) -> None:
            self._emit(AnswerEvent(self.request.key, "starting", note, share))

        here = local_experts().address(weights_of(self.expert), self.expert.title, tell)
        return Access(self.expert.litellm or f"openai/{name}", here.key, here.url)

    def _try_often(self, access: Access) -> AnswerError | None:
        """Ask until there is text, the failure is final, or the tries are used up."""
        if not self._client.is_ready:
            self._emit(AnswerEvent(self.request.key, "starting", "Preparing the first call"))
        foreign = self._client.errors()
        if self._abandoned.is_set():
            return None
        self._state.began, self._state.is_sent = time.monotonic(), True
        for tries in range(1, self._settings.retries + 2):
            self._state.retries = tries - 1
            try:
                self._read(access)
            except foreign as failure:
                error = self._explain(failure, tries)
            else:
                return self._judge()
            may_pass = isinstance(error, RETRYABLE) and not self._state.text and tries <= self._settings.retries
            if not may_pass or self._abandoned.wait(_BACK_OFF_S * tries):
                return error
            self._emit(AnswerEvent(self.request.key, "retrying", str(error)))
        return None

    def _read(self, access: Access) -> None:
        state = self._state
        request = self.request
        if state.retries:  # the first try keeps the round figure: LiteLLM keeps one client for each
            left = max(0.1, self._settings.timeout_s - self._passed())
            request = replace(request, settings=replace(self._settings, timeout_s=left))
        stream = state.stream = self._client.open(access, request)
        try:
            for piece in stream.pieces:
                if self._abandoned.is_set():
                    return
                if self._passed() > self._settings.timeout_s:
                    raise TimeoutError
                if not piece:
                    self._tell_reasoning(stream)
                    continue
                if state.first_token_s is None:
                    state.first_token_s = self._passed()
                state.text.append(piece[: MOST_CHARACTERS - state.length])
                state.length += len(state.text[-1])
                self._emit(AnswerEvent(self.request.key, "text", state.text[-1]))
                if state.length >= MOST_CHARACTERS:
                    stream.finish_reason = "length"
                    return
        finally:
            if stream.close is not None:
                stream.close()

    def _tell_reasoning(self, stream: Stream) -> None:
        if stream.is_reasoning and not self._state.text and not self._state.is_reasoning:
            self._state.is_reasoning = True
            self._emit(AnswerEvent(self.request.key, "starting", "Reasoning before it answers"))

    def _judge(self) -> AnswerError | None:
        """What is wrong with an answer that ended without an exception."""
        stream = self._state.stream
        if self._abandoned.is_set() or stream is None:
            return None
        if stream.finish_reason is None:
            return self._explain(ValueError("the answer ended without saying why"))
        if not self._state.text and stream.finish_reason not in CUT:
            return self._explain(ValueError("the answer is empty"))
        return None

    def _explain(self, error: BaseException, tries: int = 1) -> AnswerError:
        address = self._state.access.address if self._state.access else None
        said = explain(error, self.expert, timeout_s=self._settings.timeout_s, address=address, tries=tries)
        key = self._state.access.key.reveal() if self._state.access else ""
        # What providers say is kept and exported; a short key of an own address would pass for a word.
        is_told = len(key) >= _LEAST_KEY and key in str(said)
        return type(said)(str(said).replace(key, "***")) if is_told else said

    def _answer(self, error: AnswerError | None, *, is_stopped: bool = False) -> Answer:
        state, text = self._state, "".join(self._state.text)
        stream = state.stream or Stream(iter(()))
        tokens_in, tokens_out, tokens_source = self._tokens(stream, text)
        cost, cost_source = self._cost(tokens_in, tokens_out)
        # What failed before any text is not billed, unless the provider says otherwise, time ran out or it had begun to
        # reason: then it was at work, and what that cost is unknown.
        was_at_work = bool(text) or state.is_reasoning or isinstance(error, TimedOut)
        has_failed = error is not None and not was_at_work
        if cost is None and (has_failed or not state.is_sent):
            cost, cost_source = 0.0, NO_ANSWER
        reason = "stopped" if is_stopped else stream.finish_reason
        return Answer(
            expert=self.expert.name,
            text=text,
            time_to_first_token_s=state.first_token_s,
            latency_s=self._passed() if state.is_sent else 0.0,
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            tokens_source=tokens_source,
            cost_usd=cost,
            cost_source=cost_source,
            served=stream.served,
            finish_reason=reason,
            is_complete=error is None and reason is not None and reason not in CUT,
            error=error,
            retries=state.retries,
        )

    def _tokens(self, stream: Stream, text: str) -> tuple[int | None, int | None, str]:
        if stream.input_tokens is not None and stream.output_tokens is not None:
            return stream.input_tokens, stream.output_tokens, "reported by the provider"
        if not text:
            return None, None, "unknown"
        count = self._client.count_tokens
        asked = sum(count(message["content"]) for message in self.request.messages())
        return asked, count(text), "counted here, about"

    def _cost(self, tokens_in: int | None, tokens_out: int | None) -> tuple[float | None, str]:
        """Cost by the catalogue's price, so that it compares with the predicted cost; unknown is None, never 0."""
        expert, access = self.expert, self._state.access
        if expert.name in self._keys.unpriced:
            return None, OWN_ADDRESS
        if expert.is_local and expert.name not in self._keys.endpoints:
            return 0.0, "runs on this machine"
        prices, source = (expert.price_in_usd_per_mtok, expert.price_out_usd_per_mtok), expert.price_source
        if None in prices and access is not None and (listed := self._client.price(access.model)):
            prices, source = listed, "LiteLLM's price map"
        if tokens_in is None or tokens_out is None or prices[0] is None or prices[1] is None:
            return None, "unknown"
        return (tokens_in * prices[0] + tokens_out * prices[1]) / 1e6, source
