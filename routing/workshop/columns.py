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
        "cost_usd": frozenset(["cost_usd", "cost", "usd", "spend", "price_usd", "total_cost", "total_cost_usd"]),
    }
)
# Words in the name of a column that tell what is no expert's score, however numeric its cells are.
_NO_EXPERT: Final = frozenset(
    [
        "cost",
        "costs",
        "price",
        "usd",
        "eur",
        "spend",
        "token",
        "tokens",
        "latency",
        "duration",
        "seconds",
        "sec",
        "ms",
        "time",
        "timestamp",
        "date",
        "created",
        "updated",
        "day",
        "id",
        "ids",
        "idx",
        "index",
        "uuid",
        "turn",
        "turns",
        "round",
        "row",
        "rows",
        "line",
        "number",
        "count",
        "length",
        "chars",
        "words",
        "winner",
        "vote",
        "votes",
        "tie",
        "bothbad",
        "seed",
        "temperature",
        "judge",
        "unnamed",
        "year",
        "month",
        "weight",
        "split",
        "fold",
    ]
)
SMALL_MONEY: Final = 0.02  # no score of a whole column is positive and below it; the cost of an answer is
_MONEY: Final = re.compile(r"us\$|\$|€|£|¥|\busd\b|\beur\b|\bgbp\b|\bdollars?\b", re.IGNORECASE)
# What one of a unit is: seconds, or tokens.
_UNITS: Final[Mapping[str, float]] = MappingProxyType(
    {"": 1.0, "s": 1.0, "sec": 1.0, "secs": 1.0, "seconds": 1.0, "min": 60.0, "%": 1.0, "k": 1000.0}
    | dict.fromkeys(("token", "tokens", "tok"), 1.0)
)
_NUMBER: Final = re.compile(r"([+-]?(?:\d[\d.,]*|[.,]\d+)(?:e[+-]?\d+)?)\s*([a-zµ%]*)")
_DECIMAL_COMMA: Final = re.compile(r"\d,\d{1,2}(?!\d)|(?<!\d)0+,\d|\d,\d{4,}|\.\d{3},\d|(?<!\d),\d")
_DECIMAL_POINT: Final = re.compile(r"\d\.\d{1,2}(?!\d)|(?<!\d)0+\.\d|\d\.\d{4,}|,\d{3}\.\d|(?<!\d)\.\d")
WORDS: Final[Mapping[str, float]] = MappingProxyType(
    {**dict.fromkeys(("true", "yes", "pass", "passed", "correct", "good"), 1.0)}
    | dict.fromkeys(("false", "no", "fail", "failed", "incorrect", "wrong", "bad"), 0.0)
)
# As pandas, R, SQL and spreadsheets write it, and people by hand.
MISSING: Final = ("", "nan", "<na>", "na", "n/a", "#n/a", "n.a.", "null", "none", "nil", "-", "--", "–", "—", "?")
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
        beside: Of a wide table: columns of ``NUMBERS`` by what they mean, each by the expert's column it is beside.
    """

    prompt: str = ""
    expert: str = ""
    score: str = ""
    wide: tuple[str, ...] = ()
    optional: Mapping[str, str] = field(default_factory=dict)
    scale: str = ""
    beside: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def score_columns(self) -> tuple[str, ...]:
        """Columns that hold scores."""
        return self.wide or ((self.score,) if self.score else ())

    @property
    def used(self) -> tuple[str, ...]:
        """Every column that means something."""
        numbers = (column for columns in self.beside.values() for column in columns.values())
        named = (self.prompt, self.expert, *self.score_columns, *self.optional.values(), *numbers)
        return tuple(name for name in named if name)


def guess(table: pd.DataFrame) -> Columns:
    """What the columns seem to mean; "" where nothing fits. Nothing is applied before a person confirms it.

    Args:
        table: Cells as text; some hundred rows suffice.
    """
    found: dict[str, str] = {}
    for meaning, names in _NAMES.items():
        close = [name for name in table.columns if _key(name) in names and name not in found.values()]
        if close:
            found[meaning] = close[0]
    optional: dict[str, str] = {name: found[name] for name in OPTIONAL if name in found}
    wide: tuple[str, ...] = ()
    if "expert" not in found:
        taken = {found.get("prompt"), *optional.values()}
        wide = _wide(table[[name for name in table.columns if name not in taken]])
    is_wide = len(wide) > 1
    return Columns(
        prompt=found.get("prompt", ""),
        expert="" if is_wide else found.get("expert", ""),
        score="" if is_wide else found.get("score", ""),
        wide=wide if is_wide else (),
        optional=optional,
        beside=numbers_beside(table.columns, wide) if is_wide else {},
    )


def _wide(table: pd.DataFrame) -> tuple[str, ...]:
    """Columns that look like scores of an expert each: by their names, by their cells, and all on one scale."""
    by_scale: dict[str, list[str]] = {}
    for name in table.columns:
        if not (_NO_EXPERT & set(_key(name).split("_"))) and _is_score(table[name]):
            by_scale.setdefault(likely_scale([table[name]]), []).append(str(name))
    by_scale.pop("", None)
    low = [name for scale in (WORDED, "0 to 1") for name in by_scale.pop(scale, ())]
    if len(low) >= sum(map(len, by_scale.values())):
        return tuple(str(name) for name in table.columns if name in low)
    # Scores of one scale can look like those of a lower one: an expert that never got more than five of ten points, or
    # nothing but 0 and 1.
    order = list(SCALES)
    higher = max(by_scale.values(), key=len)
    top = max(order.index(scale) for scale, names in by_scale.items() if len(names) > 1 or names == higher)
    chosen = {name for scale, names in by_scale.items() if order.index(scale) <= top for name in names}
    chosen |= {name for name in low if set(as_numbers(table[name][is_given(table[name])])) <= {0.0, 1.0}}
    return tuple(str(name) for name in table.columns if name in chosen)


def numbers_beside(columns: Iterable[str], wide: Iterable[str]) -> dict[str, dict[str, str]]:
    """Costs, tokens and seconds of a wide table, by what they mean and by the expert's column they are named after.

    >>> numbers_beside(["a", "b", "a|total_cost", "b tokens"], ["a", "b"])
    {'cost_usd': {'a': 'a|total_cost'}}
    """
    found: dict[str, dict[str, str]] = {}
    experts = sorted(wide, key=len, reverse=True)
    for column in columns:
        owner = next((one for one in experts if column != one and column.startswith(one)), None)
        if owner is None or column[len(owner)].isalnum():
            continue
        rest = _key(column[len(owner) :])
        meaning = next((name for name in NUMBERS if rest in _NAMES[name]), None)
        if meaning is not None:
            found.setdefault(meaning, {}).setdefault(owner, column)
    return found


def _key(name: object) -> str:
    return re.sub(r"[^a-z0-9]+", "_", str(name).strip().lower()).strip("_")


def _is_score(values: "pd.Series[str]") -> bool:
    """Whether cells look like scores: some values, all numbers or words for yes and no, and no sums of money."""
    seen = values[is_given(values)].head(500)
    if not len(seen) or seen.str.contains(_MONEY).any():
        return False
    numbers = as_numbers(seen)
    if not np.isfinite(numbers).all():
        return False
    return not (0 < float(np.abs(numbers).max()) < SMALL_MONEY)


def is_given(values: "pd.Series[str]") -> NDArray[np.bool_]:
    """Which cells hold a value at all, shape (n_rows,)."""
    return np.asarray(~values.str.strip().str.lower().isin(MISSING))


def as_numbers(values: "pd.Series[str]") -> Floats:
    """Numbers as people write them, and words for yes and no as 1 and 0; NaN for anything else, shape (n_rows,).

    A sum of money, a percent sign and a unit of time are read past (milliseconds come to seconds); signs between
    thousands too. A comma is a decimal point where a cell of the column can mean nothing else and none says otherwise.

    >>> as_numbers(pd.Series(["2,063", "$0.0012", "12 %", "350 ms", "yes", "−3", "abc"])).tolist()
    [2063.0, 0.0012, 12.0, 0.35, 1.0, -3.0, nan]
    >>> as_numbers(pd.Series(["0,5", "1,250"])).tolist()
    [0.5, 1.25]
    """
    text = values.astype(str).str.strip().str.lower()
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(dtype=float, copy=True)
    commas, points = (int(text.str.contains(mark).sum()) for mark in (_DECIMAL_COMMA, _DECIMAL_POINT))
    order = (",", ".") if commas > points else (".", ",")
    is_open = np.isnan(numbers) | (text.str.contains(".", regex=False).to_numpy() if commas > points else False)
    for i in np.flatnonzero(is_open):
        numbers[i] = next((x for x in (_as_number(text.iloc[i], mark) for mark in order) if x == x), np.nan)  # noqa: PLR0124
    return np.asarray(numbers)


def _as_number(cell: str, point: str) -> float:
    if cell in WORDS:
        return WORDS[cell]
    bare = _MONEY.sub("", cell.replace("\u2212", "-")).strip()
    bare = re.sub(r"(?<=\d)[\s\u00a0\u202f\u2009'’_](?=\d{3}(?!\d))", "", bare)
    match = _NUMBER.fullmatch(re.sub(r"^([+-])\s+", r"\1", bare))
    if match is None or match[2] not in {*_UNITS, "ms"}:
        return float("nan")
    other = "," if point == "." else "."
    digits = match[1]
    if other in digits and not re.fullmatch(
        rf"[+-]?\d{{1,3}}(?:{re.escape(other)}\d{{3}})+(?:{re.escape(point)}\d+)?", digits
    ):
        return float("nan")
    try:
        value = float(digits.replace(other, "").replace(point, "."))
    except ValueError:
        return float("nan")
    return value / 1000.0 if match[2] == "ms" else value * _UNITS[match[2]]


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
