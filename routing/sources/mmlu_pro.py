"""MMLU-Pro: one zip or one JSON a subject, each record with the question, the answer and what was predicted."""

import re
import zipfile
from collections.abc import Iterator
from typing import Any, Final

from routing.sources.rows import Fetched, Outcome, Prompt, elements, records, with_options

MOST_UNZIPPED: Final = 300_000_000  # bytes of one member
_DOMAINS: Final = {"law": "law", "math": "math", "health": "clinical", "computer science": "code"}
# How an output states its answer, surest first; an output in which none is found counts as wrong.
_ANSWERS: Final = (
    re.compile(r"answer is\W*([A-J])\b"),
    re.compile(r"[Aa]nswer:\W*([A-J])\b"),
    re.compile(r"(?s).*\b([A-J])\b"),
)


def read(files: list[Fetched]) -> Iterator[Prompt | Outcome]:
    """Rows of every file."""
    for file in files:
        found = _zipped(file) if file.pinned.path.endswith(".zip") else records(file)
        for record in found:
            yield from _rows(file, record)


def _zipped(file: Fetched) -> Iterator[dict[str, Any]]:
    try:
        with zipfile.ZipFile(file.path) as archive:
            for member in archive.infolist():
                if not member.filename.endswith(".json") or "__MACOSX" in member.filename:
                    continue
                if member.file_size > MOST_UNZIPPED:
                    raise file.damaged(f"{member.file_size:,} bytes in one member")
                with archive.open(member) as inner:
                    text = inner.read(MOST_UNZIPPED + 1)
                yield from elements(file, text.decode("utf-8"))
    except (zipfile.BadZipFile, UnicodeDecodeError, OSError, NotImplementedError) as problem:
        raise file.damaged(str(problem)) from problem


def _rows(file: Fetched, record: dict[str, Any]) -> Iterator[Prompt | Outcome]:
    try:
        options = [str(o) for o in record["options"] if o != "N/A"]
        category, prompt_id = str(record["category"]), f"mmlu-pro/{record['question_id']}"
        said = str(record.get("model_outputs") or record.get("response") or "")
        answer = record["answer"]
    except (KeyError, TypeError) as problem:
        raise file.damaged(f"a record lacks {problem}") from problem
    text = with_options(str(record["question"]), options)
    yield Prompt(prompt_id, category, _DOMAINS.get(category, "knowledge"), text)
    predicted = record.get("pred") or _answered(said)
    yield Outcome(
        prompt_id, file.pinned.expert, float(predicted == answer), file.pinned.kind, output_chars=len(said) or None
    )


def _answered(said: str) -> str | None:
    return next((match[1] for rule in _ANSWERS if (match := rule.search(said))), None)
