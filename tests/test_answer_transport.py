"""The connections under all calls: kept where that saves time, closed where one is left early, never mixing keys."""

import gc
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import httpx
import pytest

from routing.answer import LiteLLM, load_litellm
from routing.answer.client import Request, Settings
from routing.answer.transport import canned_session, open_session, to_the_end
from routing.keys import KeyRing
from tests.asking import FAST, eventually, expert

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # LiteLLM's own

EVENT = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[%s]}\n\n'
CHUNKS = (
    EVENT % b'{"index":0,"delta":{"content":"hello"},"finish_reason":null}',
    EVENT % b'{"index":0,"delta":{},"finish_reason":"stop"}',
    b"data: [DONE]\n\n",
)


class Raw:
    """A server of bare sockets: it counts connections, sets a cookie, and ends its answers late or never."""

    def __init__(self, end_after_s: float | None) -> None:
        self.end_after_s, self.asked = end_after_s, []
        self.connections: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))

    def accept(self) -> None:
        while True:
            try:
                found, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(found)
            threading.Thread(target=self.serve, args=(found,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        with suppress(OSError):  # the caller hung up
            self.answers(connection)

    def answers(self, connection: socket.socket) -> None:
        while head := connection.recv(65536):
            while b"\r\n\r\n" not in head or not head.endswith(b"}"):
                head += connection.recv(65536)
            self.asked.append(head.decode())
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nSet-Cookie: who=first; Path=/\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in CHUNKS)
            )
            if self.end_after_s is not None:
                time.sleep(self.end_after_s)
                connection.sendall(b"0\r\n\r\n")


@contextmanager
def raw(end_after_s: float | None = 0.0) -> Iterator[Raw]:
    server = Raw(end_after_s)
    threading.Thread(target=server.accept, daemon=True).start()
    yield server
    server.listener.close()
    for connection in server.connections:
        connection.close()


def call(server: Raw, key: str, settings: Settings = FAST) -> str:
    address = f"http://127.0.0.1:{server.listener.getsockname()[1]}/v1"
    one = expert("normal-t")
    keys = KeyRing(session={"NORMAL_T_ENDPOINT_KEY": key}, environ={}, endpoints={one.name: address})
    stream = LiteLLM().open(keys.access(one), Request(one, "hello", settings))
    text = "".join(stream.pieces)
    assert stream.close is not None
    stream.close()
    return text


def test_each_call_brings_its_own_key_and_no_cookie() -> None:
    load_litellm()
    with raw() as server:
        for key in ("sk-first-0123456789", "sk-second-0123456789", "sk-first-0123456789"):
            assert call(server, key) == "hello"
        assert ["sk-first" in asked for asked in server.asked] == [True, False, True]
        assert ["sk-second" in asked for asked in server.asked] == [False, True, False]
        assert not [asked for asked in server.asked if "cookie:" in asked.lower()]


def test_a_server_that_never_ends_its_answer_holds_nobody_up() -> None:
    with raw(end_after_s=None) as server:
        began = time.monotonic()
        assert call(server, "sk-first-0123456789", replace(FAST, timeout_s=300.0)) == "hello"
        assert time.monotonic() - began < 120.0, "it waited for the time limit"


class Stream(httpx.SyncByteStream):
    """A body whose end may be late."""

    def __init__(self, parts: list[bytes], late: threading.Event) -> None:
        self.parts, self.late = parts, late
        self.is_whole = self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self.parts
        self.late.wait(5)
        self.is_whole = True

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize(
    ("parts", "scheme", "is_whole"),
    [
        ([CHUNKS[0], b"data: [DO", b"NE]\n\n"], "https", True),
        ([CHUNKS[0]], "https", False),
        ([CHUNKS[0], CHUNKS[2]], "http", False),
    ],
    ids=["said everything", "stopped", "not encrypted"],
)
def test_what_is_left_after_the_last_event_is_read_in_the_background(parts, scheme, is_whole) -> None:
    late = threading.Event()
    stream = Stream(parts, late)
    request = httpx.Request("POST", f"{scheme}://example.org/v1")
    response = httpx.Response(200, stream=stream, request=request)
    to_the_end(response, request)
    read = iter(response.stream)
    for _ in parts:
        next(read)
    response.close()
    assert stream.is_closed is not is_whole, "a late end holds nobody up"
    late.set()
    eventually(lambda: stream.is_closed)
    assert stream.is_whole is is_whole


def test_a_stream_left_early_is_closed() -> None:
    with raw() as server, open_session(verify=False) as session:
        address = f"http://127.0.0.1:{server.listener.getsockname()[1]}/v1"
        with session.stream("POST", address, json={}) as response:
            next(response.iter_raw(4))
        eventually(lambda: not session._transport._direct._pool.connections)


def test_the_canned_session_reaches_nobody() -> None:
    with canned_session() as session:
        assert "ready" in session.post("http://127.0.0.1:9/chat/completions").text


def test_a_body_that_is_collected_unclosed_is_closed_at_the_next_request_and_never_by_the_collector() -> None:
    """The collector may run in the thread that holds the pool's lock: there a body that it closed would never end."""

    def begin() -> None:
        response = session.send(session.build_request("POST", url, json={}), stream=True)
        ring: list[object] = [response, response.iter_raw()]
        ring.append(ring)  # only the collector finds it
        next(ring[1])  # type: ignore[call-overload]

    def collect_under_the_lock() -> None:
        with pool._optional_thread_lock:
            gc.collect()

    with raw() as server:
        url = f"http://127.0.0.1:{server.listener.getsockname()[1]}/v1"
        session = open_session(verify=False)
        pool = session._transport._direct._pool  # type: ignore[attr-defined]
        begin()
        assert len(pool._requests) == 1
        thread = threading.Thread(target=collect_under_the_lock, daemon=True)
        thread.start()
        thread.join(20)
        assert not thread.is_alive(), "the collector closed a body, and waits for the lock that its thread holds"
        assert session.post(url, json={}).status_code == 200
        assert pool._requests == []
        pool.close()
