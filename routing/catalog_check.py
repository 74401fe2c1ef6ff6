"""Where the catalogue and LiteLLM's price map disagree; reads the installed map's file, without importing LiteLLM."""

import importlib.util
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from routing.errors import CatalogError
from routing.schema import Expert

_FILE = "model_prices_and_context_window_backup.json"
_PER_MTOK = 1e6
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
    entries: dict[str, Entry] = json.loads(path.read_text(encoding="utf-8"))
    return entries


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
    facts = (
        ("price_in_usd_per_mtok", expert.price_in_usd_per_mtok, _number(entry, "input_cost_per_token", _PER_MTOK)),
        ("price_out_usd_per_mtok", expert.price_out_usd_per_mtok, _number(entry, "output_cost_per_token", _PER_MTOK)),
        ("context_tokens", expert.context_tokens, _number(entry, "max_input_tokens", 1.0)),
    )
    for fact, ours, theirs in facts:
        if theirs is not None and (ours is None or not math.isclose(ours, theirs, rel_tol=1e-6)):
            yield Disagreement(expert.name, fact, ours, theirs)


def _number(entry: Entry, name: str, scale: float) -> float | None:
    """A positive number of an entry; 0 in the map means that nobody filled it in."""
    value = entry.get(name)
    return value * scale if isinstance(value, int | float) and value > 0 else None
