"""Real model_lists: what each odd part of one costs, what is asked of whom afterwards, and that it comes back."""

import json
from datetime import date

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.catalog import load_catalog
from routing.catalog_check import price_map
from routing.errors import KeyMissing, RequestRefused, RoutingError
from routing.keys import KeyRing
from routing.own import addresses, compatible, merged, versions
from routing.own.imported import read
from routing.own.model_list import model_list
from routing.plain_yaml import decoded
from routing.protocols import OWN_WAY

TODAY = date(2026, 11, 22)
SHIPPED = load_catalog(today=TODAY)
KEYS = {"AZURE_API_KEY": "k", "AZURE_API_BASE": "http://127.0.0.1:7", "AZURE_AI_API_KEY": "k", "OPENAI_API_KEY": "k"}


def take(text, own=()):
    return read(text, merged(SHIPPED, own, with_hidden=True), {one.name: one for one in own}, today=TODAY)


def entry(name="a", model="openai/x", info=None, **params):
    told = {"model_name": name, "litellm_params": {"model": model, **params}}
    return told if info is None else {**told, "model_info": info}


def listed(*entries, **sections):
    return yaml.safe_dump({"model_list": list(entries), **sections})


def asked(own):
    """What a call to each needs: who is asked where, under which name and in which version; or that it is refused."""
    catalog = merged(SHIPPED, own)
    ring = KeyRing(environ=KEYS, endpoints=addresses(own), compatible=compatible(own), versions=versions(own))
    found = {}
    for one in own:
        try:
            access = ring.access(catalog[one.name])
            found[one.name] = (access.model, access.address, dict(access.settings))
        except (KeyMissing, RequestRefused) as problem:
            found[one.name] = type(problem).__name__
    return found


V1, BARE = "http://127.0.0.1:9/v1", "http://127.0.0.1:9"
AZURE_BASE, OPUS = "os.environ/AZURE_API_BASE", "claude-3-opus-20240229"
ASKED = [
    (entry(model="hosted_vllm/org-q/M-9B", api_base=V1), ("openai/org-q/M-9B", V1, {})),
    (entry(model="openrouter/a/b", base_url=BARE), ("openai/a/b", BARE, {})),
    (
        entry(model="org-q/M", custom_llm_provider="openai", api_base="http://h/v1"),
        ("openai/org-q/M", "http://h/v1", {}),
    ),
    (
        entry(model="openai/org-q/M", custom_llm_provider="openai", api_base="http://h"),
        ("openai/org-q/M", "http://h", {}),
    ),
    (entry(model=" ollama/tiny:3b ", api_base=" http://127.0.0.1:9/ "), ("ollama_chat/tiny:3b", BARE, {})),
    (
        entry(model="azure/dep", api_base="http://h", api_version=date(2024, 10, 21)),
        ("azure/dep", "http://h", {"api_version": "2024-10-21"}),
    ),
    (
        entry(model="azure/dep", api_base=AZURE_BASE, api_version="os.environ/AZURE_API_VERSION"),
        ("azure/dep", "http://127.0.0.1:7", {}),
    ),
    (
        entry(model="azure/dep", api_base=AZURE_BASE, api_version="2025-01-01"),
        ("azure/dep", "http://127.0.0.1:7", {"api_version": "2025-01-01"}),
    ),
    (entry(model="gpt-4o-mini", api_base="http://h/v1"), ("openai/gpt-4o-mini", "http://h/v1", {})),
    (entry("claude-3-opus", f"anthropic/{OPUS}", api_base="http://h"), (f"anthropic/{OPUS}", "http://h", {})),
    (entry("claude-3-opus", f"openai/{OPUS}", api_base="http://h"), (f"openai/{OPUS}", "http://h", {})),
    (entry("claude-3-opus", "openai/other", api_base="http://h"), ("openai/other", "http://h", {})),
]


@pytest.mark.parametrize(("one", "wanted"), ASKED)
def test_each_entry_is_asked_as_litellm_would_ask_it(one, wanted):
    found = take(listed(one))
    assert found.refused == ()
    assert asked(found.experts) == {one["model_name"]: wanted}
    text, left_out = model_list([merged(SHIPPED, found.experts)[one["model_name"]]],
                                {e.name: e for e in found.experts}, TODAY)  # fmt: skip
    assert left_out == ()
    assert asked(take(text).experts) == {one["model_name"]: wanted}


@pytest.mark.parametrize(
    ("one", "mode"),
    [
        (entry(model="openai/x", info={"mode": "image_generation"}), "its model_info.mode is 'image_generation'"),
        (entry(model="openai/x", info={"mode": " Audio_Speech "}), "its model_info.mode is 'audio_speech'"),
        (entry(model="openai/x", info={"mode": "rerank"}), "'rerank'"),
        (entry(model="openai/x", info={"mode": "completion"}), "'completion'"),
        (entry(model="openai/text-embedding-3-large"), "its mode in LiteLLM's map is 'embedding'"),
        (entry(model="text-embedding-3-large"), "'embedding'"),
        (entry(model="hosted_vllm/whisper-1", api_base="http://127.0.0.1:9"), "'audio_transcription'"),
        (entry(model="dall-e-3", custom_llm_provider="openai"), "'image_generation'"),
        (entry(model="azure/my-deployment", info={"base_model": "azure/whisper-1"}), "'audio_transcription'"),
        (entry(model="openai/gpt-3.5-turbo-instruct"), "'completion'"),
        (entry(model="openai/omni-moderation-latest"), "'moderation'"),
    ],
)
def test_what_answers_no_prompts_is_left_out_and_said(one, mode):
    found = take(listed(one, entry("good")))
    assert [e.name for e in found.experts] == ["good"]
    assert found.refused[0].startswith("'a' does not answer prompts (")
    assert mode in found.refused[0]
    assert found.refused[0].endswith("write mode: chat at model_info.")


@pytest.mark.parametrize(
    "one",
    [
        entry(model="openai/text-embedding-3-large", info={"mode": "chat"}),
        entry(model="openai/o1-pro"),  # LiteLLM's map says responses
        entry(model="openai/x", info={"mode": "responses"}),
        entry(model="openai/x", info={"mode": None}),
        entry(model="ollama/mistral", api_base="http://127.0.0.1:9"),  # LiteLLM's map says completion
        entry(model="openai/whatever", info={"mode": 7}),
    ],
)
def test_what_answers_prompts_is_kept(one):
    assert [e.name for e in take(listed(one)).experts] == ["a"]


def test_references_and_merge_keys_are_read():
    text = """
x-common: &common {api_base: "http://127.0.0.1:9/v1", api_key: os.environ/A_ENDPOINT_KEY}
x-more: &more {<<: *common, input_cost_per_token: 1.0e-06}
model_list:
- &first
  model_name: a
  litellm_params: {<<: *common, model: openai/one}
- model_name: b
  litellm_params: {<<: [*more, {output_cost_per_token: 2.0e-06}], model: openai/two, input_cost_per_token: 3.0e-06}
- <<: *first
  model_name: c
"""
    found = take(text)
    assert {n: where[0] for n, where in asked(found.experts).items()} == {
        "a": "openai/one",
        "b": "openai/two",
        "c": "openai/one",
    }
    b = found.experts[1].expert
    assert (b.price_in_usd_per_mtok, b.price_out_usd_per_mtok) == (3.0, 2.0)


NAMES = [
    (["Our GPT (EU)"], ["Our-GPT-EU"], ["'Our GPT (EU)' is called Our-GPT-EU"]),
    (["Modèle d'été"], ["Modele-d-ete"], ["is called Modele-d-ete"]),
    (["a b", "a  b", "a-b"], ["a-b-2", "a-b-3", "a-b"], ["'a b' is called a-b-2", "'a  b' is called a-b-3"]),
    (["日本語"], ["x"], ["'日本語' is called x"]),
    (["n" * 150], ["n" * 100], ["is called"]),
    (["a", "a", "a-2"], ["a", "a-3", "a-2"], ["Several entries have one name; they became a-3."]),
    (["GPT 4o mini"], ["GPT-4o-mini"], ["is called GPT-4o-mini"]),
    (["gpt 4o mini"], ["gpt-4o-mini-2"], ["is called gpt-4o-mini-2"]),  # the shipped expert stays as it is
    ([" a "], ["a"], []),
    ([7, 4.5], ["7", "4.5"], []),
]


@pytest.mark.parametrize(("said", "names", "notes"), NAMES)
def test_names_that_cannot_be_are_made_and_told(said, names, notes):
    found = take(listed(*(entry(name) for name in said)))
    assert (found.refused, [one.name for one in found.experts]) == ((), names)
    assert all(note in " ".join(found.notes) for note in notes)
    assert bool(found.notes) == bool(notes)
    again = take(listed(*(entry(name) for name in said)), found.experts)
    assert ([one.name for one in again.experts], list(again.same)) == ([], names)


def test_what_a_person_called_it_stays_its_title():
    assert take(listed(entry("Our GPT (EU)"))).experts[0].expert.title == "Our GPT (EU)"


NUMBERS = [
    ("max_input_tokens", "128k", None),
    ("max_input_tokens", "1,000,000", 1_000_000),
    ("max_input_tokens", "1,00", None),
    ("max_input_tokens", "1_000", 1000),
    ("max_input_tokens", "8192.0", 8192),
    ("max_input_tokens", 8192.5, None),
    ("max_input_tokens", 0, None),
    ("max_input_tokens", -3, None),
    ("max_input_tokens", True, None),
    ("max_input_tokens", 10**400, None),
    ("max_input_tokens", "1e400", None),
    ("max_input_tokens", "9" * 5000, None),
    ("max_input_tokens", [8192], None),
    ("max_input_tokens", "١٢٨", None),
    ("input_cost_per_token", "0.0000025", 2.5),
    ("input_cost_per_token", "2.5e-6", 2.5),
    ("input_cost_per_token", " 2.5E-06 ", 2.5),
    ("input_cost_per_token", 0, 0.0),
    ("input_cost_per_token", "$0.0000025", None),
    ("input_cost_per_token", "0,0000025", None),
    ("input_cost_per_token", float("nan"), None),
    ("input_cost_per_token", float("inf"), None),
    ("input_cost_per_token", 5, None),  # five million dollars
    ("input_cost_per_token", False, None),
    ("input_cost_per_token", "nan", None),
]
FACTS = {"max_input_tokens": "context_tokens", "input_cost_per_token": "price_in_usd_per_mtok"}


@pytest.mark.parametrize(("field", "value", "wanted"), NUMBERS)
@pytest.mark.parametrize("place", ["info", "params"])
def test_a_number_costs_at_most_itself(field, value, wanted, place):
    one = entry("wide", "openai/nobody-lists-this", {field: value} if place == "info" else {},
                **({} if place == "info" else {field: value}))  # fmt: skip
    found = take(listed(one))
    assert found.refused == ()
    (wide,) = found.experts
    assert getattr(wide.expert, FACTS[field]) == wanted
    assert [
        note for note in found.notes if note.startswith(f"Left out, the rest of the entry is read: wide: {field}")
    ] == ([] if wanted is not None else list(found.notes))


OURS = [
    [1],
    {"x": {"value": 1}},
    {"title": "A"},
    {"title": {"value": "A"}},
    {"title": {"value": "<b>", "source": "a", "day": "2026-01-01"}},
    {"title": {"value": "A", "source": "a", "day": "2099-01-01"}},
    {"title": {"value": "A", "source": "", "day": "2026-01-01"}},
    {"released": {"value": "soon", "source": "a", "day": "2026-01-01"}},
    {"security_tier": {"value": 0, "source": "a", "day": "2026-01-01"}},
]


@pytest.mark.parametrize("ours", OURS)
def test_a_bad_fact_of_our_own_costs_that_fact(ours):
    found = take(listed(entry(api_base="http://10.1.2.3/v1", info={"thalamus": ours})))
    assert found.refused == ()
    assert asked(found.experts) == {"a": ("openai/x", "http://10.1.2.3/v1", {})}
    assert found.experts[0].expert.security_tier == 3
    assert "Left out, the rest of the entry is read: a: " in " ".join(found.notes)


ODD_FILES = [
    b"\xef\xbb\xbf" + listed(entry()).encode(),
    listed(entry()).encode("utf-16"),
    listed(entry()).encode("utf-16-le"),
    listed(entry()).encode("utf-16-be"),
    listed(entry()).encode("utf-32"),
    listed(entry()).replace("\n", "\r\n").encode(),
    json.dumps({"model_list": [entry()]}, indent="\t").encode(),
    json.dumps([entry()]).encode(),
    json.dumps({"model_list": [entry(info={"id": "\ud83d\ude00"})]}).encode(),
    listed(entry(), router_settings={"fallbacks": [{"a": ["b"]}]}, general_settings=None).encode(),
    b"model_list:\n- model_name: a\n  litellm_params: {model: openai/x, rpm: 2026-99-99}\n",
]


@pytest.mark.parametrize("data", ODD_FILES)
def test_files_of_every_make_are_read(data):
    found = take(decoded(data))
    assert ([one.name for one in found.experts], found.refused) == (["a"], ())


def test_bytes_that_are_no_text_are_told():
    with pytest.raises(ValueError, match="not text in UTF-8 or UTF-16"):
        decoded(b"a: \xff\xfe\xfa")


def test_what_stands_beside_the_list_is_told():
    sections = {"router_settings": {}, "include": ["b.yaml"], "litellm_settings": {"fallbacks": []}}
    (note,) = take(listed(entry(), **sections)).notes
    assert note == (
        "Sections that were not read: include, litellm_settings, router_settings. "
        "Files that it includes are read one by one."
    )


def test_a_credential_of_the_file_gives_its_address_and_never_its_key():
    values = {"api_key": "sk-live-0123456789abcdef", "api_base": "http://127.0.0.1:9", "api_version": "2024-10-21"}
    found = take(
        listed(
            entry(model="azure/x", litellm_credential_name="c"),
            entry("b", "openai/x", litellm_credential_name="elsewhere", api_base="http://127.0.0.1:8"),
            credential_list=[{"credential_name": "c", "credential_values": values}, 7],
        )
    )
    assert asked(found.experts) == {
        "a": ("azure/x", "http://127.0.0.1:9", {"api_version": "2024-10-21"}),
        "b": ("openai/x", "http://127.0.0.1:8", {}),
    }
    assert "A key stood in the file, for a." in found.notes[0]
    assert "sk-live" not in repr(found)


def test_keys_that_are_read_under_other_names_are_told():
    found = take(
        listed(
            entry("a", api_key="os.environ/OPENAI_API_KEY"),
            entry("b", api_key="os.environ/TEAM_KEY"),
            entry("c", api_base="http://127.0.0.1:9", api_key="os.environ/TEAM_KEY"),
            entry("d", api_base="http://127.0.0.1:9", api_key="os.environ/D_ENDPOINT_KEY"),
            entry("e", api_key=None),
            entry("f", api_key="none"),
        )
    )
    assert found.notes == ("Keys are read under other names here: OPENAI_API_KEY for b, C_ENDPOINT_KEY for c.",)


@pytest.mark.parametrize("info", [None, [], "chat", 7])
def test_a_model_info_without_fields_costs_nothing_else(info):
    (one,) = take(listed({**entry(), "model_info": info})).experts
    assert one.expert.litellm == "openai/x"


def test_the_base_model_gives_its_prices():
    (one,) = take(listed(entry(model="azure/my-own-name", info={"base_model": "azure/gpt-4o-mini"}))).experts
    assert one.expert.price_in_usd_per_mtok == pytest.approx(
        price_map()["azure/gpt-4o-mini"]["input_cost_per_token"] * 1e6
    )


providers = st.sampled_from(["openai", "hosted_vllm", "groq", "bedrock", "no-provider", *OWN_WAY])
models = st.builds("{}/{}".format, providers, st.sampled_from(["m", "org/M-7B", "a/b/c:d", "claude-3-opus-20240229"]))
bases = st.none() | st.sampled_from(
    ["http://127.0.0.1:9", "http://127.0.0.1:9/v1/", "https://h.example/openai", "os.environ/AZURE_API_BASE"]
)
prices = st.none() | st.sampled_from([0, 1e-7, 2.5e-6, "3e-6", "many", -1, True])
entries = st.builds(
    lambda name, model, base, version, cost_in, cost_out, context: entry(
        name,
        model,
        {"input_cost_per_token": cost_in, "max_input_tokens": context},
        api_base=base,
        api_version=version,
        output_cost_per_token=cost_out,
    ),
    st.sampled_from(["a", "a b", "a-b", "claude-3-opus", "gpt-4o-mini", "Ä", "7"]),
    models,
    bases,
    st.none() | st.just("2024-06-01"),
    prices,
    prices,
    st.sampled_from([None, 8192, "128k", "1,000,000"]),
)


@settings(max_examples=200)
@given(st.lists(entries, min_size=1, max_size=4))
def test_the_export_gives_back_what_came_in(made):
    """Import, export and import again: the same servers are asked for the same, at the same prices."""
    first = take(listed(*made)).experts
    named = {one.name: one for one in first}
    catalog = merged(SHIPPED, first)
    if not first:
        return
    text, left_out = model_list([catalog[name] for name in named], named, TODAY)
    again = take(text)
    assert (left_out, again.refused) == ((), ())
    assert asked(again.experts) == asked([one for one in first if one.name not in again.same])
    there = merged(SHIPPED, again.experts)
    for name in named:
        assert facts_of(there[name]) == facts_of(catalog[name])


def facts_of(one):
    return (
        one.price_in_usd_per_mtok,
        one.price_out_usd_per_mtok,
        one.price_cached_in_usd_per_mtok,
        one.context_tokens,
        one.security_tier,
        one.title,
    )


@settings(max_examples=200)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["model_name", "litellm_params", "model_info", "model", "api_base", "mode",
                                         "thalamus", "title", "api_key", "max_input_tokens"]), inner, max_size=4),
                    max_leaves=12))  # fmt: skip
def test_no_entry_ends_the_import(odd):
    try:
        found = take(json.dumps({"model_list": [odd, entry("good")]}))
    except RoutingError as problem:
        pytest.fail(f"one entry sank the file: {problem}")
    assert "good" in [one.name for one in found.experts]
