"""One call to one expert: its thread, its retries, its time limit, and the answer it ends with."""

import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from routing.answer.client import Changes, Client, Request, Stream, clean
from routing.answer.errors import RETRYABLE, explain, without_keys
from routing.answer.refusals import adapted
from routing.answer.reply import Reply
from routing.answer.usage import Usage
from routing.errors import AnswerError, TimedOut, ToolWanted
from routing.keys import Access, KeyRing
from routing.local import local_experts, weights_of
from routing.prices import prices_of
from routing.schema import OWN_ADDRESS, STATED, STATED_THERE, Answer, AnswerEvent

_GRACE_S = 1.0  # a call that reports its own time-out is given this long to do so
_BACK_OFF_S = 0.5
MOST_CHARACTERS: Final = 200_000  # far beyond the longest answer that can be asked for: a server may not stop by itself
CUT: Final = frozenset({"stopped", "length", "content_filter"})  # how an answer ends that is only a part
_LEAST_KEY = 5  # shorter ones, "none" among them, are words
NO_ANSWER: Final = "none, since no answer came"
_MOST_CHANGES: Final = 8  # of a request that a server refuses: each parameter once, the length limit by name and number
# An answer for which no limit could be sent is cut here: no text has more characters a token.
_CHARACTERS_PER_TOKEN: Final = 8


T = TypeVar("T")
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
    changes: Changes = field(default_factory=Changes)
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
        """Stop listening; the answer holds what arrived. The connection closes with the next bytes at the latest."""
        self._abandoned.set()
        error: AnswerError | None = None
        stream = self._state.stream
        if stream is not None:
            stream.is_left = True
        if not is_stopped and not (stream is not None and stream.is_finished and self.is_overdue):
            error = self._explain(TimeoutError() if self.is_overdue else _INTERNAL)
        return self._answer(error, is_stopped=is_stopped)

    def failed(self, problem: Exception) -> Answer:
        """The answer of a call that could not even begin."""
        self._abandoned.set()
        return self._answer(self._explain(_internal(problem)))

    def _passed(self) -> float:
        return time.monotonic() - self._state.began

    def _run(self) -> None:
        error: AnswerError | None = None
        try:
            self._state.access = self._find_access()
            error = self._try_often(self._state.access)
        except AnswerError as failure:
            error = failure
        except BaseException as failure:  # noqa: BLE001 - whatever breaks here, Rust's panics too, is this column's alone
            error = self._explain(_internal(failure))
        answer = self._answer(error)
        self._state.is_done = True
        if not self._abandoned.is_set():
            self._emit(AnswerEvent(self.request.key, "finished", answer=answer))

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
        request, tries, changes = self.request, 1, 0
        while True:
            self._state.retries = tries - 1
            try:
                self._read(access, request, is_first=tries == 1 and not changes)
            except foreign as failure:
                error = self._explain(failure, tries)
                wait_s = getattr(failure, "wait_s", None)
                changed = adapted(failure, error, request) if changes < _MOST_CHANGES else None
            else:
                return self._judge()
            if self._state.text or self._abandoned.is_set():
                return error
            if changed is not None:
                request, changes = changed, changes + 1
                self._state.changes = request.changes
                self._emit(AnswerEvent(self.request.key, "retrying", f"Now {request.changes.note}"))
                continue
            pause_s = max(_BACK_OFF_S * tries, (wait_s or 0.0) + _GRACE_S / 10)
            may_pass = isinstance(error, RETRYABLE) and tries <= self._settings.retries
            if not may_pass or self._passed() + pause_s >= self._settings.timeout_s:
                return error
            if wait_s:
                self._emit(AnswerEvent(self.request.key, "retrying", f"Waiting {pause_s:.0f} s, as its server asks"))
            if self._abandoned.wait(pause_s):
                return error
            tries += 1
            self._emit(AnswerEvent(self.request.key, "retrying", str(error)))

    def _read(self, access: Access, request: Request, *, is_first: bool) -> None:
        state = self._state
        if not is_first:  # the first try keeps the round figure: LiteLLM keeps one client for each
            left = max(0.1, self._settings.timeout_s - self._passed())
            request = replace(request, settings=replace(self._settings, timeout_s=left))
        most = MOST_CHARACTERS
        if "max_tokens" in request.changes.left_out:
            most = min(most, self._settings.max_tokens * _CHARACTERS_PER_TOKEN)
        state.stream = None  # what an earlier try said does not count
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
                state.text.append(piece[: most - state.length])
                state.length += len(state.text[-1])
                self._emit(AnswerEvent(self.request.key, "text", state.text[-1]))
                if state.length >= most:
                    stream.finish_reason = "length"
                    return
        finally:
            if stream.close is not None:
                with suppress(BaseException):  # what came is here; how the line was hung up does not matter any more
                    stream.close()

    def _tell_reasoning(self, stream: Stream) -> None:
        if stream.is_reasoning and not self._state.text and not self._state.is_reasoning:
            self._state.is_reasoning = True
            self._emit(AnswerEvent(self.request.key, "starting", "Reasoning before it answers"))

    def _judge(self) -> AnswerError | None:
        """What is wrong with an answer that ended without an exception."""
        stream, has_text = self._state.stream, bool("".join(self._state.text).strip())
        if self._abandoned.is_set() or stream is None:
            return None
        if stream.tools and not has_text:
            return self._tool_wanted(stream.tools)
        if not stream.is_finished:
            return self._explain(Reply("the answer ended without saying why"))
        if not has_text and stream.finish_reason not in CUT:
            why = "it reasoned, and then wrote no answer" if self._state.is_reasoning else "the answer is empty"
            return self._explain(Reply(why))
        return None

    def _tool_wanted(self, tools: tuple[str, ...]) -> ToolWanted:
        names = ", ".join(repr(clean(without_keys(name))) for name in tools[:3] if name)
        return ToolWanted(
            f"{self.expert.title} wanted to call a tool{f' ({names})' if names else ''} and wrote no answer; no tools "
            "are offered here. Ask for an answer in words, or choose another expert."
        )

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
        usage, tokens_source = self._guarded(lambda: self._tokens(stream, text), (Usage(), "unknown"))
        unknown: tuple[float | None, str] = (None, "unknown")
        cost, cost_source = self._guarded(lambda: self._cost(usage, stream), unknown)
        # What failed before any text is not billed, unless the provider says otherwise, time ran out or it had begun to
        # reason: then it was at work, and what that cost is unknown.
        was_at_work = bool(text) or state.is_reasoning or isinstance(error, TimedOut | ToolWanted)
        has_failed = error is not None and not was_at_work
        if cost is None and (has_failed or not state.is_sent):
            cost, cost_source = 0.0, NO_ANSWER
        finish = "refusal" if stream.is_refusal and stream.finish_reason in {None, "stop"} else stream.finish_reason
        reason = "stopped" if is_stopped else finish
        return Answer(
            expert=self.expert.name,
            text=text,
            time_to_first_token_s=state.first_token_s,
            latency_s=self._passed() if state.is_sent else 0.0,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            tokens_source=tokens_source,
            cost_usd=cost,
            cost_source=cost_source,
            served=stream.served,
            finish_reason=reason,
            is_complete=error is None and stream.is_finished and reason not in CUT,
            error=error,
            retries=state.retries,
            note=_note(state.changes, stream, text),
        )

    def _guarded(self, work: Callable[[], T], otherwise: T) -> T:
        """What work gives; the answer itself must not be lost with a figure about it."""
        try:
            return work()
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException:  # noqa: BLE001 - tokenizers and price lists fail in many ways, which all mean: unknown
            return otherwise

    def _tokens(self, stream: Stream, text: str) -> tuple[Usage, str]:
        """Tokens as the provider states them; counted here where it does not, or where it states none for a text."""
        usage = stream.usage or Usage()
        tokens_in, tokens_out = usage.input_tokens or None, usage.output_tokens
        if text and not tokens_out:
            tokens_out = None
        if tokens_in is not None and tokens_out is not None:
            return usage, f"reported by the provider{f' ({usage.parts})' if usage.parts else ''}"
        if not text:
            return replace(usage, input_tokens=None, output_tokens=None), "unknown"
        count = self._client.count_tokens
        asked = tokens_in or sum(count(message["content"]) for message in self.request.messages())
        return replace(usage, input_tokens=asked, output_tokens=tokens_out or count(text)), "counted here, about"

    def _cost(self, usage: Usage, stream: Stream) -> tuple[float | None, str]:
        """What the provider states, else tokens by the price that was predicted with; unknown is None, never 0."""
        expert, access = self.expert, self._state.access
        is_unpriced = expert.name in self._keys.unpriced
        is_elsewhere = expert.name in self._keys.endpoints
        if expert.is_local and not is_elsewhere:
            return 0.0, "runs on this machine"
        # A 0 is what gateways state that know no price; OpenRouter has experts that are free.
        is_free = usage.cost_usd == 0 and (expert.litellm or "").startswith("openrouter/") and not is_elsewhere
        if usage.cost_usd or is_free:
            return usage.cost_usd, STATED_THERE if is_unpriced else STATED
        if is_unpriced:
            return None, OWN_ADDRESS
        prices, source = prices_of(expert, access.model if access else None), expert.price_source
        if expert.price_in_usd_per_mtok is None and prices:
            source = "LiteLLM's price map"
        if usage.input_tokens is None or usage.output_tokens is None or not prices:
            return None, "unknown"
        model = access.model if access else expert.litellm or expert.name
        cost = self._client.cost(model, prices, usage, stream.service_tier)
        return (cost, source) if math.isfinite(cost) and cost >= 0 else (None, "unknown")


_INTERNAL: Final = Reply("its call ended without a last word")


def _internal(problem: BaseException) -> Reply:
    """A failure of the program itself, by its kind alone: what it says could be anything."""
    return Reply(f"{type(problem).__name__} in this program")


def _note(changes: Changes, stream: Stream, text: str) -> str:
    """What a person should know about how an answer came about, in a few words; mostly nothing."""
    told = [changes.note] if changes.note else []
    if stream.is_refusal:
        told.append("refused to answer: these are its words")
    if stream.tools and text.strip():
        told.append("wanted to call a tool besides")
    return "; ".join(told)
