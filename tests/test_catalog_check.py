"""The catalogue's prices against LiteLLM's map: differences are found, and the shipped catalogue has none of price."""

import subprocess
import sys
from dataclasses import replace

import pytest

from routing import catalog_check
from routing.catalog import load_catalog
from routing.catalog_check import Disagreement, disagreements, entry_of, price_map
from routing.errors import CatalogError

ENTRY = {"input_cost_per_token": 0.15e-6, "output_cost_per_token": 0.6e-6, "max_input_tokens": 128_000}


def test_agreement_and_each_difference() -> None:
    gpt = load_catalog()["gpt-4o-mini"]
    assert disagreements([gpt], {"gpt-4o-mini": ENTRY}) == ()
    found = disagreements([replace(gpt, price_in_usd_per_mtok=0.2, context_tokens=None)], {"openai/gpt-4o-mini": ENTRY})
    assert [d.fact for d in found] == ["price_in_usd_per_mtok", "context_tokens"]
    assert found[0].text == "gpt-4o-mini: price_in_usd_per_mtok is 0.2 here and 0.15 in LiteLLM's price map."
    assert found[1] == Disagreement("gpt-4o-mini", "context_tokens", None, 128_000)


def test_zero_in_the_map_is_unknown_and_local_experts_are_not_checked() -> None:
    catalog = load_catalog()
    assert disagreements([catalog["gpt-4o-mini"]], {"gpt-4o-mini": {"input_cost_per_token": 0}}) == ()
    assert disagreements([catalog["smollm2-135m"]], {"smollm2-135m": ENTRY, "openai/smollm2-135m": ENTRY}) == ()


def test_shipped_prices_agree_with_the_installed_map() -> None:
    experts, prices = load_catalog().experts, price_map()
    assert [d.text for d in disagreements(experts, prices) if d.fact.startswith("price")] == []
    for expert in experts:
        if expert.price_source.startswith("litellm"):
            assert entry_of(expert, prices) is not None, expert.name


def test_missing_map_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_check, "_FILE", "gone.json")
    with pytest.raises(CatalogError, match="run make setup"):
        price_map()


def test_checking_does_not_import_litellm() -> None:
    code = (
        "import sys; from routing.catalog import load_catalog; from routing.catalog_check import disagreements; "
        "disagreements(load_catalog().experts); assert 'litellm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
