"""Answers through the real LiteLLM against a loopback server that behaves and misbehaves."""

import inspect
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from routing import answer, answer_errors, errors
from routing.answer import Stop, answers, ask
from routing.answer_client import Settings
from routing.keys import KeyRing, endpoint_key_name
from routing.schema import Answer, Expert
from tests.loopback import MESSAGES, Loopback

# LiteLLM leaves an event loop and sockets to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
KEY = "sk-test-0123456789abcdefghijklmnop"
FAST = Settings(max_tokens=50, timeout_s=8.0, retries=0)


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    answer.load_litellm()
    with Loopback() as running:
        yield running


def expert(name: str, *, title: str | None = None, price: float | None = None) -> Expert:
    return Expert(
        name=name,
        title=title or name.title(),
        provider="Loopback",
        litellm=f"openai/{name}",
        params_b=None,
        active_b=None,
        released=None,
        open_weights=None,
        licence="none",
        context_tokens=4096,
        price_in_usd_per_mtok=price,
        price_out_usd_per_mtok=price,
        price_source="a test",
        price_date=None,
        security_tier=3,
    )


def ring(server: Loopback, *names: str) -> KeyRing:
    return KeyRing(
        session={endpoint_key_name(n): KEY for n in names}, environ={}, endpoints=dict.fromkeys(names, server.url)
    )


def one(server: Loopback, name: str, settings: Settings = FAST, prompt: str = "What is new?") -> Answer:
    return answers([expert(name)], prompt, keys=ring(server, name), settings=settings)[0]


def test_normal_answer_is_complete_and_accounted_for(server: Loopback) -> None:
    got = one(server, "normal-a")
    assert got.text.startswith("I am normal-a and was asked: What is new?")
    assert (got.is_complete, got.error, got.finish_reason, got.retries) == (True, None, "stop", 0)
    assert (got.input_tokens, got.tokens_source) == (11, "reported by the provider")
    assert got.output_tokens == len(got.text.split())
    assert got.served == "normal-a-served", "the provider's own name, not the one asked for"
    assert got.time_to_first_token_s is not None
    assert 0 < got.time_to_first_token_s <= got.latency_s
    assert (got.cost_usd, got.cost_source) == (None, "unknown: your own address has no price here")


def test_request_carries_the_settings_and_only_its_own_key(server: Loopback) -> None:
    one(server, "normal-settings", Settings(max_tokens=7, temperature=0.5, timeout_s=8, system="Be brief."))
    request = next(r for r in server.requests if r["body"]["model"] == "normal-settings")
    assert request["key"] == f"Bearer {KEY}"
    assert (request["body"]["max_tokens"], request["body"]["temperature"]) == (7, 0.5)
    assert [m["role"] for m in request["body"]["messages"]] == ["system", "user"]


def test_several_experts_answer_concurrently_and_never_mix(server: Loopback) -> None:
    names = [f"slow-{i}" for i in range(8)]
    began = time.monotonic()
    events = list(ask([expert(n) for n in names], "Mark", keys=ring(server, *names), settings=FAST))
    took = time.monotonic() - began
    pieces = {n: "".join(e.text for e in events if e.expert == n and e.kind == "text") for n in names}
    done = {e.expert: e.answer for e in events if e.answer is not None}
    for name in names:
        assert pieces[name] == done[name].text
        assert [n for n in names if f"{n} " in pieces[name]] == [name]
    # Each takes about 0.5 s by itself; one after the other would take 4 s.
    assert took < 3.0
    first_end = next(i for i, e in enumerate(events) if e.kind == "finished")
    assert {e.expert for e in events[:first_end]} == set(names), "all stream before the first ends"


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
        ("malformed-x", errors.ServerFailed, "broke off"),
        ("dying-x", errors.ServerFailed, "broke off"),
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


def test_what_arrived_before_a_break_is_kept(server: Loopback) -> None:
    for name in ("dying-y", "malformed-y"):
        got = one(server, name)
        assert got.text == "I am "
        assert (got.output_tokens or 0) > 0
        assert got.tokens_source == "counted here, about"


def test_tokens_nobody_reported_are_counted_and_say_so(server: Loopback) -> None:
    got = one(server, "nousage-a")
    assert got.tokens_source == "counted here, about"
    assert got.input_tokens is not None
    assert got.output_tokens is not None
    assert got.is_complete


def test_cut_at_the_length_limit_is_not_complete(server: Loopback) -> None:
    got = one(server, "length-a")
    assert (got.finish_reason, got.is_complete, got.error) == ("length", False, None)


@pytest.mark.parametrize("name", ["silent-a", "stuck-a"])
def test_time_limit_holds(server: Loopback, name: str) -> None:
    got = one(server, name, replace(FAST, timeout_s=1.0))
    assert isinstance(got.error, errors.TimedOut)
    assert "within the 1 s allowed" in str(got.error)
    assert got.latency_s < 4.0


def test_failure_that_may_pass_is_tried_again(server: Loopback) -> None:
    names = ["flaky-a"]
    events = list(ask([expert(n) for n in names], "x", keys=ring(server, *names), settings=replace(FAST, retries=1)))
    assert [e.kind for e in events if e.kind != "text"] == ["retrying", "finished"]
    assert events[-1].answer is not None
    assert (events[-1].answer.is_complete, events[-1].answer.retries) == (True, 1)


def test_final_failure_is_not_tried_again(server: Loopback) -> None:
    assert one(server, "status-401-once", replace(FAST, retries=3)).retries == 0


def test_refused_connection() -> None:
    keys = KeyRing(environ={}, endpoints={"gone": "http://127.0.0.1:9/v1"})
    (got,) = answers([expert("gone")], "x", keys=keys, settings=FAST)
    assert isinstance(got.error, errors.Unreachable)
    assert "127.0.0.1:9" in str(got.error)


def test_one_failing_expert_leaves_the_others_alone(server: Loopback) -> None:
    names = ["normal-b", "status-500-b", "dying-b", "nokey", "normal-c"]
    keys = ring(server, *[n for n in names if n != "nokey"])
    got = answers([expert(n) for n in names], "x", keys=keys, settings=FAST)
    assert [a.expert for a in got] == names
    assert [a.is_complete for a in got] == [True, False, False, False, True]
    assert isinstance(got[3].error, errors.KeyMissing)
    assert "OPENAI_API_KEY" in str(got[3].error)


def test_stop_all_keeps_what_arrived(server: Loopback) -> None:
    stop, names = Stop(), ["slow-s1", "stuck-s2", "silent-s3"]
    began, done = time.monotonic(), {}
    for event in ask([expert(n) for n in names], "w " * 90, keys=ring(server, *names), settings=FAST, stop=stop):
        if event.kind == "text" and event.expert == "slow-s1":
            stop.all()
        if event.answer is not None:
            done[event.expert] = event.answer
    assert time.monotonic() - began < 3.0
    assert set(done) == set(names)
    assert all(a.finish_reason == "stopped" and not a.is_complete and a.error is None for a in done.values())
    assert done["slow-s1"].text.startswith("I ")
    _eventually(lambda: "slow-s1" in server.broken)


def test_stop_one_leaves_the_others_running(server: Loopback) -> None:
    stop, names = Stop(), ["silent-t1", "slow-t2"]
    stop.one("silent-t1")
    keys = ring(server, *names)
    events = list(ask([expert(n) for n in names], "x", keys=keys, settings=FAST, stop=stop))
    done = {e.expert: e.answer for e in events if e.answer is not None}
    assert done["silent-t1"].finish_reason == "stopped"
    assert done["slow-t2"].is_complete


def test_leaving_the_iterator_stops_the_calls(server: Loopback) -> None:
    events = ask([expert("slow-left")], "w " * 90, keys=ring(server, "slow-left"), settings=FAST)
    assert isinstance(events, Iterator)
    next(e for e in events if e.kind == "text")
    events.close()  # type: ignore[attr-defined]
    _eventually(lambda: "slow-left" in server.broken)


def _eventually(claim: object, within_s: float = 5.0) -> None:
    assert callable(claim)
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_cost_by_the_catalogue_and_unknown_is_not_free(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    keys = KeyRing(environ={"OPENAI_API_KEY": KEY})
    priced, unpriced = answers([expert("normal-p", price=2.0), expert("normal-u")], "x", keys=keys, settings=FAST)
    assert priced.cost_usd == pytest.approx((11 + (priced.output_tokens or 0)) * 2.0 / 1e6)
    assert priced.cost_source == "a test"
    assert (unpriced.cost_usd, unpriced.cost_source) == (None, "unknown")


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


def test_keys_never_show(server: Loopback, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    before = dict(os.environ)
    keys = ring(server, "normal-k", "status-401-k")
    got = answers([expert("normal-k"), expert("status-401-k")], "x", keys=keys, settings=FAST)
    shown = f"{keys!r} {got!r} {[str(a.error) for a in got]} {caplog.text} {''.join(capfd.readouterr())}"
    assert KEY not in shown
    assert "loopback-secret" not in shown, "a provider that repeats the key is not repeated"
    assert MESSAGES[401] not in shown
    assert KEY not in " ".join(os.environ.values())
    changed = {name for name in os.environ if os.environ[name] != before.get(name)}
    assert not any("KEY" in name or "SECRET" in name for name in changed)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"temperature": 3}, "0 to 2"),
        ({"timeout_s": 0}, "0.1"),
        ({"retries": -1}, "-1"),
    ],
)
def test_settings_are_checked(change: dict[str, float], words: str) -> None:
    with pytest.raises(errors.PreferenceError, match=words):
        Settings(**change)  # type: ignore[arg-type]


def test_empty_prompt_is_refused_before_any_call() -> None:
    with pytest.raises(errors.PromptError, match="Type what the experts should answer"):
        ask([expert("normal-a")], " \n\t")


def test_importing_does_not_load_litellm() -> None:
    code = "import routing.answer, routing.keys, routing.local, sys; assert 'litellm' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_threads_end(server: Loopback) -> None:
    one(server, "normal-z")
    _eventually(lambda: not [t for t in threading.enumerate() if t.name == "ask-normal-z"])
