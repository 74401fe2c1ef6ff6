"""A server that refuses a parameter: what it names, and the request without that or with what it proposes."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from routing.answer.client import Request
from routing.answer.reply import Reply
from routing.errors import AnswerError, NameUnknown, RequestRefused, ServerFailed

# What is sent besides model and messages, and how servers name it; the first that is named is changed.
_NAMED: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "stream_options": r"stream_options|include_usage",
        "temperature": r"\btemperature\b",
        "max_tokens": r"\bmax_(?:completion_|output_|new_)?tokens\b",
        "response_format": r"\bresponse_format\b|\bjson_object\b|\bjson mode\b",
        "system": r"\bsystem (?:role|message|prompt|instruction)|\brole\W{1,4}system|['\"`]system['\"`]"
        r"|developer instruction",
        "stream": r"['\"`]stream['\"`]|\bstreaming\b|\bstream\b(?!_)",
    }.items()
}
_REFUSED: Final = re.compile(
    r"not\W+(?:\w+\W+){0,2}(?:support|allow|permit|recogni[sz]|accept|enabled|available|valid|implement|expected)"
    r"|unsupported|unknown|unexpected|unrecogni[sz]ed|extra|invalid|does ?n.t|do not|cannot|can.t|\bonly\b|\bmust\b"
    r"|should|remove|instead|deprecated|disallow|forbidden|too (?:large|high|big)|exceed|at most|greater|less than"
    r"|no longer|incompatible|unable|refus|different from|disabled",
    re.IGNORECASE,
)
_INSTEAD: Final = re.compile(
    r"(?:\buse|\btry|did you mean|replaced (?:by|with)|in favou?r of|renamed to)\W{1,3}(\w{3,40})", re.IGNORECASE
)
_LIMIT_NAMES: Final = frozenset({"max_completion_tokens", "max_output_tokens", "max_new_tokens", "max_tokens"})
_AT_MOST: Final = re.compile(
    r"(?:at most|maximum(?: allowed)?(?: value)?(?: is| of)?|max(?:imum)? is|up to|<=|\u2264|less than or equal to|"
    r"cannot exceed|must not exceed|no more than|no greater than|between 1 and|range \[?1 ?[,-]|\[1 ?,)"
    r" ?(\d{1,7})(?![\d.])",
    re.IGNORECASE,
)
# A status that leaves the question open whether the request was understood.
_STATUSES: Final = frozenset({400, 404, 405, 406, 415, 422, 500, 501})


def adapted(failure: BaseException, error: AnswerError, request: Request) -> Request | None:
    """The request as its server may take it; None where the refusal names nothing that could be changed once more.

    Args:
        failure: What came back.
        error: The same in our words, which say what kind of failure it is.
        request: As it was sent.
    """
    if not isinstance(failure, Reply) or failure.status_code not in _STATUSES:
        return None
    if not isinstance(error, RequestRefused | NameUnknown | ServerFailed):
        return None
    name = _named(failure, request)
    if name is None:
        return None
    changes = request.changes
    if name == "max_tokens":
        return _shorter(failure.message, request)
    return replace(request, changes=replace(changes, left_out=(*changes.left_out, name)))


def _named(failure: Reply, request: Request) -> str | None:
    """The parameter at fault, among those that are sent."""
    settings, sent = request.settings, set(_NAMED) - set(request.changes.left_out)
    sent -= set() if settings.is_json else {"response_format"}
    sent -= set() if request.messages()[0]["role"] == "system" else {"system"}
    param = failure.param or ""
    for name in (n for n in _NAMED if n in sent):
        if param and (_NAMED[name].search(param) or (name == "system" and re.match(r"messages.{0,5}role", param))):
            return name
    if (param and not param.startswith("messages")) or not _REFUSED.search(failure.message):
        return None
    places = [(found.start(), name) for name in sent if (found := _NAMED[name].search(failure.message))]
    return min(places)[1] if places else None


def _shorter(message: str, request: Request) -> Request:
    """Another limit of the answer's length: the number or the name proposed, the newer name, or none."""
    changes, wished = request.changes, request.settings.max_tokens
    most = [int(found) for found in _AT_MOST.findall(message)]
    if changes.limit is None and most and 0 < most[0] < wished:
        return replace(request, changes=replace(changes, limit=most[0]))
    proposed = [
        word for word in _INSTEAD.findall(message) if word in _LIMIT_NAMES - {changes.limit_name or "max_tokens"}
    ]
    if changes.limit_name is None:
        name = proposed[0] if proposed else "max_completion_tokens"
        return replace(request, changes=replace(changes, limit_name=name))
    return replace(request, changes=replace(changes, left_out=(*changes.left_out, "max_tokens")))
