"""A comparison in the background: each answer its own, one failing alone, stopping keeps what arrived."""

import time
from dataclasses import replace

import pytest

from routing import comparison
from routing.answer import same_request
from routing.answer.client import Message, Request, Settings
from routing.catalog import load_catalog
from routing.comparison import Comparison
from routing.errors import KeyMissing, PromptError, ServerFailed
from routing.keys import KeyRing
from routing.schema import AnswerEvent
from tests.loopback import Loopback
from tests.test_store import answer

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
    run = Comparison(same_request(experts, "marker 4711", Settings(retries=0)), ring(server, experts))
    a, b, c = run.wait(60)
    assert not run.is_running
    assert "normal-a" in a.text
    assert "4711" in a.text
    assert "normal-c" in c.text
    assert b.answer.error is not None
    assert a.answer.error is None


def test_stopping_one_keeps_what_arrived_and_the_others_go_on(server):
    experts = named("stuck-a", "slow-b")
    run = Comparison(same_request(experts, "hello", Settings()), ring(server, experts))
    deadline = time.monotonic() + 30
    while not run.columns()[0].text and time.monotonic() < deadline:
        time.sleep(0.02)
    run.stop("stuck-a")
    stuck, slow = run.wait(60)
    assert stuck.text
    assert not stuck.answer.is_complete
    assert slow.answer.is_complete


def test_an_answer_stopped_alone_can_be_asked_again_while_others_are_written(server):
    experts = named("stuck-a", "stuck-b")
    run = Comparison(same_request(experts, "hello", Settings()), ring(server, experts))

    def until(claim):
        deadline = time.monotonic() + 30
        while not claim(run.columns()[0]) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert claim(run.columns()[0])

    until(lambda a: a.text)
    run.stop("stuck-a")
    until(lambda a: a.answer is not None)
    run.retry("stuck-a")
    until(lambda a: a.text and a.answer is None)
    run.stop()
    run.wait(30)


def test_stopping_all_ends_all(server):
    experts = named("stuck-a", "silent-b")
    run = Comparison(same_request(experts, "hello", Settings()), ring(server, experts))
    run.stop()
    assert all(c.answer is not None and not c.answer.is_complete for c in run.wait(30))


def test_an_expert_without_a_key_is_told_apart():
    run = Comparison(same_request([load_catalog()["o3-mini"]], "hello"), KeyRing(environ={}))
    (column,) = run.wait(30)
    assert isinstance(column.answer.error, KeyMissing)


def test_a_key_added_since_counts_when_a_column_is_asked_again(server):
    (one,) = named("normal-k")
    run = Comparison(same_request([one], "hello"), KeyRing(environ={}))
    assert isinstance(run.wait(30)[0].answer.error, KeyMissing)
    run.retry(one.name, ring(server, [one]))
    assert run.wait(30)[0].answer.is_complete


def test_an_empty_prompt_is_refused():
    with pytest.raises(PromptError, match="empty"):
        Comparison(same_request([load_catalog()["o3-mini"]], "  "), KeyRing(environ={}))


class Keeper:
    """Remembers what it is told."""

    def __init__(self):
        self.kept, self.finished = [], 0

    def keep(self, column, answer):
        self.kept.append((column.key, column.expert.name, answer.error is None))

    def finish(self):
        self.finished += 1


def test_a_fallback_takes_over_a_column_that_failed_before_any_text(server):
    bad, good, other = named("status-500-x", "normal-y", "status-503-z")
    keeper = Keeper()
    ring_ = ring(server, [bad, good, other])
    asked = same_request([bad], "hello", Settings(retries=0))
    run = Comparison(asked, ring_, fallbacks={bad.name: [other, good]}, recorder=keeper)
    (column,) = run.wait(60)
    assert column.asked is bad
    assert column.expert is good
    assert [a.expert for a in column.failed] == [bad.name, other.name]
    assert "normal-y" in column.answer.text
    assert [k[1:] for k in keeper.kept] == [(bad.name, False), (other.name, False), (good.name, True)]
    assert keeper.finished == 1


def test_nobody_takes_over_where_the_failure_was_billed(monkeypatch):
    bad, good = named("a", "b")
    billed = answer("a", "", cost=0.1, error=ServerFailed("The answer is empty."))
    monkeypatch.setattr(comparison, "ask", lambda requests, **_: iter([AnswerEvent("a", "finished", answer=billed)]))
    (column,) = Comparison(same_request([bad], "hello"), KeyRing(environ={}), fallbacks={"a": [good]}).wait(10)
    assert column.answer is billed


def test_an_answer_that_broke_off_is_kept_and_nobody_takes_over(server):
    dying, good = named("dying-x", "normal-y")
    run = Comparison(
        same_request([dying], "hello", Settings(retries=0)), ring(server, [dying, good]), fallbacks={dying.name: [good]}
    )
    (column,) = run.wait(60)
    assert column.expert is dying
    assert column.answer.text
    assert not column.answer.is_complete
    assert column.answer.error is not None


def test_one_expert_may_be_asked_several_times_side_by_side(server):
    (one,) = named("normal-r")
    requests = [Request(one, "hello", Settings(), column=f"r{i}") for i in range(3)]
    columns = Comparison(requests, ring(server, [one])).wait(60)
    assert [(c.key, c.repeat) for c in columns] == [("r0", 0), ("r1", 1), ("r2", 2)]
    assert all(c.answer.is_complete for c in columns)


def test_a_finished_column_can_be_asked_again_alone(server):
    flaky, steady = named("flaky-again", "normal-steady")
    run = Comparison(same_request([flaky, steady], "hello", Settings(retries=0)), ring(server, [flaky, steady]))
    first, other = run.wait(60)
    assert first.answer.error is not None
    run.retry(flaky.name)
    again, same = run.wait(60)
    assert again.answer.error is None
    assert same.answer is other.answer


def test_the_turns_before_go_along(server):
    (one,) = named("normal-h")
    history = (Message("user", "I am Ada."), Message("assistant", "Hello Ada."))
    run = Comparison([Request(one, "Who am I?", Settings(system="Be brief."), history)], ring(server, [one]))
    run.wait(60)
    sent = server.requests[-1]["body"]["messages"]
    assert [m["role"] for m in sent] == ["system", "user", "assistant", "user"]
    assert sent[2]["content"] == "Hello Ada."


def test_a_json_object_is_asked_for_where_wanted(server):
    (one,) = named("normal-j")
    Comparison(same_request([one], "hello", Settings(is_json=True)), ring(server, [one])).wait(60)
    assert server.requests[-1]["body"]["response_format"] == {"type": "json_object"}


def test_two_columns_of_one_name_are_refused(server):
    (one,) = named("normal-d")
    with pytest.raises(PromptError, match="Two columns have the same name"):
        Comparison(same_request([one, one], "hello"), ring(server, [one]))


def test_first_words_of_all_are_waited_for_and_no_longer_than_allowed(server):
    experts = named("slow-f", "stuck-f")
    run = Comparison(same_request(experts, "hello", Settings()), ring(server, experts))
    run.wait_for_first_words(30)
    assert all(column.text for column in run.columns())
    assert run.is_running
    run.stop()
    run.wait(30)
    silent = named("silent-f")
    run = Comparison(same_request(silent, "hello", Settings()), ring(server, silent))
    run.wait_for_first_words(0.2)
    assert run.is_running, "the wait ended before the answer did"
    assert not any(column.text for column in run.columns())
    run.stop()
    run.wait(30)
