"""ZeroEval: one JSON an expert and task; the answer stands in the output, and the repository's rules find it."""

import json
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

from routing.sources.rows import Fetched, Outcome, Prompt, records

_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
_FRACTION: Final = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*/\s*(-?\d+(?:\.\d+)?)\s*")
_BOXED: Final = re.compile(r"\\boxed\{(\w+)\}")
_LONGEST: Final = 200_000  # characters of one output that are searched


def read(files: list[Fetched]) -> Iterator[Prompt | Outcome]:
    """Rows of every file."""
    for file in files:
        task = file.pinned.part
        for number, record in enumerate(records(file)):
            try:
                prompt_id = f"zeroeval/{task}/{record.get('id', number)}"
                said, text = str(record["output"][0]), str(record["question"]).strip()
                right = str(record["answer"])
            except (KeyError, IndexError, TypeError) as problem:
                raise file.damaged(f"record {number} lacks {problem}") from problem
            yield Prompt(prompt_id, task, "code" if task == "crux" else "math", text)
            is_right = _is_right(task, answer_of(said[:_LONGEST]), right)
            yield Outcome(prompt_id, file.pinned.expert, float(is_right), output_chars=len(said))


def answer_of(said: str) -> str | None:
    """The answer that an output states: in its first JSON object, else behind a key "answer", else boxed.

    >>> answer_of('{"reasoning": "2 + 2", "answer": "4"}'), answer_of('"answer": 4, and so on'), answer_of("I pass.")
    ('4', '4', None)
    """
    told = _first_object(said)
    if isinstance(told, dict) and "answer" in told:
        return str(told["answer"])
    for pattern in (r'"answer"\s*:\s*"([^"]*)"', r'"answer"\s*:\s*([^,\s]*)', r"answer\s*:\s*([^,\s]*)"):
        if match := re.search(pattern, said):
            return match[1]
    boxed = _BOXED.search(said)
    return None if boxed is None else boxed[1]


def _first_object(said: str) -> Any:  # noqa: ANN401 - whatever the output holds
    """The first text between balanced braces, as JSON; None where it is none."""
    depth, start = 0, -1
    for at, letter in enumerate(said):
        if letter == "{":
            start = at if depth == 0 else start
            depth += 1
        elif letter == "}" and depth > 0:
            depth -= 1
            if depth == 0:
                try:
                    return json.loads(said[start : at + 1].replace("\n", ""))
                except (ValueError, RecursionError):
                    return None
    return None


def _is_right(task: str, answer: str | None, right: str) -> bool:
    if answer is None:
        return False
    if task == "crux":
        return _as_literal(answer) == right
    said, wanted = (_first_number(_plain(text)) for text in (answer, right.replace("#", "").strip()))
    return said is not None and said == wanted


def _as_literal(answer: str) -> str:
    """A bare word as the string that Python would print."""
    is_bare = not any(c in answer for c in "({[]})") and not answer.replace(".", "", 1).isdigit()
    return f"'{answer}'" if is_bare and answer.lower() not in {"true", "false"} else answer


def _plain(answer: str) -> str:
    """Without dollars and thousands; a fraction of two numbers as one."""
    plain = answer.replace("$", "").strip().replace(",", "")
    match = _FRACTION.fullmatch(plain)
    if match is None or float(match[2]) == 0:
        return plain
    return str(float(Fraction(match[1]) / Fraction(match[2])))


def _first_number(text: str) -> float | None:
    match = _NUMBER.search(text)
    return None if match is None else float(match[0])
