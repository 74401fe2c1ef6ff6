"""Odd servers, through the real LiteLLM: the text that was sent arrives, or a true sentence is said."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from routing import answer
from routing.answer import answers, same_request
from routing.answer.client import Settings
from routing.keys import KeyRing
from routing.schema import Answer
from tests.asking import expert
from tests.odd_modes import Mode
from tests.odd_server import ENDLESS, MODES, OddServer

pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
PROMPT = "How low do whales sing?"
SETTINGS = Settings(max_tokens=50_000, timeout_s=30.0, retries=0)


@pytest.fixture(scope="module")
def server() -> Iterator[OddServer]:
    answer.load_litellm()
    with OddServer() as running:
        yield running


@pytest.fixture(scope="module")
def found(server: OddServer) -> dict[str, Answer]:
    """Every mode asked once, a few at a time."""
    names = list(MODES)
    got: dict[str, Answer] = {}
    for batch in (names[i : i + 12] for i in range(0, len(names), 12)):
        keys = KeyRing(environ={}, endpoints=dict.fromkeys(batch, server.url))
        for one in answers([asking(name) for name in batch], keys=keys):
            got[one.expert] = one
    return got


def asking(name: str) -> answer.Request:
    """A request for JSON where that is refused; a short time where nothing ever ends."""
    settings = replace(
        SETTINGS, is_json=name == "refuses-json", timeout_s=1.0 if name in ENDLESS else SETTINGS.timeout_s
    )
    return same_request([expert(name)], PROMPT, settings)[0]


def wrong(got: Answer, mode: Mode) -> list[str]:
    """What of an answer is not as it should be."""
    is_said = got.error is None if mode.error is None else re.search(mode.error, str(got.error)) is not None
    claims = {
        "text": got.text == mode.text,
        "error": is_said,
        "finish": got.finish_reason == mode.finish,
        "complete": got.is_complete is mode.is_complete,
        "note": mode.note in got.note if mode.note else not got.note,
        "tokens": mode.tokens is None or (got.input_tokens, got.output_tokens) == mode.tokens,
        "plausible": all(n is None or 0 < n < 100_000 for n in (got.input_tokens, got.output_tokens)),
        "one line": "\n" not in str(got.error or "") and len(str(got.error or "")) < 450,
    }
    return [claim for claim, is_so in claims.items() if not is_so]


@pytest.mark.parametrize("name", MODES)
def test_every_odd_answer_is_kept_or_told(found: dict[str, Answer], name: str) -> None:
    assert not wrong(found[name], MODES[name]), found[name]
