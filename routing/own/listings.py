"""Starting from what others list: finding an entry, and making an own expert of it."""

import re
from collections.abc import Collection, Iterable
from datetime import date, timedelta
from typing import Final, Literal

from routing.catalog import Catalog
from routing.errors import CatalogError
from routing.keys import KEY_NAMES
from routing.own import Fact, OwnExpert, Value
from routing.own.checks import checked_name
from routing.own.lists import Listed, day_of, everything

# Who serves its own experts comes before those who serve the experts of others.
_MAKERS: Final = frozenset(
    {"ai21", "anthropic", "cohere", "deepseek", "gemini", "minimax", "mistral", "moonshot", "openai", "xai", "zai"}
)
TIER_SOURCE: Final = "as shipped experts of this provider"
SOON: Final = timedelta(days=90)


def find(words: str, entries: Iterable[Listed], today: date) -> list[Listed]:
    """Entries that hold every word, the likeliest first.

    Those that are retired come last. Of the others the exact name comes first, then what is callable here, what its
    own maker serves, what is priced, and the newest.
    """
    wanted = words.lower().split()
    found = [e for e in entries if all(w in f"{e.litellm} {e.title} {e.provider}".lower() for w in wanted)]
    asked = _alike(words.strip())

    def rank(entry: Listed) -> tuple[bool, bool, bool, bool, bool, bool, int, str]:
        return (
            retirement(entry, today) == "retired",
            asked not in {_alike(entry.name), _alike(entry.litellm)},
            entry.litellm.split("/", 1)[0] not in KEY_NAMES or entry.address is not None,
            entry.litellm.split("/", 1)[0] not in _MAKERS,
            None in entry.prices,
            not entry.price_list.startswith("litellm"),
            # Without a day of release an entry is mostly too new for models.dev.
            -(entry.released or date.max).toordinal(),
            entry.litellm,
        )

    return sorted(found, key=rank)


def _alike(name: str) -> str:
    """A name as people type it: claude sonnet 4.5 is claude-sonnet-4-5."""
    return "-".join(re.split(r"[\s._-]+", name.lower()))


def retirement(entry: Listed, today: date) -> Literal["none", "later", "soon", "retired"]:
    """Whether an entry was taken away, will be within 90 days, will be later, or for all that is known never."""
    if entry.retires is None:
        return "none"
    if entry.retires <= today:
        return "retired"
    return "soon" if entry.retires - today <= SOON else "later"


def own_of(listed: Listed, name: str, tier: int, today: date) -> OwnExpert:
    """An entry as an own expert of that name, every fact with who states it and since when.

    LiteLLM's map does not say when a price was looked up, so its facts are dated on the day on which they are taken.
    """
    about = day_of(listed.about_list, today)
    facts: dict[str, tuple[Value, str, date]] = {
        "title": (listed.title, listed.about_list, about),
        "provider": (listed.provider, listed.about_list, about),
        "litellm": (listed.litellm, listed.price_list, today),
        "released": (listed.released, listed.release_list, day_of(listed.release_list, today)),
        "open_weights": (listed.open_weights, listed.about_list, about),
        "context_tokens": (listed.context_tokens, listed.price_list, day_of(listed.price_list, today)),
        "price_in_usd_per_mtok": (listed.prices[0], listed.price_list, day_of(listed.price_list, today)),
        "price_out_usd_per_mtok": (listed.prices[1], listed.price_list, day_of(listed.price_list, today)),
        "security_tier": (tier, TIER_SOURCE, today),
    }
    known = {fact: Fact(*told) for fact, told in facts.items() if told[0] is not None}
    return OwnExpert(name, known, listed.address)


def as_listed(litellm: str, name: str, catalog: Catalog) -> OwnExpert | None:
    """What the lists state of the expert that LiteLLM calls so, as an own expert; None where neither lists it.

    Raises:
        CatalogError: LiteLLM's price map is not installed.
    """
    found = next((e for e in everything() if e.litellm == litellm and e.address is None), None)
    if found is None:
        return None
    tier = usual_tier(litellm, catalog, open_weights=found.open_weights, address=None)
    return own_of(found, name, tier, catalog.today)


def free_name(listed: Listed, taken: Collection[str]) -> str:
    """A name for an entry that nobody has yet: the short one, else the whole one, else with a number."""
    stem = listed.litellm
    for candidate in (listed.name, stem, *(f"{stem}-{i}" for i in range(2, 99))):
        try:
            if candidate not in taken:
                return checked_name(candidate)
        except CatalogError:
            continue
    return "own-expert"


def usual_tier(litellm: str, catalog: Catalog, *, open_weights: bool | None, address: str | None) -> int:
    """The security tier that shipped experts like it have: 1 with open weights, else the provider's, else 3."""
    if open_weights:
        return 1
    provider = litellm.split("/", 1)[0] + "/"
    alike = [e.security_tier for e in catalog.experts if (e.litellm or "").startswith(provider) and not e.open_weights]
    return max(alike, default=3) if address is None else 3
