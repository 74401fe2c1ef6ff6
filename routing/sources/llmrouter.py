"""LLMRouter of ulab-uiuc: two files of questions with a score of each of nine experts."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from routing.sources.rows import Fetched, Outcome, Prompt, records

# The file names no task; its questions stand in blocks, and these are where the blocks of the training file begin.
_BLOCKS: Final = (
    (0, "agentverse-logicgrid", "reasoning"), (150, "agentverse-mgsm", "math"), (350, "commongen", "writing"),
    (500, "natural_qa", "knowledge"), (1000, "trivia_qa", "knowledge"), (1500, "mmlu", "knowledge"),
    (2000, "gpqa", "science"), (2448, "mbpp", "code"), (2946, "human_eval", "code"), (3110, "gsm8k", "math"),
    (3610, "commonsense_qa", "knowledge"), (4110, "math", "math"), (4614, "openbook_qa", "knowledge"),
    (5110, "arc_challenge", "knowledge"),
)  # fmt: skip
_NAMES: Final = {
    "llama-3.1-nemotron-51b-instruct": "nemotron-51b-instruct",
    "llama-3.3-nemotron-super-49b-v1": "nemotron-super-49b",
}


def read(files: list[Fetched]) -> Iterator[Prompt | Outcome]:
    """Rows of every file."""
    for file in files:
        for number, record in enumerate(records(file)):
            prompt_id = f"llmrouter-ulab/{file.pinned.part}/{number}"
            try:
                text = str(record["question"])
                scores = {str(name): float(score) for name, score in record["scores"].items()}
            except (KeyError, AttributeError, TypeError, ValueError) as problem:
                raise file.damaged(f"record {number} lacks {problem}") from problem
            yield Prompt(prompt_id, *_task(file.pinned.part, number), text)
            for name, score in scores.items():
                yield Outcome(prompt_id, _NAMES.get(name, name), score)


def _task(part: str, number: int) -> tuple[str, str]:
    if part != "train":
        return "unstated", "unstated"
    starts = [start for start, _, _ in _BLOCKS]
    _, task, domain = _BLOCKS[bisect_right(starts, number) - 1]
    return task, domain
