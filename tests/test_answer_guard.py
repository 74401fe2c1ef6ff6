"""What servers and name services try while a call is made: leading elsewhere, and flooding what reads them."""

import gzip
import json
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from routing.answer import LiteLLM, answers, load_litellm
from routing.answer.client import Request, Settings
from routing.answer.transport import MOST_OF_ERROR
from routing.catalog import load_catalog
from routing.errors import AnswerError, RequestRefused
from routing.keys import KEY_NAMES, Access, KeyRing, Secret

EXPERT = load_catalog()["gpt-4o-mini"]
SETTINGS = Settings(timeout_s=10, retries=0)
KEY = "sk-guard-0123456789abcdef"


@contextmanager
def serving(reply):
    """A server on this machine that answers every request with ``reply(handler)``; yields its address and its log."""
    log = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def _any(self):
            self.rfile.read(int(self.headers.get("content-length") or 0))
            log.append((self.path, dict(self.headers)))
            reply(self)

        do_GET = do_POST = do_PUT = _any  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", log
    finally:
        server.shutdown()
        server.server_close()


def body(handler, status, content, **headers):
    handler.send_response(status)
    for name, value in {"content-length": str(len(content)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    try:
        handler.wfile.write(content)
    except OSError:
        return  # whoever asked has heard enough


def call(model, address, *, allow_private=True):
    """What a call ends with: its text, or the sentence for a person."""
    expert = replace(EXPERT, name="asked", litellm=model)
    try:
        stream = LiteLLM().open(Access(model, Secret(KEY), address, allow_private), Request(expert, "Hi", SETTINGS))
        return "".join(stream.pieces)
    except AnswerError as problem:
        return str(problem)
    except LiteLLM().errors() as problem:
        from routing.answer.errors import explain

        return str(explain(problem, expert, timeout_s=10, address=address, tries=1))


@pytest.mark.filterwarnings("ignore")
def test_no_provider_with_a_stated_address_is_led_elsewhere():
    with serving(lambda h: body(h, 200, b"{}")) as (elsewhere, hits):

        def redirect(handler):
            status = int(handler.path.split("/")[1])
            body(handler, status, b"", location=f"{elsewhere}/latest/meta-data")

        with serving(redirect) as (address, asked):
            tried = [(provider, 303) for provider in KEY_NAMES]
            tried += [
                (p, s)
                for p in ("openai", "azure_ai", "cloudflare", "databricks", "gemini")
                for s in (301, 302, 307, 308)
            ]
            tried += [
                (p, 303) for p in ("ollama", "ollama_chat", "huggingface", "hosted_vllm", "lm_studio", "snowflake")
            ]
            for provider, status in tried:
                before = len(asked)
                said = call(f"{provider}/m", f"{address}/{status}/v1")
                assert not hits, f"{provider} followed a {status}"
                assert len(asked) > before, f"{provider} was not asked at all: {said}"
                assert f"redirect to '127.0.0.1' (HTTP {status}), which is not followed" in said, (provider, said)


def test_a_name_that_leads_elsewhere_after_the_check_is_not_called(monkeypatch):
    with serving(lambda h: body(h, 200, b"{}")) as (address, hits):
        port = int(address.rsplit(":", 1)[1])
        answers_of_names = ["93.184.215.14", "127.0.0.1"]
        real = socket.getaddrinfo

        def look_up(host, *rest, **more):
            if host != "rebound.example":
                return real(host, *rest, **more)
            ip = answers_of_names.pop(0) if len(answers_of_names) > 1 else answers_of_names[0]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

        load_litellm()
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        ring = KeyRing(environ={}, endpoints={EXPERT.name: f"http://rebound.example:{port}/v1"}, allow_private=False)
        found = answers([Request(EXPERT, "Hi", SETTINGS)], keys=ring)[0]
        assert isinstance(found.error, RequestRefused)
        assert "leads to 127.0.0.1, which lies in a private network" in str(found.error)
        assert not hits


@pytest.mark.parametrize("model", ["openai/m", "gemini/m", "databricks/m"])
@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (json.dumps({"error": {"message": "no " * 3_400_000}}).encode(), {}),
        (gzip.compress(b"a=" * 50_000_000, 1), {"content_encoding": "gzip"}),
        (b"\x00\xff" * 5_000_000, {"content_encoding": "br"}),
    ],
    ids=["long", "bomb", "unknown"],
)
@pytest.mark.filterwarnings("ignore")
def test_no_more_than_the_beginning_of_a_refusal_is_read(model, content, headers, monkeypatch):
    import httpx

    seen = []
    real = httpx.Response.read
    monkeypatch.setattr(httpx.Response, "read", lambda self: seen.append(real(self)) or seen[-1])
    with serving(lambda h: body(h, 400, content, **headers)) as (address, _):
        said = call(model, f"{address}/v1")
    assert "refused the request" in said or "HTTP 400" in said, said
    assert len(said) < 1000
    assert max(map(len, seen), default=0) <= MOST_OF_ERROR


def test_a_refusal_that_never_ends_ends(monkeypatch):
    def endless(handler):
        handler.send_response(500)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 4096)
        except OSError:
            return

    with serving(endless) as (address, _):
        began = time.monotonic()
        said = call("openai/m", f"{address}/v1")
    assert "HTTP 500" in said
    assert time.monotonic() - began < SETTINGS.timeout_s, "it was not read until the time was over"


def test_a_provider_that_is_called_at_the_first_chunk_answers():
    def gemini(handler):
        parts = [
            {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}]}
            for text in ("Blue ", "sky")
        ]
        parts[-1]["candidates"][0]["finishReason"] = "STOP"
        parts[-1]["usageMetadata"] = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
        content = "".join(f"data: {json.dumps(part)}\n\n" for part in parts).encode()
        body(handler, 200, content, content_type="text/event-stream")

    with serving(gemini) as (address, log):
        access = Access("gemini/gemini-2.5-pro", Secret(KEY), address)
        stream = LiteLLM().open(access, Request(replace(EXPERT, litellm=access.model), "Hi", SETTINGS))
        assert "".join(stream.pieces) == "Blue sky"
        assert stream.finish_reason == "stop"
    assert log[0][0].endswith("streamGenerateContent?alt=sse")
