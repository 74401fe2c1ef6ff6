"""Where the catalogue and LiteLLM's price map disagree; reads the installed map's file, without importing LiteLLM."""

import functools
import importlib.metadata
import importlib.util
import json
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from routing.errors import CatalogError
from routing.schema import Expert

_FILE = "model_prices_and_context_window_backup.json"
_KEPT = re.compile(
    r"litellm_provider|mode|max_input_tokens|max_tokens|deprecation_date|tiered_pricing|off_peak_pricing"
    r"|(in|out)put_cost_per_token(_\w+)?|cache_(read|creation)_input_token_cost(_\w+)?|output_cost_per_reasoning_token"
)
Entry = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One fact on which the catalogue and the price map differ; None where one of the two does not know it."""

    expert: str
    fact: str
    ours: float | None
    theirs: float | None

    @property
    def text(self) -> str:
        """The difference as a sentence."""
        ours = "unknown" if self.ours is None else f"{self.ours:g}"
        theirs = "unknown" if self.theirs is None else f"{self.theirs:g}"
        return f"{self.expert}: {self.fact} is {ours} here and {theirs} in LiteLLM's price map."


def price_map() -> Mapping[str, Entry]:
    """LiteLLM's price map as installed.

    Raises:
        CatalogError: LiteLLM is not installed, or its map is not where it was.
    """
    spec = importlib.util.find_spec("litellm")
    folders = list(spec.submodule_search_locations or []) if spec is not None else []
    path = Path(folders[0]) / _FILE if folders else None
    if path is None or not path.is_file():
        raise CatalogError("LiteLLM's price map is not installed: run make setup, then check again.")
    return _read(path)


@functools.cache
def _read(path: Path) -> Mapping[str, Entry]:
    """The fields that are used here; the whole map takes several times the memory."""
    entries: dict[str, dict[str, object]] = json.loads(path.read_text(encoding="utf-8"))
    kept = functools.cache(lambda field: sys.intern(field) if _KEPT.fullmatch(field) else None)
    return {
        name: {field: v for k, v in entry.items() if (field := kept(k)) is not None} for name, entry in entries.items()
    }


@functools.cache
def price_map_source() -> str:
    """The price map as a source is named: "litellm" and the installed version."""
    return f"litellm {importlib.metadata.version('litellm')}"


def per_mtok(per_token: float) -> float:
    """US dollars per million tokens, without the last digits that binary fractions add.

    >>> per_mtok(1.1e-07), 1.1e-07 * 1e6
    (0.11, 0.10999999999999999)
    """
    return float(f"{per_token * 1e6:.12g}")


def listed_prices(entry: Entry) -> tuple[float | None, float | None]:
    """Prices in and out of an entry in US dollars per million tokens; None where nobody filled them in.

    Where prices go by the length of the prompt alone, those of the shortest.
    """
    table = entry.get("tiered_pricing")
    lowest = table[0] if isinstance(table, list) and table and isinstance(table[0], dict) else {}
    price_in, price_out = (
        number(entry, name) or number(lowest, name) for name in ("input_cost_per_token", "output_cost_per_token")
    )
    return (None if price_in is None else per_mtok(price_in)), (None if price_out is None else per_mtok(price_out))


def disagreements(experts: Iterable[Expert], prices: Mapping[str, Entry] | None = None) -> tuple[Disagreement, ...]:
    """Prices and context sizes on which the catalogue differs from a price map.

    Experts that the map does not list, and those on this machine, cannot be checked and are left out.

    Args:
        experts: The catalogue's experts.
        prices: A price map; the installed one if not given.
    """
    known = price_map() if prices is None else prices
    return tuple(d for expert in experts for d in _of(expert, known))


def entry_of(expert: Expert, prices: Mapping[str, Entry]) -> Entry | None:
    """The map's entry for an expert, under its full name or without the provider; None if there is none."""
    if expert.litellm is None or expert.is_local:
        return None
    return prices.get(expert.litellm) or prices.get(expert.litellm.split("/", 1)[-1])


def _of(expert: Expert, prices: Mapping[str, Entry]) -> Iterator[Disagreement]:
    entry = entry_of(expert, prices)
    if entry is None:
        return
    price_in, price_out = listed_prices(entry)
    facts = (
        ("price_in_usd_per_mtok", expert.price_in_usd_per_mtok, price_in),
        ("price_out_usd_per_mtok", expert.price_out_usd_per_mtok, price_out),
        ("context_tokens", expert.context_tokens, number(entry, "max_input_tokens")),
    )
    for fact, ours, theirs in facts:
        if theirs is not None and (ours is None or not math.isclose(ours, theirs, rel_tol=1e-6)):
            yield Disagreement(expert.name, fact, ours, theirs)


def number(entry: Entry, name: str) -> float | None:
    """A positive number of an entry; 0 in the map means that nobody filled it in."""
    value = entry.get(name)
    return float(value) if isinstance(value, int | float) and value > 0 else None
