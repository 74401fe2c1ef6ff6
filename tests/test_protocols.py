"""Own addresses: each provider's is asked in its protocol, under the name that LiteLLM would ask for, or not at all."""

import contextlib
from dataclasses import replace
from datetime import date

import pytest

from routing.answer import answers, load_litellm, same_request
from routing.errors import CatalogError, RequestRefused
from routing.keys import KeyRing, served_name
from routing.own import TYPED, OwnExpert
from routing.own.checks import checked
from routing.protocols import OPENAI, OWN_WAY, REFUSED, asked_at, name_at
from tests.asking import expert
from tests.spoken import ANSWER, Spoken

pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
DAY = date(2026, 11, 1)
NAME = "org-q/Some-Model-9B"


@pytest.fixture(scope="module")
def server():
    with Spoken() as found:
        yield found


def called(litellm, **more):
    return replace(expert("mine", title="Mine"), litellm=litellm, **more)


def ring(address, **more):
    return KeyRing(**{"session": {"MINE_ENDPOINT_KEY": "sk-mine-0123456789"}, "environ": {}, **more},
                   endpoints={"mine": address})  # fmt: skip


def test_every_provider_of_litellm_is_placed():
    litellm = load_litellm()
    from litellm.llms.openai_like.json_loader import JSONProviderRegistry

    theirs = {str(getattr(p, "value", p)) for p in litellm.provider_list} | set(JSONProviderRegistry.list_providers())
    assert theirs <= OPENAI | set(OWN_WAY) | REFUSED
    assert not OPENAI & set(OWN_WAY)
    assert not OPENAI & REFUSED
    assert not REFUSED & set(OWN_WAY)


def test_litellm_itself_asks_as_we_do(server):
    """Every provider that is asked in OpenAI's protocol: the same path and the same name, whoever asks."""
    litellm = load_litellm()
    unlike = []
    for provider in sorted(OPENAI - {"openai_like"}):  # LiteLLM has no chat for that one
        server.asked.clear()
        with contextlib.suppress(Exception):  # only what was asked counts
            stream = litellm.completion(
                f"{provider}/{NAME}", [{"role": "user", "content": "Hi"}], api_key="sk-1", api_base=f"{server.url}/v1",
                stream=True, timeout=10, max_retries=0, num_retries=0,
            )  # fmt: skip
            list(stream)
        asked = [(path, model) for path, model, _ in server.asked]
        if asked != [("/v1/chat/completions", NAME)]:
            unlike.append((provider, asked))
    assert unlike == []


# Where a base of each kind is asked, and for which name; a bare base and one with a path.
WAYS = [
    ("hosted_vllm", "/v1", "/v1/chat/completions", NAME),
    ("nvidia_nim", "", "/chat/completions", NAME),
    ("openai", "/a/b", "/a/b/chat/completions", NAME),
    ("azure", "", f"/openai/deployments/{NAME}/chat/completions?api-version=2025-02-01-preview", NAME),
    ("azure_ai", "", "/chat/completions", NAME),
    ("anthropic", "", "/v1/messages", NAME),
    ("anthropic", "/v1", "/v1/messages", NAME),
    ("gemini", "/v1beta", f"/v1beta/models/{NAME}:streamGenerateContent?alt=sse", None),
    ("gemini", "/v1beta/openai", "/v1beta/openai/chat/completions", NAME),
    ("ollama", "", "/api/chat", NAME),
    ("ollama", "/api", "/api/chat", NAME),
    ("ollama", "/v1", "/v1/chat/completions", NAME),
    ("ollama_chat", "", "/api/chat", NAME),
    ("mistral", "", "/v1/chat/completions", NAME),
    ("mistral", "/v1", "/v1/chat/completions", NAME),
    ("huggingface", "", "/v1/chat/completions", NAME),
    ("minimax", "/v1", "/v1/chat/completions", NAME),
    ("cometapi", "", "/v1/chat/completions", NAME),
    ("heroku", "", "/v1/chat/completions", NAME),
    ("gradient_ai", "", "/api/v1/chat/completions", NAME),
    ("fireworks_ai", "", "/chat/completions", f"accounts/fireworks/models/{NAME}"),
]


@pytest.mark.parametrize(("provider", "base", "path", "name"), WAYS)
def test_each_is_asked_in_its_own_way_and_answers(server, provider, base, path, name):
    server.asked.clear()
    mine = called(f"{provider}/{NAME}")
    (found,) = answers(same_request([mine], "What is six times seven?"), keys=ring(server.url + base))
    assert [(asked, model) for asked, model, _ in server.asked] == [(path, name)]
    assert (found.text, found.error) == (ANSWER, None)
    assert "sk-mine-0123456789" in str(server.asked[0][2])


def test_all_ways_are_tried_above():
    assert {provider for provider, *_ in WAYS} - OPENAI == set(OWN_WAY)


def test_the_version_of_the_interface_is_part_of_the_call(server):
    server.asked.clear()
    keys = ring(server.url, versions={"mine": "2024-06-01"})
    answers(same_request([called("azure/dep-1")], "Hi"), keys=keys)
    assert [path for path, *_ in server.asked] == ["/openai/deployments/dep-1/chat/completions?api-version=2024-06-01"]
    elsewhere = KeyRing(environ={"AZURE_API_KEY": "k", "AZURE_API_BASE": server.url}, versions={"mine": "2024-06-01"})
    assert elsewhere.access(called("azure/dep-1")).settings == {"api_version": "2024-06-01"}
    assert elsewhere.access(called("azure/dep-1")).address == server.url


def test_an_address_given_as_openai_compatible_is_asked_so_whoever_else_serves_the_expert(server):
    server.asked.clear()
    keys = ring(f"{server.url}/v1", compatible={"mine"})
    for litellm in ("anthropic/claude-x", "bedrock/us.anthropic.claude", "fireworks_ai/accounts/f/models/m"):
        (found,) = answers(same_request([called(litellm)], "Hi"), keys=keys)
        assert found.text == ANSWER
    assert [(path, model) for path, model, _ in server.asked] == [
        ("/v1/chat/completions", "claude-x"),
        ("/v1/chat/completions", "us.anthropic.claude"),
        ("/v1/chat/completions", "accounts/f/models/m"),
    ]


@pytest.mark.parametrize("provider", sorted(REFUSED))
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(provider):
    with pytest.raises(RequestRefused, match=f"not called in the way of '{provider}'.*write openai/m"):
        asked_at(f"{provider}/m", "http://127.0.0.1:9")
    mine = OwnExpert("mine", address="http://127.0.0.1:9").with_facts({"litellm": f"{provider}/m"}, TYPED, DAY)
    with pytest.raises(CatalogError, match="mine: An own address is not called"):
        checked(mine)
    assert not ring("http://127.0.0.1:9").status(called(f"{provider}/m")).is_usable


@pytest.mark.parametrize(
    ("litellm", "name"),
    [
        ("hosted_vllm/org/m", "org/m"),
        ("openai/meta-llama/Llama-3", "meta-llama/Llama-3"),
        ("openrouter/openai/gpt-4o", "openai/gpt-4o"),
        ("openai/openai/gpt-oss-20b", "openai/gpt-oss-20b"),
        ("meta-llama/Llama-3", "meta-llama/Llama-3"),  # what it begins with is no provider
        ("fireworks_ai/accounts/fireworks/models/x", "accounts/fireworks/models/x"),
        ("openai/m", "m"),
        ("openai", "openai"),
    ],
)
def test_a_server_is_asked_for_the_name_without_its_provider_alone(litellm, name):
    assert name_at(litellm) == name
    assert served_name(called(litellm)) == f"openai/{name}"


def test_nothing_of_the_environment_goes_to_an_own_address(server, monkeypatch):
    for name in ("OPENAI_ORGANIZATION", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "ANTHROPIC_API_KEY", "OLLAMA_API_KEY"):
        monkeypatch.setenv(name, "canary-4711")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Secret: canary-4711\nX-More: canary-4711")
    server.asked.clear()
    for provider in ("openai", "anthropic", "ollama", "gemini", "mistral", "azure"):
        # A time limit of its own: LiteLLM keeps a client for each.
        answers(same_request([called(f"{provider}/m")], "Hi"), keys=ring(server.url, session={}))
    assert len(server.asked) == 6
    assert "canary-4711" not in str(server.asked)


def test_an_azure_address_is_not_asked_where_a_token_of_the_environment_would_go_along():
    keys = ring("http://127.0.0.1:9", environ={"AZURE_OPENAI_AD_TOKEN": "t"})
    with pytest.raises(RequestRefused, match="while AZURE_OPENAI_AD_TOKEN is set where this runs"):
        keys.access(called("azure/m"))
    typed = KeyRing(session={"AZURE_API_BASE": "http://127.0.0.1:9", "AZURE_API_KEY": "k"}, environ=keys.environ)
    with pytest.raises(RequestRefused, match="not asked at an own address"):
        typed.access(called("azure/m"))
    given = KeyRing(environ={**keys.environ, "AZURE_API_BASE": "http://127.0.0.1:9", "AZURE_API_KEY": "k"})
    assert given.access(called("azure/m")).address == "http://127.0.0.1:9"
    assert keys.access(called("openai/m")).model == "openai/m"
