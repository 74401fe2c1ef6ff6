"""Calls that fail: each failure is of one class, one sentence without a key, and leaves the others alone."""

import inspect
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from routing import answer, errors
from routing.answer import answers, ask, same_request
from routing.answer import errors as answer_errors
from routing.answer.client import Stream
from routing.answer.stream import pieces
from routing.keys import KeyRing
from tests.asking import FAST, expert, one, ring
from tests.loopback import Loopback

# LiteLLM leaves an event loop and sockets to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    answer.load_litellm()
    with Loopback() as running:
        yield running


@pytest.mark.parametrize(
    ("name", "cause", "words"),
    [
        ("status-400-x", errors.RequestRefused, "refused the request"),
        ("status-401-x", errors.KeyRejected, "refused the key"),
        ("status-403-x", errors.KeyRejected, "refused the key"),
        ("status-404-x", errors.NameUnknown, "serves nothing under the name"),
        ("status-422-x", errors.RequestRefused, "refused the request"),
        ("status-429-x", errors.RateLimited, "accepts no more calls"),
        ("status-500-x", errors.ServerFailed, "failed"),
        ("status-502-x", errors.ServerFailed, "failed"),
        ("status-503-x", errors.ServerFailed, "failed"),
        ("context-x", errors.ContextTooLong, "do not fit"),
        ("empty-x", errors.ServerFailed, "the answer is empty"),
        ("malformed-x", errors.ServerFailed, "broke off its answer (it sent a line that cannot be read)"),
        ("dying-x", errors.ServerFailed, "broke off its answer (the connection ended in the middle)"),
        ("ending-x", errors.ServerFailed, "ended without saying why"),
    ],
)
def test_each_failure_is_one_sentence_without_a_key(
    server: Loopback, name: str, cause: type[errors.AnswerError], words: str
) -> None:
    got = one(server, name)
    assert type(got.error) is cause, got.error
    said = str(got.error)
    assert words in said
    assert "\n" not in said
    assert "sk-" not in said
    assert len(said) < 400
    assert not got.is_complete


def test_a_short_key_that_a_server_repeats_is_blotted_out(monkeypatch: pytest.MonkeyPatch, server: Loopback) -> None:
    monkeypatch.setattr("routing.answer.call.explain", lambda *_, **__: errors.ServerFailed("I know hunter2."))
    keys = KeyRing(session={"STATUS_500_K_ENDPOINT_KEY": "hunter2"}, environ={}, endpoints={"status-500-k": server.url})
    (got,) = answers(same_request([expert("status-500-k")], "x", FAST), keys=keys)
    assert str(got.error) == "I know ***."


def test_a_redirect_is_never_followed(server: Loopback) -> None:
    """A checked address could lead past the check."""

    class Redirecting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(307)
            self.send_header("Location", f"{server.url}/chat/completions")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    with HTTPServer(("127.0.0.1", 0), Redirecting) as outer:
        threading.Thread(target=outer.serve_forever, daemon=True).start()
        keys = KeyRing(environ={}, endpoints={"normal-moved": f"http://127.0.0.1:{outer.server_port}/v1"})
        (got,) = answers(same_request([expert("normal-moved")], "x", FAST), keys=keys)
        outer.shutdown()
    assert not got.text
    assert "HTTP 307" in str(got.error)
    assert not [r for r in server.requests if r["body"]["model"] == "normal-moved"]


def test_half_a_character_never_reaches_a_page_or_the_store() -> None:
    chunk = {"choices": [{"delta": {"content": "a\ud83d"}}]}
    assert list(pieces([chunk], Stream(iter(())))) == ["a?"]


def test_what_arrived_before_a_break_is_kept(server: Loopback) -> None:
    for name in ("dying-y", "malformed-y"):
        got = one(server, name)
        assert got.text == "I am "
        assert (got.output_tokens or 0) > 0
        assert got.tokens_source == "counted here, about"


@pytest.mark.parametrize("name", ["silent-a", "stuck-a"])
def test_time_limit_holds(server: Loopback, name: str) -> None:
    got = one(server, name, replace(FAST, timeout_s=1.0))
    assert isinstance(got.error, errors.TimedOut)
    assert "within the 1 s allowed" in str(got.error)
    assert got.latency_s < 4.0


def test_failure_that_may_pass_is_tried_again(server: Loopback) -> None:
    names = ["flaky-a"]
    events = list(
        ask(same_request([expert(n) for n in names], "x", replace(FAST, retries=1)), keys=ring(server, *names))
    )
    assert [e.kind for e in events if e.kind != "text"] == ["retrying", "finished"]
    assert events[-1].answer is not None
    assert (events[-1].answer.is_complete, events[-1].answer.retries) == (True, 1)


def test_final_failure_is_not_tried_again(server: Loopback) -> None:
    assert one(server, "status-401-once", replace(FAST, retries=3)).retries == 0


def test_refused_connection() -> None:
    keys = KeyRing(environ={}, endpoints={"gone": "http://127.0.0.1:9/v1"})
    (got,) = answers(same_request([expert("gone")], "x", FAST), keys=keys)
    assert isinstance(got.error, errors.Unreachable)
    assert "127.0.0.1:9" in str(got.error)


def test_one_failing_expert_leaves_the_others_alone(server: Loopback) -> None:
    names = ["normal-b", "status-500-b", "dying-b", "nokey", "normal-c"]
    keys = ring(server, *[n for n in names if n != "nokey"])
    got = answers(same_request([expert(n) for n in names], "x", FAST), keys=keys)
    assert [a.expert for a in got] == names
    assert [a.is_complete for a in got] == [True, False, False, False, True]
    assert isinstance(got[3].error, errors.KeyMissing)
    assert "OPENAI_API_KEY" in str(got[3].error)


def test_every_exception_of_litellm_is_mapped() -> None:
    litellm = answer.load_litellm()
    caught = answer.LiteLLM().errors()
    classes = [
        c
        for c in vars(litellm.exceptions).values()
        if inspect.isclass(c) and issubclass(c, Exception) and c.__module__ == "litellm.exceptions"
    ]
    assert len(classes) > 25
    for c in classes:
        assert c.__name__ in answer_errors.BY_NAME, f"LiteLLM has a new exception: {c.__name__}"
        assert issubclass(c, caught), f"{c.__name__} would not be caught"
    assert set(answer_errors.BY_NAME.values()) <= set(errors.AnswerError.__subclasses__())


def test_simulated_failures_of_litellm_map_too() -> None:
    litellm = answer.load_litellm()
    for name, cause in (
        ("litellm.RateLimitError", errors.RateLimited),
        ("litellm.ContextWindowExceededError", errors.ContextTooLong),
        ("litellm.InternalServerError", errors.ServerFailed),
    ):
        with pytest.raises(answer.LiteLLM().errors(), match=r"(?i)mock") as caught:
            litellm.completion(
                model="openai/gpt-4o", messages=[{"role": "user", "content": "x"}], mock_response=name, api_key="none"
            )
        assert answer_errors.cause_of(caught.value) is cause
