"""Which column of a table means what: guessed from names, confirmed by a person; and what scale scores are on."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routing.schema import Floats

NUMBERS: Final = ("input_tokens", "output_tokens", "latency_s", "cost_usd")
TEXTS: Final = ("task", "source", "domain", "group", "split")
OPTIONAL: Final = (*TEXTS, *NUMBERS)
_NAMES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "prompt": frozenset(
            ("prompt", "text", "question", "input", "query", "instruction", "request", "message", "problem")
        ),
        "expert": frozenset(("expert", "model", "llm", "model_name", "engine", "deployment", "assistant", "model_id")),
        "score": frozenset(
            (
                "score",
                "correct",
                "is_correct",
                "outcome",
                "rating",
                "grade",
                "passed",
                "accuracy",
                "reward",
                "stars",
                "quality",
                "success",
            )
        ),
        "task": frozenset(["task", "dataset", "benchmark", "task_name"]),
        "source": frozenset(["source", "origin", "app", "application"]),
        "domain": frozenset(["domain", "category", "topic", "subject"]),
        "group": frozenset(["group", "group_id", "conversation", "conversation_id", "session_id"]),
        "split": frozenset(["split", "fold", "partition"]),
        "input_tokens": frozenset(["input_tokens", "prompt_tokens", "tokens_in"]),
        "output_tokens": frozenset(["output_tokens", "completion_tokens", "tokens_out"]),
        "latency_s": frozenset(["latency_s", "latency", "seconds", "duration", "duration_s", "response_time"]),
        "cost_usd": frozenset(["cost_usd", "cost", "usd", "spend", "price_usd"]),
    }
)
WORDS: Final[Mapping[str, float]] = MappingProxyType(
    {**dict.fromkeys(("true", "yes", "pass", "passed", "correct", "good"), 1.0)}
    | dict.fromkeys(("false", "no", "fail", "failed", "incorrect", "wrong", "bad"), 0.0)
)
MISSING: Final = ("", "nan", "na", "n/a", "null", "none")  # as pandas, R, SQL and spreadsheets write it
STARS: Final = "1 to 5 stars"
WORDED: Final = "yes or no"
MOSTLY: Final = 0.98  # of the scores must fit a scale that is proposed: a slip in one row does not hide it
SCALES: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "0 to 1": (0.0, 1.0),
        STARS: (1.0, 5.0),
        "0 to 10": (0.0, 10.0),
        "0 to 100": (0.0, 100.0),
        WORDED: (0.0, 1.0),
    }
)
"""What a score may run from and to."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a table mean.

    Args:
        prompt: Column of prompts.
        expert: Column of names of experts; "" where every expert has a column of its own.
        score: Column of scores; "" likewise.
        wide: Columns of scores, one an expert, named after it; empty where there is a column of experts.
        optional: Columns of ``OPTIONAL`` by what they mean.
        scale: Name of the scale of scores, of ``SCALES``.
    """

    prompt: str = ""
    expert: str = ""
    score: str = ""
    wide: tuple[str, ...] = ()
    optional: Mapping[str, str] = field(default_factory=dict)
    scale: str = ""

    @property
    def score_columns(self) -> tuple[str, ...]:
        """Columns that hold scores."""
        return self.wide or ((self.score,) if self.score else ())

    @property
    def used(self) -> tuple[str, ...]:
        """Every column that means something."""
        named = (self.prompt, self.expert, *self.score_columns, *self.optional.values())
        return tuple(name for name in named if name)


def guess(table: pd.DataFrame) -> Columns:
    """What the columns seem to mean; "" where nothing fits. Nothing is applied before a person confirms it."""
    found: dict[str, str] = {}
    for meaning, names in _NAMES.items():
        close = [name for name in table.columns if _key(name) in names and name not in found.values()]
        if close:
            found[meaning] = close[0]
    optional: dict[str, str] = {name: found[name] for name in OPTIONAL if name in found}
    wide: tuple[str, ...] = ()
    if "expert" not in found:
        taken = {found.get("prompt"), *optional.values()}
        rest = [str(name) for name in table.columns if name not in taken]
        wide = tuple(name for name in rest if _is_score(table[name]))
    is_wide = len(wide) > 1
    return Columns(
        prompt=found.get("prompt", ""),
        expert="" if is_wide else found.get("expert", ""),
        score="" if is_wide else found.get("score", ""),
        wide=wide if is_wide else (),
        optional=optional,
    )


def _key(name: object) -> str:
    return re.sub(r"[^a-z0-9]+", "_", str(name).strip().lower()).strip("_")


def _is_score(values: "pd.Series[str]") -> bool:
    """Whether a column looks like scores: some values, all of them numbers or words for yes and no."""
    seen = values[is_given(values)].head(500)
    return len(seen) > 0 and bool(np.isfinite(as_numbers(seen)).all())


def is_given(values: "pd.Series[str]") -> NDArray[np.bool_]:
    """Which cells hold a value at all, shape (n_rows,)."""
    return np.asarray(~values.str.strip().str.lower().isin(MISSING))


def as_numbers(values: "pd.Series[str]") -> Floats:
    """Numbers, and words for yes and no as 1 and 0; NaN for anything else, shape (n_rows,)."""
    text = values.str.strip().str.lower()
    numbers = pd.to_numeric(text, errors="coerce")
    return np.asarray(numbers.where(numbers.notna(), text.map(WORDS)).to_numpy(dtype=float))


def likely_scale(columns: Iterable["pd.Series[str]"]) -> str:
    """The scale that nearly all scores of some columns fit, read one by one; "" where they fit none.

    >>> likely_scale([pd.Series(["1", "5", "4"])])
    '1 to 5 stars'
    """
    is_worded, parts = True, []
    for values in columns:
        seen = values[is_given(values)]
        is_worded = is_worded and bool(seen.str.strip().str.lower().isin(list(WORDS)).all())
        parts.append(as_numbers(seen))
    numbers = np.concatenate(parts) if parts else np.zeros(0)
    if is_worded:
        return WORDED if len(numbers) else ""
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return ""
    is_whole = bool((known == np.round(known)).mean() >= MOSTLY)
    for name, (low, high) in SCALES.items():
        fits = float(((known >= low) & (known <= high)).mean())
        if fits >= MOSTLY and (is_whole or name != STARS) and name != WORDED:
            return name
    return ""
