"""What went wrong with a call, as one sentence for a person that never contains a key."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

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


def cause_of(error: BaseException) -> type[AnswerError]:
    """The class of our tree that says what happened."""
    inner = getattr(error, "original_exception", None)
    text = f"{error} {inner or ''}"
    status = status_of(error)
    for wording, cause in BY_WORDING:
        if wording.search(text):
            return cause
    if status is not None and status in BY_STATUS:
        return BY_STATUS[status]
    for ancestor in type(error).__mro__:
        if ancestor.__name__ in BY_NAME:
            return BY_NAME[ancestor.__name__]
    return ServerFailed


def status_of(error: BaseException) -> int | None:
    """The HTTP status behind an error, None if it has none."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def explain(error: BaseException, expert: Expert, *, timeout_s: float, address: str | None, tries: int) -> AnswerError:
    """An error of ours with the value seen, what is allowed and what to do next."""
    if isinstance(error, AnswerError):
        return error
    cause, status = cause_of(error), status_of(error)
    # LiteLLM gives connections that fail or break off a status that nobody sent.
    is_sent = status is not None and not hasattr(error, "original_exception") and cause is not Unreachable
    who = f"{expert.title} (HTTP {status})" if is_sent else expert.title
    host = urlsplit(address).netloc if address else expert.provider
    context = f" of {expert.context_tokens:,} tokens" if expert.context_tokens else ""
    again = f" after {tries} tries" if tries > 1 else ""
    sentences: Mapping[type[AnswerError], str] = {
        KeyRejected: f"{host} refused the key for {who}: check it under Keys; it may be mistyped, revoked "
        "or without access to this expert.",
        NameUnknown: f"{host} serves nothing under the name {expert.litellm!r}, asked for {who}: it may be retired; "
        "choose another expert, or give an address of your own for it.",
        RateLimited: f"{host} accepts no more calls for {who}{again}: wait a minute, check your quota, or choose "
        "another expert.",
        TimedOut: f"{who} gave no complete answer within the {timeout_s:g} s allowed: raise the time limit or "
        "choose a faster expert.",
        Unreachable: f"{who} could not be reached at {host}{again}: check the connection and the address, "
        "then try again.",
        ContextTooLong: f"Prompt and answer do not fit into the context of {who}{context}: shorten the prompt, lower "
        "the length limit, or choose an expert with a longer context.",
        RequestRefused: f"{who} refused the request ({detail(error)}): change the prompt or the settings.",
        ServerFailed: f"{who} failed or broke off its answer{again} ({detail(error)}): try again, or choose the "
        "next expert.",
    }
    if expert.is_local and cause in {Unreachable, ServerFailed, KeyRejected}:
        return LocalFailed(
            f"{expert.title} stopped on this machine ({detail(error)}): try again, it restarts by itself."
        )
    return cause(sentences[cause])


def detail(error: BaseException) -> str:
    """What the provider said, on one short line, every word that could be a key blotted out."""
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    is_from_below = status_of(error) is None or hasattr(error, "original_exception")
    for wording, plain in PLAIN_WORDS if is_from_below else ():
        if wording.search(str(text)):
            return plain
    said = re.sub(r"(litellm\.)?\w+(Error|Exception)\b:?|OpenAIException -", "", str(text).splitlines()[0])
    return (_LONG_WORD.sub("***", " ".join(said.split()))[:140].strip(" -:.") or type(error).__name__).strip()
