"""The connections under all calls: kept open after an answer, without cookies, never led elsewhere by a redirect."""

import itertools
import json
import os
import threading
import time
import weakref
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from http.cookiejar import DefaultCookiePolicy
from ssl import SSLContext
from typing import Any, Final

import httpcore
import httpx

from routing.addresses import AddressRefused, proxy_of
from routing.answer.client import Stream
from routing.answer.normalise import MOST_BYTES, MOST_LINE, hearing, normalised
from routing.answer.reply import Reply

_LAST: Final = b"[DONE]"
MOST_OF_ERROR: Final = 64 * 2**10  # bytes
_ABOUT_BODY: Final = frozenset((b"content-encoding", b"content-length", b"transfer-encoding"))
_PACKINGS: Final = frozenset(("gzip", "x-gzip", "deflate"))
_STEP: Final = 2**20  # bytes that one step of unpacking may give
# The OpenAI client takes these from the environment and would send them to every own address.
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
    """What every client of every provider sends through: no redirect is followed, and no body is without end.

    A redirect would lead past the check of an own address. A refusal is read by LiteLLM, by the provider's client and
    by ours with expressions that take their time, so that only its beginning is handed on. Answers end at the time
    limit of their call and at ``MOST_BYTES``. Proxies that the environment names are used as httpx does.

    Args:
        verify: How certificates are checked, as httpx takes it.
    """

    def __init__(self, verify: SSLContext | str | bool) -> None:
        self._verify = verify
        self._direct = _Transport(verify)
        self._by_proxy: dict[str, httpx.HTTPTransport] = {}
        self._lock = threading.Lock()
        self._lent = _Lent()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; called by httpx.

        Raises:
            AddressRefused: The server redirects.
        """
        request.headers["Accept-Encoding"] = "gzip, deflate"  # which are unpacked a bounded piece at a time
        if request.url.host != "api.openai.com":
            _leave_out_environment(request)
        self._lent.close_forgotten()
        response = self._transport(request.url).handle_request(request)
        if isinstance(response.stream, httpx.SyncByteStream):
            response.stream = _LentBody(response.stream, self._lent)
        if response.has_redirect_location:
            response.close()
            raise AddressRefused(_redirect(response))
        seen = hearing.get()
        if not response.is_success:
            response = _shortened(response)
        elif isinstance(response.stream, httpx.SyncByteStream):
            response.stream = _Timely(response.stream, seen)
            to_the_end(response, request)
        normalised(response, request)
        if response.is_success and not (seen is not None and seen.is_normalised):
            _bounded(response, seen)
        return response

    def close(self) -> None:
        """Nothing: other clients send through it too."""

    def _transport(self, url: httpx.URL) -> httpx.HTTPTransport:
        proxy = proxy_of(str(url))
        if proxy is None:
            return self._direct
        with self._lock:
            if proxy not in self._by_proxy:
                self._by_proxy[proxy] = _Transport(self._verify, proxy)
            return self._by_proxy[proxy]


class _Lent:
    """Bodies that are being read, held here so that the garbage collector never closes one.

    httpcore takes a connection back under a lock of its pool. The collector may run in the very thread that holds this
    lock: closing there waits for ever, and every later call with it. LiteLLM does leave bodies unclosed. So what was
    forgotten is only noted when it is collected, and closed before the next request.
    """

    def __init__(self) -> None:
        self._open: dict[int, tuple[httpx.SyncByteStream, Iterator[bytes]]] = {}
        self._forgotten: deque[int] = deque()
        self._numbers = itertools.count()

    def lend(self, stream: httpx.SyncByteStream, reader: object) -> tuple[int, Iterator[bytes]]:
        """The number and the parts of a body that ``reader`` hands on until it is closed, or collected."""
        number, parts = next(self._numbers), iter(stream)
        self._open[number] = (stream, parts)
        weakref.finalize(reader, self._forgotten.append, number).atexit = False
        return number, parts

    def close(self, number: int) -> None:
        """Give the connection of a body back; nothing the second time."""
        stream, _ = self._open.pop(number, (None, None))
        if stream is not None:
            stream.close()

    def close_forgotten(self) -> None:
        """Give back the connections of bodies that were collected unclosed."""
        with suppress(IndexError):
            while True:
                number = self._forgotten.popleft()
                with suppress(httpx.HTTPError, OSError, RuntimeError):
                    self.close(number)


class _LentBody(httpx.SyncByteStream):
    """A body that is held by ``_Lent`` while it is read."""

    def __init__(self, stream: httpx.SyncByteStream, lent: _Lent) -> None:
        self._lent = lent
        self._number, self._parts = lent.lend(stream, self)

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:  # noqa: UP028 - `yield from` would close the parts together with their reader
            yield part

    def close(self) -> None:
        self._lent.close(self._number)


def _leave_out_environment(request: httpx.Request) -> None:
    """Take off what OpenAI's client adds from the environment: it concerns OpenAI, and may be a secret."""
    for name in ("OpenAI-Organization", "OpenAI-Project"):
        request.headers.pop(name, None)
    for line in os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines():
        name, _, value = (part.strip() for part in line.partition(":"))
        if name and request.headers.get(name) == value:
            del request.headers[name]


class _Transport(httpx.HTTPTransport):
    """Connections on which whoever waits for a call waits no longer than the call may take."""

    def __init__(self, verify: SSLContext | str | bool, proxy: str | None = None) -> None:
        super().__init__(verify=verify, limits=_LIMITS, proxy=proxy)
        # httpx has no argument for it. A limit for each read alone lets a server send a byte now and then for ever, or
        # announce an answer (HTTP 100) for ever.
        self._pool._network_backend = _Backend()


class _Backend(httpcore.SyncBackend):
    """Opens connections of ``_Line``."""

    def connect_tcp(self, *args: Any, **options: Any) -> httpcore.NetworkStream:  # noqa: ANN401 - as httpcore says
        return _Line(super().connect_tcp(*args, **options))


class _Line(httpcore.NetworkStream):
    """A connection that is read and written until the time of the present call is over, or nobody listens to it."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Line(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as httpcore says
        return self._stream.get_extra_info(info)


def _left(timeout_s: float | None) -> float | None:
    """How long to wait for the next bytes, in seconds.

    Raises:
        httpcore.ReadTimeout: The time of the present call is over.
    """
    seen = hearing.get()
    if seen is None or seen.until is None:
        return timeout_s
    left_s = seen.until - time.monotonic()
    if seen.is_left or left_s <= 0:
        raise httpcore.ReadTimeout("The time limit of the call is over.")
    return left_s if timeout_s is None else min(timeout_s, left_s)


class _Timely(httpx.SyncByteStream):
    """A body that is read within the time of the call whose answer it is, whoever reads it."""

    def __init__(self, stream: httpx.SyncByteStream, seen: Stream | None) -> None:
        self._stream, self._seen = stream, seen

    def __iter__(self) -> Iterator[bytes]:
        parts = iter(self._stream)
        while True:
            listening = hearing.set(self._seen)
            try:
                part = next(parts, None)
            finally:
                hearing.reset(listening)
            if part is None:
                return
            yield part

    def close(self) -> None:
        self._stream.close()


def _bounded(response: httpx.Response, seen: Stream | None) -> None:
    """Hand on an answer that is not made into plain chunks line by line, unpacked, and no more of it than is read."""
    packed = response.headers.get("content-encoding", "identity").strip().lower()
    if isinstance(response.stream, httpx.SyncByteStream):
        response.stream = _Bounded(response.stream, seen, is_packed=packed in _PACKINGS)
    if packed in _PACKINGS:
        for name in ("content-encoding", "content-length"):
            response.headers.pop(name, None)


class _Bounded(httpx.SyncByteStream):
    """A body that ends at the time limit, when nobody listens any more, or where it or a line of it is too long.

    What ended it is noted in ``seen``: whoever reads it finds an answer that breaks off.
    """

    def __init__(self, stream: httpx.SyncByteStream, seen: Stream | None, *, is_packed: bool) -> None:
        self._stream, self._seen = stream, seen
        self._unpack = zlib.decompressobj(wbits=47) if is_packed else None  # 47: gzip or zlib, as its head says
        self._n_bytes = self._n_line = 0

    def __iter__(self) -> Iterator[bytes]:
        # Line by line, as LiteLLM may take long for each.
        for plain in self._plain():
            for line in plain.splitlines(keepends=True):
                self._n_bytes += len(line)
                self._n_line = 0 if line.endswith((b"\n", b"\r")) else self._n_line + len(line)
                if self._is_over():
                    return
                yield line

    def _plain(self) -> Iterable[bytes]:
        for part in self._stream:
            if self._unpack is None:
                yield part
                continue
            rest = part
            while rest and not self._unpack.eof:
                try:
                    yield self._unpack.decompress(rest, _STEP)
                except zlib.error:
                    self._fail(Reply("it sent bytes that cannot be unpacked"))
                    return
                rest = self._unpack.unconsumed_tail

    def _is_over(self) -> bool:
        seen = self._seen
        for count, most, what in (
            (self._n_bytes, MOST_BYTES, "sent"),
            (self._n_line, MOST_LINE, "sent a line of"),
        ):
            if count > most:
                self._fail(Reply(f"it {what} more than {most // 2**20} MB"))
                return True
        if seen is None or seen.until is None:
            return False
        if time.monotonic() > seen.until and not seen.is_finished:
            self._fail(TimeoutError())
            return True
        return seen.is_left

    def _fail(self, why: Exception) -> None:
        if self._seen is not None:
            self._seen.failure = self._seen.failure or why

    def close(self) -> None:
        self._stream.close()


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
    if packed in _PACKINGS:
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
