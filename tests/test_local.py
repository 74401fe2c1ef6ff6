"""The expert on this machine: real llama.cpp where its weights are present, and failures without any weights."""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from routing import local, weights
from routing.answer import Stop, answers, ask, same_request
from routing.answer.client import Settings
from routing.catalog import load_catalog
from routing.errors import ContextTooLong, LocalFailed
from routing.keys import KeyRing
from routing.local import LocalExperts, local_experts
from routing.schema import Answer

NAME = "smollm2-135m"
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
needs_weights = pytest.mark.skipif(
    not LocalExperts().is_installed(NAME), reason="the weights of SmolLM2 are not here: run make setup"
)
SHORT = Settings(max_tokens=24, timeout_s=50.0)


@pytest.fixture(scope="module")
def running() -> Iterator[LocalExperts]:
    experts = local_experts()
    experts.address(NAME)
    yield experts
    experts.stop()


def one(prompt: str, settings: Settings = SHORT) -> Answer:
    return answers(same_request([load_catalog()[NAME]], prompt, settings), keys=KeyRing(environ={}))[0]


@needs_weights
def test_answers_without_any_key(running: LocalExperts) -> None:
    got = one("Name a colour.")
    assert got.error is None, got.error
    assert got.text.strip(), "some words; which ones is not ours to say"
    assert (got.cost_usd, got.cost_source, got.served) == (0.0, "runs on this machine", NAME)
    assert got.tokens_source.startswith("reported by the provider"), "with what of it came from the cache"
    assert 0 < (got.output_tokens or 0) <= SHORT.max_tokens
    assert 0 < (got.time_to_first_token_s or 0) <= got.latency_s


@needs_weights
def test_same_prompt_same_answer(running: LocalExperts) -> None:
    assert one("Name three animals.").text == one("Name three animals.").text


@needs_weights
def test_start_is_visible_and_happens_once() -> None:
    experts = LocalExperts()
    notes: list[tuple[str, float]] = []
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(experts.address(NAME, "Small", lambda *n: notes.append(n)).url))
        for _ in range(4)
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 4
        assert len(set(found)) == 1, "four sessions, one server"
        shares = [share for _, share in notes]
        assert shares == sorted(shares)
        assert notes[-1] == ("Small is ready", 1.0)
        assert notes[0][0] == "Starting Small on this machine"
    finally:
        experts.stop()
    assert not experts.is_running(NAME)


@needs_weights
def test_only_on_loopback_and_only_with_the_key_of_this_run(running: LocalExperts) -> None:
    address = running.address(NAME)
    assert address.url.startswith("http://127.0.0.1:")
    assert address.key.reveal() not in repr(address)
    request = urllib.request.Request(f"{address.url}/chat/completions", b"{}", {"Authorization": "Bearer wrong"})  # noqa: S310
    with pytest.raises(urllib.error.HTTPError, match="401") as caught:
        urllib.request.urlopen(request, timeout=10)  # noqa: S310
    caught.value.close()


@needs_weights
def test_a_server_that_died_is_started_again(running: LocalExperts) -> None:
    before = running.address(NAME).url
    os.kill(_pid(running), signal.SIGKILL)
    _eventually(lambda: not running.is_running(NAME))
    got = one("Name a colour.")
    assert got.error is None, got.error
    assert running.address(NAME).url != before


@needs_weights
def test_a_server_that_dies_mid_answer_says_so(running: LocalExperts) -> None:
    long = Settings(max_tokens=400, timeout_s=50.0, retries=0)
    experts, done = [load_catalog()[NAME]], None
    for event in ask(same_request(experts, "Write a long story about the sea.", long), keys=KeyRing(environ={})):
        if event.kind == "text" and running.is_running(NAME):
            os.kill(_pid(running), signal.SIGKILL)
        done = event.answer or done
    assert done is not None
    assert isinstance(done.error, LocalFailed), done.error
    assert "it restarts by itself" in str(done.error)
    assert done.text
    assert one("Name a colour.").error is None


@needs_weights
def test_prompt_beyond_the_context(running: LocalExperts) -> None:
    got = one("word " * 9_000)
    assert isinstance(got.error, ContextTooLong), got.error
    assert "8,192 tokens" in str(got.error)


@needs_weights
def test_stop_frees_the_server_for_the_next_prompt(running: LocalExperts) -> None:
    stop = Stop()
    long = Settings(max_tokens=2_000, timeout_s=50.0)
    answer = None
    asked = same_request([load_catalog()[NAME]], "Write a very long story.", long)
    for event in ask(asked, keys=KeyRing(environ={}), stop=stop):
        if event.kind == "text":
            stop.one(NAME)
        answer = event.answer or answer
    assert answer is not None
    assert (answer.finish_reason, answer.is_complete, answer.error) == ("stopped", False, None)
    assert answer.text
    assert one("Name a colour.").error is None


@needs_weights
def test_server_ends_with_a_parent_that_is_killed() -> None:
    code = f"""
import os, sys; from routing.local import local_experts
experts = local_experts(); experts.address({NAME!r})
print(experts._children[{NAME!r}]._process.pid, flush=True); os.kill(os.getpid(), 9)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=weights.ROOT, timeout=60)
    pid = int(done.stdout)
    _eventually(lambda: not _is_serving(pid))


@needs_weights
def test_child_has_no_secrets(running: LocalExperts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-must-not-pass")
    experts = LocalExperts()
    try:
        experts.address(NAME)
        environ = Path(f"/proc/{_pid(experts)}/environ")
        if not environ.exists():
            pytest.skip("this system does not show a process's environment")
        assert b"sk-must-not-pass" not in environ.read_bytes()
    finally:
        experts.stop()


def test_missing_weights_say_what_to_run(tmp_path: Path) -> None:
    experts = LocalExperts(tmp_path)
    assert not experts.is_installed(NAME)
    with pytest.raises(LocalFailed, match="Small has no weights on this machine: run make setup"):
        experts.address(NAME, "Small")
    with pytest.raises(LocalFailed, match="run make experts"):
        experts.address("qwen2.5-coder-0.5b")
    with pytest.raises(LocalFailed, match="no weights are listed for it"):
        experts.address("gpt-4o-mini")


def test_damaged_weights_fail_after_two_tries_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"not a model")
    monkeypatch.setattr(weights, "ready", lambda *args: broken)
    experts = LocalExperts(tmp_path)
    began = time.monotonic()
    with pytest.raises(LocalFailed, match="did not start on this machine"):
        experts.address(NAME, "Small")
    assert time.monotonic() - began < 30
    assert not experts.is_running(NAME)


def test_contexts_are_those_of_the_catalogue() -> None:
    catalog = load_catalog()
    assert {n: catalog[n].context_tokens for n in local.CONTEXT_TOKENS} == dict(local.CONTEXT_TOKENS)
    assert set(local.CONTEXT_TOKENS) == set(weights.WEIGHTS) == {e.name for e in catalog.experts if e.is_local}


def _pid(experts: LocalExperts) -> int:
    return experts._children[NAME]._process.pid


def _is_serving(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "zombie" not in status.read_text()


def _eventually(claim: object, within_s: float = 10.0) -> None:
    assert callable(claim)
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.05)
