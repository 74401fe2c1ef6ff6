"""Measured outcomes: reading the two tables, checking them before anything is trained or judged, splitting.

A *measurement* is one (source, expert) pair: the same expert under another source's prompting style is another
measurement, so the two are never pooled without saying so.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routing.errors import DataError
from routing.schema import Floats

PROMPT_COLUMNS: Final = ("prompt_id", "text")
OUTCOME_COLUMNS: Final = ("prompt_id", "expert", "score")
OPTIONAL_TEXT: Final = ("source", "task", "domain", "licence")
OPTIONAL_NUMBERS: Final = ("input_tokens", "output_tokens", "output_chars", "latency_s", "cost_usd", "reading_ease")
UNSTATED: Final = "unstated"
SPLITS: Final = ("train", "validation", "test")
SMALL: Final = 2000  # prompts below which more of them are held out
CHARS_PER_TOKEN: Final = 4.0  # the data's README: about four characters make a token


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Two checked tables.

    Args:
        prompts: One row a prompt, index 0..n-1: prompt_id, text, source, task, domain, licence, split, group.
            An absent text column is filled with "unstated"; an absent group with the prompt's own id, or with one for
            all prompts that are ``alike`` where splits are not stated either.
        cells: One row an outcome: prompt (row of ``prompts``), expert, kind, score in [0, 1] and the optional
            numbers, NaN where not measured. ``output_tokens`` is filled from output_chars / 4.
        has_split: Whether the data states splits; if not, every prompt's split is "unstated".
    """

    prompts: pd.DataFrame
    cells: pd.DataFrame
    has_split: bool

    def rows(self, split: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Rows of the prompts in a split; "all" is every prompt, as is any split where none is stated.

        Raises:
            DataError: No prompt is in that split.
        """
        if split == "all" or not self.has_split:
            return np.arange(len(self.prompts), dtype=np.int64)
        found = np.flatnonzero((self.prompts["split"] == split).to_numpy()).astype(np.int64)
        if not len(found):
            known = ", ".join([*sorted(self.prompts["split"].unique()), "all"])
            raise DataError(f"No prompt is in the split {split!r}; the data has {known}: choose one of these.")
        return found

    def matrix(self, column: str, experts: Sequence[str]) -> Floats:
        """One number per prompt and expert, shape (n_prompts, n_experts), NaN where not measured."""
        place = {name: i for i, name in enumerate(experts)}
        cells = self.cells[self.cells["expert"].isin(place)]
        values = np.full((len(self.prompts), len(place)), np.nan)
        values[cells["prompt"].to_numpy(), cells["expert"].map(place).to_numpy(dtype=np.int64)] = cells[column]
        return values


def read(data: Path, *, extra: Path | None = None) -> Outcomes:
    """Read and check ``prompts.parquet`` and ``outcomes.parquet`` of a folder.

    Args:
        data: Folder with the two tables.
        extra: More outcomes on the same prompts, .parquet or .csv; None or a file that is not there adds none.

    Raises:
        DataError: A table or column is missing, a score is outside [0, 1], an outcome names no known prompt or
            no expert, an outcome is given twice, or a group straddles a split.
    """
    prompts, has_split = _prompts(_table(data / "prompts.parquet", PROMPT_COLUMNS))
    tables = [_table(data / "outcomes.parquet", OUTCOME_COLUMNS)]
    if extra is not None and extra.exists():
        tables.append(_table(extra, OUTCOME_COLUMNS))
    cells = pd.concat([_cells(table, prompts["prompt_id"]) for table in tables], ignore_index=True)
    twice = cells.duplicated(["prompt", "expert"])
    if twice.any():
        row = cells[twice].iloc[0]
        name = prompts["prompt_id"].iloc[int(row["prompt"])]
        raise DataError(f"Prompt {name!r} has two outcomes of expert {row['expert']!r}; keep one of them.")
    return Outcomes(prompts, cells, has_split)


def read_pools(data: Path) -> dict[str, tuple[str, ...]]:
    """Named pools of ``pools.json`` in a folder; none when there is no such file.

    Raises:
        DataError: The file is not a JSON object of lists of names.
    """
    path = data / "pools.json"
    if not path.exists():
        return {}
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): tuple(dict.fromkeys(map(str, experts))) for name, experts in raw.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise DataError(f"{path.name} must be a JSON object of lists of expert names: {error}.") from error


def experts_of(path: Path | None) -> tuple[str, ...]:
    """Names of the experts in one table of outcomes, sorted; none where there is no file.

    Raises:
        DataError: The table cannot be read or lacks a column.
    """
    if path is None or not path.exists():
        return ()
    return tuple(sorted(_table(path, OUTCOME_COLUMNS)["expert"].dropna().astype(str).unique()))


def is_about(extra: Path, data: Path) -> bool:
    """Whether every outcome of one more table is on a prompt of the data.

    Raises:
        DataError: A table is missing or cannot be read.
    """
    known = _table(data / "prompts.parquet", PROMPT_COLUMNS)["prompt_id"].astype(str)
    return bool(_table(extra, OUTCOME_COLUMNS)["prompt_id"].astype(str).isin(set(known)).all())


def measured_together(outcomes: Outcomes, experts: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Rows of the prompts on which every one of these experts was scored.

    Raises:
        DataError: An expert has no outcome at all.
    """
    known = set(outcomes.cells["expert"].unique())
    unknown = [name for name in experts if name not in known]
    if unknown:
        raise DataError(f"No outcome names the expert {unknown[0]!r}; the data has {_some(known)}.")
    scores = outcomes.matrix("score", experts)
    return np.flatnonzero(~np.isnan(scores).any(axis=1)).astype(np.int64)


def assign_splits(outcomes: Outcomes) -> Outcomes:
    """State splits where the data states none: eight in ten groups train, one validates, one tests, by hash.

    Of fewer than 2,000 prompts two in ten validate and two test, since a tenth of few says little.
    """
    if outcomes.has_split:
        return outcomes
    split = splits_of(outcomes.prompts["group"])
    return Outcomes(outcomes.prompts.assign(split=split), outcomes.cells, has_split=True)


def splits_of(groups: Iterable[str]) -> NDArray[np.object_]:
    """The split of every prompt by its group, shape (n_prompts,): the same for the same groups on every machine."""
    digits = [blake2b(str(g).encode(), digest_size=4).digest() for g in groups]
    tenth = np.array([int.from_bytes(d, "big") % 10 for d in digits])
    held_out = 2 if len(digits) < SMALL else 1
    names = np.where(tenth < 10 - 2 * held_out, "train", np.where(tenth < 10 - held_out, "validation", "test"))
    return names.astype(object)


def alike(text: str) -> str:
    """A group for prompts that differ only in letter case, spaces and punctuation at the end."""
    plain = " ".join(text.split()).casefold().rstrip(" .!?:;")
    return blake2b(plain.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _table(path: Path, needed: Sequence[str]) -> pd.DataFrame:
    if not path.exists():
        raise DataError(f"There is no {path.name} in {path.parent}; give a folder that holds it.")
    try:
        table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise DataError(f"{path.name} cannot be read as a table ({error}); write it again.") from error
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise DataError(
            f"{path.name} has no column {missing[0]!r}; it needs {', '.join(needed)}, and has "
            f"{', '.join(table.columns)}."
        )
    if table.empty:
        raise DataError(f"{path.name} has no rows; give at least one.")
    return table


def _prompts(table: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    ids = table["prompt_id"].astype(str)
    if not ids.is_unique:
        raise DataError(f"prompts.parquet has prompt_id {ids[ids.duplicated()].iloc[0]!r} twice; ids must be unique.")
    if table["text"].isna().any():
        raise DataError(f"Prompt {ids[table['text'].isna()].iloc[0]!r} has no text; give it one or leave it out.")
    kept = pd.DataFrame({"prompt_id": ids, "text": table["text"].astype(str)})
    for name in (*OPTIONAL_TEXT, "split"):
        kept[name] = table[name].fillna(UNSTATED).astype(str) if name in table else UNSTATED
    has_split = "split" in table
    usual = ids if has_split else kept["text"].map(alike)
    kept["group"] = table["group"].fillna(usual).astype(str) if "group" in table else usual
    straddling = kept.groupby("group")["split"].nunique() > 1
    if straddling.any():
        group = straddling.index[straddling.to_numpy()][0]
        seen = ", ".join(sorted(kept.loc[kept["group"] == group, "split"].unique()))
        raise DataError(f"Group {group!r} straddles the splits {seen}; put all its prompts into one of them.")
    return kept.reset_index(drop=True), has_split


def _cells(table: pd.DataFrame, prompt_ids: "pd.Series[str]") -> pd.DataFrame:
    place = pd.Series(np.arange(len(prompt_ids)), index=prompt_ids)
    row = place.reindex(table["prompt_id"].astype(str))
    if row.isna().any():
        unknown = str(row.index[row.isna().to_numpy()][0])
        raise DataError(f"An outcome names the prompt {unknown!r}, which prompts.parquet does not have; add it there.")
    name = table["expert"]
    if name.isna().any() or (name.astype(str).str.strip() == "").any():
        raise DataError("An outcome names no expert; every row of outcomes needs one.")
    score = pd.to_numeric(table["score"], errors="coerce")
    bad = ~((score >= 0) & (score <= 1)).to_numpy()
    if bad.any():
        where = table.loc[bad].iloc[0]
        raise DataError(
            f"The score of expert {where['expert']!r} on prompt {where['prompt_id']!r} is {where['score']!r}; "
            "scores must be numbers from 0 to 1: rescale or remove it."
        )
    cells = pd.DataFrame({"prompt": row.to_numpy(dtype=np.int64), "expert": name.astype(str).to_numpy()})
    cells["kind"] = table["kind"].fillna("chat").to_numpy() if "kind" in table else "chat"
    cells["score"] = score.to_numpy()
    for column in OPTIONAL_NUMBERS:
        given = pd.to_numeric(table[column], errors="coerce") if column in table else pd.Series(np.nan, table.index)
        cells[column] = given.to_numpy(dtype=float)
    cells["output_tokens"] = cells["output_tokens"].fillna(cells["output_chars"] / CHARS_PER_TOKEN)
    return cells


def _some(names: set[str], most: int = 8) -> str:
    listed = sorted(names)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")
