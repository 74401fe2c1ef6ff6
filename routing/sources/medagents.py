"""MedAgentsBench: one JSON an expert and exam, each record with tokens and seconds."""

from collections.abc import Iterator
from typing import Any

from routing.sources.rows import Fetched, Outcome, Prompt, records


def read(files: list[Fetched]) -> Iterator[Prompt | Outcome]:
    """Rows of every file."""
    for file in files:
        for record in records(file):
            yield from _rows(file, record)


def _rows(file: Fetched, record: dict[str, Any]) -> Iterator[Prompt | Outcome]:
    exam = file.pinned.part
    try:
        prompt_id = f"medagents/{exam}/{record['realidx']}"
        options = "".join(f"\n({letter}) {option}" for letter, option in sorted(record["options"].items()))
        is_right = str(record["predicted_answer"]).strip() == str(record["answer_idx"]).strip()
        tokens = record.get("token_usage") or {}
        text = f"{record['question']}{options}"
    except (KeyError, AttributeError) as problem:
        raise file.damaged(f"a record lacks {problem}") from problem
    yield Prompt(prompt_id, exam, "clinical", text)
    yield Outcome(
        prompt_id, file.pinned.expert, float(is_right), file.pinned.kind, tokens.get("prompt_tokens"),
        tokens.get("completion_tokens"), None, record.get("time_elapsed"),
    )  # fmt: skip
