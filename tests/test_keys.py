"""Keys: where they come from, where they may go, and that they never show."""

import pickle
from dataclasses import replace

import pytest

from routing import answer, errors
from routing.addresses import checked_address
from routing.catalog import load_catalog
from routing.keys import ADDRESS_NAMES, KEY_NAMES, KeyRing, Secret, harmless_environ
from tests.asking import KEY, expert

pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def test_secret_is_masked_and_cannot_be_pickled() -> None:
    secret = Secret(KEY)
    assert f"{secret} {secret!r} {[secret]}".count("***") == 3
    assert secret.reveal() == KEY
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(secret)


def test_key_lookup_order_and_status() -> None:
    gpt = replace(expert("gpt-4o-mini", title="GPT-4o mini"), litellm="openai/gpt-4o-mini")
    places = [{"OPENAI_API_KEY": f"sk-{place}-0123456789"} for place in ("session", "secrets", "environment")]
    ring = KeyRing(session=places[0], secrets=places[1], environ=places[2])
    assert ring.access(gpt).key.reveal() == "sk-session-0123456789"
    assert replace(ring, session={}).access(gpt).key.reveal() == "sk-secrets-0123456789"
    assert replace(ring, session={"OPENAI_API_KEY": "  "}, secrets={}).status(gpt).source == "environment"
    none = KeyRing(environ={}).status(gpt)
    assert not none.is_usable
    where = "under Keys in the app, in .streamlit/secrets.toml or in the environment"
    assert none.text == f"GPT-4o mini has no key: add OPENAI_API_KEY {where}."


def test_key_of_a_provider_never_goes_to_an_own_address() -> None:
    gpt = replace(expert("gpt-4o-mini"), litellm="openai/gpt-4o-mini")
    keys = KeyRing(environ={"OPENAI_API_KEY": KEY}, endpoints={"gpt-4o-mini": "https://mine.test/v1/"})
    access = keys.access(gpt)
    assert (access.key.reveal(), access.address, access.model) == ("none", "https://mine.test/v1", "openai/gpt-4o-mini")
    assert keys.status(gpt).is_usable


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "ftp://x/v1", "javascript:alert(1)", "", "http://", "http://u:pw@x/v1", "http://x/v1?k=1"],
)
def test_own_address_is_checked(address: str) -> None:
    with pytest.raises(errors.RequestRefused, match="not an address that can be called") as caught:
        checked_address(address)
    assert "pw@" not in str(caught.value)


def test_every_expert_has_a_status_and_known_key_names() -> None:
    keys = KeyRing(environ={})
    for one_expert in load_catalog().experts:
        status = keys.status(one_expert)
        assert status.text
        assert status.is_usable == one_expert.is_local
        if one_expert.litellm and not one_expert.is_local:
            assert one_expert.litellm.split("/")[0] in KEY_NAMES, one_expert.name


def test_key_names_are_those_of_litellm(monkeypatch: pytest.MonkeyPatch) -> None:
    litellm = answer.load_litellm()
    for names in KEY_NAMES.values():
        for name in names:
            monkeypatch.delenv(name, raising=False)
    for provider, names in KEY_NAMES.items():
        assert litellm.get_llm_provider(f"{provider}/any", api_key=KEY)[1].startswith(provider.removesuffix("_chat"))
        missing = set(litellm.validate_environment(f"{provider}/any")["missing_keys"])
        missing -= {ADDRESS_NAMES.get(provider), "AZURE_API_VERSION"}  # the latter has a usual value
        assert missing <= set(names), provider  # LiteLLM says nothing for some providers


def test_children_get_no_secrets() -> None:
    environ = {"PATH": "/bin", "OPENAI_API_KEY": KEY, "AWS_SECRET_ACCESS_KEY": "x", "DATABASE_URL": "y", "LANG": "C"}
    assert harmless_environ(environ) == {"PATH": "/bin", "LANG": "C"}


def test_an_address_typed_by_a_visitor_gets_no_key_of_whoever_runs_the_app() -> None:
    theirs = {"GPT_4O_MINI_ENDPOINT_KEY": KEY, "AZURE_AI_API_KEY": KEY, "AZURE_AI_API_BASE": "https://theirs.test"}
    gpt = expert("gpt-4o-mini")
    given = KeyRing(secrets=theirs, environ=theirs, endpoints={gpt.name: "https://theirs.test/v1"})
    assert given.access(gpt).key.reveal() == KEY
    typed = replace(given, endpoints={gpt.name: "https://evil.test/v1"}, typed=frozenset({gpt.name}))
    assert typed.access(gpt).key.reveal() == "none"
    assert typed.status(gpt).source == "not needed"
    own = replace(typed, session={"GPT_4O_MINI_ENDPOINT_KEY": "sk-own-0123456789"})
    assert own.access(gpt).key.reveal() == "sk-own-0123456789"

    azure = replace(expert("o3-mini"), litellm="azure_ai/o3-mini")
    assert given.access(azure).address == "https://theirs.test"
    moved = replace(given, session={"AZURE_AI_API_BASE": "https://evil.test"})
    with pytest.raises(errors.KeyMissing, match="gets no key from elsewhere: add AZURE_AI_API_KEY"):
        moved.access(azure)
    assert not moved.status(azure).is_usable
    whole = replace(moved, session={**moved.session, "AZURE_AI_API_KEY": "sk-own-0123456789"})
    assert whole.access(azure).key.reveal() == "sk-own-0123456789"
