"""The connections under all calls: kept open after an answer, without cookies, never led elsewhere by a redirect."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from http.cookiejar import DefaultCookiePolicy
from ssl import SSLContext
from typing import Final

import httpx

from routing.answer.normalise import normalised

_LAST: Final = b"[DONE]"
_LIMITS: Final = httpx.Limits(max_connections=1000, max_keepalive_connections=100)


def open_session(verify: SSLContext | str | bool) -> httpx.Client:
    """The one pool of connections; every call brings its own key in its own header.

    A redirect would lead past the check of an own address, and a cookie that one key was given would travel with
    the next, so neither is heeded.

    Args:
        verify: How certificates are checked, as httpx takes it.
    """
    hooks = {"response": [to_the_end, normalised]}
    session = httpx.Client(verify=verify, follow_redirects=False, limits=_LIMITS, event_hooks=hooks)
    session.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def canned_session() -> httpx.Client:
    """A session that reaches nobody: every call is answered with one word, as a stream."""
    return httpx.Client(transport=httpx.MockTransport(_canned))


def _canned(_: httpx.Request) -> httpx.Response:
    about = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "none"}
    choice = {"index": 0, "delta": {"role": "assistant", "content": "ready"}, "finish_reason": None}
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    chunks = [about | {"choices": [choice]}, about | {"choices": [end]}, about | {"choices": [], "usage": usage}]
    text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=text)


def to_the_end(response: httpx.Response) -> None:
    """Keep the connection of a streamed answer: the OpenAI client hangs up on the few bytes after the last event.

    Where nothing is encrypted a new connection costs nothing, and a server that waits for acknowledgements before it
    sends more (Nagle's algorithm) is 40 ms quicker on it.
    """
    if response.request.url.scheme == "https" and isinstance(response.stream, httpx.SyncByteStream):
        response.stream = _Whole(response.stream)


class _Whole(httpx.SyncByteStream):
    """A stream that is read to its end, in the background, where its reader stops at the last event."""

    def __init__(self, stream: httpx.SyncByteStream) -> None:
        self._stream, self._parts = stream, iter(stream)
        self._tail = b""

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            self._tail = (self._tail + part)[-2 * len(_LAST) - 8 :]
            yield part

    def close(self) -> None:
        if _LAST in self._tail:
            # What is missing is on its way, but a server that never ends must not hold up the answer.
            threading.Thread(target=self._finish, name="hang-up", daemon=True).start()
        else:
            self._stream.close()

    def _finish(self) -> None:
        with suppress(httpx.HTTPError), closing(self._stream):
            for _ in self._parts:
                pass
