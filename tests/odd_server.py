"""A loopback server whose every model answers in another odd way, as ``tests/odd_modes.py`` says.

with OddServer() as server:
    server.url                     # http://127.0.0.1:PORT/v1
"""

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.odd_failures import FAILURES, REFUSING
from tests.odd_modes import STREAMS, USAGES, Mode, Writer

MODES = {**STREAMS, **USAGES, **FAILURES, **REFUSING}
ENDLESS = frozenset(name for name in FAILURES if name.endswith("for-ever"))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        mode = MODES.get(str(body["model"])) or self.server.modes[str(body["model"])]
        refused = next((told for name, told in mode.refuses.items() if _is_sent(name, body)), None)
        try:
            if refused is not None:
                self._send(refused[0], json.dumps(refused[1]).encode(), "application/json", {})
            else:
                self._send(mode.status, mode.body, mode.kind, mode.headers)
        except OSError:  # the caller hung up
            self.close_connection = True

    def _send(self, status: int, body: bytes | Callable[[Writer], None], kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        if isinstance(body, bytes):
            self.send_header("Content-Length", str(len(body)))
        elif "Transfer-Encoding" not in headers:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if isinstance(body, bytes):
            self.wfile.write(body)
        else:
            body(self)

    def part(self, data: bytes) -> None:
        """One piece of a chunked body; an empty one ends it."""
        if self.server.closing.is_set():
            raise ConnectionAbortedError
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


def _is_sent(name: str, body: dict[str, Any]) -> bool:
    """Whether a request has what a mode refuses."""
    if name == "system":
        return any(message["role"] == "system" for message in body["messages"])
    if name == "stream":
        return bool(body.get("stream"))
    parameter, _, most = name.partition(">")
    return not name or (parameter in body and (not most or body[parameter] > int(most)))


def wrong(got: Any, mode: Mode) -> list[str]:
    """What of an answer is not as it should be."""
    is_said = got.error is None if mode.error is None else re.search(mode.error, str(got.error)) is not None
    claims = {
        "text": got.text == mode.text,
        "error": is_said,
        "finish": got.finish_reason == mode.finish,
        "complete": got.is_complete is mode.is_complete,
        "note": mode.note in got.note if mode.note else not got.note,
        "tokens": mode.tokens is None or (got.input_tokens, got.output_tokens) == mode.tokens,
        "plausible": all(n is None or 0 < n < 100_000 for n in (got.input_tokens, got.output_tokens)),
        "kept": not re.search("[\ud800-\udfff\0]", f"{got.text}{got.served}{got.finish_reason}{got.error}{got.note}"),
        "one line": "\n" not in str(got.error or "") and len(str(got.error or "")) < 450,
    }
    return [claim for claim, is_so in claims.items() if not is_so]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[dict[str, Any]] = []
        self.modes: dict[str, Mode] = {}
        self.closing = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers hang up on what is odd; that is what is tried here."""


class OddServer:
    """Runs the server in a thread for the length of a ``with`` block; ``modes`` adds further ones."""

    def __init__(self) -> None:
        self._server = _Server()
        self.requests, self.modes = self._server.requests, self._server.modes
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
