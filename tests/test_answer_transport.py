"""The connections under all calls: reused, closed where an answer was stopped, and the same for every key."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from routing.answer import LiteLLM, load_litellm
from routing.answer_client import Request
from routing.answer_transport import canned_session, open_session
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


def call(server: Raw, key: str) -> str:
    address = f"http://127.0.0.1:{server.listener.getsockname()[1]}/v1"
    one = expert("normal-t")
    keys = KeyRing(session={"NORMAL_T_ENDPOINT_KEY": key}, environ={}, endpoints={one.name: address})
    stream = LiteLLM().open(keys.access(one), Request(one, "hello", FAST))
    text = "".join(stream.pieces)
    assert stream.close is not None
    stream.close()
    return text


def test_a_connection_is_used_again_and_each_call_brings_its_own_key_and_no_cookie() -> None:
    load_litellm()
    with raw(end_after_s=0.05) as server:
        for key in ("sk-first-0123456789", "sk-second-0123456789", "sk-first-0123456789"):
            assert call(server, key) == "hello"
            time.sleep(0.3)
        assert len(server.connections) == 1
        assert ["sk-first" in asked for asked in server.asked] == [True, False, True]
        assert ["sk-second" in asked for asked in server.asked] == [False, True, False]
        assert not [asked for asked in server.asked if "cookie:" in asked.lower()]


def test_a_server_that_never_ends_its_answer_holds_nobody_up() -> None:
    with raw(end_after_s=None) as server:
        began = time.monotonic()
        assert call(server, "sk-first-0123456789") == "hello"
        assert time.monotonic() - began < 2.0


def test_a_stream_left_early_is_closed() -> None:
    with raw() as server, open_session(verify=False) as session:
        address = f"http://127.0.0.1:{server.listener.getsockname()[1]}/v1"
        with session.stream("POST", address, json={}) as response:
            next(response.iter_raw(4))
        eventually(lambda: not session._transport._pool.connections)


def test_the_canned_session_reaches_nobody() -> None:
    with canned_session() as session:
        assert "ready" in session.post("http://127.0.0.1:9/chat/completions").text
