"""Experts from a LiteLLM ``model_list`` that somebody hands over: hostile until every part was checked."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from routing import plain_yaml
from routing.catalog import Catalog
from routing.catalog_check import entry_of, listed_prices, per_mtok, price_map, price_map_source
from routing.errors import CatalogError, RoutingError
from routing.own import FACTS, MOST_OWN, Fact, OwnExpert, Value
from routing.own.checks import checked
from routing.own.listings import TIER_SOURCE, usual_tier
from routing.own.lists import called
from routing.own.model_list import ENVIRONMENT, INFO, OURS

FILE: Final = "imported model_list"
_ADDRESS: Final = ("api_base", "base_url")
_KNOWN: Final = {
    "": {"model_name", "litellm_params", "model_info"},
    "litellm_params": {"model", *_ADDRESS, "api_key", "custom_llm_provider", "input_cost_per_token",
                       "output_cost_per_token", "cache_read_input_token_cost"},
    "model_info": {"mode", OURS, *INFO.values()},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file would change; nothing is kept yet.

    Args:
        experts: To be saved.
        same: Names about which the file says nothing new.
        refused: One sentence for every entry that cannot be used.
        notes: What else was left out, in sentences.
    """

    experts: tuple[OwnExpert, ...]
    same: tuple[str, ...]
    refused: tuple[str, ...]
    notes: tuple[str, ...]


def read(
    text: str, catalog: Catalog, own: Mapping[str, OwnExpert], *, today: date, allow_private: bool = True
) -> Imported:
    """Read a model_list; facts that are as they are here already change nothing.

    Args:
        text: The file.
        catalog: Every expert that the person has, hidden ones too.
        own: What they keep, by name.
        today: The day on which facts without a date of their own are stated.
        allow_private: Whether addresses may lie on this machine or in its private network.

    Raises:
        CatalogError: The file is no model_list, is too long, or has too many entries.
    """
    entries, sections = _entries(text)
    reading = _Reading(catalog, own, today, allow_private)
    for number, entry in enumerate(entries, start=1):
        reading.take(number, entry)
    notes = [f"Sections that were not read: {', '.join(sections)}."] if sections else []
    return Imported(tuple(reading.found), tuple(reading.same), tuple(reading.refused), (*notes, *reading.notes()))


def _entries(text: str) -> tuple[list[object], list[str]]:
    try:
        whole = plain_yaml.read(text)
    except ValueError as problem:
        raise CatalogError(f"The file cannot be read as YAML: {str(problem)[:200]}. Mend it and try again.") from None
    entries = whole.get("model_list") if isinstance(whole, dict) else None
    if not isinstance(whole, dict) or not isinstance(entries, list) or not entries:
        raise CatalogError("The file holds no model_list with at least one entry. Export one here to see the form.")
    if len(entries) > MOST_OWN:
        raise CatalogError(f"The model_list has {len(entries):,} entries; at most {MOST_OWN} are read. Split the file.")
    return entries, [str(name)[:60] for name in whole if name != "model_list"]


class _Reading:
    """One file, entry by entry, and what was left out on the way."""

    def __init__(self, catalog: Catalog, own: Mapping[str, OwnExpert], today: date, allow_private: bool) -> None:
        self._catalog, self._own, self._today, self._allow_private = catalog, own, today, allow_private
        self._names = set(catalog.names)
        self._seen: set[str] = set()
        self._unread: Counter[str] = Counter()
        self._with_key: list[str] = []
        self._renamed: list[str] = []
        self.found: list[OwnExpert] = []
        self.same: list[str] = []
        self.refused: list[str] = []

    def take(self, number: int, entry: object) -> None:
        """Read one entry; what cannot be used becomes a sentence."""
        try:
            name, params, info = self._parts(number, entry)
            facts, address = self._facts(name, params, info), _address(name, params)
            kept = self._own.get(name, OwnExpert(name))
            stated = replace(kept, facts={**kept.facts, **self._new(name, facts)}, address=address or kept.address)
            stated = checked(stated, today=self._today, allow_private=self._allow_private)
        except RoutingError as problem:
            self.refused.append(str(problem))
            return
        if stated == kept and name in self._names:
            self.same.append(name)
        else:
            self.found.append(stated)

    def notes(self) -> list[str]:
        """What was left out, in sentences; never a value, which could be a key."""
        found = []
        if self._with_key:
            found.append(
                f"A key stood in the file, for {_listed(self._with_key)}. It was not read and is kept nowhere: "
                "type it under Keys or set it in the environment, and take care who sees the file."
            )
        if self._renamed:
            found.append(f"Several entries have one name; they became {_listed(self._renamed)}.")
        if self._unread:
            told = [f"{field} ({n})" if n > 1 else field for field, n in sorted(self._unread.items())]
            found.append(f"Fields that were not read: {_listed(told)}.")
        return found

    def _parts(self, number: int, entry: object) -> tuple[str, dict[str, Any], dict[str, Any]]:
        if not isinstance(entry, dict) or not isinstance(entry.get("model_name"), str):
            raise CatalogError(f"Entry {number} has no model_name, so it was left out.")
        name, params, info = entry["model_name"], entry.get("litellm_params"), entry.get("model_info") or {}
        if not isinstance(params, dict) or not isinstance(params.get("model"), str) or not isinstance(info, dict):
            raise CatalogError(f"{name[:100]!r} has no litellm_params with a model, so it was left out.")
        for where, part in (("", entry), ("litellm_params", params), ("model_info", info)):
            unknown = [str(key)[:60] for key in part if key not in _KNOWN[where]]
            self._unread.update(f"{where}.{key}".strip(".") for key in unknown)
        key = params.get("api_key")
        if key is not None and not str(key).startswith(ENVIRONMENT):
            self._with_key.append(name[:100])
        return self._unique(name), params, info

    def _unique(self, name: str) -> str:
        """LiteLLM shares calls among entries of one name; here a name is one expert."""
        unique = name
        while unique in self._seen:
            unique = f"{name}-{int(unique.removeprefix(name)[1:] or 1) + 1}"
        self._seen.add(unique)
        if unique != name:
            self._renamed.append(unique[:100])
        return unique

    def _facts(self, name: str, params: dict[str, Any], info: dict[str, Any]) -> dict[str, Fact]:
        told = info.get(OURS)
        if told is not None and (not isinstance(told, dict) or not all(isinstance(t, dict) for t in told.values())):
            raise CatalogError(f"{name[:100]!r}: model_info.{OURS} must hold facts with source and day. Leave it out.")
        model = _model(params)
        values: dict[str, Value] = {} if told else {"litellm": model}
        for fact, theirs in INFO.items():
            if (number := _number(name, theirs, info.get(theirs, params.get(theirs)))) is not None:
                values[fact] = per_mtok(number) if fact != "context_tokens" else int(number)
        facts = {fact: Fact(value, FILE, self._today) for fact, value in values.items()}
        if told:
            return facts | {
                fact: _fact(name, fact, one, model if fact == "litellm" else values.get(fact))
                for fact, one in told.items()
            }
        return self._usual(model, _address(name, params)) | facts

    def _usual(self, model: str, address: str | None) -> dict[str, Fact]:
        """What the file does not say but others do: the provider's tier, and LiteLLM's prices."""
        tier = usual_tier(model, self._catalog, open_weights=None, address=address)
        facts = {"security_tier": Fact(tier, TIER_SOURCE, self._today)}
        entry = entry_of(OwnExpert("x").with_facts({"litellm": model}, FILE, self._today).expert, price_map())
        if entry is None or address is not None:
            return facts
        listed = zip(("price_in_usd_per_mtok", "price_out_usd_per_mtok"), listed_prices(entry), strict=True)
        return facts | {fact: Fact(p, price_map_source(), self._today) for fact, p in listed if p is not None}

    def _new(self, name: str, facts: Mapping[str, Fact]) -> dict[str, Fact]:
        """Facts that differ from what is known here; all of a new expert's."""
        if name not in self._names:
            return dict(facts)
        here = self._catalog[name]
        return {fact: told for fact, told in facts.items() if getattr(here, fact, None) != told.value}


def _model(params: Mapping[str, Any]) -> str:
    """The LiteLLM name with its provider, which an entry may say apart or leave to LiteLLM's map."""
    model, provider = params["model"], params.get("custom_llm_provider")
    return f"{provider}/{model}" if isinstance(provider, str) and "/" not in model else called(model)


def _address(name: str, params: Mapping[str, Any]) -> str | None:
    told = next((params[field] for field in _ADDRESS if params.get(field) is not None), None)
    if told is None:
        return None
    if not isinstance(told, str) or told.startswith(ENVIRONMENT):
        # Without its address the entry would go to whoever LiteLLM calls by that name.
        raise CatalogError(
            f"{name[:100]!r}: its address is not in the file but in the environment, which is not read here. "
            "Write the address itself at api_base."
        )
    return told


def _number(name: str, field: str, value: object) -> float | None:
    """A number of LiteLLM's form; YAML reads 1e-07 as text, and LiteLLM takes it for a number."""
    if value is None:
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise CatalogError(f"{name[:100]!r}: {field} is not a number from 0. Mend it or leave it out.")
    return number


def _fact(name: str, fact: str, told: Mapping[str, Any], otherwise: Value) -> Fact:
    """A fact of our own part of the form."""
    if fact not in FACTS:
        raise CatalogError(f"{name[:100]!r}: no fact is called {str(fact)[:60]!r}. Known are {', '.join(FACTS)}.")
    value, source, day = told.get("value", otherwise), told.get("source"), told.get("day")
    try:
        value = date.fromisoformat(value) if fact == "released" and isinstance(value, str) else value
        day = date.fromisoformat(day) if isinstance(day, str) else day
    except ValueError:
        day = None
    if type(day) is not date or not isinstance(source, str):
        raise CatalogError(f"{name[:100]!r}: the fact {fact} needs a source and a day such as 2026-05-31.")
    return Fact(value, source, day)


def _listed(names: list[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
