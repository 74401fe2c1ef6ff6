"""What every reader of a log makes: rows of the two tables; and the few things that all readers share."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from routing.errors import DataError

_OPTIONS: Final = re.compile(r"\n\(?A[.)]")
_WORD: Final = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Pinned:
    """One file of a public repository at one commit.

    Args:
        repository: "owner/name" on GitHub.
        commit: 40 hexadecimal digits.
        path: Within the repository.
        expert: Whose outcomes it holds; empty where it says so itself.
        kind: ``chat`` or ``base``.
        part: Which part of the source it is.
        is_seen: Whether path and commit were seen in an index of public repositories; otherwise the name only follows
            the pattern of those that were.
    """

    repository: str
    commit: str
    path: str
    expert: str
    kind: str
    part: str
    is_seen: bool

    @property
    def key(self) -> str:
        """Identifies it in the lock file."""
        return f"{self.repository}@{self.commit}:{self.path}"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A pinned file that lies on this machine."""

    pinned: Pinned
    path: Path

    def text(self) -> str:
        """All of it.

        Raises:
            DataError: It is not UTF-8.
        """
        try:
            return self.path.read_text(encoding="utf-8")
        except UnicodeDecodeError as problem:
            raise self.damaged(str(problem)) from problem

    def damaged(self, why: str) -> DataError:
        """That it is not what its source publishes."""
        return DataError(f"{self.pinned.key} is not in the form expected ({why[:120]}). Delete it and fetch it again.")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One row of prompts.parquet; group and split follow from the text."""

    prompt_id: str
    task: str
    domain: str
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of outcomes.parquet; None where it was not measured. Scores are in [0, 1]."""

    prompt_id: str
    expert: str
    score: float
    kind: str = "chat"
    input_tokens: int | None = None
    output_tokens: int | None = None
    output_chars: int | None = None
    latency_s: float | None = None


def group_of(text: str) -> str:
    r"""The same 16 digits for the same question in different layouts: its words before the options.

    >>> group_of("Which  planet?\n(A) Mars\n(B) Venus") == group_of("which planet\nA. Venus\nB. Mars")
    True
    """
    stem = _OPTIONS.split(text)[0]
    return sha256(" ".join(_WORD.findall(stem.lower())).encode()).hexdigest()[:16]


def with_options(question: str, options: list[str]) -> str:
    """A question with its lettered options."""
    return "\n".join([question, *(f"({chr(65 + i)}) {option}" for i, option in enumerate(options))])


def records(file: Fetched) -> Iterator[dict[str, Any]]:
    """The objects of a JSON array, one at a time: a file is held once as text, never as objects all at once.

    Raises:
        DataError: It is no JSON array of objects.
    """
    return elements(file, file.text())


def elements(file: Fetched, text: str, start: str = "[") -> Iterator[dict[str, Any]]:
    """The objects of the array that begins behind ``start``.

    Raises:
        DataError: There is no such array of objects.
    """
    decoder, at = json.JSONDecoder(), text.find(start)
    if at < 0:
        raise file.damaged(f"no {start!r} in it")
    at = _past(text, at + len(start))
    while at < len(text) and text[at] != "]":
        try:
            found, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as problem:
            raise file.damaged(str(problem)) from problem
        if not isinstance(found, dict):
            raise file.damaged(f"an object was expected, found {type(found).__name__}")
        yield found
        at = _past(text, at)
        if at < len(text) and text[at] == ",":
            at = _past(text, at + 1)
    if at >= len(text):
        raise file.damaged("the list does not end")


def _past(text: str, at: int) -> int:
    """The next place that is not blank."""
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
