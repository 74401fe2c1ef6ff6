"""What a server says in the place of an answer: refusals, errors, web pages, and how long it asks to wait."""

import html
import json
import re
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Final

from routing.answer.client import Heard, clean

_TITLE: Final = re.compile(r"<title[^>]{0,200}>([^<]{0,300})", re.IGNORECASE)
_PAGE: Final = re.compile(
    r"\s*(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html|head|body|title|center|h1)\b", re.IGNORECASE | re.DOTALL
)
_AGAIN: Final = re.compile(
    r"(?:try again|retry|wait)\s+(?:in|after|for)\s+"
    r"(?:((?:\d{1,6}(?:\.\d{1,6})?(?:ms|s|m|h)){1,4})(?!\w)|(\d{1,6}(?:\.\d{1,6})?)\s*(s|m|h)(?:ec|in|our))",
    re.IGNORECASE,
)
_RESETS: Final = ("after", "requests", "tokens")
_MOST_BODY: Final = 64 * 2**10
_LATEST_S: Final = 1e11  # seconds since 1970 beyond which a moment must be in milliseconds
_MOST_WAIT_S: Final = 10 * 365 * 86400.0


class Reply(ValueError):
    """What a server said in the place of an answer.

    Args:
        message: Its words, or ours about them.
        status_code: The HTTP status, or the one stated within an answer; None where there is none.
        param: The parameter that it says is at fault.
        wait_s: How long it asks to wait.
        is_page: Whether it sent a web page.
    """

    def __init__(
        self,
        message: str,
        status_code: int | None = None,
        *,
        param: str | None = None,
        wait_s: float | None = None,
        is_page: bool = False,
    ) -> None:
        self.message, self.status_code = clean(message), status_code
        super().__init__(self.message)
        self.param, self.wait_s, self.is_page = param, wait_s, is_page


def reply_of(told: Mapping[str, object], *, is_error: bool, status: int | None = None) -> Reply | None:
    """The error that an object of a server states, in any of the usual forms; None where it states none.

    Args:
        told: The object.
        is_error: Whether a bare message is an error too.
        status: Its HTTP status, if that was no success.
    """
    error = told.get("error") or told.get("errors")
    if not error and (is_error or told.get("object") == "error"):
        error = told.get("message") or told.get("detail") or told.get("msg")
    if not error:
        return None
    inner = error if isinstance(error, dict) else told
    code = next((c for name in ("code", "status") if type(c := inner.get(name)) is int and 400 <= c <= 599), None)
    param = inner.get("param")
    message = " ".join(_words(error)) or "it sent an error without a word"
    return Reply(message, status or code, param=param if isinstance(param, str) else None)


def reply_from(problem: BaseException, heard: Heard | None) -> Reply | None:
    """What a server said that refused, from its own bytes where they were heard; None where nobody answered."""
    status = status_of(problem)
    if heard is not None:
        packed = heard.headers.get("content-encoding", "").strip().lower() not in {"", "identity"}
        with suppress(zlib.error):
            body = bytes(heard.body)
            body = zlib.decompressobj(wbits=47).decompress(body, _MOST_BODY) if packed else body
            return _reply_in(body.decode("utf-8", "replace"), heard)
    headers = getattr(getattr(problem, "response", None), "headers", None)
    if status is None or hasattr(problem, "original_exception") or not isinstance(headers, Mapping):
        return None
    wait_s = wait_of(headers, time.time())
    return None if wait_s is None else Reply(str(getattr(problem, "message", problem)), status, wait_s=wait_s)


def _reply_in(text: str, heard: Heard) -> Reply:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told = None
    told = told[0] if isinstance(told, list) and told else told  # as Gemini wraps its errors
    found = reply_of(told, is_error=True, status=heard.status) if isinstance(told, dict) else None
    if found is None:
        page = web_page(text)
        words = " ".join(text.split())[:2000] if told is None else ""
        found = Reply(page or words or "without a word", heard.status, is_page=page is not None)
    found.wait_s = wait_of(heard.headers, time.time()) or _asked_wait(found.message)
    return found


def _words(error: object, depth: int = 0) -> list[str]:
    """The sentences of an error, whatever they are wrapped in."""
    if isinstance(error, str):
        return [error[:2000]]
    if depth > 4 or not isinstance(error, dict | list):
        return []
    if isinstance(error, list):
        return [word for part in error[:5] for word in _words(part, depth + 1)]
    at = error.get("loc")  # as FastAPI says which part of a request it refuses
    where = [f"{'.'.join(str(part) for part in at if part != 'body')}:"] if isinstance(at, list) and at else []
    behind = error.get("metadata")  # as OpenRouter hands on what the server behind it said
    raw = behind.get("raw") if isinstance(behind, dict) else None
    for name in ("message", "msg", "detail", "error", "error_message", "description", "type"):
        if found := _words(error.get(name), depth + 1):
            return where + found + _words(_parsed(raw), depth + 1)
    return []


def _parsed(raw: object) -> object:
    """What a string of JSON holds; the string itself where it holds none."""
    try:
        return json.loads(raw) if isinstance(raw, str) else raw
    except (ValueError, RecursionError):
        return raw


def web_page(text: str) -> str | None:
    """A sentence about a web page with its title; None where the text is none."""
    if not _PAGE.match(text[:4000]):
        return None
    title = _TITLE.search(text[:20_000])
    named = " ".join(html.unescape(title[1]).split())[:80] if title else ""
    return f"it answered with a web page titled {named!r}" if named else "it answered with a web page"


def wait_of(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that a server asks to wait before the next call; None where it does not say, or what cannot be meant.

    Args:
        headers: Of its answer, names in lower case or a mapping that does not care.
        now: Seconds since 1970 here, for servers that name a moment and do not say what time it is there.

    >>> wait_of({"retry-after": "3"}, 0.0), wait_of({"retry-after-ms": "250"}, 0.0)
    (3.0, 0.25)
    >>> wait_of({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, 10.0)
    50.0
    """
    if (ms := _seconds(headers.get("retry-after-ms"))) is not None:
        return ms / 1000
    if (told := headers.get("retry-after")) is not None:
        wait = _seconds(told)
        return _until(told, headers.get("date"), now) if wait is None else wait
    for name in (*(f"x-ratelimit-reset-{what}" for what in _RESETS), "x-ratelimit-reset"):
        if (told := headers.get(name)) is not None and (wait := _duration(told, now)) is not None:
            return wait
    return None


def _asked_wait(message: str) -> float | None:
    """Seconds after which a message says that one should try again.

    >>> _asked_wait("Please try again in 1m2.5s."), _asked_wait("Retry after 2 minutes"), _asked_wait("Try again")
    (62.5, 120.0, None)
    """
    told = _AGAIN.search(message[:2000])
    if told is None:
        return None
    return float(told[2]) * {"s": 1, "m": 60, "h": 3600}[told[3][0].lower()] if told[2] else _duration(told[1], 0.0)


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float((text or "")[:40])
    except ValueError:
        return None
    return seconds if 0 <= seconds <= _MOST_WAIT_S else None


def _until(moment: str, date: str | None, now: float) -> float | None:
    """Seconds until a moment, by the server's own clock where it states one."""
    try:
        end = parsedate_to_datetime(moment[:60]).timestamp()
        start = parsedate_to_datetime(date[:60]).timestamp() if date else now
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return max(0.0, end - start)


def _duration(text: str, now: float) -> float | None:
    """Seconds of "6m0s" or "20ms", of a number of seconds, or until a moment in seconds or milliseconds since 1970."""
    parts = re.findall(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)", text[:60])
    if parts and "".join(f"{n}{unit}" for n, unit in parts) == text.strip():
        return sum(float(n) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}[unit] for n, unit in parts)
    if re.fullmatch(r"\d{9,14}(\.\d{1,9})?", text.strip()):
        moment = float(text)
        return max(0.0, (moment / 1000 if moment > _LATEST_S else moment) - now)
    return _seconds(text)


def status_of(error: BaseException) -> int | None:
    """The HTTP status behind an error, None if it has none."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None
