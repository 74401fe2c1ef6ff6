"""An uploaded table, its columns known, to the two tables of training; every refusal names row and column."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routing.outcomes import alike, splits_of
from routing.own.checks import is_plain
from routing.schema import Floats
from routing.workshop.bounds import MOST_CHARS
from routing.workshop.columns import NUMBERS, SCALES, TEXTS, Columns, as_numbers, is_given
from routing.workshop.naming import UNNAMED, names_of, renamed
from routing.workshop.stops import stops_of

SPLITS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "eval", "holdout", "held-out"), "test"),
}
MOST_NAMED: Final = 20  # problems that are listed
LONGEST_LABEL: Final = 80  # characters of a source, task or domain
TOKENS_LARGEST: Final = 1e9


@dataclass(frozen=True, slots=True)
class Problem:
    """A cell that cannot be used: its row as the file counts them, its column, and what is wrong."""

    row: int
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What an upload comes to.

    Args:
        prompts: prompt_id, text, source, task, domain, group and split; one row a prompt.
        outcomes: prompt_id, expert, score and the optional numbers; one row an outcome.
        problems: The first cells that cannot be used.
        n_bad: Rows that lack what is needed because of one; they are left out of the two tables.
        stops: What is wrong with the table as a whole; nothing can be trained while there is any.
        notes: What was done to the data that a person should know.
    """

    prompts: pd.DataFrame
    outcomes: pd.DataFrame
    problems: tuple[Problem, ...]
    n_bad: int
    stops: tuple[str, ...]
    notes: tuple[str, ...]

    def of(self, experts: frozenset[str]) -> "Checked":
        """The same with some of the experts only, and the prompts that they answered."""
        outcomes = self.outcomes[self.outcomes["expert"].isin(experts)]
        prompts = self.prompts[self.prompts["prompt_id"].isin(set(outcomes["prompt_id"]))]
        stops = self.stops or tuple(stops_of(prompts, outcomes, None))
        return Checked(prompts, outcomes, self.problems, self.n_bad, stops, self.notes)


def check(table: pd.DataFrame, columns: Columns, *, first_row: int) -> Checked:
    """Read an uploaded table.

    Args:
        table: As ``reading.read_table`` gives it; its index numbers the rows from 0.
        columns: What its columns mean, its scale among it.
        first_row: Number of row 0 in the file: 2 below the header of a CSV, else 1.

    A cell of an optional column that cannot be read costs that cell, one of a needed column its row.
    """
    rows = table.index.to_numpy(dtype=np.int64) + first_row
    table = table.reset_index(drop=True)
    problems: list[Problem] = []
    text = table[columns.prompt].astype(str)
    bad = _bad_prompts(text, columns.prompt, rows, problems)
    labels = _labels(table, columns, rows, problems, bad)
    long, n_empty, names, unread = _outcomes(table, columns, rows, problems, bad)
    keys = pd.Series([_digest(*parts) for parts in zip(text, labels["source"], labels["task"], strict=True)])
    kept = long[~bad[long["row"].to_numpy(dtype=np.int64)]]
    kept = kept.assign(prompt_id=keys.to_numpy()[kept["row"].to_numpy(dtype=np.int64)])
    outcomes = kept.drop(columns="row").groupby(["prompt_id", "expert"], as_index=False, sort=False).mean()
    prompts = pd.DataFrame({"prompt_id": keys, "text": text.str.strip(), **labels})[~bad]
    crossing = int((prompts.groupby("group")["split"].nunique() > 1).sum())
    prompts = prompts.drop_duplicates("prompt_id")
    prompts = prompts[prompts["prompt_id"].isin(set(outcomes["prompt_id"]))].reset_index(drop=True)
    stated = "split" in columns.optional
    prompts["split"] = prompts["split"] if stated else splits_of(prompts["group"])
    repeats = len(kept) - len(outcomes)
    notes = [f"{repeats:,} outcomes repeat an expert on the same prompt; their mean counts."] if repeats else []
    if n_empty:
        notes.append(f"{n_empty:,} cells without a score are no outcomes.")
    notes += [
        f"{count:,} cells of {column} are no number of at least 0 and count as unknown."
        for column, count in unread.items()
    ]
    if note := renamed(names):
        notes.append(note)
    unnamed = [f"The column {one[:40]!r} {UNNAMED}." for one in columns.wide if not names[one]]
    stops = (*unnamed, *stops_of(prompts, outcomes, crossing if stated else None))
    listed = tuple(sorted(problems, key=lambda one: one.row)[:MOST_NAMED])
    return Checked(prompts, outcomes, listed, int(bad.sum()), stops, tuple(notes))


def _plain(label: str) -> str:
    """A label without characters that a page would read as markup."""
    return "".join(char if is_plain(char) else " " for char in label).strip()


def _digest(*parts: object) -> str:
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).hexdigest()


def _bad_prompts(
    text: "pd.Series[str]", column: str, rows: NDArray[np.int64], problems: list[Problem]
) -> NDArray[np.bool_]:
    length = text.str.strip().str.len().to_numpy(dtype=np.int64)
    empty, long = length == 0, length > MOST_CHARS
    _note(problems, rows, empty, column, lambda i: "is empty; a prompt is needed.")
    _note(problems, rows, long, column, lambda i: f"has {length[i]:,} characters; at most {MOST_CHARS:,} are read.")
    return np.asarray(empty | long)


def _labels(
    table: pd.DataFrame,
    columns: Columns,
    rows: NDArray[np.int64],
    problems: list[Problem],
    bad: NDArray[np.bool_],
) -> dict[str, "pd.Series[str]"]:
    """Source, task, domain, group and split of every row; ``bad`` is extended in place."""
    found = {}
    for name in TEXTS:
        column = columns.optional.get(name)
        given = table[column].astype(str).str.strip() if column else pd.Series("", index=table.index)
        if name == "group":
            given = given.where(given != "", table[columns.prompt].map(alike))
        elif name == "split" and column:
            read = given.str.lower().map(SPLITS).fillna("")
            _mark(problems, bad, rows, (read == "").to_numpy(), column, given, "is no split: train, validation or test")
            given = read
        elif column:
            given = given.map(_plain)
            is_long = given.str.len() > LONGEST_LABEL
            said = f"is longer than {LONGEST_LABEL} characters, so it counts as unstated"
            _mark(problems, None, rows, is_long.to_numpy(), column, given.str[:20], said)
            given = given.where(~is_long, "")
        found[name] = given if name in {"group", "split"} else given.where(given != "", "unstated")
    return found


def _outcomes(
    table: pd.DataFrame, columns: Columns, rows: NDArray[np.int64], problems: list[Problem], bad: NDArray[np.bool_]
) -> tuple[pd.DataFrame, int, dict[str, str], dict[str, int]]:
    """One row an outcome, with the row of the table; how many cells of a wide table are empty; names; cells unread."""
    unread: dict[str, int] = {}

    def number(column: str) -> Floats:
        found, count = _number(table[column], column, rows, problems)
        if count:
            unread[column] = count
        return found

    numbers = {name: number(columns.optional[name]) for name in NUMBERS if name in columns.optional}
    if not columns.wide:
        said = table[columns.expert].astype(str).str.strip()
        names = names_of(said.unique())
        expert = said.map(names)
        _mark(problems, bad, rows, (expert == "").to_numpy(), columns.expert, said, UNNAMED)
        score = _score(table[columns.score], columns, columns.score, rows, problems, bad)
        long = pd.DataFrame({"row": np.arange(len(table)), "expert": expert, "score": score, **numbers})
        return long, 0, names, unread
    names, parts, empty = names_of(columns.wide), [], 0
    for column in columns.wide:
        given = is_given(table[column])
        empty += int((~given).sum())
        score = _score(table[column], columns, column, rows, problems, None, among=given)
        part = pd.DataFrame({"row": np.arange(len(table)), "expert": names[column], "score": score})
        for meaning in columns.beside:
            beside = columns.beside[meaning].get(column)
            part[meaning] = number(beside) if beside else np.nan
        parts.append(part[given & np.isfinite(score)])
    return pd.concat(parts, ignore_index=True), empty, names, unread


def _score(
    values: "pd.Series[str]",
    columns: Columns,
    column: str,
    rows: NDArray[np.int64],
    problems: list[Problem],
    bad: NDArray[np.bool_] | None,
    *,
    among: NDArray[np.bool_] | None = None,
) -> Floats:
    """Scores from 0 to 1, NaN where there is none; ``bad`` None costs the cell alone, as of a table with many a row."""
    low, high = SCALES[columns.scale]
    read = as_numbers(values)
    fits = np.asarray((read >= low) & (read <= high))
    wrong = ~fits & (True if among is None else among)
    _mark(problems, bad, rows, wrong, column, values, f"is no score on the scale {columns.scale}")
    return np.asarray(np.where(fits, (read - low) / (high - low), np.nan))


def _number(
    values: "pd.Series[str]", column: str, rows: NDArray[np.int64], problems: list[Problem]
) -> tuple[Floats, int]:
    """An optional number and how many of its cells cannot be read: they, like empty ones, are unknown."""
    read, given = as_numbers(values), is_given(values)
    if column.lower().replace(" ", "_").endswith(("_ms", "(ms)")):
        read = read / 1000.0
    fits = (read >= 0) & (read <= TOKENS_LARGEST) & ~values.str.contains("%", regex=False).to_numpy()
    wrong = given & ~fits
    _mark(problems, None, rows, wrong, column, values, "is no number of at least 0, so it counts as unknown")
    return np.asarray(np.where(given & fits, read, np.nan)), int(wrong.sum())


def _mark(
    problems: list[Problem],
    bad: NDArray[np.bool_] | None,
    rows: NDArray[np.int64],
    wrong: NDArray[np.bool_],
    column: str,
    values: "pd.Series[str]",
    what: str,
) -> None:
    """Name the first wrong cells, and leave all their rows out unless ``bad`` is None."""
    _note(problems, rows, wrong, column, lambda i: f"{str(values.iloc[i])[:40]!r} {what}.")
    if bad is not None:
        bad |= wrong


def _note(problems: list[Problem], rows: NDArray[np.int64], wrong: NDArray[np.bool_], column: str, say: Any) -> None:  # noqa: ANN401
    problems += [Problem(int(rows[i]), column, say(i)) for i in np.flatnonzero(wrong)[:MOST_NAMED]]
