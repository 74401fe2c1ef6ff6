"""The experts that a prompt may go to: read from a table, checked, and laid out as arrays for deciding."""

import csv
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np

from routing.errors import CatalogError
from routing.prices import Tier, tiers_of
from routing.schema import Expert, Floats

T = TypeVar("T")
ASSETS = Path(__file__).resolve().parent.parent / "assets"
EXPERTS_CSV = ASSETS / "experts.csv"
SECURITY_TIERS = {
    0: "runs on this machine",
    1: "open weights that you can host",
    2: "a provider whose terms exclude training on your calls",
    3: "any provider",
}


@dataclass(frozen=True)
class Catalog:
    """Checked experts with unique names, and their facts as arrays of shape (n_experts,), NaN where unknown."""

    experts: tuple[Expert, ...]
    today: date

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names in catalogue order."""
        return tuple(e.name for e in self.experts)

    @cached_property
    def _by_name(self) -> Mapping[str, Expert]:
        return {e.name: e for e in self.experts}

    def __getitem__(self, name: str) -> Expert:
        """The expert of that name.

        Raises:
            CatalogError: There is none; the message suggests the nearest name.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise CatalogError(unknown_name("expert", name, self.names)) from None

    def subset(self, names: Sequence[str]) -> "Catalog":
        """The catalogue of these experts only, in the order given.

        Raises:
            CatalogError: A name is unknown, or none is given.
        """
        if not names:
            raise CatalogError("The pool is empty. Choose at least one expert.")
        return Catalog(tuple(self[name] for name in dict.fromkeys(names)), self.today)

    def column(self, fact: Callable[[Expert], float | int | None]) -> Floats:
        """One number per expert, NaN where the fact is unknown, shape (n_experts,)."""
        values = (fact(e) for e in self.experts)
        return np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)

    @cached_property
    def price_in(self) -> Floats:
        """Price of input in US dollars per token."""
        return self.column(lambda e: e.price_in_usd_per_mtok) / 1e6

    @cached_property
    def price_out(self) -> Floats:
        """Price of output in US dollars per token."""
        return self.column(lambda e: e.price_out_usd_per_mtok) / 1e6

    @cached_property
    def _tiers(self) -> tuple[tuple[int, tuple[Tier, ...]], ...]:
        """Columns whose prices go by the length of the prompt, with their tiers."""
        found = ((column, tiers_of(e)) for column, e in enumerate(self.experts))
        return tuple((column, tiers) for column, tiers in found if tiers)

    def prices_at(self, input_tokens: Floats) -> tuple[Floats, Floats]:
        """Prices in and out for prompts of these lengths, in US dollars per token, shape (n_prompts, n_experts)."""
        shape = (len(input_tokens), len(self.experts))
        price_in, price_out = (np.broadcast_to(price, shape).copy() for price in (self.price_in, self.price_out))
        for column, tiers in self._tiers:
            for tier in tiers:
                is_above = input_tokens > tier.above_tokens
                price_in[is_above, column], price_out[is_above, column] = tier.price_in, tier.price_out
        return price_in, price_out

    @cached_property
    def params_b(self) -> Floats:
        """Size in billions of parameters."""
        return self.column(lambda e: e.params_b)

    @cached_property
    def age_days(self) -> Floats:
        """Days since release, at least 0."""
        return self.column(lambda e: None if e.released is None else max(0, (self.today - e.released).days))

    @cached_property
    def security_tier(self) -> Floats:
        """Security tier, 0 to 3."""
        return self.column(lambda e: e.security_tier)

    @cached_property
    def context_tokens(self) -> Floats:
        """Longest prompt with answer, in tokens."""
        return self.column(lambda e: e.context_tokens)

    @cached_property
    def name_rank(self) -> Floats:
        """Alphabetical rank of each name, the last word when two experts tie on everything else."""
        rank = np.empty(len(self.experts))
        rank[np.argsort(np.array(self.names))] = np.arange(len(self.experts))
        return rank


def load_catalog(path: Path = EXPERTS_CSV, *, today: date | None = None) -> Catalog:
    """Read a table of experts.

    Args:
        path: CSV with a header; one row an expert; an empty field is unknown.
        today: The day from which recency counts; the current day if not given.

    Raises:
        CatalogError: The file is missing or empty, lacks a column, repeats a name, or holds a value that
            cannot be read; the message names row and column.
    """
    experts = tuple(_expert(row, f"{path.name}, row {number}") for number, row in enumerate(_rows(path), start=2))
    names = [e.name for e in experts]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise CatalogError(f"{path.name} lists {twice[0]!r} more than once. Names identify experts: remove a row.")
    if not experts:
        raise CatalogError(f"{path.name} lists no expert. Add at least one row.")
    return Catalog(experts, today or date.today())


def catalog_of(folder: Path) -> Catalog:
    """Experts of an own router: the shipped facts where there are some, else what its folder states.

    Raises:
        CatalogError: A table is missing or damaged.
    """
    shipped, mine = load_catalog(), load_catalog(folder / EXPERTS_CSV.name)
    known = {expert.name: expert for expert in shipped.experts}
    return Catalog(tuple(known.get(expert.name, expert) for expert in mine.experts), mine.today)


def fact_sources(path: Path = EXPERTS_CSV) -> dict[str, tuple[str, date | None]]:
    """Who states the facts of each expert of a table, prices apart, and as of when; empty and None where nobody says.

    Raises:
        CatalogError: The file is missing or damaged.
    """
    try:
        return {
            row.get("name") or "": (
                row.get("facts_source") or "",
                date.fromisoformat(day) if (day := row.get("facts_date")) else None,
            )
            for row in _rows(path)
        }
    except ValueError as problem:
        raise CatalogError(f"{path.name}: facts_date holds no day ({problem}). Restore it with git.") from problem


def beyond_tier(experts: Iterable[Expert], tier: float) -> tuple[Expert, ...]:
    """Experts that a prompt limited to a security tier must not be sent to."""
    return tuple(e for e in experts if e.security_tier > tier)


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """A sentence for a name that is not known, with the nearest known one."""
    options = sorted(known)
    close = difflib.get_close_matches(name.lower(), options, n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    listed = ", ".join(options[:12]) + (f" and {len(options) - 12} more" if len(options) > 12 else "")
    return f"No {kind} is called {name!r}.{hint} Known: {listed}."


def _rows(path: Path) -> list[dict[str, str | None]]:
    if not path.is_file():
        raise CatalogError(f"There is no table of experts at {path}. Restore it with: git checkout {path.name}")
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as problem:
        raise CatalogError(f"{path.name} is not a table in UTF-8 ({problem}). Restore it with git.") from problem


def _expert(row: Mapping[str, str | None], where: str) -> Expert:
    def read(column: str, convert: Callable[[str], T]) -> T | None:
        text = row.get(column)
        if text is None:
            raise CatalogError(f"{where}: the column {column!r} is missing.")
        try:
            return convert(text.strip()) if text.strip() else None
        except ValueError:
            raise CatalogError(
                f"{where}: {column} is {text!r}, which cannot be read. Leave it empty if unknown."
            ) from None

    def number(text: str) -> float:
        value = float(text)
        if not 0 <= value < float("inf"):
            raise ValueError
        return value

    tier = read("security_tier", int)
    if tier not in SECURITY_TIERS:
        raise CatalogError(f"{where}: security_tier is {tier!r}; allowed are 0 to 3.")
    name = read("name", str)
    if name is None:
        raise CatalogError(f"{where}: name is empty. Every expert needs one.")
    return Expert(
        name=name,
        title=read("title", str) or name,
        provider=read("provider", str) or "unknown",
        litellm=read("litellm", str),
        params_b=read("params_b", number),
        active_b=read("active_b", number),
        released=read("released", date.fromisoformat),
        open_weights=read("open_weights", _yes_or_no),
        licence=read("licence", str) or "unknown",
        context_tokens=read("context_tokens", int),
        price_in_usd_per_mtok=read("price_in_usd_per_mtok", number),
        price_out_usd_per_mtok=read("price_out_usd_per_mtok", number),
        price_source=read("price_source", str) or "unknown",
        price_date=read("price_date", date.fromisoformat),
        security_tier=tier,
    )


def _yes_or_no(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise ValueError
    return text == "yes"
