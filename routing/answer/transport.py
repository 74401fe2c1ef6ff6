"""The connections under all calls: kept open after an answer, without cookies, never led elsewhere by a redirect."""

import json
import os
import threading
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from http.cookiejar import DefaultCookiePolicy
from ssl import SSLContext
from typing import Final
from urllib.request import getproxies, proxy_bypass

import httpx

from routing.addresses import AddressRefused, is_stated
from routing.answer.normalise import normalised

_LAST: Final = b"[DONE]"
MOST_OF_ERROR: Final = 64 * 2**10  # bytes
_ABOUT_BODY: Final = frozenset((b"content-encoding", b"content-length", b"transfer-encoding"))
_LIMITS: Final = httpx.Limits(max_connections=1000, max_keepalive_connections=100)


def open_session(verify: SSLContext | str | bool) -> httpx.Client:
    """The one pool of connections; every call brings its own key in its own header.

    A cookie that one key was given would travel with the next, so none is heeded.

    Args:
        verify: How certificates are checked, as httpx takes it.
    """
    session = httpx.Client(transport=Guarded(verify), follow_redirects=False)
    session.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


class Guarded(httpx.BaseTransport):
    """What every client of every provider sends through: no redirect is followed, and bodies of refusals are short.

    A redirect would lead past the check of an own address. A refusal is read by LiteLLM, by the provider's client and
    by ours with expressions that take their time, so that only its beginning is handed on. Proxies that the
    environment names are used as httpx does.

    Args:
        verify: How certificates are checked, as httpx takes it.
    """

    def __init__(self, verify: SSLContext | str | bool) -> None:
        self._verify = verify
        self._direct = httpx.HTTPTransport(verify=verify, limits=_LIMITS)
        self._by_proxy: dict[str, httpx.HTTPTransport] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; called by httpx.

        Raises:
            AddressRefused: The server redirects.
        """
        request.headers["Accept-Encoding"] = "gzip, deflate"  # which are unpacked a bounded piece at a time
        if is_stated():
            _leave_out_environment(request)
        response = self._transport(request.url).handle_request(request)
        if response.has_redirect_location:
            response.close()
            raise AddressRefused(_redirect(response))
        if response.status_code >= httpx.codes.BAD_REQUEST:
            response = _shortened(response)
        else:
            to_the_end(response, request)
        normalised(response, request)
        return response

    def close(self) -> None:
        """Nothing: other clients send through it too."""

    def _transport(self, url: httpx.URL) -> httpx.HTTPTransport:
        proxies = getproxies()
        proxy = proxies.get(url.scheme) or proxies.get("all")
        if not proxy or proxy_bypass(url.host):
            return self._direct
        with self._lock:
            if proxy not in self._by_proxy:
                self._by_proxy[proxy] = httpx.HTTPTransport(verify=self._verify, limits=_LIMITS, proxy=proxy)
            return self._by_proxy[proxy]


def _leave_out_environment(request: httpx.Request) -> None:
    """Take off what OpenAI's client adds from the environment: it concerns OpenAI, and may be a secret."""
    for name in ("OpenAI-Organization", "OpenAI-Project"):
        request.headers.pop(name, None)
    for line in os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines():
        name, _, value = (part.strip() for part in line.partition(":"))
        if name and request.headers.get(name) == value:
            del request.headers[name]


def _redirect(response: httpx.Response) -> str:
    """What is said of a redirect; where it leads is a stranger's text, of which the host suffices."""
    try:
        host = httpx.URL(response.headers["location"]).host
    except httpx.InvalidURL:
        host = ""
    where = f" to {host[:80]!r}" if host else ""
    return (
        f"It answered with a redirect{where} (HTTP {response.status_code}), which is not followed. Give the address it "
        "leads to, if you trust that."
    )


def _shortened(response: httpx.Response) -> httpx.Response:
    """A refusal with at most ``MOST_OF_ERROR`` bytes of its body, unpacked; the rest is never read."""
    stream, body = response.stream, b""
    packed = response.headers.get("content-encoding", "identity").strip().lower()
    try:
        if isinstance(stream, httpx.SyncByteStream):
            for part in stream:
                body += part
                if len(body) >= MOST_OF_ERROR:
                    break
    except httpx.TransportError:
        pass  # what arrived says more than that it broke off
    finally:
        response.close()
    body = body[:MOST_OF_ERROR]
    if packed in {"gzip", "x-gzip", "deflate"}:
        with suppress(zlib.error):
            body = zlib.decompressobj(wbits=47).decompress(body, MOST_OF_ERROR)
    elif packed not in {"", "identity"}:
        body = b""  # nothing that was asked for
    headers = [(name, value) for name, value in response.headers.raw if name.lower() not in _ABOUT_BODY]
    return httpx.Response(response.status_code, headers=headers, content=body, extensions=response.extensions)


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


def to_the_end(response: httpx.Response, request: httpx.Request) -> None:
    """Keep the connection of a streamed answer: the OpenAI client hangs up on the few bytes after the last event.

    Where nothing is encrypted a new connection costs nothing, and a server that waits for acknowledgements before it
    sends more (Nagle's algorithm) is 40 ms quicker on it.
    """
    if request.url.scheme == "https" and isinstance(response.stream, httpx.SyncByteStream):
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
