"""An OpenAI-compatible server on loopback that behaves, or misbehaves, as the called name says.

    with Loopback() as server:
        server.url                     # http://127.0.0.1:PORT/v1

Names: ``normal-*`` answers with its own name and the prompt; ``slow-*`` waits between words; ``stuck-*`` sends two
words and then nothing; ``dying-*`` breaks the connection mid-answer; ``ending-*`` ends it politely but without a
finish; ``malformed-*`` sends a broken chunk; ``empty-*`` sends no text; ``nousage-*`` reports no tokens;
``length-*`` stops at the length limit; ``silent-*`` never answers; ``flaky-*`` fails with 503 once, then answers;
``status-401-*`` and so on answer with that status; ``telling-*`` repeats the key that it got; ``context-*`` says that
the prompt is too long; ``markup-*`` answers with hostile markup; ``essay-*`` answers at length, with a list and code.
``Loopback(manners)`` gives other names such a manner. Everything that was asked is kept in ``server.requests``.
"""

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

HOSTILE = (
    "Hello <script>alert(1)</script> <img src=x onerror=alert(2)> ![pixel](https://evil.example/p.png?q=1) "
    "[click](javascript:alert(3)) [data](data:text/html;base64,PHNjcmlwdD4=)\n\n```html\n<b>kept</b>\n```\n"
)
ESSAY = """There are **24** distinct ways.

Fix one person's seat, since turning the table changes nothing; the other four can then sit in

$$4! = 4 \\times 3 \\times 2 \\times 1 = 24$$

orders. Two remarks:

- If mirror images count as the same, halve it: 12.
- For $n$ people the number is $(n-1)!$.

```python
from math import factorial

def seatings(n: int) -> int:
    return factorial(n - 1)
```
"""
MESSAGES = {
    400: "Unsupported value: 'temperature' is not allowed.",
    401: "Incorrect API key provided: sk-loopback-secret-key-0123456789.",
    403: "You do not have access to this model.",
    404: "The model does not exist.",
    413: "Payload too large.",
    422: "Unprocessable.",
    429: "Rate limit reached.",
    500: "The server had an error.",
    502: "Bad gateway.",
    503: "The engine is overloaded.",
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        # Benchmarks ask how long the server itself took until each first word.
        found = self.server.first_words_s if self.path.endswith("/first-words") else []
        self._json(200, {"object": "list", "data": found})

    def do_POST(self) -> None:
        self._began = time.monotonic()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = str(body.get("model"))
        self.server.requests.append({"body": body, "key": self.headers.get("Authorization"), "path": self.path})
        manner = self.server.manners.get(name, name)
        kind = manner.split("-", 1)[0]
        with self.server.lock:
            self.server.calls[name] += 1
        if kind == "status":
            status = int(manner.split("-")[1])
            self._json(status, {"error": {"message": MESSAGES[status], "type": "test", "code": None}})
        elif kind == "telling":
            message = f"Wrong: {self.headers.get('Authorization')} is not for me."
            self._json(400, {"error": {"message": message, "type": "test", "code": None}})
        elif kind == "context":
            text = "This model's maximum context length is 100 tokens. However, your messages resulted in 9000 tokens."
            self._json(400, {"error": {"message": text, "type": "invalid_request", "code": "context_length_exceeded"}})
        elif kind == "flaky" and self.server.calls[name] == 1:
            self._json(503, {"error": {"message": MESSAGES[503], "type": "test", "code": None}})
        elif kind == "silent":
            self.server.closing.wait(30)
            self.close_connection = True
        else:
            self._stream(name, kind, str(body["messages"][-1]["content"]))

    def _json(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, name: str, kind: str, prompt: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            self._words(name, kind, prompt)
        except (BrokenPipeError, ConnectionResetError):
            self.server.broken.append(name)
            self.close_connection = True

    def _words(self, name: str, kind: str, prompt: str) -> None:
        told = {"markup": HOSTILE, "essay": ESSAY}
        text = told.get(kind, f"I am {name} and was asked: {prompt[:200]}")
        pieces = [] if kind == "empty" else [word + " " for word in text.split(" ")]
        self._chunk(name, {"role": "assistant", "content": ""})
        for number, piece in enumerate(pieces):
            if number == 2 and self._misbehave(kind):
                return
            if kind in {"slow", "essay"}:
                time.sleep(0.05 if kind == "slow" else 0.01)
            if number == 0:
                self.server.first_words_s.append(time.monotonic() - self._began)
            self._chunk(name, {"content": piece})
        if kind != "ending":
            self._chunk(name, {}, finish="length" if kind == "length" else "stop")
        if kind not in {"nousage", "ending"}:
            self._usage(name, len(pieces))
        self._data("[DONE]") if kind != "ending" else None
        self._raw("")

    def _misbehave(self, kind: str) -> bool:
        if kind == "stuck":
            self.server.closing.wait(30)
        elif kind == "malformed":
            self._data('{"id": "broken", "choices": [{"delta": {"content": ')
            self._raw("")
        elif kind != "dying":
            return False
        self.close_connection = True
        self.wfile.flush()
        return True

    def _chunk(self, name: str, delta: dict[str, str], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        self._data(json.dumps(self._envelope(name) | {"choices": [choice]}))

    def _usage(self, name: str, output: int) -> None:
        usage = {"prompt_tokens": 11, "completion_tokens": output, "total_tokens": 11 + output}
        self._data(json.dumps(self._envelope(name) | {"choices": [], "usage": usage}))

    @staticmethod
    def _envelope(name: str) -> dict[str, object]:
        return {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": f"{name}-served"}

    def _data(self, text: str) -> None:
        self._raw(f"data: {text}\n\n")

    def _raw(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, manners: Mapping[str, str], port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.manners = dict(manners)
        self.requests: list[dict[str, Any]] = []
        self.broken: list[str] = []
        self.first_words_s: list[float] = []
        self.calls: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.closing = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hung up, or was killed, is no error of this server."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Loopback:
    """Runs the server in a thread for the length of a ``with`` block."""

    def __init__(self, manners: Mapping[str, str] | None = None, *, port: int = 0) -> None:
        self._server = _Server(manners or {}, port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def manners(self) -> dict[str, str]:
        """How names other than these kinds behave; may be changed at any time."""
        return self._server.manners

    @property
    def requests(self) -> list[dict[str, Any]]:
        return self._server.requests

    @property
    def broken(self) -> list[str]:
        """Names whose caller hung up before the answer was complete."""
        return self._server.broken

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
