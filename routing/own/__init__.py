"""Experts of a person's own: added ones, and shipped ones whose facts they changed or which they hid."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from routing.catalog import Catalog
from routing.errors import CatalogError
from routing.schema import Expert

TYPED: Final = "typed by you"
MOST_OWN: Final = 500
Value = str | int | float | bool | date | None
# What an expert is until somebody states otherwise. Nobody knows the terms of an unnamed provider, so its tier is 3.
UNSTATED: Final = Expert(
    name="", title="", provider="unknown", litellm=None, params_b=None, active_b=None, released=None,
    open_weights=None, licence="unknown", context_tokens=None, price_in_usd_per_mtok=None,
    price_out_usd_per_mtok=None, price_source="unknown", price_date=None, security_tier=3,
)  # fmt: skip
FACTS: Final = (
    *("title", "provider", "litellm", "params_b", "active_b", "released", "open_weights", "licence"),
    *("context_tokens", "price_in_usd_per_mtok", "price_out_usd_per_mtok", "price_cached_in_usd_per_mtok"),
    "security_tier",
)
PRICES: Final = ("price_in_usd_per_mtok", "price_out_usd_per_mtok")


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact about an expert: who says so, and on which day they said it; the value None is "unknown"."""

    value: Value
    source: str
    day: date


@dataclass(frozen=True, slots=True)
class OwnExpert:
    """What a person keeps about one expert.

    A name of the shipped catalogue makes it a change of that expert: facts stated here take the place of the shipped
    ones, and its predictions stay. Any other name adds an expert.

    Args:
        name: Identifies the expert.
        facts: Stated facts by their name in ``Expert``; what is absent is as shipped, or unknown.
        address: Own base address; None where LiteLLM knows where to call. Where a LiteLLM name is stated too, that says
            how the address is asked (``routing.protocols``); else it is OpenAI-compatible.
        is_hidden: Whether it takes part nowhere for now.
        skill: What onboarding learned about it, as ``routing.onboarding.skill`` writes it.
        api_version: Version of the provider's interface, of Azure's; None for LiteLLM's usual one.
    """

    name: str
    facts: Mapping[str, Fact] = field(default_factory=lambda: MappingProxyType({}))
    address: str | None = None
    is_hidden: bool = False
    skill: Mapping[str, Any] | None = None
    api_version: str | None = None

    @property
    def expert(self) -> Expert:
        """The expert by these facts alone, for one that is not in the shipped catalogue."""
        return self.over(None)

    @property
    def says_nothing(self) -> bool:
        """Whether it neither states nor changes anything."""
        return not (self.facts or self.address or self.is_hidden or self.skill or self.api_version)

    @property
    def is_compatible(self) -> bool:
        """Whether its own address is OpenAI-compatible, whoever else serves the expert."""
        return self.address is not None and "litellm" not in self.facts

    def over(self, base: Expert | None) -> Expert:
        """The expert with these facts in the place of the base's; a price brings its own source and date."""
        start = replace(UNSTATED, name=self.name, title=self.name) if base is None else base
        stated: dict[str, Any] = {name: fact.value for name, fact in self.facts.items()}
        prices = [self.facts[name] for name in PRICES if name in self.facts]
        if prices:
            oldest = min(prices, key=lambda fact: fact.day)
            stated |= {"price_source": oldest.source, "price_date": oldest.day}
        return replace(start, **stated)

    def with_facts(self, changed: Mapping[str, Value], source: str, day: date) -> "OwnExpert":
        """The same with some facts stated anew."""
        return replace(self, facts={**self.facts, **{n: Fact(v, source, day) for n, v in changed.items()}})


def merged(catalog: Catalog, own: Iterable[OwnExpert], *, with_hidden: bool = False) -> Catalog:
    """The catalogue as a person has it: shipped experts with their changes, then added ones, without hidden ones.

    What only hid or trained an expert that is shipped no more is left out.

    Args:
        catalog: The shipped catalogue.
        own: What the person keeps, names unique.
        with_hidden: Whether hidden experts stay.

    Raises:
        CatalogError: Every expert is hidden.
    """
    kept = {one.name: one for one in own}
    shipped = [(kept.get(e.name, OwnExpert(e.name)), e) for e in catalog.experts]
    added = [(one, None) for name, one in kept.items() if name not in catalog.names and (one.facts or one.address)]
    experts = tuple(one.over(base) for one, base in (*shipped, *added) if with_hidden or not one.is_hidden)
    if not experts:
        raise CatalogError("Every expert is hidden. Show at least one on the Experts page.")
    return Catalog(experts, catalog.today)


def added(catalog: Catalog, own: Sequence[OwnExpert]) -> tuple[str, ...]:
    """Names of own experts that the shipped catalogue does not have."""
    return tuple(one.name for one in own if one.name not in catalog.names and (one.facts or one.address))


def addresses(own: Iterable[OwnExpert]) -> dict[str, str]:
    """Own addresses by expert, of those that take part."""
    return {one.name: one.address for one in own if one.address and not one.is_hidden}


def compatible(own: Iterable[OwnExpert]) -> frozenset[str]:
    """Experts whose own address is OpenAI-compatible, whoever else serves them."""
    return frozenset(one.name for one in own if one.is_compatible)


def versions(own: Iterable[OwnExpert]) -> dict[str, str]:
    """Stated versions of providers' interfaces, by expert."""
    return {one.name: one.api_version for one in own if one.api_version}


def priced(own: Iterable[OwnExpert]) -> frozenset[str]:
    """Experts whose own address has the price that the person stated."""

    def is_priced(one: OwnExpert) -> bool:
        return all(price in one.facts and one.facts[price].value is not None for price in PRICES)

    return frozenset(one.name for one in own if one.address and is_priced(one))


def as_json(facts: Mapping[str, Fact]) -> dict[str, Any]:
    """Facts for the store."""
    return {
        name: {
            "value": fact.value.isoformat() if isinstance(fact.value, date) else fact.value,
            "source": fact.source,
            "day": fact.day.isoformat(),
        }
        for name, fact in facts.items()
    }


def from_json(kept: Mapping[str, Any]) -> dict[str, Fact]:
    """Facts from the store; names that this version does not know are left out.

    Raises:
        ValueError: What was kept cannot be read.
    """
    found = {}
    for name in (n for n in FACTS if n in kept):
        value, source, day = (kept[name][part] for part in ("value", "source", "day"))
        is_day = name == "released" and isinstance(value, str)
        found[name] = Fact(date.fromisoformat(value) if is_day else value, str(source), date.fromisoformat(day))
    return found
