"""Laws of the normaliser: how bytes are cut changes nothing, any text survives, and no bytes at all break it."""

import json
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from routing.answer.client import Stream
from routing.answer.errors import without_keys
from routing.answer.normalise import _Chunks
from routing.answer.reply import Reply, reply_of, wait_of, web_page
from routing.answer.stream import _Thinking
from routing.answer.usage import MOST_TOKENS, Usage, count_of, usage_of
from tests.odd_modes import PLAIN, SENTENCE, STOP, chunk, halves, sse

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
CUTS = st.lists(st.integers(0, 400), max_size=12)
NAMES = (
    *("choices", "delta", "message", "content", "index", "finish_reason", "usage", "error", "tool_calls", "function"),
    *("name", "refusal", "type", "text", "reasoning", "prompt_tokens", "completion_tokens", "total_tokens", "cost"),
    *("prompt_tokens_details", "cached_tokens", "completion_tokens_details", "reasoning_tokens", "model", "code"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


def normalised(parts: list[bytes]) -> tuple[str, Stream, bytes]:
    """The text of what a server sent in these parts, what was noted, and the plain chunks."""
    seen = Stream(iter(()))
    chunks = _Chunks(seen, "text/event-stream")
    made = b"".join([*(chunks.feed(part) for part in parts), chunks.feed(b"", is_last=True), chunks.end()])
    assert made.endswith(b"data: [DONE]\n\n")
    plain = [json.loads(event.removeprefix("data: ")) for event in made.decode("ascii").split("\n\n")[:-2]]
    return "".join(p["choices"][0]["delta"].get("content", "") for p in plain), seen, made


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(ends)]


@given(TEXT, CUTS, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_where_bytes_are_cut_changes_nothing(text: str, places: list[int], lines: str, is_escaped: bool) -> None:
    event = json.dumps(chunk({"content": text}), ensure_ascii=is_escaped)
    found, seen, _ = normalised(cut(sse([event, STOP], lines=lines), places))
    assert found == text
    assert (seen.is_done, seen.finish_reason, seen.failure) == (True, "stop", None)


@given(TEXT, CUTS)
def test_characters_in_halves_become_whole(text: str, places: list[int]) -> None:
    units = [unit for piece in cut(text.encode(), []) for unit in halves(piece.decode())]
    ends = [0, *sorted(place % (len(units) + 1) for place in places), len(units)]
    pieces = ["".join(units[a:b]) for a, b in pairwise(ends)]
    assert normalised([sse([*(chunk({"content": piece}) for piece in pieces), STOP])])[0] == text


@given(st.text(st.characters(min_codepoint=0x80, codec="utf-8"), max_size=30))
def test_characters_in_bytes_become_whole(text: str) -> None:
    parts = []
    for byte in text.encode():
        head, _, foot = sse([chunk({"content": "@"})], end="").partition(b"@")
        parts.append(head + bytes([byte]) + foot)
    assert normalised([*parts, sse([STOP])])[0] == text


@given(
    st.binary(max_size=300) | st.text(max_size=100).map(lambda t: b"data: " + t.encode("utf-8", "replace") + b"\n\n")
)
@example(b"\xff\xfe")
@example(b"\xef\xbb")
@example(b"data: \r")
def test_no_bytes_break_it(data: bytes) -> None:
    normalised([data])


@given(st.lists(JSON, max_size=4))
def test_no_json_breaks_it(events: list[object]) -> None:
    text, seen, _ = normalised([sse(events)])
    assert isinstance(text, str)
    text.encode("utf-8")
    for count in (seen.usage or Usage()).input_tokens, (seen.usage or Usage()).output_tokens:
        assert count is None or 0 <= count <= 2 * MOST_TOKENS


@given(JSON)
def test_usage_is_plausible_whatever_is_stated(stated: object) -> None:
    found = usage_of(stated) or Usage()
    most = found.input_tokens or 0
    assert 0 <= found.cached_tokens + found.written_tokens <= most
    assert found.cost_usd is None or 0 <= found.cost_usd < float("inf")


@pytest.mark.parametrize(
    ("stated", "right"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 2, "prompt_cache_hit_tokens": 8}, Usage(9, 2, cached_tokens=8)),
        (
            {"input_tokens": 9, "output_tokens": 2, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 4},
            Usage(9, 2, cached_tokens=5, written_tokens=4),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 99}}, Usage(9, 2, 9)),
        ({"prompt_tokens": 1, "completion_tokens": 2, "cost": 0.0123}, Usage(1, 2, cost_usd=0.0123)),
        ({"prompt_tokens": 1, "completion_tokens": 2, "cost": {"total_cost": 0.5}}, Usage(1, 2, cost_usd=0.5)),
        (
            {"prompt_tokens": 1, "completion_tokens": 2, "cost": 0.1, "is_byok": True,
             "cost_details": {"upstream_inference_cost": 2.0}},
            Usage(1, 2, cost_usd=2.1),
        ),
        ({"prompt_tokens": 1, "completion_tokens": 2, "cost": -1}, Usage(1, 2)),
        ({"prompt_tokens": 1, "completion_tokens": 2, "cost": float("nan")}, Usage(1, 2)),
        ({"prompt_tokens": 1, "completion_tokens": 2, "cost": 1e300}, Usage(1, 2)),
        ({}, None),
        (None, None),
        ("many", None),
    ],
)  # fmt: skip
def test_usage_in_every_spelling(stated: object, right: Usage | None) -> None:
    assert usage_of(stated) == right


def test_usage_that_comes_in_parts_is_put_together() -> None:
    seen = Stream(iter(()))
    for stated in ({"input_tokens": 30, "cache_read_input_tokens": 20}, {"output_tokens": 1}, {"output_tokens": 9}):
        seen.note({"usage": stated})
    seen.note({"usage": {"prompt_tokens": 0, "completion_tokens": 0}})
    assert seen.usage == Usage(30, 9, cached_tokens=20)


def test_a_count_is_a_count_or_nothing() -> None:
    assert [count_of(s) for s in (0, 3, 3.0, "3", " 3 ")] == [0, 3, 3, 3, 3]
    assert not any(
        count_of(s) is not None for s in (True, -1, 2.5, float("inf"), "x", "1e999", 10**30, 10**400, [], None)
    )


@given(TEXT, TEXT, CUTS)
def test_thinking_is_no_part_of_an_answer(thought: str, text: str, places: list[int]) -> None:
    thought = thought.replace("</think>", "")
    whole = f"\n<think>{thought}</think>\n\n{text}"
    ends = [0, *sorted(place % (len(whole) + 1) for place in places), len(whole)]
    thinking = _Thinking()
    found = "".join(thinking.took(whole[a:b]) for a, b in pairwise(ends)) + thinking.rest()
    assert found == text.lstrip()


@given(TEXT.filter(lambda text: not text.lstrip().startswith("<think>")), CUTS)
def test_an_answer_without_thinking_stays_as_it_is(text: str, places: list[int]) -> None:
    ends = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    thinking = _Thinking()
    found = "".join(thinking.took(text[a:b]) for a, b in pairwise(ends)) + thinking.rest()
    assert found == text


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Thu, 01 Jan 1970 00:16:50 GMT"}, 10.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:50 GMT", "date": "Thu, 01 Jan 1970 00:00:20 GMT"}, 30.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"x-ratelimit-reset": "1012"}, 1012.0),
        ({"x-ratelimit-reset": "1700000000"}, 1700000000.0 - 1000.0),
        ({"x-ratelimit-reset-requests": "1m30.5s"}, 90.5),
        ({"x-ratelimit-reset-tokens": "20ms"}, 0.02),
        ({"x-ratelimit-reset": "1700000000000"}, 1700000000.0 - 1000.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e99"}, None),
        ({"retry-after": "soon"}, None),
        ({"x-ratelimit-reset-requests": "1 fortnight"}, None),
        ({}, None),
    ],
)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], wait_s: float | None) -> None:
    assert wait_of(headers, 1000.0) == (None if wait_s is None else pytest.approx(wait_s))


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("Use 'max_completion_tokens' instead", "Use 'max_completion_tokens' instead"),
        ("model meta-llama/Llama-3.1-8B-Instruct is loading", "model meta-llama/Llama-3.1-8B-Instruct is loading"),
        ("see platform.example.com/account/billing", "see platform.example.com/account/billing"),
        ("key sk-proj-abcdefghijklmnop is wrong", "key *** is wrong"),
        ("key AbC123dEf456GhI789jKl is wrong", "key *** is wrong"),
        ("key 0123456789abcdef0123456789abcdef is wrong", "key *** is wrong"),
        ("key gsk_aaaaaaaaaaaaaaaaaaaa is wrong", "key *** is wrong"),
        ("token eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIi", "token ***"),
    ],
)
def test_advice_stays_and_keys_go(words: str, shown: str) -> None:
    assert without_keys(words) == shown


@pytest.mark.parametrize(
    ("told", "message", "status"),
    [
        ({"error": {"message": "No", "code": 429}}, "No", 429),
        ({"error": {"message": {"detail": "No"}, "code": "429"}}, "No", None),
        ({"error": "No", "detail": "x"}, "No", None),
        ({"error": {"message": "No", "metadata": {"raw": '{"error": {"message": "Never"}}'}}}, "No Never", None),
        ({"error": {"message": "No", "metadata": {"raw": "{ not JSON"}}}, "No { not JSON", None),
        ({"errors": ["No", {"msg": "never"}]}, "No never", None),
        ({"object": "error", "message": "No", "code": 400}, "No", 400),
        ({"error": {"code": 500}}, "it sent an error without a word", 500),
        ({"error": [[[[[[["deep"]]]]]]]}, "it sent an error without a word", None),
    ],
)
def test_errors_in_every_form(told: dict[str, object], message: str, status: int | None) -> None:
    found = reply_of(told, is_error=False)
    assert isinstance(found, Reply)
    assert (found.message, found.status_code) == (message, status)


@pytest.mark.parametrize("told", [{}, {"error": None}, {"error": False}, {"message": "hello"}, {"choices": []}])
def test_what_is_no_error(told: dict[str, object]) -> None:
    assert reply_of(told, is_error=False) is None


def test_a_web_page_is_known_by_its_beginning() -> None:
    assert (
        web_page(" <!-- hi --> <!DOCTYPE HTML><title>\n Sign\tin </title>")
        == "it answered with a web page titled 'Sign in'"
    )
    assert web_page("<html>") == "it answered with a web page"
    assert web_page("I like <html>") is None


def test_the_plain_form_stays_what_it_was() -> None:
    text, seen, made = normalised([PLAIN])
    assert text == SENTENCE
    assert (seen.served, seen.usage) == ("whale-1", Usage(31, 9))
    assert made.count(b"data: ") == 5, "a chunk each, a finish, the end"
