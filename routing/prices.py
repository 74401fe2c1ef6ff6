"""What the tokens of an expert cost: its two prices, and what LiteLLM's map knows beyond them where they are its own.

An expert's facts hold one price in and one out. The map has more: prices above a length of the prompt, of input that
the provider had cached, of service tiers. They hold where the two prices are those of the map; where somebody stated
others, the map says nothing about them, and what was stated counts for every token.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from routing.catalog_check import Entry, entry_of, listed_prices, price_map
from routing.errors import CatalogError
from routing.schema import Expert

_ABOVE: Final = re.compile(r"(input|output)_cost_per_token_above_(\d+)(k?)_tokens")
_INCLUSIVE: Final = frozenset({"xai"})  # charges the higher price from the length itself on, as LiteLLM's list has it


@dataclass(frozen=True, slots=True)
class Tier:
    """Prices of a whole answer whose prompt is longer than ``above_tokens``, in US dollars per token."""

    above_tokens: float
    price_in: float
    price_out: float


def prices_of(expert: Expert, name: str | None = None) -> Mapping[str, object]:
    """Prices per token under the names of LiteLLM's map; empty where one of the two is unknown.

    Args:
        expert: Whose.
        name: LiteLLM's name that is called; the expert's own if not given.
    """
    stated = expert.price_in_usd_per_mtok, expert.price_out_usd_per_mtok
    entry = _entry(expert, name)
    listed = (None, None) if entry is None else listed_prices(entry)
    if stated == (None, None):
        return {} if entry is None or None in listed else entry
    if None in stated:
        return {}
    cached = expert.price_cached_in_usd_per_mtok
    own = {} if cached is None else {"cache_read_input_token_cost": cached / 1e6}
    if entry is not None and _are_same(stated, listed):
        return {**entry, **own}
    price_in, price_out = stated
    both = {"input_cost_per_token": (price_in or 0.0) / 1e6, "output_cost_per_token": (price_out or 0.0) / 1e6}
    return {**both, **own}


def tiers_of(expert: Expert) -> tuple[Tier, ...]:
    """Prices above a length of the prompt, shortest first; empty where there are none or they are unknown."""
    prices = prices_of(expert)
    table = prices.get("tiered_pricing")
    if isinstance(table, list):
        return _of_table(table)
    base = (_number(prices, "input_cost_per_token"), _number(prices, "output_cost_per_token"))
    lengths = {f"{m[2]}{m[3]}": float(m[2]) * (1000 if m[3] else 1) for k in prices if (m := _ABOVE.fullmatch(k))}
    found: list[Tier] = []
    for spelt, length in sorted(lengths.items(), key=lambda item: item[1]):
        before = (found[-1].price_in, found[-1].price_out) if found else base
        price_in = _number(prices, f"input_cost_per_token_above_{spelt}_tokens", before[0])
        price_out = _number(prices, f"output_cost_per_token_above_{spelt}_tokens", before[1])
        is_inclusive = (expert.litellm or "").split("/", 1)[0] in _INCLUSIVE
        found.append(Tier(math.nextafter(length, 0) if is_inclusive else length, price_in, price_out))
    return tuple(found)


def price_per_token(expert: Expert, input_tokens: float) -> tuple[float, float]:
    """US dollars per token in and out for a prompt of that length; NaN where unknown."""
    both = (expert.price_in_usd_per_mtok, expert.price_out_usd_per_mtok)
    price = tuple(math.nan if p is None else p / 1e6 for p in both)
    for tier in tiers_of(expert):
        if input_tokens > tier.above_tokens:
            price = (tier.price_in, tier.price_out)
    return price[0], price[1]


def _of_table(table: Sequence[object]) -> tuple[Tier, ...]:
    """Tiers of a table of ranges, as LiteLLM reads it: the whole request at the price of the range it falls into."""
    found = []
    for row in table:
        if isinstance(row, dict) and isinstance(span := row.get("range"), list) and len(span) == 2:
            found.append(
                Tier(float(span[0]), _number(row, "input_cost_per_token"), _number(row, "output_cost_per_token"))
            )
    return tuple(sorted(found, key=lambda tier: tier.above_tokens))


def _entry(expert: Expert, name: str | None) -> Entry | None:
    try:
        known = price_map()
    except CatalogError:  # without LiteLLM nothing is called, and the two prices remain
        return None
    if name is None:
        return entry_of(expert, known)
    return known.get(name) or known.get(name.split("/", 1)[-1])


def _are_same(stated: Sequence[float | None], listed: Sequence[float | None]) -> bool:
    return all(
        a is not None and b is not None and math.isclose(a, b, rel_tol=1e-6)
        for a, b in zip(stated, listed, strict=True)
    )


def _number(prices: Entry, name: str, otherwise: float = 0.0) -> float:
    value = prices.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else otherwise
