"""Ask experts and get answers: concurrently, streamed, each on its own. The only module that imports LiteLLM."""

import functools
import gc
import importlib.util
import logging
import os
import queue
import re
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from routing.addresses import connecting_to
from routing.answer.call import Call
from routing.answer.client import Request, Settings, Stream
from routing.answer.normalise import hearing
from routing.answer.reply import reply_from
from routing.answer.stream import Tap, pieces
from routing.answer.text import reading_ease
from routing.answer.usage import Usage
from routing.errors import PromptError
from routing.keys import Access, KeyRing
from routing.schema import Answer, AnswerEvent, Expert

_POLL_S = 0.05
_MOST_REDACTED = 1_000  # characters
TURN_S = 0.001  # Python's usual 5 ms, a dozen times within a call, double the time to the first token beside a redraw
_import_lock = threading.Lock()


class Stop:
    """Stops one answer or all of them; may be set from any thread, before or while they are written."""

    def __init__(self) -> None:
        self._all = threading.Event()
        self._names: set[str] = set()

    def all(self) -> None:
        """Stop every answer."""
        self._all.set()

    def one(self, column: str) -> None:
        """Stop the answer of one column."""
        self._names.add(column)

    def again(self, column: str) -> None:
        """One column is asked anew: an earlier stop of it alone does not count any more."""
        self._names.discard(column)

    def is_set(self, column: str) -> bool:
        """Whether the answer of this column is to stop."""
        return self._all.is_set() or column in self._names


def ask(requests: Sequence[Request], *, keys: KeyRing | None = None, stop: Stop | None = None) -> Iterator[AnswerEvent]:
    """Ask all at once and yield what happens, in the order in which it happens.

    Each request is sent from a thread of its own that hands events over in a queue, so the caller may draw them
    with Streamlit. The last event of every column is ``finished`` and holds its answer; a request that fails
    gives an answer with an error and leaves the others alone. Closing the iterator stops all calls.

    Args:
        requests: What to ask whom; every column once.
        keys: Keys and own addresses; those of the environment if not given.
        stop: Set it to stop one column or all; what arrived is kept.

    Raises:
        PromptError: A prompt is empty, or a column is there twice.
    """
    if any(not request.prompt.strip() for request in requests):
        raise PromptError("The prompt is empty. Type what the experts should answer.")
    if len({request.key for request in requests}) < len(requests):
        raise PromptError("Two columns have the same name; give each its own.")
    return _events(tuple(requests), keys or KeyRing(), stop or Stop())


def same_request(experts: Iterable[Expert], prompt: str, settings: Settings | None = None) -> tuple[Request, ...]:
    """One request of the same prompt for each expert."""
    return tuple(Request(expert, prompt, settings or Settings()) for expert in experts)


def answers(requests: Sequence[Request], *, keys: KeyRing | None = None) -> tuple[Answer, ...]:
    """Ask all at once and wait: one answer each, in their order."""
    done = {e.column: e.answer for e in ask(requests, keys=keys) if e.answer is not None}
    return tuple(done[request.key] for request in requests)


def _events(requests: tuple[Request, ...], keys: KeyRing, stop: Stop) -> Iterator[AnswerEvent]:
    events: queue.Queue[AnswerEvent] = queue.Queue()
    pending = {request.key: Call(request, keys, LiteLLM(), events.put) for request in requests}
    for call in list(pending.values()):
        try:
            call.start()
        except RuntimeError as problem:  # no more threads: this one's failure, and no other's
            events.put(AnswerEvent(call.request.key, "finished", answer=call.failed(problem)))
    try:
        while pending:
            try:
                event = events.get(timeout=_POLL_S)
            except queue.Empty:
                event = None
            if event is not None and event.column in pending:
                if event.kind == "finished":
                    del pending[event.column]
                yield event
            if event is None or stop.is_set(event.column):
                yield from _ended(pending, stop)
    finally:
        for call in pending.values():
            call.abandon()


def _ended(pending: dict[str, Call], stop: Stop) -> Iterator[AnswerEvent]:
    """Finish calls that were stopped, ran out of time, or whose thread is gone."""
    for name, call in list(pending.items()):
        if stop.is_set(name) or call.is_overdue or call.is_lost:
            del pending[name]
            yield AnswerEvent(name, "finished", answer=call.abandon(is_stopped=stop.is_set(name)))


class LiteLLM:
    """The client of all calls: LiteLLM, imported with the first call."""

    @property
    def is_ready(self) -> bool:
        """Whether LiteLLM is imported."""
        return "litellm" in sys.modules

    def errors(self) -> tuple[type[BaseException], ...]:
        """The bases of LiteLLM's, OpenAI's and httpx's exceptions, and what lies below them."""
        litellm = load_litellm()
        import httpx
        import openai

        loose = [c for c in vars(litellm.exceptions).values() if isinstance(c, type) and c.__base__ is Exception]
        return (openai.OpenAIError, httpx.HTTPError, httpx.StreamError, OSError, ValueError, *loose)

    def open(self, access: Access, request: Request) -> Stream:
        """Send one request; the text comes from iterating the stream.

        Raises:
            Reply: The server refused it, in its own words.
        """
        seen = Stream(pieces=iter(()), until=time.monotonic() + request.settings.timeout_s)
        listening = hearing.set(seen)
        try:
            with connecting_to(access.address, allow_private=access.allow_private):
                response = load_litellm().completion(**_arguments(access, request))
                if response.completion_stream is None:  # some providers are called when the first chunk is asked for
                    response.fetch_sync_stream()
        except self.errors() as problem:
            if seen.failure is not None:  # why the answer was broken off before LiteLLM broke on it
                raise seen.failure from problem
            if (reply := reply_from(problem, seen.heard)) is None:
                raise
            raise reply from problem
        finally:
            hearing.reset(listening)
        provider = response.completion_stream
        seen.close = getattr(provider, "close", None)
        response.completion_stream = Tap(provider, seen)
        seen.pieces = pieces(response, seen)
        return seen

    def count_tokens(self, text: str) -> int:
        """About how many tokens a text has, by a tokenizer that LiteLLM brings along."""
        return int(load_litellm().token_counter(model="gpt-4o-mini", text=text))

    def cost(self, model: str, prices: Mapping[str, object], usage: Usage, tier: str | None) -> float:
        """US dollars of an answer, by LiteLLM's own function: cached input, reasoning, tiers by length and service."""
        litellm = load_litellm()
        from litellm.litellm_core_utils.llm_cost_calc.utils import generic_cost_per_token

        types = litellm.types.utils
        tokens_in, tokens_out = usage.input_tokens or 0, usage.output_tokens or 0
        stated = types.Usage(
            prompt_tokens=tokens_in,
            completion_tokens=tokens_out,
            total_tokens=tokens_in + tokens_out,
            prompt_tokens_details=types.PromptTokensDetailsWrapper(
                cached_tokens=usage.cached_tokens, cache_creation_tokens=usage.written_tokens
            ),
            completion_tokens_details=types.CompletionTokensDetailsWrapper(reasoning_tokens=usage.reasoning_tokens),
        )
        provider, _, name = model.partition("/")
        return float(sum(generic_cost_per_token(name, stated, provider, service_tier=tier, model_info=dict(prices))))


def _arguments(access: Access, request: Request) -> dict[str, Any]:
    """What LiteLLM is called with."""
    settings, changes = request.settings, request.changes
    limit = min(settings.max_tokens, changes.limit or settings.max_tokens)
    wishes: dict[str, Any] = {
        "max_tokens": limit,
        "temperature": settings.temperature,
        "stream_options": {"include_usage": True},
        **({"response_format": {"type": "json_object"}} if settings.is_json else {}),
    }
    own: dict[str, Any] = {}
    if "stream" in changes.left_out:  # the answer becomes a stream again on its way, see normalise
        own["stream"] = False
        del wishes["stream_options"]
    if changes.limit_name not in {None, "max_tokens"} and "max_tokens" not in changes.left_out:
        own[str(changes.limit_name)] = wishes.pop("max_tokens")
    return {
        "model": access.model,
        "messages": request.messages(),
        **{name: wish for name, wish in wishes.items() if name not in changes.left_out},
        **({"extra_body": own} if own else {}),
        "api_key": access.key.reveal(),
        "api_base": access.address,
        **access.settings,
        "stream": True,
        "timeout": settings.timeout_s,
        "max_retries": 0,
        "num_retries": 0,
        "drop_params": True,
        "caching": False,
    }


def prepare() -> None:
    """Do now what the first answer would have to wait for: import LiteLLM and the library of reading ease.

    What both bring never becomes garbage, and Python need not look for any there: a full collection through it takes
    half a second, in which no answer is heard. While a page is drawn, answers get their turn sooner than usual.
    """
    reading_ease("ready " * 30)  # first, since calls begin as soon as LiteLLM is there
    load_litellm()
    gc.freeze()
    sys.setswitchinterval(TURN_S)


def load_litellm() -> ModuleType:
    """Import LiteLLM once, offline and silent: no price download, no telemetry, no reading of .env files."""
    with _import_lock:
        collects = gc.isenabled()
        gc.disable()  # nearly all of it stays: looking for garbage meanwhile is a third of the time
        try:
            return _litellm()
        finally:
            if collects:
                gc.enable()


class Brief:
    """An expression that looks at the beginning of a text alone, and leaves the rest out.

    LiteLLM hides keys in what it says by expressions whose time grows with the cube of the text: 8 kB of a server's
    error, "-----BEGIN PRIVATE KEY-----" over and over, take half a minute in which no page of the app answers. Before
    anything is shown, ``without_keys`` looks at it.

    Args:
        expression: The expression.
    """

    def __init__(self, expression: re.Pattern[str]) -> None:
        self._expression = expression

    def sub(self, replacement: str, text: str) -> str:
        """The beginning of the text with every match replaced."""
        return self._expression.sub(replacement, text[:_MOST_REDACTED])


def _set_environment() -> None:
    """What LiteLLM reads from the environment: to be offline and silent, and nothing that it would give away.

    Credentials of Databricks for machines would go to whatever address is stated, in place of the key that was meant
    for it.
    """
    spec = importlib.util.find_spec("litellm")
    folder = next(iter(spec.submodule_search_locations or [])) if spec is not None else ""
    for name, value in {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "CRITICAL",
        "HF_HUB_OFFLINE": "1",
        "TIKTOKEN_CACHE_DIR": str(Path(folder) / "litellm_core_utils" / "tokenizers"),
    }.items():
        os.environ[name] = value
    through = [host for host in os.environ.get("NO_PROXY", "").split(",") if host]
    os.environ["NO_PROXY"] = ",".join(dict.fromkeys([*through, "127.0.0.1", "localhost"]))
    for name in ("DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET"):
        os.environ.pop(name, None)


@functools.cache
def _litellm() -> ModuleType:
    _set_environment()
    import litellm

    litellm.suppress_debug_info = True
    # Its guard against a model that goes round in circles cuts true answers: 150 times the same line of a table.
    litellm.REPEATED_STREAMING_CHUNK_LIMIT = sys.maxsize
    litellm.telemetry = False
    litellm.disable_streaming_logging = True
    litellm.turn_off_message_logging = True
    litellm.callbacks = []
    litellm.success_callback = []
    litellm.failure_callback = []
    for name in ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    import openai
    from litellm.litellm_core_utils import secret_redaction
    from litellm.llms.custom_httpx.http_handler import get_ssl_configuration

    from routing.answer.transport import Guarded, canned_session, open_session

    for expression in ("_SECRET_RE", "_INTERNAL_DETAIL_RE"):
        setattr(secret_redaction, expression, Brief(getattr(secret_redaction, expression)))
    verify = get_ssl_configuration()
    litellm.client_session = open_session(verify)
    litellm.sync_transport = Guarded(verify)  # of the providers that LiteLLM calls by a client of its own
    # The first call loads seconds' worth of modules, which must not count as the expert's latency.
    with openai.OpenAI(api_key="none", base_url="http://127.0.0.1:9", http_client=canned_session()) as nobody:
        hello = [{"role": "user", "content": "Are you ready?"}]
        usage = {"include_usage": True}
        for name in ("gpt-4o-mini", "o3-mini", "none"):  # a known one, one that reasons, an unknown one: each its way
            list(litellm.completion(f"openai/{name}", hello, stream=True, stream_options=usage, client=nobody))
    litellm.token_counter(model="gpt-4o-mini", text="ready")
    return sys.modules["litellm"]
