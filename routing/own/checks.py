"""What a person may state about an expert of theirs; every refusal is one sentence."""

import ipaddress
import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from routing.addresses import checked_address
from routing.catalog import SECURITY_TIERS
from routing.errors import CatalogError, RequestRefused
from routing.local import weights_of
from routing.own import FACTS, Fact, OwnExpert, Value
from routing.protocols import asked_at
from routing.weights import WEIGHTS

# Names stand in links (commas part them), on the command line and in names of columns (" #2").
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+\-]*")
_VERSION: Final = re.compile(r"[A-Za-z0-9.\-]{1,40}")
_LITELLM: Final = re.compile(r"[A-Za-z0-9_\-]+/[A-Za-z0-9@][A-Za-z0-9._:/@+\-]*")
# Titles are shown in markdown and in charts, so what either reads as markup stays out.
_MARKUP: Final = frozenset('\\`*[]{}<>|$~#!&"^=')
LONGEST_NAME: Final = 100
LONGEST_ADDRESS: Final = 300
LONGEST_SOURCE: Final = 120
LARGEST_SKILL: Final = 256_000  # bytes of JSON
_LONGEST: Final = {"title": 80, "provider": 60, "litellm": 200, "licence": 100}
_MOST: Final = {
    "params_b": (100_000.0, "billion parameters"),
    "active_b": (100_000.0, "billion parameters"),
    "price_in_usd_per_mtok": (100_000.0, "US dollars per million tokens"),
    "price_out_usd_per_mtok": (100_000.0, "US dollars per million tokens"),
    "price_cached_in_usd_per_mtok": (100_000.0, "US dollars per million tokens"),
}
_MOST_CONTEXT: Final = 1_000_000_000
FIRST_RELEASE: Final = date(2015, 1, 1)
SAID: Final = {
    "title": "title", "provider": "provider", "litellm": "LiteLLM name", "params_b": "size", "active_b": "active size",
    "released": "release date", "open_weights": "open weights", "licence": "licence", "context_tokens": "context",
    "price_in_usd_per_mtok": "price of input", "price_out_usd_per_mtok": "price of output",
    "price_cached_in_usd_per_mtok": "price of cached input",
    "security_tier": "security tier",
}  # fmt: skip


def checked(own: OwnExpert, *, today: date | None = None, allow_private: bool = True) -> OwnExpert:
    """The same expert, its address without a trailing slash.

    Args:
        own: As somebody typed or imported it.
        today: The day after which no date may lie; the current day if not given.
        allow_private: Whether its address may lie on this machine or in its private network.

    Raises:
        CatalogError: A name, a fact, a date or the skill cannot be used.
        RequestRefused: The address may not be called.
    """
    now = today or date.today()
    checked_name(own.name)
    for name, fact in own.facts.items():
        if name not in FACTS:
            raise CatalogError(f"No fact about an expert is called {name[:40]!r}. Known are {', '.join(FACTS)}.")
        check_fact(own.name, name, fact, now)
    address = None if own.address is None else _address(own, allow_private)
    if own.api_version is not None and not _VERSION.fullmatch(own.api_version):
        raise CatalogError(f"{own.name}: the API version is {own.api_version[:40]!r}; write one such as 2024-10-21.")
    check_tier(own)
    if own.skill is not None and (size := len(json.dumps(own.skill))) > LARGEST_SKILL:
        raise CatalogError(f"The skill of {own.name} has {size:,} bytes; at most {LARGEST_SKILL:,} are kept.")
    return replace(own, facts=dict(own.facts), address=address)


def checked_sizes(own: OwnExpert) -> OwnExpert:
    """The same expert, if not more of it is active than there is; asked where a person types, not of what is kept.

    Raises:
        CatalogError: Its active size is above its size.
    """
    whole, active = (fact and fact.value for fact in (own.facts.get("params_b"), own.facts.get("active_b")))
    if isinstance(whole, int | float) and isinstance(active, int | float) and active > whole:
        raise CatalogError(
            f"{own.name}: the active size is {active:g} billion parameters, of {whole:g} in all. "
            "Give at most the whole size, or leave the active size out if all are active."
        )
    return own


def checked_new(own: OwnExpert, taken: Collection[str]) -> OwnExpert:
    """The same expert, if it can be added to those of these names.

    Raises:
        CatalogError: Its name is taken, or nobody could call it.
    """
    if own.name in taken:
        raise CatalogError(f"{own.name!r} is there already. Choose another name, or change that expert.")
    if own.address is None and own.expert.litellm is None:
        raise CatalogError("Give a LiteLLM name or an own address; without either the expert can never be asked.")
    return own


def checked_name(name: str) -> str:
    """The name, if it can identify an expert.

    Raises:
        CatalogError: It is empty, too long, or holds a character that has a meaning elsewhere.
    """
    if not name:
        raise CatalogError("The name is empty. Give one, such as my-llama-70b.")
    if len(name) > LONGEST_NAME:
        raise CatalogError(f"The name has {len(name)} characters; at most {LONGEST_NAME} are allowed. Shorten it.")
    if not _NAME.fullmatch(name):
        raise CatalogError(
            f"{name!r} cannot be a name: letters, digits and . _ - : / @ + are allowed, beginning with a letter or a "
            "digit, such as my-llama-70b."
        )
    return name


def check_fact(expert: str, name: str, fact: Fact, today: date) -> None:
    """Check one fact about an expert of that name.

    Raises:
        CatalogError: Its value, source or day cannot be used.
    """
    if fact.day > today:
        raise CatalogError(
            f"{expert}: the {SAID[name]} is stated as of {fact.day}, which is in the future; today is {today}."
        )
    if not is_plain(fact.source) or not 0 < len(fact.source) <= LONGEST_SOURCE:
        raise CatalogError(
            f"{expert}: the source of the {SAID[name]} must be a line of 1 to {LONGEST_SOURCE} characters "
            f"without markup; it is {fact.source[:60]!r}."
        )
    if fact.value is not None:
        _CHECKS.get(name, _check_number)(expert, name, fact.value)
    elif name in {"title", "provider", "licence", "security_tier"}:
        raise CatalogError(f"{expert}: the {SAID[name]} is empty. Give one, or leave it as it was.")
    if name == "released" and isinstance(fact.value, date) and not FIRST_RELEASE <= fact.value <= today:
        raise CatalogError(f"{expert}: the release date is {fact.value}; allowed is {FIRST_RELEASE} to today, {today}.")


def _check_text(expert: str, name: str, value: Value) -> None:
    most = _LONGEST[name]
    if not isinstance(value, str) or not 0 < len(value.strip()) <= most or not is_plain(value):
        shown = value[:60] if isinstance(value, str) else value
        raise CatalogError(
            f"{expert}: the {SAID[name]} is {shown!r}; allowed is one line of 1 to {most} characters without "
            + " ".join(sorted(_MARKUP))
            + "."
        )
    if name == "litellm" and not is_litellm_name(value):
        raise CatalogError(
            f"{expert}: {value[:60]!r} is no LiteLLM name. Write provider/name, such as openai/gpt-4o-mini."
        )


def is_litellm_name(text: str) -> bool:
    """Whether a text has the form of a LiteLLM name, provider/name."""
    return len(text) <= _LONGEST["litellm"] and _LITELLM.fullmatch(text) is not None


def is_plain(text: str) -> bool:
    """Whether a text is one line without characters that markdown or charts read as markup."""
    return text.isprintable() and not _MARKUP & set(text)


def _check_number(expert: str, name: str, value: Value) -> None:
    most, unit = _MOST[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not 0 <= value <= most:  # type: ignore[arg-type,operator]
        raise CatalogError(
            f"{expert}: the {SAID[name]} is {value!r}; allowed is 0 to {most:,.0f} {unit}. Leave it out if unknown."
        )


def _check_context(expert: str, name: str, value: Value) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST_CONTEXT:
        raise CatalogError(
            f"{expert}: the {SAID[name]} is {value!r}; allowed is a whole number of tokens from 1 to "
            f"{_MOST_CONTEXT:,}. Leave it out if unknown."
        )


def _check_day(expert: str, name: str, value: Value) -> None:
    if not isinstance(value, date):
        raise CatalogError(f"{expert}: the {SAID[name]} is {value!r}; write a day such as 2026-05-31.")


def _check_yes_or_no(expert: str, name: str, value: Value) -> None:
    if not isinstance(value, bool):
        raise CatalogError(f"{expert}: {SAID[name]} is {value!r}; it is yes, no, or left out if unknown.")


def _check_tier_value(expert: str, name: str, value: Value) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value not in SECURITY_TIERS:
        told = "; ".join(f"{tier} {text}" for tier, text in SECURITY_TIERS.items())
        raise CatalogError(f"{expert}: the {SAID[name]} is {value!r}; allowed are {told}.")


_CHECKS: Final[Mapping[str, Callable[[str, str, Value], None]]] = {
    **dict.fromkeys(_LONGEST, _check_text),
    "context_tokens": _check_context,
    "released": _check_day,
    "open_weights": _check_yes_or_no,
    "security_tier": _check_tier_value,
}


def _address(own: OwnExpert, allow_private: bool) -> str:
    if own.address is not None and len(own.address) > LONGEST_ADDRESS:
        raise CatalogError(
            f"{own.name}: the address has {len(own.address):,} characters; at most {LONGEST_ADDRESS} are allowed."
        )
    address = checked_address(own.address or "", allow_private=allow_private)
    litellm = own.facts.get("litellm")
    if litellm is not None and isinstance(litellm.value, str):
        try:
            asked_at(litellm.value, address)
        except RequestRefused as problem:
            raise CatalogError(f"{own.name}: {problem}") from None
    return address


def check_tier(own: OwnExpert) -> None:
    """Tier 0 promises that a prompt stays on this machine: it needs an address there, or weights listed for it.

    Raises:
        CatalogError: It is stated, and not kept.
    """
    tier = own.facts.get("security_tier")
    if tier is None or tier.value != 0 or (own.address is None and weights_of(own.expert) in WEIGHTS):
        return
    host = urlsplit(own.address or "").hostname or ""
    try:
        is_here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = False
    if not is_here:
        where = own.address or "given by LiteLLM"
        raise CatalogError(
            f"{own.name}: tier 0 means that it runs on this machine, but its address is {where}. "
            "Give an address such as http://127.0.0.1:8000/v1, or choose tier 1, 2 or 3."
        )
