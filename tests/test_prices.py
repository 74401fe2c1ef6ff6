"""Prices beyond the two: what is predicted is what LiteLLM's own function would charge, for every entry of its map."""

from dataclasses import replace

import numpy as np
import pytest

from routing.answer import LiteLLM, load_litellm
from routing.answer.usage import Usage
from routing.catalog import Catalog
from routing.catalog_check import listed_prices, price_map
from routing.objective import predicted_cost
from routing.prices import price_per_token, prices_of, tiers_of
from routing.schema import Expert
from tests.asking import expert
from tests.test_own import TODAY

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def listed(name: str) -> Expert:
    """An expert at the prices of the map."""
    entry = price_map()[name]
    price_in, price_out = listed_prices(entry)
    provider = str(entry["litellm_provider"])
    full = name if name.startswith(f"{provider}/") else f"{provider}/{name}"
    return replace(expert(name), litellm=full, price_in_usd_per_mtok=price_in, price_out_usd_per_mtok=price_out)


def with_tiers() -> list[Expert]:
    priced = (name for name, entry in price_map().items() if None not in listed_prices(entry))
    return [one for one in map(listed, priced) if tiers_of(one)]


def test_every_tier_is_predicted_as_litellm_charges_it() -> None:
    load_litellm()
    from litellm.litellm_core_utils.llm_cost_calc.utils import generic_cost_per_token
    from litellm.types.utils import Usage as Theirs

    experts = with_tiers()
    assert len(experts) > 250
    for one in experts:
        tiers = tiers_of(one)
        for tokens in sorted(
            {5, 900_000, *(int(t.above_tokens) + more for t in tiers for more in (-1, 0, 1, 2))} - {-1, 0}
        ):
            provider = str(price_map()[one.name]["litellm_provider"])
            usage = Theirs(prompt_tokens=tokens, completion_tokens=700, total_tokens=tokens + 700)
            right = sum(generic_cost_per_token(one.name, usage, provider))
            price_in, price_out = price_per_token(one, tokens)
            assert tokens * price_in + 700 * price_out == pytest.approx(right, rel=1e-9), (one.name, tokens)


def test_predicted_and_measured_are_the_same_at_every_length() -> None:
    experts = [*with_tiers()[::25], listed("gpt-4o"), expert("flat", price=3.0), expert("unknown")]
    lengths = np.array([1.0, 127_999.0, 128_001.0, 200_000.0, 210_024.0, 272_001.0, 500_000.0])
    cost, _ = predicted_cost(Catalog(tuple(experts), TODAY), lengths, np.full((len(lengths), len(experts)), 900.0))
    for column, one in enumerate(experts):
        if one.price_in_usd_per_mtok is None:
            assert np.isnan(cost[:, column]).all()
            continue
        for row, tokens in enumerate(lengths):
            measured = LiteLLM().cost(str(one.litellm), prices_of(one), Usage(int(tokens), 900), None)
            assert cost[row, column] == pytest.approx(measured, rel=1e-9), (one.name, tokens)


@pytest.mark.parametrize(
    ("name", "usage", "tier", "right"),
    [
        ("gpt-4o", Usage(8_000, 200, cached_tokens=7_000), None, 1_000 * 2.5e-6 + 7_000 * 1.25e-6 + 200 * 1e-5),
        ("gpt-4o", Usage(8_000, 200, reasoning_tokens=150), None, 8_000 * 2.5e-6 + 200 * 1e-5),
        ("gemini/gemini-2.5-pro", Usage(300_000, 10, cached_tokens=100_000), None,
         200_000 * 2.5e-6 + 100_000 * 2.5e-7 + 10 * 1.5e-5),
        ("claude-sonnet-4-5", Usage(9_000, 100, cached_tokens=1_000, written_tokens=7_000), None,
         1_000 * 3e-6 + 1_000 * 3e-7 + 7_000 * 3.75e-6 + 100 * 1.5e-5),
        ("gpt-5", Usage(1_000, 100), "flex", (1_000 * 1.25e-6 + 100 * 1e-5) / 2),
        ("gpt-5", Usage(1_000, 100), "priority", (1_000 * 1.25e-6 + 100 * 1e-5) * 2),
        ("gpt-5", Usage(1_000, 100), "a tier of tomorrow", 1_000 * 1.25e-6 + 100 * 1e-5),
    ],
)  # fmt: skip
def test_what_an_answer_cost(name: str, usage: Usage, tier: str | None, right: float) -> None:
    one = listed(name)
    assert LiteLLM().cost(str(one.litellm), prices_of(one), usage, tier) == pytest.approx(right)


def test_a_prompt_above_a_length_is_predicted_at_the_price_above_it() -> None:
    one = Catalog((listed("gemini/gemini-2.5-pro"),), TODAY)
    cost, _ = predicted_cost(one, np.array([200_000.0, 210_024.0]), np.zeros((2, 1)))
    assert cost[:, 0] == pytest.approx([0.25, 0.52506])


def test_a_stated_price_wins_over_the_map_and_brings_none_of_its_tiers() -> None:
    mine = replace(listed("gemini/gemini-2.5-pro"), price_in_usd_per_mtok=1.0)
    assert tiers_of(mine) == ()
    assert LiteLLM().cost("gemini/x", prices_of(mine), Usage(300_000, 0, cached_tokens=100_000), None) == pytest.approx(
        0.3
    )
    cached = replace(mine, price_cached_in_usd_per_mtok=0.5)
    assert LiteLLM().cost(
        "gemini/x", prices_of(cached), Usage(300_000, 0, cached_tokens=100_000), None
    ) == pytest.approx(0.25)


def test_unknown_prices_stay_unknown_and_free_is_free() -> None:
    assert prices_of(expert("unknown")) == {}
    assert prices_of(replace(expert("half"), price_in_usd_per_mtok=1.0)) == {}
    assert LiteLLM().cost("openai/free", prices_of(expert("free", price=0.0)), Usage(10, 10), None) == 0.0
    assert np.isnan(price_per_token(expert("unknown"), 10)).all()
