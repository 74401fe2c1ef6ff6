"""Whether a price can still be trusted: how old it is, and what LiteLLM's installed map says now."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from routing.catalog_check import Entry, entry_of, listed_prices, price_map, price_map_source
from routing.own import OwnExpert
from routing.schema import Expert

# Of 610 prices that both models.dev (May 2026) and LiteLLM (November 2026) list, 101 differ: about one in twelve
# changes every three months.
OLD_DAYS: Final = 90
Prices = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class PriceNote:
    """What is to be said of an expert's price.

    Args:
        age_days: Days since it was stated; None where that day is unknown.
        is_old: Whether it is older than ``OLD_DAYS`` and no newer list confirms it.
        stated: US dollars per million tokens in and out.
        listed: What LiteLLM's map says, where that differs; an unknown half is None.
        source: LiteLLM's map by name and version.
    """

    age_days: int | None
    is_old: bool
    stated: Prices
    listed: Prices | None
    source: str

    @property
    def text(self) -> str:
        """The note as a sentence or two."""
        parts = []
        if self.listed is not None:
            said = " and ".join(f"{_money(p)} {way}" for p, way in zip(self.listed, ("in", "out"), strict=True) if p)
            parts.append(f"LiteLLM lists {said} per million tokens ({self.source}).")
        if self.is_old:
            parts.append(f"The price is {self.age_days} days old; one in twelve changes every three months.")
        return " ".join(parts)


def price_notes(
    experts: Iterable[Expert],
    *,
    today: date,
    elsewhere: Collection[str] = (),
    prices: Mapping[str, Entry] | None = None,
    source: str | None = None,
) -> dict[str, PriceNote]:
    """A note for every expert about whose price there is something to say, by name.

    Args:
        experts: The experts in question.
        today: The day from which age counts.
        elsewhere: Experts behind an own address, of whose price LiteLLM's map says nothing.
        prices: A price map; the installed one if not given.
        source: Its name and version.

    Raises:
        CatalogError: LiteLLM's price map is not installed.
    """
    known, named = (price_map() if prices is None else prices), source or price_map_source()
    found = {}
    for expert in experts:
        entry = None if expert.name in elsewhere else entry_of(expert, known)
        note = _note(expert, entry, today, named)
        if note is not None:
            found[expert.name] = note
    return found


def taken_over(own: OwnExpert, note: PriceNote, today: date) -> OwnExpert:
    """The own expert with the prices that LiteLLM lists; what its map does not know stays as it was."""
    if note.listed is None:
        return own
    names = ("price_in_usd_per_mtok", "price_out_usd_per_mtok")
    listed = {name: price for name, price in zip(names, note.listed, strict=True) if price is not None}
    return own.with_facts(listed, note.source, today)


def _note(expert: Expert, entry: Entry | None, today: date, source: str) -> PriceNote | None:
    stated = (expert.price_in_usd_per_mtok, expert.price_out_usd_per_mtok)
    listed = (None, None) if entry is None else listed_prices(entry)
    differs = any(p is not None and (s is None or not math.isclose(s, p, rel_tol=1e-6)) for s, p in zip(stated, listed))  # noqa: B905
    is_known = None not in stated and not expert.is_local
    age = None if expert.price_date is None or not is_known else (today - expert.price_date).days
    # The same prices in a newer map than the one they came from are as good as looked up anew.
    is_confirmed = not differs and None not in listed and source not in expert.price_source
    is_old = age is not None and age > OLD_DAYS and not is_confirmed
    if not differs and not is_old:
        return None
    return PriceNote(age, is_old, stated, listed if differs else None, source)


def _money(price: float) -> str:
    return f"${price:,.6g}"
