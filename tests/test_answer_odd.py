"""Odd servers, through the real LiteLLM: the text that was sent arrives, or a true sentence is said."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from routing import answer
from routing.answer import LiteLLM, answers, same_request
from routing.answer.client import Request, Settings
from routing.answer.reply import Reply
from routing.answer.usage import Usage
from routing.keys import Access, KeyRing, Secret
from routing.schema import Answer
from tests.asking import expert
from tests.odd_server import ENDLESS, MODES, OddServer, wrong

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


@pytest.mark.parametrize("name", MODES)
def test_every_odd_answer_is_kept_or_told(found: dict[str, Answer], name: str) -> None:
    assert not wrong(found[name], MODES[name]), found[name]


@pytest.mark.parametrize(
    "provider", ["openrouter", "groq", "deepseek", "mistral", "xai", "azure_ai", "databricks", "zai"]
)
def test_it_holds_for_providers_that_litellm_calls_by_clients_of_its_own(server: OddServer, provider: str) -> None:
    for name in ("whole-object", "halves-of-characters", "refusal", "same-chunk-300-times", "usage-in-words"):
        access = Access(f"{provider}/{name}", Secret("sk-odd-0123456789"), server.url)
        stream = LiteLLM().open(access, Request(expert(name), PROMPT, SETTINGS))
        assert "".join(stream.pieces) == MODES[name].text, name
        assert (stream.is_refusal, stream.is_finished) == (name == "refusal", True)
        assert name != "usage-in-words" or stream.usage == Usage(31, 9)
    access = Access(f"{provider}/refuses-temperature", Secret("sk-odd-0123456789"), server.url)
    with pytest.raises(Reply, match="only 1 is supported"):
        LiteLLM().open(access, Request(expert("x"), PROMPT, SETTINGS))
