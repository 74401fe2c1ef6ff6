"""Experts from a LiteLLM ``model_list`` that somebody hands over: hostile until every part was checked."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import count
from typing import Any, Final

from routing import plain_yaml
from routing.catalog import Catalog
from routing.catalog_check import listed_prices, per_mtok, price_map_source
from routing.errors import CatalogError, RoutingError
from routing.keys import KEY_NAMES, endpoint_key_name
from routing.own import FACTS, MOST_OWN, Fact, OwnExpert, Value
from routing.own.checks import LONGEST_NAME, check_fact, check_tier, checked, checked_name
from routing.own.entries import (
    ADDRESS,
    ENVIRONMENT,
    address_of,
    check_mode,
    listed,
    model_of,
    number_of,
    shown,
    version_of,
)
from routing.own.listings import TIER_SOURCE, usual_tier
from routing.own.model_list import INFO, OURS
from routing.protocols import Asked, asked_at
from routing.workshop.naming import name_of

FILE: Final = "imported model_list"
CREDENTIAL: Final = "litellm_credential_name"
_KNOWN: Final = {
    "": {"model_name", "litellm_params", "model_info"},
    "litellm_params": {"model", *ADDRESS, "api_key", "api_version", "custom_llm_provider", CREDENTIAL, *INFO.values()},
    "model_info": {"mode", "base_model", OURS, *INFO.values()},
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
    reading = _Reading(catalog, own, today, allow_private, entries, sections)
    return Imported(tuple(reading.found), tuple(reading.same), tuple(reading.refused), tuple(reading.notes()))


def _entries(text: str) -> tuple[list[object], dict[str, Any]]:
    """The entries of a file, and what stands beside them."""
    try:
        whole = plain_yaml.read(text)
    except ValueError as problem:
        raise CatalogError(f"The file cannot be read as YAML: {str(problem)[:200]}. Mend it and try again.") from None
    if isinstance(whole, list) and any(isinstance(one, dict) and "model_name" in one for one in whole):
        whole = {"model_list": whole}  # as LiteLLM's own Router takes it
    entries = whole.get("model_list") if isinstance(whole, dict) else None
    if not isinstance(whole, dict) or not isinstance(entries, list) or not entries:
        files = " It includes other files, which are not read: import those." if _includes(whole) else ""
        raise CatalogError(
            f"The file holds no model_list with at least one entry.{files} Export one here to see the form."
        )
    if len(entries) > MOST_OWN:
        raise CatalogError(f"The model_list has {len(entries):,} entries; at most {MOST_OWN} are read. Split the file.")
    return entries, {str(name)[:60]: part for name, part in whole.items() if name != "model_list"}


def _includes(whole: object) -> bool:
    return isinstance(whole, dict) and "include" in whole


def _credentials(sections: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The values of named credentials that a file holds, of which only addresses and versions are used."""
    listed = sections.get("credential_list")
    entries = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return {
        str(one.get("credential_name")): values
        for one in entries
        if isinstance(values := one.get("credential_values"), dict)
    }


class _Reading:
    """One file, entry by entry, and what was left out on the way."""

    def __init__(
        self, catalog: Catalog, own: Mapping[str, OwnExpert], today: date, allow_private: bool,
        entries: list[object], sections: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self._catalog, self._own, self._today, self._allow_private = catalog, own, today, allow_private
        self._names, self._credentials = set(catalog.names), _credentials(sections)
        self._sections = [name for name in sections if name != "credential_list" or not self._credentials]
        # A name that can stay as it is goes to its own entry, not to one that would have to be called so.
        self._stated = {_said(one) for one in entries}
        self._taken: set[str] = set()
        self._unread: Counter[str] = Counter()
        self._with_key: list[str] = []
        self._other_keys: list[str] = []
        self._renamed: list[str] = []
        self._numbered: list[str] = []
        self._left_out: list[str] = []
        self.found: list[OwnExpert] = []
        self.same: list[str] = []
        self.refused: list[str] = []
        for number, entry in enumerate(entries, start=1):
            self._take(number, entry)

    def _take(self, number: int, entry: object) -> None:
        """Read one entry; what cannot be used becomes a sentence."""
        try:
            said, params, info = self._parts(number, entry)
            model = model_of(params)
            check_mode(said, model, info)
            address = address_of(said, model, params)
            name = self._name(said, model)
            kept = self._own.get(name, OwnExpert(name))
            facts = self._facts(name, kept, params, info, address)
            if name != said and name not in self._names and "title" not in facts:
                facts |= self._title(name, said)
            stated = replace(
                kept, facts={**kept.facts, **facts}, address=address or kept.address,
                api_version=version_of(params) or kept.api_version,
            )  # fmt: skip
            stated = checked(self._with_tier(stated), today=self._today, allow_private=self._allow_private)
        except RoutingError as problem:
            self.refused.append(str(problem))
            return
        self._taken.add(name)
        self._tell_of(said, name, params, stated)
        if stated == kept and name in self._names:
            self.same.append(name)
        else:
            self.found.append(stated)

    def _title(self, name: str, said: str) -> dict[str, Fact]:
        """What an entry is called in the file as the title of an expert that had to be named otherwise."""
        title = Fact(said, FILE, self._today)
        return {"title": title} if self._is_allowed(name, "title", title) else {}

    def _with_tier(self, stated: OwnExpert) -> OwnExpert:
        """The expert without a security tier that its address does not keep."""
        try:
            check_tier(stated)
        except CatalogError:
            self._left_out.append(f"{stated.name}: security tier 0, since its address is not on this machine")
            return replace(stated, facts={fact: one for fact, one in stated.facts.items() if fact != "security_tier"})
        return stated

    def notes(self) -> list[str]:
        """What was left out, in sentences; never a value that could be a key."""
        found = []
        if self._sections:
            files = " Files that it includes are read one by one." if "include" in self._sections else ""
            found.append(f"Sections that were not read: {_listed(self._sections)}.{files}")
        if self._with_key:
            found.append(
                f"A key stood in the file, for {_listed(self._with_key)}. It was not read and is kept nowhere: "
                "type it under Keys or set it in the environment, and take care who sees the file."
            )
        if self._other_keys:
            found.append(f"Keys are read under other names here: {_listed(self._other_keys)}.")
        if self._renamed:
            found.append(
                f"Names of experts hold letters a to z, digits and . _ - : / @ + only, so {_listed(self._renamed)}."
            )
        if self._numbered:
            found.append(f"Several entries have one name; they became {_listed(self._numbered)}.")
        if self._left_out:
            found.append(f"Left out, the rest of the entry is read: {_listed(self._left_out)}.")
        if self._unread:
            told = [f"{field} ({n})" if n > 1 else field for field, n in sorted(self._unread.items())]
            found.append(f"Fields that were not read: {_listed(told)}.")
        return found

    def _parts(self, number: int, entry: object) -> tuple[str, dict[str, Any], dict[str, Any]]:
        said = _said(entry)
        if not isinstance(entry, dict) or not said:
            raise CatalogError(f"Entry {number} has no model_name, so it was left out.")
        params, info = entry.get("litellm_params"), entry.get("model_info")
        if not isinstance(params, dict) or not isinstance(params.get("model"), str) or not params["model"].strip():
            raise CatalogError(f"{said[:100]!r} has no litellm_params with a model, so it was left out.")
        if "*" in said or "*" in params["model"]:
            raise CatalogError(
                f"{said[:100]!r} stands for every model of a provider, so it was left out. Name each that you want."
            )
        if info is not None and not isinstance(info, dict):
            self._left_out.append(f"{said[:100]}: model_info, which holds no fields")
        info = info if isinstance(info, dict) else {}
        for where, part in (("", entry), ("litellm_params", params), ("model_info", info)):
            unknown = [str(key)[:60] for key in part if key not in _KNOWN[where]]
            self._unread.update(f"{where}.{key}".strip(".") for key in unknown)
        return said[:200], self._with_credential(said, params), info

    def _with_credential(self, said: str, params: dict[str, Any]) -> dict[str, Any]:
        """The parameters with the address and version of the credential that they name."""
        named = params.get(CREDENTIAL)
        if named is None:
            return params
        values = self._credentials.get(str(named))
        if values is None and not any(params.get(field) for field in ADDRESS):
            # It may hold the address, without which the entry would go to whoever LiteLLM calls by that name.
            raise CatalogError(
                f"{said[:100]!r} takes its address or key from a credential that is not in the file. "
                "Write api_base there, or add the credential_list."
            )
        if any(str(key).endswith("key") and _is_key(value) for key, value in (values or {}).items()):
            self._with_key.append(said[:100])
        own = {field: params[field] for field in params if params[field] is not None}
        return {**{f: v for f, v in (values or {}).items() if f in {*ADDRESS, "api_version"}}, **own}

    def _name(self, said: str, model: str) -> str:
        """A name of its own: as the entry has it where it can be one, else as a table's would be made one."""
        try:
            name, is_made = checked_name(said), False
        except CatalogError:
            shorter = (said, said[:LONGEST_NAME], model.rsplit("/", 1)[-1])
            name, is_made = (
                next((made for one in shorter if (made := name_of(one))), f"expert-{len(self._taken) + 1}"),
                True,
            )
        # LiteLLM shares calls among entries of one name; here a name is one expert, and one that was made up must not
        # change a shipped expert that happens to be called so.
        others = self._taken | (self._stated if is_made else set()) | (self._shipped() if is_made else set())
        unique, numbers = name, count(2)
        while unique in others:
            unique = f"{name[: LONGEST_NAME - 5]}-{next(numbers)}"
            others = self._taken | self._stated | self._shipped()
        return unique

    def _shipped(self) -> set[str]:
        return {name for name in self._names if name not in self._own}

    def _tell_of(self, said: str, name: str, params: dict[str, Any], stated: OwnExpert) -> None:
        """Say under which name the entry is kept, and where its key is looked for."""
        if name != said and name.removeprefix(said)[:1] == "-" and name.rsplit("-", 1)[-1].isdigit():
            self._numbered.append(name)
        elif name != said:
            self._renamed.append(f"{said[:40]!r} is called {name}")
        key = params.get("api_key")
        if _is_key(key):
            self._with_key.append(name)
        if isinstance(key, str) and key.startswith(ENVIRONMENT):
            model = stated.facts["litellm"].value if "litellm" in stated.facts else model_of(params)
            read = (endpoint_key_name(name),) if stated.address else KEY_NAMES.get(str(model).split("/", 1)[0], ())
            if read and key.removeprefix(ENVIRONMENT) not in read:
                self._other_keys.append(f"{read[0]} for {name}")

    def _facts(
        self, name: str, kept: OwnExpert, params: dict[str, Any], info: dict[str, Any], address: str | None
    ) -> dict[str, Fact]:
        """Facts that differ from what is known here; all of a new expert's."""
        values = self._numbers(name, params, info)
        model = model_of(params)
        told = self._told(name, info, {**values, "litellm": model})
        facts = {fact: Fact(value, FILE, self._today) for fact, value in values.items()} | told
        litellm = self._litellm(name, kept, model, told.get("litellm"), address, is_ours=OURS in info)
        facts.pop("litellm", None)
        if litellm is not None:
            facts["litellm"] = litellm
        if not told:
            facts = self._usual(model, info, address) | facts
        if name not in self._names:
            return facts
        here = self._catalog[name]
        # Where the provider's own way is meant, the name must be kept with the address, whoever else it is known to.
        is_own_way = (
            address is not None
            and litellm is not None
            and _asked(litellm.value, address, True) != _asked(litellm.value, address, False)
        )
        return {
            fact: one
            for fact, one in facts.items()
            if getattr(here, fact, None) != one.value or (fact == "litellm" and is_own_way)
        }

    def _litellm(
        self, name: str, kept: OwnExpert, model: str, claimed: Fact | None, address: str | None, *, is_ours: bool
    ) -> Fact | None:
        """The LiteLLM name, by which the address is asked as the entry says; None where it need not be stated."""
        stated = Fact(model, FILE, self._today)
        if address is None:
            return claimed if claimed is not None and claimed.value == model else stated
        asked = asked_at(model, address)
        before = self._catalog[name].litellm if name in self._names else None
        if (
            "litellm" not in kept.facts
            and _asked(before or name, address, True) == asked
            and (claimed is None or claimed.value == before)
            and (name in self._names or (is_ours and claimed is None))
        ):
            return None
        return claimed if claimed is not None and _asked(claimed.value, address, False) == asked else stated

    def _numbers(self, name: str, params: dict[str, Any], info: dict[str, Any]) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for fact, theirs in INFO.items():
            raw = info.get(theirs) if info.get(theirs) is not None else params.get(theirs)
            if raw is None:
                continue
            number = number_of(raw, is_whole=fact == "context_tokens")
            value = None if number is None else int(number) if fact == "context_tokens" else per_mtok(number)
            if value is None or not self._is_allowed(name, fact, Fact(value, FILE, self._today)):
                kind = "no whole number of tokens" if fact == "context_tokens" else "no number that can be a price"
                self._left_out.append(f"{name}: {theirs}{shown(raw)}, {kind}")
            else:
                found[fact] = value
        return found

    def _told(self, name: str, info: dict[str, Any], values: Mapping[str, Value]) -> dict[str, Fact]:
        """Facts of our own part of the form; one that cannot be used is left out."""
        ours = info.get(OURS)
        if ours is not None and not isinstance(ours, dict):
            self._left_out.append(f"{name}: model_info.{OURS}, which holds no facts")
        found = {}
        for fact, told in (ours if isinstance(ours, dict) else {}).items():
            one = _fact(fact, told, values) if isinstance(told, dict) else None
            if one is None or not self._is_allowed(name, fact, one):
                self._left_out.append(f"{name}: model_info.{OURS}.{str(fact)[:60]}")
            else:
                found[fact] = one
        return found

    def _is_allowed(self, name: str, fact: str, one: Fact) -> bool:
        try:
            check_fact(name, fact, one, self._today)
        except CatalogError:
            return False
        return True

    def _usual(self, model: str, info: Mapping[str, Any], address: str | None) -> dict[str, Fact]:
        """What the file does not say but others do: the provider's tier, and LiteLLM's prices."""
        tier = usual_tier(model, self._catalog, open_weights=None, address=address)
        facts = {"security_tier": Fact(tier, TIER_SOURCE, self._today)}
        entry = listed(model, info)
        if entry is None or address is not None:
            return facts
        prices = zip(("price_in_usd_per_mtok", "price_out_usd_per_mtok"), listed_prices(entry), strict=True)
        return facts | {fact: Fact(p, price_map_source(), self._today) for fact, p in prices if p is not None}


def _said(entry: object) -> str:
    """What an entry is called; YAML reads 4 or 4.1 as numbers."""
    name = entry.get("model_name") if isinstance(entry, dict) else None
    is_number = isinstance(name, int | float) and not isinstance(name, bool)
    return str(name).strip() if isinstance(name, str) or is_number else ""


def _is_key(value: object) -> bool:
    """Whether a value at api_key could be a secret, and not where one is to be found, or that there is none."""
    return (
        value is not None and str(value).strip() not in {"", "none", "None"} and not str(value).startswith(ENVIRONMENT)
    )


def _asked(litellm: Value, address: str, is_compatible: bool) -> Asked | None:
    try:
        return asked_at(str(litellm), address.rstrip("/"), is_compatible=is_compatible)
    except RoutingError:
        return None


def _fact(fact: str, told: Mapping[str, Any], values: Mapping[str, Value]) -> Fact | None:
    """A fact of our own part of the form; None where it is none."""
    if fact not in FACTS:
        return None
    value, source, day = told.get("value", values.get(fact)), told.get("source"), told.get("day")
    try:
        value = date.fromisoformat(value) if fact == "released" and isinstance(value, str) else value
        day = date.fromisoformat(day) if isinstance(day, str) else day
    except ValueError:
        return None
    return Fact(value, source, day) if type(day) is date and isinstance(source, str) else None


def _listed(names: list[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
