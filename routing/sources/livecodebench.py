"""LiveCodeBench: the site's table of pass rates, and the problems from a submission that holds their texts."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from routing.sources.rows import Fetched, Outcome, Prompt, elements, records

BEFORE_MS: Final = datetime(2024, 9, 1, tzinfo=UTC).timestamp() * 1000  # later problems were not trained on
_NAMES: Final = {
    "gpt-4o-mini-2024-07-18": "gpt-4o-mini", "gpt-4-turbo-1106": "gpt-4-1106-preview",
    "claude-3.5-sonnet": "claude-3.5-sonnet-20240620", "claude-3-5-sonnet-20240620": "claude-3.5-sonnet-20240620",
    "claude-3-5-sonnet-20241022": "claude-3.5-sonnet-20241022", "mistral-large": "mistral-large-2407",
    "o1-mini-2024-09-12": "o1-mini", "o1-preview-2024-09-12": "o1-preview",
}  # fmt: skip


def read(files: list[Fetched]) -> Iterator[Prompt | Outcome]:
    """Problems whose text is known, then the pass rates on them."""
    tasks: set[str] = set()
    for file in (f for f in files if f.pinned.part == "text"):
        for record in records(file):
            try:
                number, level = str(record["question_id"]), str(record["difficulty"])
                text = f"{record['question_title']}\n{record['question_content']}".strip()
            except KeyError as problem:
                raise file.damaged(f"a problem lacks {problem}") from problem
            tasks.add(number)
            yield Prompt(f"livecodebench/{number}", f"lcb-codegen-{level}", "code", text)
    for file in (f for f in files if f.pinned.part == "scores"):
        text = file.text()
        at = text.find('"performances"')
        if at < 0:
            raise file.damaged("no performances in it")
        for record in elements(file, text[at:]):
            try:
                number, score = str(record["question_id"]), float(record["pass@1"]) / 100
                name, is_early = expert_name(str(record["model"])), float(record["date"]) < BEFORE_MS
            except (KeyError, TypeError, ValueError) as problem:
                raise file.damaged(f"a pass rate lacks {problem}") from problem
            if is_early and number in tasks:
                yield Outcome(f"livecodebench/{number}", name, score)


def expert_name(raw: str) -> str:
    """An expert's name here: lower case, without the number of samples.

    >>> expert_name("GPT-4O-mini-2024-07-18"), expert_name("O1-Mini (N=1)"), expert_name("DSCoder-33b-Ins")
    ('gpt-4o-mini', 'o1-mini', 'dscoder-33b-ins')
    """
    plain = re.sub(r"\s*\(n=\d+\)", "", raw.lower()).strip()
    plain = re.sub(r"[^a-z0-9.]+", "-", plain).strip("-")
    return _NAMES.get(plain, plain)
