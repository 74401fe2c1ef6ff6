"""What one entry of a LiteLLM ``model_list`` says: of what kind it is, where it is called, and its numbers."""

import functools
import math
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from routing.catalog_check import Entry, price_map
from routing.errors import CatalogError
from routing.keys import ADDRESS_NAMES
from routing.own.lists import called

ENVIRONMENT: Final = "os.environ/"
ADDRESS: Final = ("api_base", "base_url")
# A model that completes texts is left out: LiteLLM hands it the whole conversation as one text. Ollama answers prompts
# with any model, whatever LiteLLM's map calls it.
ANSWERS: Final = frozenset({"chat", "responses"})
_PLAIN_NUMBER: Final = re.compile(r"[+-]?(\d[\d_]*\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_GROUPS: Final = re.compile(r"\d{1,3}(,\d{3})+", re.ASCII)
_HARMLESS: Final = re.compile(r"[\w.,+\- ]{0,16}")  # too short for a key


def model_of(params: Mapping[str, Any]) -> str:
    """The LiteLLM name with its provider, which an entry may say apart or leave to LiteLLM's map."""
    model, provider = str(params["model"]).strip(), params.get("custom_llm_provider")
    if isinstance(provider, str) and provider.strip():
        provider = provider.strip()
        return model if model.split("/", 1)[0] == provider else f"{provider}/{model}"
    return called(model)


def listed(model: str, info: Mapping[str, Any]) -> Entry | None:
    """What LiteLLM's map says of an entry, by the base model that it states or by its own name."""
    known, base = price_map(), info.get("base_model")
    names = (*([base] if isinstance(base, str) else []), model, model.split("/", 1)[-1])
    return next((known[name] for name in names if name in known), None)


@functools.cache
def _modes() -> Mapping[str, frozenset[str]]:
    """The modes in LiteLLM's map by the last part of a name: some stand there by the size of a picture only."""
    found: dict[str, set[str]] = {}
    for name, entry in price_map().items():
        found.setdefault(name.rsplit("/", 1)[-1], set()).add(str(entry.get("mode") or "chat"))
    return {name: frozenset(modes) for name, modes in found.items()}


def check_mode(name: str, model: str, info: Mapping[str, Any]) -> None:
    """Leave out what does not answer prompts.

    Args:
        name: What the entry is called, for people.
        model: Its LiteLLM name.
        info: Its ``model_info``, whose mode counts before that of LiteLLM's map.

    Raises:
        CatalogError: Its mode is not one of ``ANSWERS``.
    """
    stated = info.get("mode")
    if isinstance(stated, str) and stated.strip():
        mode, who = stated.strip().lower(), "its model_info.mode"
    else:
        entry, modes = listed(model, info), _modes().get(model.rsplit("/", 1)[-1], frozenset())
        alike = next(iter(modes)) if len(modes) == 1 else "chat"
        mode, who = str((entry or {}).get("mode") or alike), "its mode in LiteLLM's map"
        if mode == "completion" and model.startswith(("ollama/", "ollama_chat/")):
            return
    if mode not in ANSWERS:
        raise CatalogError(
            f"{name!r} does not answer prompts ({who} is {mode[:40]!r}), so it was left out. "
            "If it does, write mode: chat at model_info."
        )


def address_of(name: str, model: str, params: Mapping[str, Any]) -> str | None:
    """The address that an entry states; None where it states none, or names the variable that is read here anyway.

    Raises:
        CatalogError: It is no text, or stands in a variable that is not read here.
    """
    told = next((params[field] for field in ADDRESS if params.get(field) not in (None, "")), None)
    if told is None:
        return None
    if not isinstance(told, str):
        raise CatalogError(f"{name!r}: its api_base is no text. Write an address such as http://127.0.0.1:8000/v1.")
    told = told.strip()
    if not told.startswith(ENVIRONMENT):
        return told
    read_here = ADDRESS_NAMES.get(model.split("/", 1)[0])
    if told.removeprefix(ENVIRONMENT) == read_here:
        return None
    # Without its address the entry would go to whoever LiteLLM calls by that name, and a file must not choose which
    # variables of this machine are read and where they are sent.
    known = f"Of this provider only {read_here} is read. " if read_here else ""
    raise CatalogError(
        f"{name!r}: its address is not in the file but in the environment, under a name that is not read here. {known}"
        "Write the address itself at api_base."
    )


def version_of(params: Mapping[str, Any]) -> str | None:
    """The version of the provider's interface, where the entry itself says one; LiteLLM reads AZURE_API_VERSION."""
    told = params.get("api_version")
    text = told.isoformat() if isinstance(told, date) else told  # YAML reads 2024-10-21 as a day
    return text.strip() if isinstance(text, str) and text.strip() and not text.startswith(ENVIRONMENT) else None


def number_of(value: object, *, is_whole: bool = False) -> float | None:
    """A number of at least 0 as LiteLLM's form has it, which YAML may have read as text (1e-07); None where it is none.

    Groups of three (1,000,000) are read where only whole numbers make sense. What could be two numbers is none: 128k
    is 128,000 to some and 131,072 to others.

    >>> number_of("2.5e-6"), number_of("1,000,000", is_whole=True), number_of("128k", is_whole=True)
    (2.5e-06, 1000000.0, None)
    """
    if isinstance(value, str):
        text = value.strip()
        if is_whole and _GROUPS.fullmatch(text):
            text = text.replace(",", "")
        value = float(text) if _PLAIN_NUMBER.fullmatch(text) and len(text) < 60 else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    is_usable = math.isfinite(number) and number >= 0 and not (is_whole and (number != int(number) or number < 1))
    return number if is_usable else None


def shown(value: object) -> str:
    """A value for a sentence, where it is too short to be a key."""
    text = str(value) if isinstance(value, int | float | str) and len(str(value)) <= 16 else ""
    return f" {text!r}" if text and _HARMLESS.fullmatch(text) else ""
