"""Whatever breaks is one column's failure: clients that raise anything anywhere, recorders too; money is settled."""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from routing import answer, comparison, recording
from routing.answer import ask, same_request
from routing.answer.client import Request, Settings, Stream
from routing.answer.reply import Reply
from routing.answer.usage import Usage
from routing.comparison import Column, Comparison
from routing.errors import RateLimited, RequestRefused, ServerFailed, TimedOut
from routing.keys import Access, KeyRing
from routing.schema import STATED, Answer, AnswerEvent
from routing.store import Place, Store, open_store
from tests.asking import expert
from tests.test_store import RUN

NAMES = ("good-1", "bad", "good-2")
KEYS = KeyRing(environ={}, endpoints=dict.fromkeys(NAMES, "https://e.test/v1"), priced=frozenset(NAMES))
EXPERTS = tuple(expert(name, price=1.0) for name in NAMES)
SETTINGS = Settings(retries=0, timeout_s=20.0)


class Panic(BaseException):
    """What libraries in Rust raise when they panic: no ``Exception``."""


RAISED = (KeyError("x"), RecursionError(), MemoryError(), ZeroDivisionError(), UnicodeError(), StopIteration(), Panic())
PLACES = ("is_ready", "errors", "open", "pieces", "close", "count_tokens", "cost")


class Client:
    """Answers everybody, but fails for the expert called "bad" at one place."""

    def __init__(self, place: str = "", problem: BaseException | None = None, usage: Usage | None = None) -> None:
        self._place, self._problem, self._usage = place, problem, usage
        self.asked: list[Request] = []

    def _fail(self, place: str, name: str = "bad") -> None:
        if self._place == place and self._problem is not None and name == "bad":
            raise self._problem

    @property
    def is_ready(self) -> bool:
        self._fail("is_ready")
        return True

    def errors(self) -> tuple[type[BaseException], ...]:
        self._fail("errors")
        return (ValueError, OSError)

    def open(self, access: Access, request: Request) -> Stream:
        name = request.expert.name
        self.asked.append(request)
        self._fail("open", name)

        def pieces() -> Iterator[str]:
            yield "Half "
            self._fail("pieces", name)
            yield "whole"

        def close() -> None:
            self._fail("close", name)

        return Stream(pieces(), usage=self._usage, finish_reason="stop", close=close)

    def count_tokens(self, text: str) -> int:
        self._fail("count_tokens")
        return len(text)

    def cost(self, model: str, prices: Mapping[str, object], usage: Usage, tier: str | None) -> float:
        self._fail("cost")
        return 0.25


def use(monkeypatch: pytest.MonkeyPatch, *clients: Client) -> None:
    """The clients of the calls, in their order."""
    left = iter(clients)
    monkeypatch.setattr(answer, "LiteLLM", lambda: next(left))


def asked(monkeypatch: pytest.MonkeyPatch, place: str, problem: BaseException) -> dict[str, Answer]:
    use(monkeypatch, Client(), Client(place, problem), Client())
    events = ask(same_request(EXPERTS, "Why?", SETTINGS), keys=KEYS)
    return {e.column: e.answer for e in events if e.answer is not None}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("problem", RAISED, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("place", PLACES)
def test_one_column_s_failure_is_its_own(monkeypatch: pytest.MonkeyPatch, place: str, problem: BaseException) -> None:
    found = asked(monkeypatch, place, problem)
    assert set(found) == set(NAMES)
    assert all(found[name].text == "Half whole" and found[name].is_complete for name in NAMES if name != "bad")
    bad = found["bad"]
    if place in {"close", "count_tokens", "cost"}:
        assert (bad.text, bad.error) == ("Half whole", None)
        assert bad.cost_usd is None if place != "close" else bad.cost_usd == 0.25
    else:
        assert isinstance(bad.error, ServerFailed)
        assert bad.text == ("Half " if place == "pieces" else "")


def test_a_call_that_finds_no_thread_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Client(), Client(), Client())
    real = answer.Call.start

    def start(call: answer.Call) -> None:
        if call.expert.name == "bad":
            raise RuntimeError("can't start new thread")
        real(call)

    monkeypatch.setattr(answer.Call, "start", start)
    found = {e.column: e.answer for e in ask(same_request(EXPERTS, "Why?", SETTINGS), keys=KEYS) if e.answer}
    assert "RuntimeError in this program" in str(found["bad"].error)
    assert found["good-2"].is_complete


class Raising:
    """A recorder that cannot record."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def keep(self, column: Column, answer: Answer) -> None:
        self.told.append(column.key)
        raise RecursionError

    def finish(self) -> None:
        raise KeyError("x")


def test_a_recorder_that_raises_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, *(Client() for _ in NAMES))
    recorder = Raising()
    run = Comparison(same_request(EXPERTS, "Why?", SETTINGS), KEYS, recorder=recorder)
    assert [column.text for column in run.wait(20)] == ["Half whole"] * 3
    assert not run.is_running
    assert sorted(recorder.told) == sorted(NAMES)


def test_answers_lost_on_the_way_end_and_are_settled(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    def events(requests: object, **_: object) -> Iterator[AnswerEvent]:
        yield AnswerEvent("good-1", "text", "Half")
        yield AnswerEvent("nobody", "text", "?")
        raise MemoryError

    monkeypatch.setattr(comparison, "ask", events)
    recorder = begun(store)
    run = Comparison(same_request(EXPERTS, "Why?", SETTINGS), KEYS, recorder=recorder)
    first, *others = run.wait(20)
    assert first.text == "Half"
    assert all("MemoryError in this program" in str(c.answer and c.answer.error) for c in (first, *others))
    assert [line.is_settled for line in store.ledger.lines("b")] == [True] * 3


@pytest.fixture
def store(tmp_path: object) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/t.db")
    yield opened
    opened.close()


def begun(store: Store) -> recording.RunRecorder:
    return recording.begin(store, replace(RUN, asked=NAMES), Place("", "b"), dict.fromkeys(NAMES, 1.0), 5.0)


@pytest.mark.parametrize("what", ["runs.replace", "runs.finish", "reading_ease"])
def test_every_reserved_dollar_is_settled_whatever_else_fails(
    monkeypatch: pytest.MonkeyPatch, store: Store, what: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RecursionError

    use(monkeypatch, *(Client() for _ in NAMES))
    recorder = begun(store)
    owner: object = recording if what == "reading_ease" else store.runs
    monkeypatch.setattr(owner, what.removeprefix("runs."), fail)
    Comparison(same_request(EXPERTS, "Why?", SETTINGS), KEYS, recorder=recorder).wait(20)
    lines = store.ledger.lines("b")
    assert [(line.is_settled, line.spent_usd) for line in lines] == [(True, 0.25)] * 3
    assert "RecursionError" in str(recorder.problem)


def test_what_the_provider_states_is_the_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Client(usage=Usage(10, 5, cached_tokens=4, reasoning_tokens=2, cost_usd=0.0123)))
    (event,) = [e for e in ask(same_request(EXPERTS[:1], "Why?", SETTINGS), keys=KEYS) if e.answer]
    assert event.answer is not None
    assert (event.answer.cost_usd, event.answer.cost_source) == (0.0123, STATED)
    assert event.answer.tokens_source == "reported by the provider (4 in from the cache, 2 out for reasoning)"


@pytest.mark.parametrize("cost", [0.0, None])
def test_a_stated_cost_of_nothing_is_no_statement(monkeypatch: pytest.MonkeyPatch, cost: float | None) -> None:
    use(monkeypatch, Client(usage=Usage(10, 5, cost_usd=cost)))
    (event,) = [e for e in ask(same_request(EXPERTS[:1], "Why?", SETTINGS), keys=KEYS) if e.answer]
    assert event.answer is not None
    assert (event.answer.cost_usd, event.answer.cost_source) == (0.25, "a test")


class Waiting(Client):
    """Refuses until it was asked often enough."""

    def __init__(self, *replies: Reply) -> None:
        super().__init__()
        self._replies = list(replies)

    def open(self, access: Access, request: Request) -> Stream:
        stream = super().open(access, request)
        if self._replies:
            raise self._replies.pop(0)
        return stream


def one(monkeypatch: pytest.MonkeyPatch, client: Client, settings: Settings) -> tuple[Answer, list[str]]:
    use(monkeypatch, client)
    events = list(ask(same_request(EXPERTS[:1], "Why?", settings), keys=KEYS))
    assert events[-1].answer is not None
    return events[-1].answer, [e.text for e in events if e.kind == "retrying"]


def test_retry_after_is_kept_within_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    client = Waiting(Reply("slow down", 429, wait_s=0.9))
    got, told = one(monkeypatch, client, replace(SETTINGS, retries=1))
    assert (got.text, got.retries) == ("Half whole", 1)
    assert time.monotonic() - began >= 0.9
    assert told[0] == "Waiting 1 s, as its server asks"


def test_a_wait_beyond_the_time_limit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Waiting(Reply("slow down", 429, wait_s=180.0))
    got, told = one(monkeypatch, client, replace(SETTINGS, retries=3))
    assert isinstance(got.error, RateLimited)
    assert re.search("it asks to wait 3 minutes, .* It says: slow down", str(got.error))
    assert (len(client.asked), told) == (1, [])


def test_a_refusal_that_repeats_itself_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Waiting(*(Reply("temperature, max_tokens, system role: not supported", 400) for _ in range(50)))
    got, _ = one(monkeypatch, client, replace(SETTINGS, retries=5))
    assert isinstance(got.error, RequestRefused)
    assert len(client.asked) <= 9


def test_answers_to_the_time_limit_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(Client):
        def open(self, access: Access, request: Request) -> Stream:
            def pieces() -> Iterator[str]:
                yield "Half"
                while True:
                    time.sleep(0.02)
                    yield ""

            return Stream(pieces())

    got, _ = one(monkeypatch, Late(), replace(SETTINGS, timeout_s=0.3))
    assert isinstance(got.error, TimedOut)
    assert got.text == "Half"
