"""Prompts whose right answer is known: those of this project, and those of the outcome data by which ``measure`` works.

The project's own (``assets/probes.json``) hold their prompts. The outcome data holds prompts and scores but no right
answers, so of its prompts those are probes whose right answer can be computed (a function's result, which number is
larger, whether a plan works) or was worked out here and kept as a letter or a number (``assets/probe_gold.csv``);
their prompts stay in the data.
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from routing.checks import FROM_PROMPT, Check, is_right
from routing.errors import DataError, PreferenceError

PROBES_JSON: Final = Path(__file__).resolve().parent.parent / "assets" / "probes.json"
GOLD_CSV: Final = PROBES_JSON.with_name("probe_gold.csv")


@dataclass(frozen=True, slots=True)
class Probe:
    """A prompt with a known right answer.

    Args:
        prompt_id: Its name.
        prompt: What is asked, without the manner of answering.
        check: How an answer is checked.
        domain: The kind of knowledge it takes.
        task: What kind of work it is, finer than the domain.
        difficulty: A guess in [0, 1] of the share of experts that fail; 0.5 where nobody guessed.
        why: Why the expected answer is right.
    """

    prompt_id: str
    prompt: str
    check: Check
    domain: str = ""
    task: str = ""
    difficulty: float = 0.5
    why: str = ""

    @property
    def question(self) -> str:
        """What the expert is asked: the prompt, and how to state the answer so that it can be read."""
        return f"{self.prompt.rstrip()}\n\n{self.check.manner}".rstrip()

    def score(self, answer: str) -> float:
        """1.0 if the answer is right, else 0.0.

        Raises:
            DataError: The right answer cannot be had from the prompt.
        """
        return float(is_right(self.check, self.prompt, answer))


@cache
def own_probes(path: Path = PROBES_JSON) -> tuple[Probe, ...]:
    """The probes of this project in their fixed, mixed order, so that any first n of them are of all kinds.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        found = tuple(_own(entry) for entry in json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, PreferenceError) as problem:
        raise DataError(f"{path.name} is missing or damaged ({problem}). Restore it with git.") from problem
    if len({probe.prompt_id for probe in found}) < len(found):
        raise DataError(f"{path.name} names a probe twice. Restore it with git.")
    return found


def data_probes(texts: Mapping[str, str], path: Path = GOLD_CSV) -> tuple[Probe, ...]:
    """The probes of the outcome data whose prompts are among these, by prompt_id, in their fixed, mixed order.

    Raises:
        DataError: The file is missing, or a row is not a probe.
    """
    return tuple(
        Probe(name, texts[name], check) for name, check in data_checks(path).items() if name in texts
    )  # fmt: skip


@cache
def data_checks(path: Path = GOLD_CSV) -> Mapping[str, Check]:
    """How the probes of the outcome data are checked, by prompt_id.

    Raises:
        DataError: The file is missing, or a row is not a probe.
    """
    if not path.is_file():
        raise DataError(f"There are no probes at {path.name}. Restore it with: git checkout assets/{path.name}")
    found: dict[str, Check] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                found[row["prompt_id"]] = Check(row["kind"], None if row["kind"] in FROM_PROMPT else row["gold"])
            except (KeyError, PreferenceError) as problem:
                raise DataError(f"{path.name}, row {number}: {problem}") from problem
    return found


def _own(entry: Mapping[str, Any]) -> Probe:
    return Probe(
        prompt_id=str(entry["id"]),
        prompt=str(entry["prompt"]),
        check=Check(str(entry["check"]["kind"]), entry["check"]["expected"]),
        domain=str(entry["domain"]),
        task=str(entry["task"]),
        difficulty=float(entry["difficulty"]),
        why=str(entry["why"]),
    )
