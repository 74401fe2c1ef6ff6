"""Flags: constraints and limits written inside the prompt, such as ``[Flag: cheap, max latency 3s]``.

The grammar, item by item (case and extra spaces do not matter; items are separated by commas)::

    cost=0.4                    weight of a constraint, 0 to 10
    cheap, fast, small, ...     a fair weight on the constraint: 2 on cost, 0.3 on the others
    cheapest, smallest model    weight 10: as far as it goes
    max cost $0.002             limit in real units
    min readability 60          reading ease is bounded from below
    local only, open weights    security tier 0, or at most 1

Source:
    Hari & Thomson 2023 (arXiv:2308.11601) put ``[Flag: smallest model]`` into the prompt.
"""

import difflib
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from routing.objective import CONSTRAINTS, MAX_WEIGHT
from routing.schema import Preferences

# A penalty of 1 is the dearest expert's typical answer, and most experts cost a hundredth of that: a weight that is
# felt among them has to be larger than on a constraint whose penalties fill [0, 1].
SOFT_WEIGHT = {"cost": 2.0}
USUAL_SOFT_WEIGHT = 0.3
WORDS: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        word: (name, weight)
        for name, soft, hard in (
            ("cost", "cheap", "cheapest"),
            ("latency", "fast", "fastest"),
            ("size", "small", "smallest"),
            ("recency", "recent", "newest"),
            ("security", "private", "safest"),
            ("verbosity", "short", "shortest"),
            ("readability", "readable", "easiest"),
        )
        for word, weight in ((soft, SOFT_WEIGHT.get(name, USUAL_SOFT_WEIGHT)), (hard, MAX_WEIGHT))
    }
)
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        **{"price": "cost", "speed": "latency", "time": "latency", "parameters": "size", "age": "recency"},
        **{"privacy": "security", "tier": "security", "length": "verbosity", "tokens": "verbosity"},
        **{"reading ease": "readability", "ease": "readability", "quick": "fast", "quickest": "fastest"},
        **{"new": "recent", "latest": "newest", "most recent": "newest", "tiny": "smallest", "secure": "private"},
        **{"low cost": "cheap", "lowest cost": "cheapest", "low latency": "fast", "lowest latency": "fastest"},
        **{"concise": "short", "brief": "short", "most readable": "easiest", "simple": "readable"},
        **{"local": "local only", "on this machine": "local only", "open": "open weights"},
    }
)
TIERS = MappingProxyType({"local only": 0.0, "open weights": 1.0})
# How many of a constraint's own unit one of these is.
UNITS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "cost": {"": 1, "$": 1, "usd": 1, "dollars": 1, "dollar": 1, "c": 0.01, "cent": 0.01, "cents": 0.01},
        "latency": {"": 1, "s": 1, "sec": 1, "seconds": 1, "second": 1, "ms": 0.001, "min": 60, "minutes": 60},
        "size": {"": 1, "b": 1, "m": 0.001},
        "recency": {"": 1, "d": 1, "day": 1, "days": 1, "month": 30, "months": 30, "year": 365, "years": 365},
        "security": {"": 1},
        "verbosity": {"": 1, "token": 1, "tokens": 1},
        "readability": {"": 1},
    }
)
MOST_WARNINGS = 5
_FLAG = re.compile(r"\[\s*flags?\s*:([^\[\]]{0,500})\]", re.IGNORECASE)
_UNCLOSED = re.compile(r"\[\s*flags?\s*:", re.IGNORECASE)
_NUMBER = r"([0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?|\.[0-9]+)"
_WEIGHT = re.compile(rf"([a-z ]+?)\s*=\s*{_NUMBER}")
_LIMIT = re.compile(rf"(max|min)(?:imum)?\s+([a-z ]+?)\s*(\$?)\s*{_NUMBER}\s*([a-z]*)")


@dataclass(frozen=True, slots=True)
class Flag:
    """One setting from the prompt: a weight (lambda), or a limit in the constraint's own unit."""

    kind: Literal["weight", "limit"]
    constraint: str
    value: float

    @property
    def text(self) -> str:
        """The flag in the one form that every way of writing it comes down to."""
        if self.kind == "weight":
            return f"{self.constraint}={self.value!r}"
        bound = "min" if CONSTRAINTS[self.constraint].is_floor else "max"
        return f"{bound} {self.constraint} {self.value!r}"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A prompt without its flags, the flags in their order, and what could not be followed."""

    prompt: str
    flags: tuple[Flag, ...]
    warnings: tuple[str, ...]


def parse(prompt: str) -> Parsed:
    """Take the flags out of a prompt.

    A setting given twice counts as given last, with a warning. What is not understood becomes a warning and
    changes nothing. Never raises.

    >>> parse("Why is the sky blue? [Flag: cheap, max latency 3s]").flags
    (Flag(kind='weight', constraint='cost', value=2.0), Flag(kind='limit', constraint='latency', value=3.0))
    """
    flags: dict[tuple[str, str], Flag] = {}
    warnings: list[str] = []
    for match in _FLAG.finditer(prompt):
        for item in _items(match[1]):
            outcome = _item(" ".join(item.lower().split()))
            if isinstance(outcome, str):
                warnings.append(outcome)
                continue
            key = (outcome.kind, outcome.constraint)
            if key in flags and flags[key] != outcome:
                warnings.append(
                    f"The flags {flags[key].text!r} and {outcome.text!r} contradict each other; the last one counts."
                )
            flags.pop(key, None)
            flags[key] = outcome
    clean = _FLAG.sub("", prompt)
    if _UNCLOSED.search(clean):
        warnings.append("A flag is not closed or is too long, so it was left in the prompt. Write it as [Flag: cheap].")
    if len(warnings) > MOST_WARNINGS:
        more = len(warnings) - MOST_WARNINGS
        warnings = [*warnings[:MOST_WARNINGS], f"{more:,} more flags were not understood or contradict each other."]
    return Parsed(clean.strip(), tuple(flags.values()), tuple(warnings))


def write(flags: Sequence[Flag]) -> str:
    """Flags as text that ``parse`` reads back to the same flags; empty for none."""
    return f"[Flag: {', '.join(f.text for f in flags)}]" if flags else ""


def apply(flags: Sequence[Flag], preferences: Preferences) -> Preferences:
    """Preferences with the flags' weights and limits in place of the sliders'."""
    weights = {**preferences.weights, **{f.constraint: f.value for f in flags if f.kind == "weight"}}
    limits = {**preferences.limits, **{f.constraint: f.value for f in flags if f.kind == "limit"}}
    return replace(preferences, weights=weights, limits=limits)


def permitted(flags: Sequence[Flag], constraints: Collection[str] | None) -> tuple[tuple[Flag, ...], tuple[Flag, ...]]:
    """Flags that may count and those that may not; None lets every constraint be set."""
    if constraints is None:
        return tuple(flags), ()
    return tuple(f for f in flags if f.constraint in constraints), tuple(
        f for f in flags if f.constraint not in constraints
    )


def _items(text: str) -> list[str]:
    """The items between commas; a comma within a number separates nothing, and thousands lose theirs."""
    plain = re.sub(r"(?<![\d.,])[1-9]\d{0,2}(,\d{3})+(?!,?\d)", lambda m: m[0].replace(",", ""), text)
    return re.split(r",(?!\d)|(?<!\d),", plain)


def _item(item: str) -> Flag | str:
    """One item as a flag, or the warning that explains why not."""
    if not item:
        return "An empty flag was skipped. Write for example [Flag: cheap]."
    if match := _WEIGHT.fullmatch(item):
        return _weight(_constraint(match[1]), match[1], float(match[2]))
    if match := _LIMIT.fullmatch(item):
        return _limit(match[1], match[2], float(match[4]), match[3] or match[5])
    word = re.sub(r" (model|expert|one|answer)s?$", "", item)
    word = ALIASES.get(word, word)
    if word in TIERS:
        return Flag("limit", "security", TIERS[word])
    if word in WORDS:
        return Flag("weight", *WORDS[word])
    return _unknown(item)


def _constraint(word: str) -> str | None:
    name = ALIASES.get(word.strip(), word.strip())
    return name if name in CONSTRAINTS else None


def _weight(name: str | None, word: str, value: float) -> Flag | str:
    if name is None:
        return _unknown(word)
    if value > MAX_WEIGHT:
        return f"The flag {name}={value:g} was skipped: a weight is 0 (ignored) to {MAX_WEIGHT:g}."
    return Flag("weight", name, value)


def _limit(bound: str, word: str, value: float, unit: str) -> Flag | str:
    name = _constraint(word)
    if name is None:
        return _unknown(word)
    wanted = "min" if CONSTRAINTS[name].is_floor else "max"
    if bound != wanted:
        return f"The flag '{bound} {word} {value:g}' was skipped: {name} is bounded with {wanted!r}."
    if unit not in UNITS[name]:
        allowed = ", ".join(u for u in UNITS[name] if u) or "no unit"
        return f"The flag '{bound} {word} {value:g} {unit}' was skipped: {name} is given in {allowed}."
    limit = value * UNITS[name][unit]
    if not math.isfinite(limit):
        return f"The flag '{bound} {word} {value:g}' was skipped: a limit is a finite number."
    return Flag("limit", name, limit)


def _unknown(item: str) -> str:
    shown = item if len(item) <= 60 else item[:57] + "..."
    close = difflib.get_close_matches(item, [*WORDS, *ALIASES, *TIERS, *CONSTRAINTS], n=1, cutoff=0.6)
    hint = (
        f" Did you mean {close[0]!r}?"
        if close
        else " Known: cheap, fast, small, cost=0.4, max cost $0.002, local only."
    )
    return f"The flag {shown!r} is not known and was skipped.{hint}"
