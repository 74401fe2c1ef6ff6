"""LiteLLM's model_list: what goes out comes back, LiteLLM itself takes it, and a hostile file changes nothing."""

import string
from dataclasses import replace
from datetime import date, timedelta

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.answer import load_litellm
from routing.catalog import load_catalog
from routing.catalog_check import price_map_source
from routing.errors import CatalogError
from routing.own import TYPED, Fact, OwnExpert, merged
from routing.own.checks import checked
from routing.own.imported import FILE, read
from routing.own.model_list import model_list

TODAY = date(2026, 11, 22)
SHIPPED = load_catalog(today=TODAY)
MARKED = "sk-live-0123456789abcdef"


def take(text, own=(), **settings):
    everyone = merged(SHIPPED, own, with_hidden=True)
    return read(text, everyone, {o.name: o for o in own}, today=TODAY, **settings)


def exported(own, names=None):
    everyone = merged(SHIPPED, own)
    experts = [e for e in everyone.experts if names is None or e.name in names]
    return model_list(experts, {o.name: o for o in own}, TODAY)


words = st.text(string.ascii_letters + string.digits + " .-_()/ü東", min_size=1, max_size=40).filter(str.strip)
days = st.dates(date(2020, 1, 1), TODAY)
prices = st.integers(0, 10**8).map(lambda n: n / 10**4)
values = {
    "title": words,
    "provider": words,
    "licence": words,
    "params_b": prices,
    "active_b": st.none() | prices,
    "released": st.none() | days,
    "open_weights": st.none() | st.booleans(),
    "context_tokens": st.none() | st.integers(1, 10**9),
    "price_in_usd_per_mtok": st.none() | prices,
    "price_out_usd_per_mtok": prices,
    "security_tier": st.integers(1, 3),
}
facts = st.fixed_dictionaries(
    {"litellm": st.builds(Fact, st.sampled_from(["openai/a", "groq/b/c", "x_y/z@1:2"]), words, days)},
    optional={name: st.builds(Fact, value, words, days) for name, value in values.items()},
)
names = st.text(string.ascii_letters + string.digits, min_size=1, max_size=8).map(lambda n: f"own-{n}@1:2/x")
experts = st.builds(
    OwnExpert, names, facts, st.sampled_from([None, "http://127.0.0.1:8000/v1", "https://example.com/a/b"])
)


@settings(max_examples=150)
@given(st.lists(experts, min_size=1, max_size=4, unique_by=lambda one: one.name))
def test_what_goes_out_comes_back(own):
    own = tuple(checked(one, today=TODAY) for one in own)
    text, left_out = exported(own, [one.name for one in own])
    found = take(text)
    assert (found.refused, found.notes, left_out) == ((), (), ())
    assert found.experts == own


def test_a_change_of_a_shipped_expert_comes_back_as_a_change_only():
    own = (OwnExpert("gpt-4o-mini").with_facts({"price_in_usd_per_mtok": 0.1}, TYPED, TODAY - timedelta(days=3)),)
    text, _ = exported(own)
    found = take(text)
    assert found.experts == own
    assert len(found.same) == text.count("model_name:") - 1
    assert take(text, own).experts == ()


def test_litellm_itself_takes_the_export():
    own = (
        OwnExpert("mine", address="http://127.0.0.1:9/v1").with_facts(
            {"litellm": "openai/meta-llama/Llama-3", "price_in_usd_per_mtok": 2.0, "price_out_usd_per_mtok": 4.0},
            TYPED, TODAY,
        ),
    )  # fmt: skip
    text, left_out = exported(own)
    assert "smollm2-135m" in left_out
    entries = yaml.safe_load(text)["model_list"]
    router = load_litellm().Router(model_list=entries)
    assert set(router.get_model_names()) == {e["model_name"] for e in entries}
    (deployment,) = [d for d in router.model_list if d["model_name"] == "mine"]
    assert deployment["litellm_params"]["model"] == "openai/meta-llama/Llama-3"
    assert deployment["litellm_params"]["api_base"] == "http://127.0.0.1:9/v1"
    assert deployment["model_info"]["input_cost_per_token"] == 2e-6
    mini = next(e for e in entries if e["model_name"] == "gpt-4o-mini")
    assert mini["litellm_params"]["api_key"] == "os.environ/OPENAI_API_KEY"


PLAIN = """
model_list:
- model_name: fast
  litellm_params: {model: gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY, rpm: 5}
- model_name: house
  litellm_params: {model: openai/our-llama, api_base: "http://10.0.0.5:8000/v1/"}
  model_info: {input_cost_per_token: 1e-07, output_cost_per_token: "0.0000002", max_input_tokens: 8192, id: 7}
general_settings: {master_key: sk-1}
"""


def test_a_file_from_litellms_own_users_is_understood():
    found = take(PLAIN)
    fast, house = found.experts
    assert fast.expert.litellm == "openai/gpt-4o-mini"
    assert (fast.expert.price_in_usd_per_mtok, fast.expert.price_source) == (0.15, price_map_source())
    assert fast.expert.security_tier == 2
    assert house.address == "http://10.0.0.5:8000/v1"
    assert (house.expert.price_in_usd_per_mtok, house.expert.price_out_usd_per_mtok) == (0.1, 0.2)
    assert (house.expert.context_tokens, house.expert.price_source) == (8192, FILE)
    assert found.notes == (
        "Sections that were not read: general_settings.",
        "Fields that were not read: litellm_params.rpm, model_info.id.",
    )


def entry(name="a", model="openai/x", **params):
    return {"model_name": name, "litellm_params": {"model": model, **params}}


def dumped(*entries):
    return yaml.safe_dump({"model_list": list(entries)})


def test_a_key_in_the_file_is_told_of_and_kept_nowhere():
    found = take(dumped(entry(api_key=MARKED), entry("b", aws_secret_access_key=MARKED)))
    assert [one.name for one in found.experts] == ["a", "b"]
    assert "A key stood in the file, for a." in found.notes[0]
    assert "litellm_params.aws_secret_access_key" in found.notes[1]
    assert MARKED not in repr(found)


def test_several_entries_of_one_name_become_several_experts():
    found = take(dumped(entry(), entry(), entry(model="openai/y")))
    assert [one.name for one in found.experts] == ["a", "a-2", "a-3"]
    assert found.notes == ("Several entries have one name; they became a-2, a-3.",)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("just text", "holds no model_list with at least one entry"),
        ("model_list: []", "holds no model_list with at least one entry"),
        ("model_list: [", "cannot be read as YAML"),
        ("model_list: &a [{model_name: x, model_info: *a}]", "a part of it refers to itself"),
        (
            "a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: &d [*c, *c, *c, *c]\n"
            "e: &e [*d, *d, *d, *d]\nf: &f [*e, *e, *e, *e]\ng: &g [*f, *f, *f, *f]\nh: &h [*g, *g, *g, *g]\n"
            "model_list: [*h, *h, *h, *h]",
            "with its references written out it has more than 250,000 values",
        ),
        (
            "a: &a {k: 1}\nb: &b {<<: [*a, *a, *a, *a, *a, *a, *a, *a]}\n"
            "c: &c {<<: [*b, *b, *b, *b, *b, *b, *b, *b]}\nd: &d {<<: [*c, *c, *c, *c, *c, *c, *c, *c]}\n"
            "e: &e {<<: [*d, *d, *d, *d, *d, *d, *d, *d]}\nf: &f {<<: [*e, *e, *e, *e, *e, *e, *e, *e]}\n"
            "model_list: [{<<: [*f, *f, *f, *f, *f, *f, *f, *f]}]",
            "more than 250,000 values",
        ),
        (
            "".join(f"a{n}: &a{n} [{f'*a{n - 1}' if n else 1}]\n" for n in range(40)) + "model_list: *a39",
            "nested more than 30 levels deep",
        ),
        ("model_list:\n- {model_name: a, <<: 7}", "expected a mapping"),
        ("model_list:\n\t- model_name: a", "a tab stands where only spaces may, line 2"),
        ('{"model_list": [], "model_list": []}', "a key is given twice"),
        ('{"model_list": ' + "[" * 40 + "]" * 40 + "}", "nested more than 30 levels deep"),
        ("include: [more.yaml]", "It includes other files, which are not read"),
        ("model_list: " + "[" * 40 + "]" * 40, "nested more than 30 levels deep"),
        ("model_list: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("model_list: [a]\nmodel_list: [b]", "a key is given twice"),
        ("x" * 400_001, "400,001 characters; at most 400,000 are read"),
        ("model_list:\n" + "- 1\n" * 501, "has 501 entries; at most 500 are read"),
    ],
)
def test_files_that_are_refused_whole(bad, says):
    with pytest.raises(CatalogError, match=says):
        take(bad)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (7, "Entry 1 has no model_name"),
        ({"model_name": "a"}, "'a' has no litellm_params with a model"),
        (entry("openai/*", "openai/*"), "stands for every model of a provider"),
        (entry(litellm_credential_name="theirs"), "takes its address or key from a credential that is not in the file"),
        (entry(api_base=7), "its api_base is no text"),
        (entry(api_base="os.environ/OPENAI_API_BASE"), "under a name that is not read here"),
        (entry(model="azure/x", api_base="os.environ/HOME"), "Of this provider only AZURE_API_BASE is read"),
        (entry(model="bedrock/x", api_base="http://127.0.0.1:9"), "not called in the way of 'bedrock'"),
        (entry(model="azure/x", api_version="2024 or so"), "the API version is '2024 or so'"),
        (entry(model="my-own"), "'my-own' is no LiteLLM name"),
        (entry(api_base="os.environ/BASE"), "its address is not in the file but in the environment"),
        (entry(api_base="file:///etc/passwd"), "is not an address that can be called"),
        (entry(api_base="http://169.254.169.254/"), "link-local"),
        (entry(api_base=f"http://user:{MARKED}@host/v1"), "not an address that can be called"),
    ],
)
def test_entries_that_are_left_out_with_a_reason(bad, says):
    found = take(dumped(bad, entry("good")))
    assert [one.name for one in found.experts] == ["good"]
    assert len(found.refused) == 1
    assert says in found.refused[0]
    assert MARKED not in repr(found)


def test_private_addresses_follow_the_deployment():
    found = take(dumped(entry(api_base="http://10.0.0.5/v1")), allow_private=False)
    assert found.experts == ()
    assert "lies in a private network" in found.refused[0]


def test_hiding_and_skill_stay_when_facts_are_imported():
    kept = replace(OwnExpert("a", is_hidden=True, skill={"x": 1}).with_facts({"title": "A"}, TYPED, TODAY))
    (found,) = take(dumped(entry()), (kept,)).experts
    assert (found.is_hidden, found.skill) == (True, {"x": 1})
    assert found.facts["title"].value == "A"
    assert found.expert.litellm == "openai/x"
