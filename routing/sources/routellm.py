"""RouteLLM: a CSV a subject, with whether each of two experts was right."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from routing.sources.rows import Fetched, Outcome, Prompt

_NAMES: Final = {"mixtral-8x7b-instruct-v0.1": "mixtral-8x7b-instruct", "gpt-4-1106-preview": "gpt-4-1106-preview"}
_SCORES: Final = {"True": 1.0, "False": 0.0}


def read(files: list[Fetched]) -> Iterator[Prompt | Outcome]:
    """Rows of every file."""
    for file in files:
        part = file.pinned.part
        domain = "math" if part.startswith("gsm8k") else "knowledge"
        table = csv.DictReader(io.StringIO(file.text(), newline=""))
        if not {"prompt", *_NAMES} <= set(table.fieldnames or ()):
            raise file.damaged(f"its columns are {', '.join(table.fieldnames or ['none'])}")
        try:
            for number, row in enumerate(table):
                prompt_id = f"routellm/{part}/{number}"
                yield Prompt(prompt_id, part, domain, row["prompt"])
                for raw, name in _NAMES.items():
                    yield Outcome(prompt_id, name, _SCORES[row[raw]])
        except (KeyError, csv.Error) as problem:
            raise file.damaged(f"{problem} is neither True nor False") from problem
