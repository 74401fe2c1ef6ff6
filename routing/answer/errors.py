"""What went wrong with a call, as one sentence for a person that never contains a key."""

import math
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from routing.addresses import AddressRefused
from routing.answer.reply import Reply, status_of, web_page
from routing.errors import (
    AnswerError,
    ContextTooLong,
    KeyRejected,
    LocalFailed,
    NameUnknown,
    RateLimited,
    RequestRefused,
    ServerFailed,
    TimedOut,
    Unreachable,
)
from routing.schema import Expert

# Every exception class of LiteLLM and the OpenAI client that a call may raise, by name, so that neither need be
# imported here. A test walks litellm.exceptions and fails if one is missing.
BY_NAME: Mapping[str, type[AnswerError]] = {
    "AuthenticationError": KeyRejected,
    "PermissionDeniedError": KeyRejected,
    "NotFoundError": NameUnknown,
    "LiteLLMUnknownProvider": NameUnknown,
    "ModelNotMappedError": NameUnknown,
    "RateLimitError": RateLimited,
    "BudgetExceededError": RateLimited,
    "PaymentRequiredError": RateLimited,
    "Timeout": TimedOut,
    "APITimeoutError": TimedOut,
    "APIConnectionError": Unreachable,
    "ContextWindowExceededError": ContextTooLong,
    "BadRequestError": RequestRefused,
    "BlockedPiiEntityError": RequestRefused,
    "ContentPolicyViolationError": RequestRefused,
    "GuardrailRaisedException": RequestRefused,
    "ImageFetchError": RequestRefused,
    "InvalidRequestError": RequestRefused,
    "ModifyResponseException": RequestRefused,
    "RejectedRequestError": RequestRefused,
    "SensitiveDataRouteException": RequestRefused,
    "UnprocessableEntityError": RequestRefused,
    "UnsupportedParamsError": RequestRefused,
    "VectorStoreSearchError": RequestRefused,
    "APIError": ServerFailed,
    "APIResponseValidationError": ServerFailed,
    "BadGatewayError": ServerFailed,
    "InternalServerError": ServerFailed,
    "JSONSchemaValidationError": ServerFailed,
    "MidStreamFallbackError": ServerFailed,
    "MockException": ServerFailed,
    "OpenAIError": ServerFailed,
    "ServiceUnavailableError": ServerFailed,
    # below LiteLLM: httpx and the standard library
    "TimeoutException": TimedOut,
    "TimeoutError": TimedOut,
    "TransportError": Unreachable,
    "HTTPError": ServerFailed,
    "OSError": Unreachable,
    "ValueError": ServerFailed,
}
# A status says more than the class around it, which LiteLLM chooses differently per provider.
BY_STATUS: Mapping[int, type[AnswerError]] = {
    401: KeyRejected,
    402: RateLimited,
    403: KeyRejected,
    404: NameUnknown,
    408: TimedOut,
    413: ContextTooLong,
    429: RateLimited,
    504: TimedOut,
}
# Wordings of providers whose class and status say too little. Source: tests against tests/loopback.py and llama.cpp.
BY_WORDING: tuple[tuple[re.Pattern[str], type[AnswerError]], ...] = (
    (
        re.compile(r"context (length|size|window)|exceed_context|too many tokens|prompt is too long", re.I),
        ContextTooLong,
    ),
    (re.compile(r"timed out|timeout", re.I), TimedOut),
    (re.compile(r"connection (error|refused|reset by)|name or service|nodename|unreachable", re.I), Unreachable),
)
# What libraries below say of a stream, in words for a person.
PLAIN_WORDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"line \d+ column \d+|JSON", re.I), "it sent a line that cannot be read"),
    (re.compile(r"peer closed|incomplete (chunked )?read|server disconnected|reset by peer", re.I),
     "the connection ended in the middle"),
)  # fmt: skip
RETRYABLE = (RateLimited, ServerFailed, Unreachable)
_LONG_WORD = re.compile(r"[A-Za-z0-9_\-+/=*.]{16,}")
# What stands in names of parameters, models, paths and versions, and in no key: words, and short or round numbers.
_WORDS = re.compile(r"(?:[A-Za-z]?[a-z]{2,20}|[A-Z]{1,12}|[a-z]|v?\d{1,4}[bBkKmM]?|20\d{6}|\*+|)")
_SEPARATORS = re.compile(r"[_\-+/=*.]+")
_KEY_STARTS = ("sk-", "pk-", "key-", "sk_", "pk_", "ghp_", "hf_", "gsk_", "xai-", "aiza")
_MOST_SAID = 200
_FORBIDDEN = 403
_SERVER_AT_FAULT = 500


def cause_of(error: BaseException) -> type[AnswerError]:
    """The class of our tree that says what happened."""
    inner = getattr(error, "original_exception", None)
    text = f"{str(error)[:4000]} {str(inner or '')[:4000]}"
    status = status_of(error)
    is_refusal = isinstance(error, Reply) and (error.is_page or status is not None) and (status or 0) < _SERVER_AT_FAULT
    if isinstance(error, Reply) and isinstance(error.__cause__, Exception):  # LiteLLM knows more wordings
        told = cause_of(error.__cause__)
        return RequestRefused if told is ServerFailed and is_refusal else told
    for wording, cause in BY_WORDING:
        if wording.search(text):
            return cause
    if status is not None and status in BY_STATUS:
        return BY_STATUS[status]
    if is_refusal:
        return RequestRefused
    names = (ancestor.__name__ for ancestor in type(error).__mro__)
    return next((BY_NAME[name] for name in names if name in BY_NAME), ServerFailed)


def _refused(error: BaseException) -> AddressRefused | None:
    """The refusal of an address below an error, however many libraries wrapped it."""
    seen: set[int] = set()
    ahead: list[BaseException | None] = [error]
    while ahead:
        one = ahead.pop()
        if one is None or id(one) in seen:
            continue
        if isinstance(one, AddressRefused):
            return one
        seen.add(id(one))
        inner = getattr(one, "original_exception", None)
        ahead += [one.__cause__, one.__context__, inner if isinstance(inner, BaseException) else None]
    return None


def explain(error: BaseException, expert: Expert, *, timeout_s: float, address: str | None, tries: int) -> AnswerError:
    """An error of ours with the value seen, what is allowed and what to do next."""
    if isinstance(error, AnswerError):
        return error
    if (refused := _refused(error)) is not None:
        return RequestRefused(f"{expert.title} gave no answer. {refused}")
    cause, status = cause_of(error), status_of(error)
    # LiteLLM gives connections that fail or break off a status that nobody sent.
    is_sent = status is not None and not hasattr(error, "original_exception") and cause is not Unreachable
    # A code within an answer came with the status 200.
    kind = "HTTP" if not isinstance(error, Reply) or error.__cause__ is not None else "code"
    who = f"{expert.title} ({kind} {status})" if is_sent else expert.title
    host = urlsplit(address).netloc if address else expert.provider
    context = f" of {expert.context_tokens:,} tokens" if expert.context_tokens else ""
    again = f" after {tries} tries" if tries > 1 else ""
    said, wait_s = detail(error), getattr(error, "wait_s", None)
    # A refusal of a wrong key is not quoted: some servers repeat what they were given.
    quoted = f" It says: {said}." if isinstance(error, Reply) else ""
    wait = "wait a minute" if wait_s is None else f"it asks to wait {_waiting(wait_s)}"
    sentences: Mapping[type[AnswerError], str] = {
        KeyRejected: f"{host} refused the key for {who}: check it under Keys; it may be mistyped, revoked "
        f"or without access to this expert.{quoted if status == _FORBIDDEN else ''}",
        NameUnknown: f"{host} serves nothing under the name {expert.litellm or expert.name!r}, asked for {who}: it "
        f"may be retired; choose another expert, or give an address of your own for it.{quoted}",
        RateLimited: f"{host} accepts no more calls for {who}{again}: {wait}, check your quota, or choose another "
        f"expert.{quoted}",
        TimedOut: f"{who} gave no complete answer within the {timeout_s:g} s allowed: raise the time limit or "
        "choose a faster expert.",
        Unreachable: f"{who} could not be reached at {host}{again}: check the connection and the address, "
        "then try again.",
        ContextTooLong: f"Prompt and answer do not fit into the context of {who}{context}: shorten the prompt, lower "
        f"the length limit, or choose an expert with a longer context.{quoted}",
        RequestRefused: f"{who} refused the request ({said}): change the prompt or the settings.",
        ServerFailed: f"{who} failed or broke off its answer{again} ({said}): try again, or choose the next expert.",
    }
    if isinstance(error, Reply) and error.is_page and cause is not ServerFailed:
        return cause(
            f"{who} gave no answer: {said}. Check that {address or host} is the address of the model's server, and no "
            "page to sign in to or to look at."
        )
    if expert.is_local and cause in {Unreachable, ServerFailed, KeyRejected}:
        return LocalFailed(f"{expert.title} stopped on this machine ({said}): try again, it restarts by itself.")
    return cause(sentences[cause])


def _waiting(wait_s: float) -> str:
    """A time to wait, for people.

    >>> _waiting(0.4), _waiting(90), _waiting(7200)
    ('1 s', '90 s', '2 hours')
    """
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if wait_s >= 2 * length:
            return f"{wait_s / length:,.0f} {unit}"
    return f"{max(1, math.ceil(wait_s))} s"


def detail(error: BaseException) -> str:
    """What the provider said, on one short line, every word that could be a key blotted out."""
    text = str(getattr(error, "message", None) or str(error) or type(error).__name__)
    if (page := web_page(re.sub(r"^.{0,80}?(?=<)", "", text[:4000], flags=re.DOTALL))) is not None:
        return page
    is_from_below = not isinstance(error, Reply) and (status_of(error) is None or hasattr(error, "original_exception"))
    for wording, plain in PLAIN_WORDS if is_from_below else ():
        if wording.search(text):
            return plain
    said = _first_line(text)
    if not isinstance(error, Reply):
        said = re.sub(r"(litellm\.)?\w+(Error|Exception)\b:?|OpenAIException -", "", said)
    return shortened(without_keys(" ".join(said.split()))).strip(" -:.") or type(error).__name__


def _first_line(text: str) -> str:
    return next((line for line in text[:4000].splitlines() if line.strip()), "")


def without_keys(text: str) -> str:
    """The text with every long word blotted out that is not made of plain words and short numbers.

    >>> without_keys("Use 'max_completion_tokens' instead of sk-proj-Ab3dEf6hIj9kLm2n")
    "Use 'max_completion_tokens' instead of ***"
    """
    return _LONG_WORD.sub(lambda word: word[0] if _is_plain(word[0]) else "***", text)


def _is_plain(word: str) -> bool:
    parts = _SEPARATORS.split(word)
    pieces = [piece for part in parts for piece in re.split(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)", part)]
    is_key_like = re.fullmatch("[0-9a-fA-F]{16,}", word) is not None or word.lower().startswith(_KEY_STARTS)
    return not is_key_like and len(pieces) <= len(word) / 2.5 + 1 and all(_WORDS.fullmatch(p) for p in pieces)


def shortened(text: str) -> str:
    """At most a line or two, cut between words."""
    if len(text) <= _MOST_SAID:
        return text
    return text[: _MOST_SAID - 2].rsplit(" ", 1)[0] + " …"
