"""What a provider may stream, however odd: parts, reasoning, filters, answers that never end; without a server."""

from collections.abc import Iterable, Iterator, Mapping
from types import SimpleNamespace

import pytest

from routing.answer.call import MOST_CHARACTERS, Call
from routing.answer.client import Request, Settings, Stream
from routing.answer.stream import pieces
from routing.answer.usage import Usage
from routing.keys import Access, KeyRing
from routing.schema import Answer, AnswerEvent
from tests.asking import expert


class Chunks:
    """LiteLLM's answer, as far as we look at it."""

    def __init__(self, deltas: Iterable[dict[str, object]], finish: str | None) -> None:
        self._deltas, self.received_finish_reason = deltas, finish

    def __iter__(self) -> Iterator[object]:
        return ({"choices": [{"delta": delta}]} for delta in self._deltas)


class Canned:
    """A client whose every answer is the same chunks."""

    is_ready = True

    def __init__(self, deltas: Iterable[dict[str, object]], finish: str | None = "stop") -> None:
        self._chunks = Chunks(deltas, finish)

    def errors(self) -> tuple[type[BaseException], ...]:
        return (ValueError, OSError)

    def open(self, access: Access, request: Request) -> Stream:
        seen = Stream(iter(()))
        seen.pieces = pieces(self._chunks, seen)
        return seen

    def count_tokens(self, text: str) -> int:
        return len(text)

    def cost(self, model: str, prices: Mapping[str, object], usage: Usage, tier: str | None) -> float:
        return 0.0


def asked(client: Canned) -> tuple[Answer, list[AnswerEvent]]:
    events: list[AnswerEvent] = []
    keys = KeyRing(environ={}, endpoints={"a": "https://e.test/v1"})
    call = Call(Request(expert("a"), "Why?", Settings(retries=0)), keys, client, events.append)
    call._run()
    answer = events[-1].answer
    assert answer is not None
    return answer, events


def test_parts_of_a_message_are_text_where_they_are_text() -> None:
    parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}, "b", None, 7]
    answer, _ = asked(Canned([{"content": parts}, {"content": SimpleNamespace(text=None)}, {"content": "c"}]))
    assert (answer.text, answer.is_complete) == ("abc", True)


@pytest.mark.parametrize("text", ["", "Once upon"])
def test_a_provider_s_filter_leaves_a_part(text: str) -> None:
    answer, _ = asked(Canned([{"content": text}], "content_filter"))
    assert (answer.text, answer.is_complete, answer.error) == (text, False, None)


def test_reasoning_is_said_once_and_shown_never() -> None:
    thought: dict[str, object] = {"content": None, "reasoning_content": "First, ..."}
    answer, events = asked(Canned([thought, thought], "length"))
    assert [e.text for e in events if e.kind == "starting"] == ["Reasoning before it answers"]
    assert (answer.text, answer.finish_reason, answer.error) == ("", "length", None)
    assert asked(Canned([{"content": None, "tool_calls": [{}]}], "tool_calls"))[0].error is not None


def test_reasoning_that_breaks_off_was_work_and_costs_nobody_knows_what() -> None:
    thought: dict[str, object] = {"content": None, "reasoning_content": "First, ..."}
    assert asked(Canned([thought], None))[0].cost_usd is None
    assert asked(Canned([], None))[0].cost_usd == 0.0


def test_an_answer_that_never_ends_is_cut() -> None:
    def endless() -> Iterator[dict[str, object]]:
        while True:
            yield {"content": "x" * 30_001}

    answer, events = asked(Canned(endless()))
    assert len(answer.text) == MOST_CHARACTERS == sum(len(e.text) for e in events if e.kind == "text")
    assert (answer.finish_reason, answer.is_complete, answer.error) == ("length", False, None)
