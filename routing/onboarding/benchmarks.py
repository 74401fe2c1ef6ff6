"""Published benchmarks by the names people know, and the tasks of the training data that stand for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from routing.schema import Floats

Task = tuple[str, str]
"""Source and task."""
WHOLE: Final[Mapping[str, tuple[str, ...]]] = {
    "MMLU-Pro": ("mmlu-pro/",),
    "MMLU": ("routellm/mmlu_", "llmrouter-ulab/mmlu"),
    "GSM8K": ("zeroeval/gsm", "routellm/gsm8k_responses", "llmrouter-ulab/gsm8k"),
    "MGSM": ("llmrouter-ulab/agentverse-mgsm",),
    "MATH": ("llmrouter-ulab/math",),
    "MATH level 5": ("zeroeval/math-l5",),
    "NumerSense": ("zeroeval/numersense-v2",),
    "CRUXEval": ("zeroeval/crux",),
    "LiveCodeBench": ("livecodebench/",),
    "LiveCodeBench easy": ("livecodebench/lcb-codegen-easy",),
    "LiveCodeBench medium": ("livecodebench/lcb-codegen-medium",),
    "LiveCodeBench hard": ("livecodebench/lcb-codegen-hard",),
    "HumanEval": ("llmrouter-ulab/human_eval",),
    "MBPP": ("llmrouter-ulab/mbpp",),
    "GPQA": ("llmrouter-ulab/gpqa",),
    "ARC challenge": ("llmrouter-ulab/arc_challenge",),
    "OpenBookQA": ("llmrouter-ulab/openbook_qa",),
    "CommonsenseQA": ("llmrouter-ulab/commonsense_qa",),
    "TriviaQA": ("llmrouter-ulab/trivia_qa",),
    "Natural Questions": ("llmrouter-ulab/natural_qa",),
    "CommonGen": ("llmrouter-ulab/commongen",),
    "MedQA": ("medagents/medqa",),
    "MedMCQA": ("medagents/medmcqa",),
    "MedBullets": ("medagents/medbullets",),
    "PubMedQA": ("medagents/pubmedqa",),
    "AfriMed-QA": ("medagents/afrimedqa",),
    "PlanBench Blocksworld": ("planbench/",),
    "WMT24 English to Chinese": ("wmt24/wmt24-en-zh",),
    "WMT24 English to Japanese": ("wmt24/wmt24-en-ja",),
    "WMT24 English to Czech": ("wmt24/wmt24-en-cs",),
}
"""Beginnings of "source/task" by name; a name may gather several sources' prompts. Subjects of MMLU-Pro are added."""
SUBJECTS_OF: Final = "mmlu-pro"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Prompts that stand for a published benchmark.

    Args:
        name: Its name for people.
        axes: Axes of some of its training prompts, shape (n_prompts, n_axes).
    """

    name: str
    axes: Floats

    @property
    def n_prompts(self) -> int:
        """Prompts that stand for it."""
        return len(self.axes)


@dataclass(frozen=True, slots=True)
class Figure:
    """A published mean score.

    Args:
        benchmark: Name of a benchmark of the basis.
        score: Mean score in [0, 1].
        noise: How far the mean on our prompts may lie from it (other prompts, other wording), one standard deviation.
    """

    benchmark: str
    score: float
    noise: float


def benchmark_of(source: str, task: str) -> list[str]:
    """Every benchmark that prompts of a task stand for.

    >>> benchmark_of("mmlu-pro", "law")
    ['MMLU-Pro', 'MMLU-Pro law']
    """
    place = f"{source}/{task}"
    found = [name for name, starts in WHOLE.items() if _belongs(place, starts)]
    return [*found, f"MMLU-Pro {task}"] if source == SUBJECTS_OF else found


def _belongs(place: str, starts: tuple[str, ...]) -> bool:
    """A start that ends in "/" or "_" takes everything below it; any other stands for one task."""
    return any(place.startswith(start) if start[-1] in "/_" else place == start for start in starts)


def some_of(
    rows: "np.ndarray[tuple[int], np.dtype[np.int64]]", most: int
) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """At most this many of the rows, evenly spread and in order."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
