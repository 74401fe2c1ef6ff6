"""What an expert's answer states: a letter, a number, a short text, a JSON value, a function. Answers are untrusted."""

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any, Final

LONGEST_ANSWER: Final = 100_000
_NUMBER = re.compile(r"(?<![\w.])-?(?:\d{1,3}(?:[,  ]\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?(?!\w)|-?\.\d+")
_POWER = re.compile(r"\s*(?:\\times|[×x*·])\s*10\s*(?:\^|\*\*)\s*\{?\s*(-?\d{1,3})\}?")
_OVER = re.compile(r"\s*/\s*(\d+(?:\.\d+)?)(?![\d/])")
_FRACTION = re.compile(r"(-?)\\[dt]?frac\{(-?\d+(?:\.\d+)?)\}\{(\d+(?:\.\d+)?)\}")
_BOXED = re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\}){1,200})\}")
_STATED = re.compile(r"(?i)(?:final answer|answer)\W{0,6}(?:is|:|=)\W{0,6}([^\n]{1,200})")
_AT_LINE = re.compile(r"^\s*\**\(?([A-J])\)?\s*(?:[.):*]|$)", re.MULTILINE)
_LISTED = re.compile(r"^\s*\**\(?[A-J]\)?\s*[.):*].*$", re.MULTILINE)
_LETTER = (
    re.compile(r"\\boxed\s*\{\s*(?:\\text\w*\s*\{)?\s*\(?([A-J])\)?\s*\}"),
    re.compile(r"(?i:answer)\s*(?i:is|:)?\s*:?\s*\**\(?([A-J])\b\)?"),
    _AT_LINE,
    re.compile(r"\b([A-J])\b\)?\s+is\s+(?:the\s+)?(?:correct|right|best)\b"),
    re.compile(r"\(([A-J])\)"),
    re.compile(r"\b(?i:option|choice)\s+([A-J])\b"),
)
_OPTION = re.compile(r"^\s*\(?([A-J])[.)]\s+(.+)$", re.MULTILINE)
_FENCE = re.compile(r"```[ \t]*(\w*)[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)
_THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
_START_OF_CODE = re.compile(r"^(?:from|import|def|class|@)\b", re.MULTILINE)
_RELATION = re.compile(r"(-?\d+(?:\.\d+)?)\**\s+is\s+(?:the\s+|a\s+)?(\w+)", re.IGNORECASE)
_SMALLER = re.compile(r"\b(smaller|lesser|less|smallest|lower)\b", re.IGNORECASE)
_LARGER = re.compile(r"\b(bigger|larger|greater|biggest|largest|greatest|higher)\b", re.IGNORECASE)
_PLAIN_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def said(answer: str) -> str:
    """What an answer says to the person: bounded, and without what the expert wrote while thinking.

    >>> said("<think>B, or C?</think>B")
    'B'
    """
    return _THINKING.sub("", answer[:LONGEST_ANSWER]).strip()


def plain(text: str) -> str:
    """Text without case, surrounding punctuation, markdown emphasis and doubled spaces, for comparing."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split()).strip(" .,;:!?\"'`*_()[]$")


def chosen_letter(prompt: str, answer: str) -> str | None:
    """The option that an answer chooses, by letter or else by repeating exactly one option's words.

    Repeating the whole list chooses nothing.
    """
    listed = _AT_LINE.findall(answer)
    is_list = len(listed) > 2 and listed == [chr(ord("A") + place) for place in range(len(listed))]
    rest = _LISTED.sub("", answer) if is_list else answer
    for pattern in _LETTER:
        found = pattern.findall(rest)
        if found:
            return str(found[-1]).upper()
    told = rest.casefold()
    named = [letter for letter, text in _OPTION.findall(prompt) if text.strip().rstrip(".").casefold() in told]
    return named[0] if len(named) == 1 else None


def stated_number(answer: str) -> float | None:
    r"""The number that an answer ends with: boxed, after "answer:", or else the last one.

    >>> stated_number("So 3 + 4 makes 7."), stated_number("It is 1,260 m"), stated_number(r"$\frac{3}{4}$")
    (7.0, 1260.0, 0.75)
    >>> stated_number("**Answer: 12** (that is 3 times 4)"), stated_number("6.0 × 10^23"), stated_number("none")
    (12.0, 6e+23, None)
    """
    boxed, stated = _BOXED.findall(answer), _STATED.findall(answer)
    for text, is_first in ((boxed[-1] if boxed else "", False), (stated[-1] if stated else "", True), (answer, False)):
        found = _numbers(text)
        if found:
            return found[0] if is_first else found[-1]
    return None


def _numbers(text: str) -> list[float]:
    flat = _FRACTION.sub(
        lambda m: f"{m[1]}{m[2]}/{m[3]}", text.replace("−", "-").replace("\\,", ",").replace("{,}", ",")
    )
    found, end = [], 0
    for match in _NUMBER.finditer(flat):
        if match.start() < end:
            continue
        value, end = float(re.sub(r"[,  ]", "", match[0])), match.end()
        if power := _POWER.match(flat, end):
            value, end = value * 10.0 ** int(power[1]), power.end()
        elif (over := _OVER.match(flat, end)) and float(over[1]) != 0:
            value, end = value / float(over[1]), over.end()
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


def stated_json(answer: str) -> Any:  # noqa: ANN401 - JSON is anything
    """The JSON value of an answer: in a fence, alone, or between the first and the last bracket.

    Raises:
        ValueError: There is none.
    """
    fenced = [body for _, body in _FENCE.findall(answer)]
    opened = [place for place in (answer.find("{"), answer.find("[")) if place >= 0]
    closed = max(answer.rfind("}"), answer.rfind("]"))
    between = [answer[min(opened) : closed + 1]] if opened and closed > min(opened) else []
    for text in (*reversed(fenced), answer, *between):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            continue
    raise ValueError("no JSON value")


def stated_code(answer: str, function: str) -> tuple[str, ...]:
    """Texts that may define a function, likeliest first: fences that name it, all fences, or what starts like code."""
    fenced = [body for _, body in _FENCE.findall(answer)]
    naming = [body for body in reversed(fenced) if f"def {function}" in body]
    start = _START_OF_CODE.search(answer)
    loose = [] if fenced or start is None else _shorter(answer[start.start() :])
    return tuple(dict.fromkeys([*naming[:2], *(["\n\n".join(fenced)] if len(fenced) > 1 else []), *loose, answer]))


def _shorter(text: str, most: int = 6) -> list[str]:
    """The text, and the text up to each of its last blank lines: prose may follow the code."""
    found = [text]
    while len(found) < most and "\n\n" in found[-1].rstrip():
        found.append(found[-1].rstrip().rpartition("\n\n")[0])
    return found
