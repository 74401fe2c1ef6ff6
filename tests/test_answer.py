"""Answers through the real LiteLLM against a loopback server: complete, concurrent, stopped, accounted for."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from routing import answer, errors
from routing.answer import Stop, answers, ask, same_request
from routing.answer.client import Settings
from routing.keys import KeyRing
from tests.asking import FAST, KEY, eventually, expert, one, ring
from tests.loopback import MESSAGES, Loopback

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
    patient = replace(FAST, timeout_s=60.0)
    asked = same_request([expert(n) for n in names], "w " * 60, patient)  # three seconds, in which the last begins too
    events = list(ask(asked, keys=ring(server, *names)))
    pieces = {n: "".join(e.text for e in events if e.column == n and e.kind == "text") for n in names}
    done = {e.column: e.answer for e in events if e.answer is not None}
    for name in names:
        assert pieces[name] == done[name].text
        assert [n for n in names if f"{n} " in pieces[name]] == [name]
    first_end = next(i for i, e in enumerate(events) if e.kind == "finished")
    assert {e.column for e in events[:first_end]} == set(names), "all stream before the first ends"


def test_tokens_nobody_reported_are_counted_and_say_so(server: Loopback) -> None:
    got = one(server, "nousage-a")
    assert got.tokens_source == "counted here, about"
    assert got.input_tokens is not None
    assert got.output_tokens is not None
    assert got.is_complete


def test_cut_at_the_length_limit_is_not_complete(server: Loopback) -> None:
    got = one(server, "length-a")
    assert (got.finish_reason, got.is_complete, got.error) == ("length", False, None)


def test_stop_all_keeps_what_arrived(server: Loopback) -> None:
    stop, names = Stop(), ["slow-s1", "stuck-s2", "silent-s3"]
    began, done = time.monotonic(), {}
    patient = replace(FAST, timeout_s=120.0)
    asked = same_request([expert(n) for n in names], "w " * 90, patient)
    for event in ask(asked, keys=ring(server, *names), stop=stop):
        if event.kind == "text" and event.column == "slow-s1":
            stop.all()
        if event.answer is not None:
            done[event.column] = event.answer
    assert time.monotonic() - began < 60.0, "stopping does not wait for the time allowed"
    assert set(done) == set(names)
    assert all(a.finish_reason == "stopped" and not a.is_complete and a.error is None for a in done.values())
    assert done["slow-s1"].text.startswith("I ")
    eventually(lambda: "slow-s1" in server.broken)


def test_stop_one_leaves_the_others_running(server: Loopback) -> None:
    stop, names = Stop(), ["silent-t1", "slow-t2"]
    stop.one("silent-t1")
    keys = ring(server, *names)
    events = list(ask(same_request([expert(n) for n in names], "x", FAST), keys=keys, stop=stop))
    done = {e.column: e.answer for e in events if e.answer is not None}
    assert done["silent-t1"].finish_reason == "stopped"
    assert done["slow-t2"].is_complete


def test_leaving_the_iterator_stops_the_calls(server: Loopback) -> None:
    events = ask(same_request([expert("slow-left")], "w " * 90, FAST), keys=ring(server, "slow-left"))
    assert isinstance(events, Iterator)
    next(e for e in events if e.kind == "text")
    events.close()  # type: ignore[attr-defined]
    eventually(lambda: "slow-left" in server.broken)


def test_cost_by_the_catalogue_and_unknown_is_not_free(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    keys = KeyRing(environ={"OPENAI_API_KEY": KEY})
    priced, unpriced = answers(same_request([expert("normal-p", price=2.0), expert("normal-u")], "x", FAST), keys=keys)
    assert priced.cost_usd == pytest.approx((11 + (priced.output_tokens or 0)) * 2.0 / 1e6)
    assert priced.cost_source == "a test"
    assert (unpriced.cost_usd, unpriced.cost_source) == (None, "unknown")


def test_what_never_answered_costs_nothing_unless_it_may_have_been_at_work(server: Loopback) -> None:
    keys = ring(server, "status-500-c", "silent-c")
    asked = [expert("normal-keyless"), expert("status-500-c"), expert("silent-c")]
    found = answers(same_request(asked, "x", replace(FAST, timeout_s=1.0)), keys=keys)
    assert [type(a.error) for a in found] == [errors.KeyMissing, errors.ServerFailed, errors.TimedOut]
    assert [a.cost_usd for a in found] == [0.0, 0.0, None]


def test_keys_never_show(server: Loopback, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    before = dict(os.environ)
    keys = ring(server, "normal-k", "status-401-k")
    got = answers(same_request([expert("normal-k"), expert("status-401-k")], "x", FAST), keys=keys)
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
        ask(same_request([expert("normal-a")], " \n\t"))


def test_importing_does_not_load_litellm() -> None:
    code = "import routing.answer, routing.keys, routing.local, sys; assert 'litellm' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_threads_end(server: Loopback) -> None:
    one(server, "normal-z")
    eventually(lambda: not [t for t in threading.enumerate() if t.name == "ask-normal-z"])


def test_first_call_of_a_process_says_that_it_prepares(server: Loopback) -> None:
    code = f"""
from routing.answer import ask, same_request
from routing.keys import KeyRing
from tests.asking import FAST, expert
keys = KeyRing(environ={{}}, endpoints={{"normal-first": {server.url!r}}})
events = list(ask(same_request([expert("normal-first")], "x", FAST), keys=keys))
print(events[0].kind, events[0].text, events[-1].answer.is_complete)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    assert done.stdout.strip() == "starting Preparing the first call True"
