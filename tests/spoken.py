"""A loopback server that speaks OpenAI's protocol and some providers' own, by the path it is asked at."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

ANSWER = "The answer is forty-two."


def _openai(model: str) -> tuple[str, str]:
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": model}
    parts = [
        {"index": 0, "delta": {"role": "assistant", "content": ANSWER}, "finish_reason": None},
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    ]
    lines = [json.dumps({**chunk, "choices": [part]}) for part in parts]
    return "text/event-stream", "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"])


def _anthropic(model: str) -> tuple[str, str]:
    usage = {"input_tokens": 7, "output_tokens": 5}
    message = {"id": "m", "type": "message", "role": "assistant", "model": model, "content": [], "usage": usage}
    events = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": ANSWER}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]
    return "text/event-stream", "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)


def _gemini(model: str) -> tuple[str, str]:
    said = {"content": {"parts": [{"text": ANSWER}], "role": "model"}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 7, "candidatesTokenCount": 5, "totalTokenCount": 12}
    line = json.dumps({"candidates": [said], "usageMetadata": usage, "modelVersion": model})
    return "text/event-stream", f"data: {line}\r\n\r\n"


def _ollama(model: str) -> tuple[str, str]:
    common = {"model": model, "created_at": "2026-11-30T10:00:00Z"}
    first = {**common, "message": {"role": "assistant", "content": ANSWER}, "done": False}
    last = {**common, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop",
            "prompt_eval_count": 7, "eval_count": 5}  # fmt: skip
    return "application/x-ndjson", f"{json.dumps(first)}\n{json.dumps(last)}\n"


_SPOKEN = {
    "/chat/completions": _openai,
    "/messages": _anthropic,
    ":streamGenerateContent": _gemini,
    "/api/chat": _ollama,
}


class Spoken(ThreadingHTTPServer):
    """The server; ``asked`` holds the path, the model of the body and the headers of everything that was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str | None, dict[str, str]]] = []

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Spoken

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"{}")
        model = body.get("model")
        self.server.asked.append((self.path, model, dict(self.headers)))
        path = urlsplit(self.path).path
        speak = next((how for ending, how in _SPOKEN.items() if path.endswith(ending)), None)
        kind, text = speak(str(model)) if speak else ("application/json", '{"error": {"message": "no such path"}}')
        self.send_response(200 if speak else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())
