"""Flags: constraints and limits written inside the prompt, such as ``[Flag: cheap, max latency 3s]``.

The grammar, item by item (case and extra spaces do not matter; items are separated by commas)::

    cost=0.4                    weight of a constraint, 0 to 10
    cheap, fast, small, ...     a fair weight on the constraint: 2 on cost, 0.3 on the others
    cheapest, smallest model    weight 10: as far as it goes
    max cost $0.002             limit in real units
    min readability 60          reading ease is bounded from below
    local only, open weights    security tier 0, or at most 1

Text in brackets of which no item acts is text like any other and stays in the prompt, word for word: logs and code have
flags too. What stands in a fenced block or in inline code is never a flag.

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

from routing.code_spans import CodeSpans, code_spans
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
MOST_LOOKED_UP = 50  # items that are compared with every known word
MOST_CHARACTERS = 500  # of what stands between the brackets
_FLAG = re.compile(rf"\[\s*flag(s?)\s*:([^\[\]]{{0,{MOST_CHARACTERS}}})\]", re.IGNORECASE)
_UNCLOSED = re.compile(r"\[\s*flag(s?)\s*:([^\[\]]*)", re.IGNORECASE)
_NUMBER = r"((?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan)"
_WEIGHT = re.compile(rf"([a-z ]+?)\s*=\s*([+-]?)\s*{_NUMBER}")
_LIMIT = re.compile(rf"(max|min)(?:imum)?\s+([a-z ]+?)\s*([+-]?)\s*(\$?)\s*([+-]?){_NUMBER}\s*([a-z]*)")
_DASHES = str.maketrans("\u2212\u2013", "--")  # a minus sign and the dash that is typed for one
_ALIKE = 0.75  # how like a known word something has to be to be taken for a slip of the keys


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
class Refused:
    """An item that does not act, the word in it that is not known, and else a sentence that says why."""

    item: str
    word: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A prompt without the flags that act, these flags in their order, and what could not be followed."""

    prompt: str
    flags: tuple[Flag, ...]
    warnings: tuple[str, ...]


def parse(prompt: str) -> Parsed:
    """Take the flags out of a prompt.

    A setting given twice counts as given last, with a warning. Brackets of which no item acts stay where they are, and
    so does code; what looks like a slip there is said. Never raises.

    >>> parse("Why is the sky blue? [Flag: cheap, max latency 3s]").flags
    (Flag(kind='weight', constraint='cost', value=2.0), Flag(kind='limit', constraint='latency', value=3.0))
    >>> parse("Mounted with [flags: R/O]. Why?").prompt
    'Mounted with [flags: R/O]. Why?'
    """
    flags: dict[tuple[str, str], Flag] = {}
    warnings = _Warnings()
    kept: list[str] = []
    code, at = code_spans(prompt), 0
    for match in _FLAG.finditer(prompt):
        outcomes = [_item(_plain(item)) for item in _items(match[2])]
        acting = [outcome for outcome in outcomes if isinstance(outcome, Flag)]
        refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
        if code.holds(match.start()) or code.holds(match.end() - 1):
            if not refused:
                warnings.add(f"{_shown(match[0])} stands in code, so it is text and not a flag.")
            continue
        if not acting:
            # The singular is what is documented; the plural is common in logs and code.
            ending = f" So {_shown(match[0])} is text like the rest of the prompt."
            warnings.explain(refused, ending, only_meant=bool(match[1]))
            continue
        warnings.explain(refused, " It was skipped.")
        for flag in acting:
            _set(flags, flag, warnings)
        kept.append(prompt[at : match.start()])
        at = match.end()
    kept.append(prompt[at:])
    if _has_unclosed(prompt, code):
        warnings.add("A flag is not closed or is too long, so it was left in the prompt. Write it as [Flag: cheap].")
    return Parsed("".join(kept).strip(), tuple(flags.values()), warnings.told())


class _Warnings:
    """The first few sentences, and how many more there would be; no more than these take time to be made."""

    def __init__(self) -> None:
        self._told: list[str] = []
        self._more = 0
        self._looked_up = 0

    def add(self, sentence: str) -> None:
        if len(self._told) < MOST_WARNINGS:
            self._told.append(sentence)
        else:
            self._more += 1

    def explain(self, refused: Sequence[Refused], ending: str, *, only_meant: bool = False) -> None:
        """Say why items do not act; ``only_meant`` leaves out what nothing shows to be meant as a flag."""
        for one in refused:
            if len(self._told) == MOST_WARNINGS:
                self._more += not only_meant or bool(one.why)
                continue
            if self._looked_up == MOST_LOOKED_UP:
                continue
            self._looked_up += 1
            why, is_meant = (one.why, True) if one.why else _unknown(one)
            if is_meant or not only_meant:
                self.add(why + ending)

    def told(self) -> tuple[str, ...]:
        if not self._more:
            return tuple(self._told)
        return (*self._told, f"{self._more:,} more flags were not understood or contradict each other.")


def _set(flags: dict[tuple[str, str], Flag], flag: Flag, warnings: _Warnings) -> None:
    """Let a flag count, after those before it."""
    key = (flag.kind, flag.constraint)
    before = flags.pop(key, flag)
    flags[key] = flag
    if before != flag:
        warnings.add(f"The flags {before.text!r} and {flag.text!r} contradict each other; the last one counts.")


def _has_unclosed(prompt: str, code: CodeSpans) -> bool:
    """Whether a flag has no end or is too long to be one."""
    for match in _UNCLOSED.finditer(prompt):
        is_closed = prompt[match.end() : match.end() + 1] == "]" and _FLAG.match(prompt, match.start())
        if is_closed or code.holds(match.start()):
            continue
        items = _items(match[2][:MOST_CHARACTERS])
        if not match[1] or any(isinstance(_item(_plain(item)), Flag) for item in items):
            return True
    return False


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


def _plain(item: str) -> str:
    return " ".join(item.lower().translate(_DASHES).split())


def _item(item: str) -> Flag | Refused:
    """One item as a flag, or why it is none."""
    if not item:
        return Refused(item)
    if match := _WEIGHT.fullmatch(item):
        return _weight(item, _constraint(match[1]), match[1], float(match[2] + match[3]))
    if match := _LIMIT.fullmatch(item):
        return _limit(item, match)
    word = re.sub(r" (model|expert|one|answer)s?$", "", item)
    word = ALIASES.get(word, word)
    if word in TIERS:
        return Flag("limit", "security", TIERS[word])
    if word in WORDS:
        return Flag("weight", *WORDS[word])
    return Refused(item, item)


def _constraint(word: str) -> str | None:
    name = ALIASES.get(word.strip(), word.strip())
    return name if name in CONSTRAINTS else None


def _weight(item: str, name: str | None, word: str, value: float) -> Flag | Refused:
    if name is None:
        return Refused(item, word)
    if not 0 <= value <= MAX_WEIGHT:
        return Refused(item, why=f"The flag {_shown(item)} means nothing: a weight is 0 (ignored) to {MAX_WEIGHT:g}.")
    return Flag("weight", name, value)


def _limit(item: str, match: re.Match[str]) -> Flag | Refused:
    bound, word, unit = match[1], match[2], match[4] or match[7]
    name = _constraint(word)
    if name is None:
        return Refused(item, word)
    problem = f"The flag {_shown(item)} means nothing:"
    wanted = "min" if CONSTRAINTS[name].is_floor else "max"
    if bound != wanted:
        return Refused(item, why=f"{problem} {name} is bounded with {wanted!r}.")
    if unit not in UNITS[name]:
        allowed = ", ".join(u for u in UNITS[name] if u) or "no unit"
        return Refused(item, why=f"{problem} {name} is given in {allowed}.")
    limit = float((match[3] or match[5]) + match[6]) * UNITS[name][unit]
    if not 0 <= limit < math.inf:
        return Refused(item, why=f"{problem} a limit is a number from 0, and not infinite.")
    return Flag("limit", name, limit)


def _unknown(refused: Refused) -> tuple[str, bool]:
    """A sentence about an item that is not known, and whether it is like one that is."""
    if not refused.item:
        return "An empty flag means nothing; write for example [Flag: cheap].", False
    sentence = f"The flag {_shown(refused.item)} is not known."
    names = [*WORDS, *ALIASES, *TIERS, *CONSTRAINTS]
    close = difflib.get_close_matches(refused.word.strip(), names, n=1, cutoff=_ALIKE)
    if not close:
        return f"{sentence} Known: cheap, fast, small, cost=0.4, max cost $0.002, local only.", False
    needs_number = close[0] in CONSTRAINTS or ALIASES.get(close[0]) in CONSTRAINTS
    return f"{sentence} Did you mean '{close[0]}{'=0.4' if needs_number else ''}'?", True


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
