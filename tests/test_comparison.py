"""A comparison in the background: each answer its own, one failing alone, stopping keeps what arrived."""

import time
from dataclasses import replace

import pytest

from routing.answer_client import Settings
from routing.catalog import load_catalog
from routing.comparison import Comparison
from routing.errors import KeyMissing, PromptError
from routing.keys import KeyRing
from tests.loopback import Loopback

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # LiteLLM's, in its own threads


@pytest.fixture(scope="module")
def server():
    with Loopback() as found:
        yield found


def named(*kinds):
    """Experts whose served name makes the loopback server behave."""
    base = load_catalog()["gpt-4o-mini"]
    return [replace(base, name=kind, title=kind, litellm=f"openai/{kind}") for kind in kinds]


def ring(server, experts):
    return KeyRing(environ={}, endpoints={e.name: server.url for e in experts})


def test_every_answer_is_its_own_and_a_failing_one_leaves_the_others_alone(server):
    experts = named("normal-a", "status-500-b", "normal-c")
    run = Comparison(experts, "marker 4711", ring(server, experts), Settings(retries=0))
    a, b, c = run.wait(60)
    assert not run.is_running
    assert "normal-a" in a.text
    assert "4711" in a.text
    assert "normal-c" in c.text
    assert b.answer.error is not None
    assert a.answer.error is None


def test_stopping_one_keeps_what_arrived_and_the_others_go_on(server):
    experts = named("stuck-a", "slow-b")
    run = Comparison(experts, "hello", ring(server, experts), Settings())
    deadline = time.monotonic() + 30
    while not run.columns()[0].text and time.monotonic() < deadline:
        time.sleep(0.02)
    run.stop("stuck-a")
    stuck, slow = run.wait(60)
    assert stuck.text
    assert not stuck.answer.is_complete
    assert slow.answer.is_complete


def test_stopping_all_ends_all(server):
    experts = named("stuck-a", "silent-b")
    run = Comparison(experts, "hello", ring(server, experts), Settings())
    run.stop()
    assert all(c.answer is not None and not c.answer.is_complete for c in run.wait(30))


def test_an_expert_without_a_key_is_told_apart():
    run = Comparison([load_catalog()["o3-mini"]], "hello", KeyRing(environ={}), Settings())
    (column,) = run.wait(30)
    assert isinstance(column.answer.error, KeyMissing)


def test_an_empty_prompt_is_refused():
    with pytest.raises(PromptError, match="empty"):
        Comparison([], "  ", KeyRing(environ={}), Settings())
