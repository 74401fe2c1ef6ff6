"""Uploads of a person: one at a time, as it came and as a plain table."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from routing.errors import DataError
from routing.workshop import children
from routing.workshop.bounds import MOST_UPLOAD_MB
from routing.workshop.checking import Checked, Problem
from routing.workshop.places import UPLOAD, home, remove

KINDS: Final = ("csv", "jsonl", "parquet")
RAW_FILE: Final = "raw"
TABLE_FILE: Final = "table.parquet"
HEAD_FILE: Final = "head.parquet"
HEAD_ROWS: Final = 500
PROMPTS_FILE: Final = "prompts.parquet"
OUTCOMES_FILE: Final = "outcomes.parquet"
CHECKED_FILE: Final = "checked.json"
ABOUT_FILE: Final = "about.json"
LIGHT: Final = ["prompt_id", "source", "group", "split"]  # what counting needs, without the texts


@dataclass(frozen=True, slots=True)
class Upload:
    """What was uploaded; its cells stay on disk until they are asked for.

    Args:
        name: The file's name, for people; never part of a path.
        kind: csv, jsonl or parquet.
        stamp: Changes with every upload.
        n_rows: Rows below the header.
        columns: Names of its columns.
        place: Where it lies.
    """

    name: str
    kind: str
    stamp: int
    n_rows: int
    columns: tuple[str, ...]
    place: Path

    @property
    def first_row(self) -> int:
        """Number of the first row of the table in the file."""
        return 2 if self.kind == "csv" else 1

    def head(self, count: int = 500) -> pd.DataFrame:
        """The first rows, cells as text."""
        return pd.read_parquet(self.place / HEAD_FILE).astype(object).head(count)

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """All rows of some columns, or of all, cells as text."""
        wanted = None if columns is None else list(columns)
        return pd.read_parquet(self.place / TABLE_FILE, columns=wanted).astype(object)


def keep(owner: str, name: str, content: bytes) -> Upload:
    """Read an uploaded file in a bounded process and keep it in the place of an earlier one.

    Raises:
        DataError: It is too large or cannot be read; the message says why.
    """
    kind = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    if kind not in KINDS:
        raise DataError(
            f"{name[:60]!r} is no CSV, JSONL or Parquet file. Upload one that ends in .csv, .jsonl or .parquet."
        )
    if len(content) > MOST_UPLOAD_MB * 1e6:
        raise DataError(f"The file has {len(content) / 1e6:,.0f} MB; at most {MOST_UPLOAD_MB} MB are read.")
    place = home(owner) / UPLOAD
    forget(owner)
    place.mkdir(parents=True)
    (place / RAW_FILE).write_bytes(content)
    (place / ABOUT_FILE).write_text(json.dumps({"name": name[:120], "kind": kind}), encoding="utf-8")
    try:
        children.run("read", place)
    except DataError:
        forget(owner)
        raise
    (place / RAW_FILE).unlink()
    found = load(owner)
    if found is None:
        raise DataError("The upload is gone: another tab of yours replaced it. Upload the file again.")
    return found


def unpack(place: Path) -> None:
    """In the bounded process: the raw file to a table of text."""
    from routing.workshop.reading import read_table

    about = json.loads((place / ABOUT_FILE).read_text(encoding="utf-8"))
    table = read_table(place / RAW_FILE, about["kind"])
    table.to_parquet(place / TABLE_FILE, compression="zstd")
    table.head(HEAD_ROWS).to_parquet(place / HEAD_FILE)
    about |= {"n_rows": len(table), "columns": list(table.columns)}
    (place / ABOUT_FILE).write_text(json.dumps(about), encoding="utf-8")


def load(owner: str) -> Upload | None:
    """The upload that is kept; None where there is none."""
    place = home(owner) / UPLOAD
    try:
        about = json.loads((place / ABOUT_FILE).read_text(encoding="utf-8"))
        stamp = (place / TABLE_FILE).stat().st_mtime_ns
        return Upload(about["name"], about["kind"], stamp, about["n_rows"], tuple(about["columns"]), place)
    except (OSError, ValueError, KeyError):
        return None


def keep_checked(owner: str, checked: Checked) -> None:
    """Keep what an upload came to beside it."""
    place = home(owner) / UPLOAD
    checked.prompts.to_parquet(place / PROMPTS_FILE)
    checked.outcomes.to_parquet(place / OUTCOMES_FILE)
    said = {
        "problems": [asdict(problem) for problem in checked.problems],
        "n_bad": checked.n_bad,
        "stops": checked.stops,
        "notes": checked.notes,
    }
    (place / CHECKED_FILE).write_text(json.dumps(said), encoding="utf-8")


def load_checked(owner: str, *, with_text: bool = False) -> Checked | None:
    """What the upload came to when it was last checked, without the texts of prompts unless wanted; None if never."""
    place = home(owner) / UPLOAD
    try:
        said = json.loads((place / CHECKED_FILE).read_text(encoding="utf-8"))
        prompts = pd.read_parquet(place / PROMPTS_FILE, columns=None if with_text else LIGHT)
        outcomes = pd.read_parquet(place / OUTCOMES_FILE)
    except (OSError, ValueError):
        return None
    problems = tuple(Problem(**problem) for problem in said["problems"])
    return Checked(prompts, outcomes, problems, said["n_bad"], tuple(said["stops"]), tuple(said["notes"]))


def forget_checked(owner: str) -> None:
    """The columns mean something else now: what was checked counts no more."""
    (home(owner) / UPLOAD / CHECKED_FILE).unlink(missing_ok=True)


def forget(owner: str) -> None:
    """Delete the upload."""
    remove(home(owner) / UPLOAD)
