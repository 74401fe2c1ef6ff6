"""A catalogue as LiteLLM's ``model_list``, the form of its proxy's config.yaml; keys are never part of it."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

import yaml

from routing.catalog_check import entry_of, price_map
from routing.errors import CatalogError, RequestRefused
from routing.keys import ADDRESS_NAMES, KEY_NAMES, VERSIONED, endpoint_key_name
from routing.own import FACTS, Fact, OwnExpert, as_json
from routing.own.entries import ANSWERS, ENVIRONMENT
from routing.protocols import Asked, asked_at
from routing.schema import Expert

# What LiteLLM's form has no place for stands under this name in model_info, which LiteLLM leaves alone.
OURS: Final = "thalamus"
SHIPPED: Final = "Thalamus catalogue"
# Our name of a fact: LiteLLM's in model_info.
INFO: Final = {
    "price_in_usd_per_mtok": "input_cost_per_token",
    "price_out_usd_per_mtok": "output_cost_per_token",
    "price_cached_in_usd_per_mtok": "cache_read_input_token_cost",
    "context_tokens": "max_input_tokens",
}
HEAD: Final = (
    "# Experts in the form of LiteLLM's proxy. No key is in here:\n"
    "# whoever calls them sets the environment names that stand at api_key.\n"
)


def model_list(experts: Iterable[Expert], own: Mapping[str, OwnExpert], today: date) -> tuple[str, tuple[str, ...]]:
    """Experts as YAML, and the names of those left out because nobody could call them: no LiteLLM name, no address.

    Args:
        experts: Whom to export.
        own: What the person keeps, by name: sources, dates and addresses.
        today: The day from which facts of the shipped catalogue are stated.
    """
    entries, left_out = [], []
    for expert in experts:
        kept = own.get(expert.name, OwnExpert(expert.name))
        if kept.address is None and (expert.litellm is None or expert.is_local):
            left_out.append(expert.name)
        else:
            entries.append(_entry(expert, kept, today))
    text = yaml.safe_dump({"model_list": entries}, sort_keys=False, allow_unicode=True, width=1000)
    return HEAD + text, tuple(left_out)


def _entry(expert: Expert, kept: OwnExpert, today: date) -> dict[str, Any]:
    params: dict[str, Any] = {"model": expert.litellm}
    provider = (expert.litellm or "").split("/", 1)[0]
    if kept.address is None:
        if provider in ADDRESS_NAMES:
            params["api_base"] = ENVIRONMENT + ADDRESS_NAMES[provider]
        names = KEY_NAMES.get(provider, ())
        params |= {"api_key": ENVIRONMENT + names[0]} if names else {}
    else:
        asked = _asked(expert, kept.address, is_compatible=kept.is_compatible)
        key = ENVIRONMENT + endpoint_key_name(expert.name)
        params |= {"model": asked.model, "api_base": asked.address, "api_key": key}
    if kept.api_version is not None and provider in VERSIONED:
        params["api_version"] = kept.api_version
    info: dict[str, Any] = {"mode": _mode(expert)}
    for fact, theirs in INFO.items():
        value = getattr(expert, fact)
        if value is not None:
            info[theirs] = value if fact == "context_tokens" else float(f"{value / 1e6:.12g}")
    stated = as_json(_stated(expert, kept, today))
    for fact, told in stated.items():
        is_said = fact in INFO or (fact == "litellm" and params["model"] == expert.litellm)
        if is_said and told["value"] is not None:
            del told["value"]
    return {"model_name": expert.name, "litellm_params": params, "model_info": {**info, OURS: stated}}


def _asked(expert: Expert, address: str, *, is_compatible: bool) -> Asked:
    """How LiteLLM is told to ask an own address: as it is asked from here."""
    litellm = expert.litellm or expert.name
    try:
        return asked_at(litellm, address, is_compatible=is_compatible)
    except RequestRefused:  # kept by an earlier version; it is given back as it came, and refused where it is read
        return Asked(litellm, address)


def _mode(expert: Expert) -> str:
    try:
        entry = entry_of(expert, price_map())
    except CatalogError:  # without LiteLLM there is no map; all that answer prompts do so by chat
        entry = None
    mode = str((entry or {}).get("mode"))
    return mode if mode in ANSWERS else "chat"


def _stated(expert: Expert, kept: OwnExpert, today: date) -> dict[str, Fact]:
    """Every known fact with its source and day; what the person states as unknown is one of them."""
    priced = (expert.price_source, expert.price_date or today)
    found = {}
    for name in FACTS:
        value = getattr(expert, name)
        if name in kept.facts:
            found[name] = kept.facts[name]
        elif value is not None and not _is_unsaid(expert, name):
            found[name] = Fact(value, *(priced if name.startswith("price_") else (SHIPPED, today)))
    return found


def _is_unsaid(expert: Expert, name: str) -> bool:
    """Whether a value is only what an expert has until somebody states another."""
    usual = {"title": expert.name, "provider": "unknown", "licence": "unknown", "security_tier": 3}
    return bool(getattr(expert, name) == usual.get(name))
