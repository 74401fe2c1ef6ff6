"""What others list: LiteLLM's map and models.dev as installed, searched, taken over, and grown old."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from routing.catalog import load_catalog
from routing.catalog_check import price_map_source
from routing.own import TYPED, OwnExpert
from routing.own.ageing import OLD_DAYS, price_notes, taken_over
from routing.own.checks import checked
from routing.own.listings import find, free_name, own_of, retirement, usual_tier
from routing.own.lists import called, day_of, everything, models_dev_source

TODAY = date(2026, 11, 22)
SHIPPED = load_catalog(today=TODAY)
MAP = {"gpt-4o-mini": {"input_cost_per_token": 0.2e-6, "output_cost_per_token": 0.6e-6}}


@pytest.fixture(scope="module")
def entries():
    return everything()


def test_thousands_are_listed_once_each_and_every_one_can_be_taken(entries):
    assert len(entries) > 5000
    assert len({e.key for e in entries}) == len(entries)
    for entry in entries:
        name = free_name(entry, SHIPPED.names)
        tier = usual_tier(entry.litellm, SHIPPED, open_weights=entry.open_weights, address=entry.address)
        checked(own_of(entry, name, tier, TODAY), today=TODAY)


def test_the_likeliest_comes_first(entries):
    assert find("gpt-4o-mini", entries, TODAY)[0].litellm == "openai/gpt-4o-mini"
    assert find("GROQ llama 3.3", entries, TODAY)[0].litellm == "groq/llama-3.3-70b-versatile"
    assert find("no such expert anywhere", entries, TODAY) == []


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("gemini 3.1 flash lite", "gemini/gemini-3.1-flash-lite"),
        ("claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"),
        ("claude sonnet 4.5", "anthropic/"),
    ],
)
def test_a_makers_own_entry_comes_first_while_it_is_served(entries, words, first):
    found = find(words, entries, TODAY)
    assert found[0].litellm.startswith(first)
    retires = found[0].retires
    if retires is not None:
        assert find(words, entries, retires)[0].litellm != found[0].litellm, "it is retired then"


def test_only_what_is_retired_goes_last_and_what_soon_will_be_is_marked(entries):
    one = find("gpt-4o-mini", entries, TODAY)[0]
    days = {"retired": 0, "soon": 90, "later": 91}
    told = [replace(one, litellm=f"openai/{name}", retires=TODAY + timedelta(d)) for name, d in days.items()]
    assert [retirement(e, TODAY) for e in told] == list(days)
    assert [e.name for e in find("openai", told, TODAY)] == ["later", "soon", "retired"]


def test_prices_and_context_are_litellms_and_the_rest_is_models_devs(entries):
    own = own_of(find("gpt-4o-mini", entries, TODAY)[0], "mini", 2, TODAY)
    expert = own.expert
    assert (expert.price_in_usd_per_mtok, expert.price_out_usd_per_mtok) == (0.15, 0.6)
    assert (expert.released, expert.open_weights) == (date(2024, 7, 18), False)
    assert own.facts["price_in_usd_per_mtok"].source == price_map_source()
    assert own.facts["price_in_usd_per_mtok"].day == TODAY
    assert own.facts["released"].source == models_dev_source()
    assert own.facts["released"].day == day_of(models_dev_source(), TODAY) < TODAY


def test_nothing_listed_at_zero_counts_as_free(entries):
    assert not [e for e in entries if 0 in e.prices]


def test_an_expert_without_litellm_brings_its_address(entries):
    other = next(e for e in entries if e.address)
    own = own_of(other, "x", 3, TODAY)
    assert own.address.startswith("https://")
    assert own.expert.litellm.startswith("openai/")


def test_a_taken_name_gives_way(entries):
    mini = find("gpt-4o-mini", entries, TODAY)[0]
    assert free_name(mini, ()) == "gpt-4o-mini"
    assert free_name(mini, {"gpt-4o-mini"}) == "openai/gpt-4o-mini"
    assert free_name(mini, {"gpt-4o-mini", "openai/gpt-4o-mini"}) == "openai/gpt-4o-mini-2"


def test_the_usual_tier_follows_the_shipped_catalogue():
    assert usual_tier("openai/gpt-9", SHIPPED, open_weights=False, address=None) == 2
    assert usual_tier("groq/llama", SHIPPED, open_weights=True, address=None) == 1
    assert usual_tier("unheard/of", SHIPPED, open_weights=None, address=None) == 3
    assert usual_tier("openai/x", SHIPPED, open_weights=False, address="https://example.com/v1") == 3


def test_a_bare_name_finds_its_provider():
    assert called("gpt-4o-mini") == "openai/gpt-4o-mini"
    assert called("groq/x") == "groq/x"
    assert called("nobody-knows") == "nobody-knows"


def noted(expert, **settings):
    return price_notes([expert], today=TODAY, prices=MAP, source="litellm 9.9.9", **settings).get(expert.name)


def test_a_price_that_litellm_lists_otherwise_is_noted_and_can_be_taken_over():
    note = noted(SHIPPED["gpt-4o-mini"])
    assert note.text == "LiteLLM lists $0.2 in and $0.6 out per million tokens (litellm 9.9.9)."
    taken = taken_over(OwnExpert("gpt-4o-mini"), note, TODAY).over(SHIPPED["gpt-4o-mini"])
    assert (taken.price_in_usd_per_mtok, taken.price_source, taken.price_date) == (0.2, "litellm 9.9.9", TODAY)
    assert noted(taken) is None


def test_an_own_address_has_a_price_of_its_own():
    assert noted(SHIPPED["gpt-4o-mini"], elsewhere={"gpt-4o-mini"}) is None


@pytest.mark.parametrize(("age", "is_old"), [(OLD_DAYS, False), (OLD_DAYS + 1, True)])
def test_a_price_grows_old(age, is_old):
    own = OwnExpert("x").with_facts(
        {"price_in_usd_per_mtok": 1.0, "price_out_usd_per_mtok": 1.0}, TYPED, TODAY - timedelta(days=age)
    )
    note = noted(own.expert)
    assert (note is not None) == is_old
    if note is not None:
        assert note.text == f"The price is {age} days old; one in twelve changes every three months."


def test_a_newer_list_that_agrees_confirms_an_old_price_and_the_same_list_does_not():
    old = replace(SHIPPED["gpt-4o-mini"], price_in_usd_per_mtok=0.2, price_date=TODAY - timedelta(days=400))
    assert noted(replace(old, price_source="litellm 1.0.0")) is None
    assert noted(replace(old, price_source="litellm 9.9.9")).is_old


def test_unknown_prices_and_experts_on_this_machine_do_not_grow_old():
    assert noted(OwnExpert("x").with_facts({"title": "X"}, TYPED, date(2020, 1, 1)).expert) is None
    assert noted(SHIPPED["smollm2-135m"]) is None
