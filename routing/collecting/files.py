"""Files of collecting: a person's own prompts with their checks in, and the two tables that training reads out."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from routing.checks import KINDS, Check, is_right
from routing.collecting.tasks import Task
from routing.errors import DataError, PreferenceError
from routing.store.outcomes import Collected

LONGEST_PROMPT: Final = 100_000  # characters
MOST_PROMPTS: Final = 100_000
CARRIED: Final = ("source", "task", "domain", "licence", "group", "split")
NUMBERS: Final = ("score", "input_tokens", "output_tokens", "latency_s", "cost_usd", "reading_ease")


@dataclass(frozen=True)
class OwnPrompts:
    """Prompts to ask, as read from a file.

    Args:
        table: prompt_id, text and what else training can use, one row a prompt.
        tasks: The same prompts with their checks, in the same order.
        digest: Names prompts and checks together; a job is resumed only on the same.
        notes: What was left out or replaced while the file was read, in sentences.
    """

    table: pd.DataFrame
    tasks: tuple[Task, ...]
    digest: str
    notes: tuple[str, ...] = ()

    @property
    def n_unchecked(self) -> int:
        """Prompts that only a judge can score."""
        return sum(task.grade is None for task in self.tasks)

    @property
    def n_run(self) -> int:
        """Prompts whose check runs code that the expert writes."""
        return sum(task.runs_code for task in self.tasks)


def read_prompts(path: Path) -> OwnPrompts:
    """Read prompts from CSV, JSONL or Parquet.

    Columns: ``prompt`` (or ``text``); optional ``prompt_id``, ``check`` (a kind of check), ``expected`` (what the check
    expects, as JSON for words, json and code; without a check, a right answer for the judge), and source, task, domain,
    licence, group and split as training reads them.

    Raises:
        DataError: The file or a row of it cannot be used; the message names row and column.
    """
    from routing.workshop.reading import read_table
    from routing.workshop.uploads import kind_of

    kind = kind_of(path.name)
    if not path.is_file():
        raise DataError(f"There is no {path.name} in {path.parent}. Give the file that holds the prompts.")
    sheet = read_table(path, kind)
    raw = sheet.frame
    column = next((name for name in ("prompt", "text") if name in raw.columns), None)
    if column is None:
        raise DataError(f"{path.name} has no column 'prompt'; it has {', '.join(raw.columns)[:200]}. Rename one.")
    if len(raw) > MOST_PROMPTS:
        raise DataError(f"{path.name} has {len(raw):,} prompts; at most {MOST_PROMPTS:,} are asked. Take a sample.")
    numbers = [int(at) + sheet.first_row for at in raw.index]
    rows = [_row(row, column, number) for number, row in zip(numbers, raw.to_dict("records"), strict=True)]
    table = pd.DataFrame([row for row, _ in rows])
    twice = table["prompt_id"].duplicated()
    if twice.any():
        place = int(twice.to_numpy().argmax())
        name = table["prompt_id"][place]
        raise DataError(f"Row {numbers[place]}: prompt_id {name!r} is there already; ids are unique.")
    tasks = tuple(task for _, task in rows)
    digest = hashlib.sha256(raw.to_csv(index=False).encode()).hexdigest()[:16]
    return OwnPrompts(table, tasks, digest, sheet.notes)


def _row(row: dict[Any, str], column: str, number: int) -> tuple[dict[str, str], Task]:
    text = row[column]
    if not text.strip():
        raise DataError(f"Row {number}: {column} is empty. Write a prompt, or remove the row.")
    if len(text) > LONGEST_PROMPT:
        raise DataError(f"Row {number}: the prompt has {len(text):,} characters; at most {LONGEST_PROMPT:,} are asked.")
    name = row.get("prompt_id", "").strip() or "own/" + hashlib.sha256(text.encode()).hexdigest()[:16]
    kept = {"prompt_id": name, "text": text, "source": "own"}
    kept |= {field: row[field] for field in CARRIED if row.get(field, "").strip()}
    check = _check(row, number, text)
    if check is None:
        return kept, Task(name, text, None, row.get("expected", "").strip())
    return kept, Task(name, text, lambda answer: float(is_right(check, text, answer)), runs_code=check.runs_code)


def _check(row: dict[Any, str], number: int, prompt: str) -> Check | None:
    kind, expected = row.get("check", "").strip(), row.get("expected", "")
    if not kind:
        return None
    try:
        check = Check(kind, _value(kind, expected))
        is_right(check, prompt, "nothing")  # what cannot be used is said before anything is paid
    except (PreferenceError, DataError) as problem:
        raise DataError(f"Row {number}, check: {problem}") from problem
    return check


def _value(kind: str, expected: str) -> Any:  # noqa: ANN401 - JSON is anything
    text = expected.strip()
    if kind not in KINDS or not (kind in {"json", "code"} or text[:1] in "{["):
        return text
    if kind in {"choice", "regex"}:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        if kind in {"json", "code"}:
            raise DataError(f"expected is {text[:60]!r}, which is not JSON; {kind} needs JSON there.") from None
        return text


def export(folder: Path, prompts: OwnPrompts, outcomes: Sequence[Collected]) -> tuple[int, int]:
    """Write ``prompts.parquet`` and ``outcomes.parquet``, each whole, and say how many rows each has.

    Only scored outcomes and prompts that have one are written: a call that failed is no score of 0.

    Raises:
        DataError: No outcome has a score, or the folder cannot be written to.
    """
    known = set(prompts.table["prompt_id"])
    scored = [o for o in outcomes if o.score is not None and o.prompt_id in known]
    if not scored:
        raise DataError("No prompt has a score yet, so no table is written. See why with: python -m routing answer")
    columns = ["prompt_id", "expert", *NUMBERS]
    cells = pd.DataFrame([{name: asdict(o)[name] for name in columns} for o in scored], columns=columns)
    cells[list(NUMBERS)] = cells[list(NUMBERS)].astype(float)
    asked = prompts.table[prompts.table["prompt_id"].isin(set(cells["prompt_id"]))]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in (("prompts.parquet", asked), ("outcomes.parquet", cells)):
            part = folder / f"{name}.part"
            table.to_parquet(part, index=False)
            part.replace(folder / name)
    except OSError as problem:
        raise DataError(f"{folder} cannot be written to ({problem.strerror}). Choose another folder.") from problem
    return len(asked), len(cells)
