"""The public evaluation logs that the shipped router was trained on: where they lie, and how each is read.

``files.csv`` lists every file with the commit at which it was seen in an index of public repositories. No hash of
a file could be looked up there, so none is stated: the first fetch records them (``routing.fetching``).
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from routing.errors import DataError
from routing.sources import (
    livecodebench,
    llmrouter,
    medagents,
    mmlu_pro,
    planbench,
    routellm,
    wmt24,
    zeroeval,
)
from routing.sources.rows import Fetched, Outcome, Pinned, Prompt

FILES_CSV: Final = Path(__file__).parent / "files.csv"
Read = Callable[[list[Fetched]], Iterator[Prompt | Outcome]]


@dataclass(frozen=True, slots=True)
class Source:
    """One public log.

    Args:
        name: As in the router card.
        licence: Under which its outcomes and prompts are published.
        what: In one line.
        missing: What the training data has of it and no pinned file gives; empty where nothing is known to be missing.
        read: Its files to rows of the two tables.
    """

    name: str
    licence: str
    what: str
    missing: str
    read: Read

    @property
    def files(self) -> tuple[Pinned, ...]:
        """Its files, in the order in which they are read."""
        return pinned().get(self.name, ())


SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {
        source.name: source
        for source in (
            Source("mmlu-pro", "Apache-2.0", "10 options, 14 subjects, five examples, chain of thought",
                   "llama-3-8b-instruct", mmlu_pro.read),
            Source("medagents", "Apache-2.0", "clinical exam questions, with tokens and latency",
                   "files that are marked as not seen: the folder and commit were, these names only follow its pattern",
                   medagents.read),
            Source("llmrouter-ulab", "MIT", "14 tasks: maths, code, question answering, science, writing",
                   "names of the tasks in the test file", llmrouter.read),
            Source("zeroeval", "Apache-2.0", "grade-school and competition maths, code output prediction", "",
                   zeroeval.read),
            Source("livecodebench", "CC-BY-SA-4.0 / MIT", "contest programming before 2024-09", "", livecodebench.read),
            Source("planbench", "MIT", "block-stacking plans, validated", "gpt-3.5-turbo-instruct and gpt-4-chat",
                   planbench.read),
            Source("wmt24", "research use, none stated", "translation from English, rated by people", "", wmt24.read),
            Source("routellm", "Apache-2.0", "MMLU and GSM8K for one strong and one weak expert", "", routellm.read),
        )
    }
)  # fmt: skip


@cache
def pinned() -> Mapping[str, tuple[Pinned, ...]]:
    """Every file by source.

    Raises:
        DataError: The list of files is missing or damaged.
    """
    found: dict[str, list[Pinned]] = {}
    try:
        with FILES_CSV.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                name, is_seen = row.pop("source"), row.pop("seen") == "yes"
                found.setdefault(name, []).append(Pinned(**row, is_seen=is_seen))
    except (OSError, KeyError, TypeError, csv.Error) as problem:
        raise DataError(f"{FILES_CSV.name} is missing or damaged ({problem}). Restore it with git.") from problem
    return {name: tuple(files) for name, files in found.items()}
