"""Questions whose right answer is known, and whether an answer to one of them is right.

The outcome data holds prompts and scores but no right answers. So the probes are its prompts of five kinds whose
right answer can be had: computed (a function's result, which number is larger, whether a plan works), or worked
out by this project and kept as a letter or a number (``assets/probe_gold.csv``). The prompts stay in the data.
"""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from routing.errors import DataError
from routing.probe_code import returned_value, same, stated_value
from routing.probe_plans import plan_works

GOLD_CSV = Path(__file__).resolve().parent.parent / "assets" / "probe_gold.csv"
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_LETTER = (
    re.compile(r"(?i:answer)\s*(?i:is|:)?\s*:?\s*\**\(?([A-J])\b\)?"),
    re.compile(r"^\s*\**\(?([A-J])\)?\s*(?:[.):*]|$)", re.MULTILINE),
    re.compile(r"\b([A-J])\b\)?\s+is\s+(?:the\s+)?(?:correct|right|best)\b"),
    re.compile(r"\(([A-J])\)"),
    re.compile(r"\b(?i:option|choice)\s+([A-J])\b"),
)
_OPTION = re.compile(r"^\s*\(?([A-J])[.)]\s+(.+)$", re.MULTILINE)
_SMALLER = re.compile(r"\b(smaller|lesser|less|smallest|lower)\b", re.IGNORECASE)
_LARGER = re.compile(r"\b(bigger|larger|greater|biggest|largest|greatest|higher)\b", re.IGNORECASE)

_RELATION = re.compile(r"(-?\d+(?:\.\d+)?)\**\s+is\s+(?:the\s+|a\s+)?(\w+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Probe:
    """A prompt of the outcome data with a known right answer.

    ``gold`` is the right letter or number; empty where it is computed from the prompt.
    """

    prompt_id: str
    kind: str
    gold: str


def read_probes(path: Path = GOLD_CSV) -> tuple[Probe, ...]:
    """The probes in their fixed, mixed order, so that any first n of them are of all kinds.

    Raises:
        DataError: The file is missing, or a row is not a probe.
    """
    if not path.is_file():
        raise DataError(f"There are no probes at {path.name}. Restore it with: git checkout assets/{path.name}")
    with path.open(encoding="utf-8", newline="") as file:
        probes = tuple(Probe(row["prompt_id"], row["kind"], row["gold"]) for row in csv.DictReader(file))
    for number, probe in enumerate(probes, start=2):
        if probe.kind not in KINDS:
            raise DataError(f"{path.name}, row {number}: kind is {probe.kind!r}; allowed are {', '.join(KINDS)}.")
    return probes


def question(probe: Probe, prompt: str) -> str:
    """What the expert is asked: the prompt, and how to state the answer so that it can be read."""
    return f"{prompt.rstrip()}\n\n{KINDS[probe.kind].manner}".rstrip()


def score(probe: Probe, prompt: str, answer: str) -> float:
    """1.0 if the answer is right, else 0.0.

    Raises:
        DataError: The right answer cannot be had from the prompt.
    """
    return float(KINDS[probe.kind].is_right(probe.gold, prompt, answer))


def _choice(gold: str, prompt: str, answer: str) -> bool:
    return chosen_letter(prompt, answer) == gold


def chosen_letter(prompt: str, answer: str) -> str | None:
    """The option that an answer chooses, by letter or else by repeating exactly one option's words."""
    for pattern in _LETTER:
        found = pattern.findall(answer)
        if found:
            return str(found[-1]).upper()
    said = answer.casefold()
    named = [letter for letter, text in _OPTION.findall(prompt) if text.strip().rstrip(".").casefold() in said]
    return named[0] if len(named) == 1 else None


def _number(gold: str, prompt: str, answer: str) -> bool:
    numbers = _NUMBER.findall(answer)
    return bool(numbers) and float(numbers[-1].replace(",", "")) == float(gold)


def _compare(gold: str, prompt: str, answer: str) -> bool:
    pair: list[str] = _NUMBER.findall(prompt)
    is_smaller, is_larger = _SMALLER.search(prompt) is not None, _LARGER.search(prompt) is not None
    if len(pair) != 2 or is_smaller == is_larger:
        raise DataError("The prompt does not ask for the larger or smaller of two numbers: leave it out.")
    right = min(pair, key=float) if is_smaller else max(pair, key=float)
    return chosen_number(answer, pair, is_smaller=is_smaller) == right


def chosen_number(answer: str, pair: Sequence[str], *, is_smaller: bool) -> str | None:
    """Which of two numbers an answer names as the smaller or larger one, None if it names neither clearly."""
    said: dict[str, None] = {}
    for number, word in _RELATION.findall(answer):
        if number in pair and (_SMALLER.match(word) or _LARGER.match(word)):
            is_asked = (_SMALLER.match(word) is not None) == is_smaller
            said[number if is_asked else next((n for n in pair if n != number), number)] = None
    named = said or dict.fromkeys([n for n in _NUMBER.findall(answer) if n in pair])
    return next(iter(named)) if len(named) == 1 else None


def _code(gold: str, prompt: str, answer: str) -> bool:
    return same(stated_value(answer), returned_value(prompt))


def _plan(gold: str, prompt: str, answer: str) -> bool:
    return plan_works(prompt, answer)


@dataclass(frozen=True, slots=True)
class _Kind:
    manner: str
    is_right: Callable[[str, str, str], bool]


# Small experts copy a pattern such as "The answer is (X)" instead of filling it, so the manner is said plainly.
KINDS: Mapping[str, _Kind] = {
    "choice": _Kind("Reply with the letter of the right option only.", _choice),
    "number": _Kind("State the final number at the end.", _number),
    "compare": _Kind("Reply with the number only.", _compare),
    "code": _Kind("Give only the completed assertion.", _code),
    "plan": _Kind("", _plan),
}
