"""Which number an answer states. Answers are untrusted and come in many manners."""

import math
import re
from collections.abc import Sequence
from typing import Final

_N: Final = r"-?(?:\d{1,3}(?:[,\u0020\u00a0\u2009\u202f]\d{3})+|\d+)(?:\.\d+)?"
# In "33(1)" the 1 is a paragraph, in "uranium-234" the number is part of a name.
_NUMBER: Final = re.compile(rf"(?<![\w.])(?<!\d\()(?<![^\W\d_]-){_N}(?:[eE][+-]?\d{{1,3}})?(?!\w)|-?\.\d+")
_POWER: Final = re.compile(r"\s*(?:\\times|[×x*·])\s*10\s*(?:\^|\*\*)\s*\{?\s*(-?\d{1,3})\}?")
_OVER: Final = re.compile(r"\s*/\s*(\d+(?:\.\d+)?)(?![\d/])")
_FRACTION: Final = re.compile(r"(-?)\\[dt]?frac\{(-?\d+(?:\.\d+)?)\}\{(\d+(?:\.\d+)?)\}")
_RAISED: Final = re.compile(r"[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_LOWERED: Final = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_DASH: Final = re.compile(r"(?<![\w)\]}])[–−‐‑](?=[\d.])")
_BOXED: Final = re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\}){1,200})\}")
_STATED: Final = re.compile(r"(?i)(?:final answer|answer)\W{0,6}(?:is|:|=)\W{0,6}([^\n]{1,200})")
_BOLD: Final = re.compile(r"\*\*([^*\n]{1,80})\*\*")
_EITHER: Final = re.compile(
    rf"(?i)({_N})\W{{0,4}}\bor\b\W{{0,4}}({_N})|\bbetween\W{{0,4}}({_N})\W{{0,4}}\band\b\W{{0,4}}({_N})"
)
_WORDS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
                 "twelve")  # fmt: skip
_WORD: Final = re.compile(rf"(?<![\w-])(?<!ty )({'|'.join(_WORDS)})(?![\w-])", re.IGNORECASE)
MOST_WORDS: Final = 40  # of an answer that is read as a statement and not as a calculation
MOST_CHARACTERS: Final = 1_000  # the same: a word may be long

_RELATION: Final = re.compile(r"(?<!\d)(?<!\d\.)(-?\d+(?:\.\d+)?)\**\s+is\s+(?:the\s+|a\s+)?(\w+)", re.IGNORECASE)
_SMALLER: Final = re.compile(r"\b(smaller|lesser|less|smallest|lower)\b", re.IGNORECASE)
_LARGER: Final = re.compile(r"\b(bigger|larger|greater|biggest|largest|greatest|higher)\b", re.IGNORECASE)
_PLAIN_NUMBER: Final = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def stated_number(answer: str) -> float | None:
    r"""The number that an answer ends with: boxed, after "answer:", bold in its last line, or else the last one.

    An answer that leaves two open states none.

    >>> stated_number("So 3 + 4 makes 7."), stated_number("It is 1,260 m"), stated_number(r"$\frac{3}{4}$")
    (7.0, 1260.0, 0.75)
    >>> stated_number("**Answer: 12** (that is 3 times 4)"), stated_number("6.0 × 10^23"), stated_number("none")
    (12.0, 6e+23, None)
    >>> stated_number("It is **5** (not 6)"), stated_number("three"), stated_number("4 or 5")
    (5.0, 3.0, None)
    """
    if _is_open(answer):
        return None
    boxed, stated = _BOXED.findall(answer), _STATED.findall(answer)
    for text, is_first in ((boxed[-1] if boxed else "", False), (stated[-1] if stated else "", True)):
        if found := _numbers(text):
            return found[0] if is_first else found[-1]
    last = next((line for line in reversed(answer.splitlines()) if line.strip()), "")
    if bold := [numbers[-1] for text in _BOLD.findall(last) if (numbers := _numbers(text))]:
        return bold[-1]
    found = _numbers(answer)
    return found[-1] if found else _in_words(answer)


def new_number(prompt: str, answer: str) -> float | None:
    """The one number of a short statement that is not in the prompt too; None where there is none, or several.

    >>> new_number("How many chairs are due by 30 June?", "1,000 chairs are due by 30 June.")
    1000.0
    """
    found = set(_numbers(answer)) - set(_numbers(prompt))
    return found.pop() if len(found) == 1 and _is_short(answer) and not _is_open(answer) else None


def _is_short(answer: str) -> bool:
    return len(answer) <= MOST_CHARACTERS and len(answer.split()) <= MOST_WORDS


def _is_open(answer: str) -> bool:
    """Whether a short answer names two numbers and does not decide."""
    either = _EITHER.search(answer) if _is_short(answer) else None
    return either is not None and len({_numbers(part)[-1] for part in either.groups() if part}) > 1


def _in_words(answer: str) -> float | None:
    found = _WORD.findall(answer)
    return float(_WORDS.index(found[-1].lower())) if found else None


def _numbers(text: str) -> list[float]:
    flat = _RAISED.sub(lambda m: f"^{m[0].translate(_LOWERED)}", _DASH.sub("-", text))
    flat = _FRACTION.sub(
        lambda m: f"{m[1]}{m[2]}/{m[3]}", flat.replace("−", "-").replace("\\,", ",").replace("{,}", ",")
    )
    found, end = [], 0
    for match in _NUMBER.finditer(flat):
        if match.start() < end:
            continue
        value, end = float(re.sub(r"[,\u0020\u00a0\u2009\u202f]", "", match[0])), match.end()
        if power := _POWER.match(flat, end):
            value, end = value * float(f"1e{power[1]}"), power.end()  # beyond every float is inf, not an exception
        elif (over := _OVER.match(flat, end)) and float(over[1]) != 0:
            value, end = value / float(over[1]), over.end()
        if math.isfinite(value):
            found.append(value)
    return found


def chosen_number(answer: str, pair: Sequence[str], *, is_smaller: bool) -> str | None:
    """Which of two numbers an answer names as the smaller or larger one, None if it names neither clearly."""
    told: dict[str, None] = {}
    for number, word in _RELATION.findall(answer):
        if number in pair and (_SMALLER.match(word) or _LARGER.match(word)):
            is_asked = (_SMALLER.match(word) is not None) == is_smaller
            told[number if is_asked else next((n for n in pair if n != number), number)] = None
    named = told or dict.fromkeys([n for n in _PLAIN_NUMBER.findall(answer) if n in pair])
    return next(iter(named)) if len(named) == 1 else None


def compared_pair(prompt: str) -> tuple[list[str], bool] | None:
    """The two numbers that a prompt compares, and whether the smaller is asked for; None where it is no such prompt."""
    pair: list[str] = _PLAIN_NUMBER.findall(prompt)
    is_smaller, is_larger = _SMALLER.search(prompt) is not None, _LARGER.search(prompt) is not None
    return None if len(pair) != 2 or is_smaller == is_larger else (pair, is_smaller)
