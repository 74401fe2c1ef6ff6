"""Uploads of a person: one at a time, as it came and as a plain table."""

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pandas as pd

from routing.errors import DataError
from routing.workshop import children
from routing.workshop.bounds import MOST_UPLOAD_MB
from routing.workshop.checking import Checked, Problem
from routing.workshop.checking import check as check_table
from routing.workshop.columns import Columns
from routing.workshop.places import UPLOAD, home, new_id, remove

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "csv": "csv",
        "tsv": "csv",
        "txt": "csv",
        "jsonl": "jsonl",
        "ndjson": "jsonl",
        "json": "jsonl",
        "parquet": "parquet",
    }
)
"""How a file is read, by how its name ends; spreadsheets call Unicode text .txt."""
MOST_FILES: Final = 2
COMING: Final = ".upload-"
LONGEST_S: Final = 600  # what still comes in after that was cut off with the app
MOST_COMING: Final = 2  # uploads of one person that are read at the same time
RAW_FILE: Final = "raw"
TABLE_FILE: Final = "table.parquet"
HEAD_FILE: Final = "head.parquet"
HEAD_ROWS: Final = 500
PROMPTS_FILE: Final = "prompts.parquet"
OUTCOMES_FILE: Final = "outcomes.parquet"
CHECKED_FILE: Final = "checked.json"
COLUMNS_FILE: Final = "columns.json"
ABOUT_FILE: Final = "about.json"
LIGHT: Final = ["prompt_id", "source", "group", "split"]  # what counting needs, without the texts


@dataclass(frozen=True, slots=True)
class Upload:
    """What was uploaded; its cells stay on disk until they are asked for.

    Args:
        name: Of its file or files, for people; never part of a path.
        stamp: Changes with every upload.
        n_rows: Rows below the header.
        first_row: Number of the first of them in the file.
        columns: Names of its columns.
        place: Where it lies.
        notes: What was left out or replaced while it was read, in sentences.
    """

    name: str
    stamp: int
    n_rows: int
    first_row: int
    columns: tuple[str, ...]
    place: Path
    notes: tuple[str, ...] = ()

    def head(self, count: int = 500) -> pd.DataFrame:
        """The first rows, cells as text."""
        return pd.read_parquet(self.place / HEAD_FILE).astype(object).head(count)

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """All rows of some columns, or of all, cells as text."""
        wanted = None if columns is None else list(columns)
        return pd.read_parquet(self.place / TABLE_FILE, columns=wanted).astype(object)


def keep(owner: str, *files: tuple[str, bytes], tell: children.Tell = children.silent) -> Upload:
    """Read an uploaded table in a bounded process and keep it in the place of an earlier one.

    Args:
        owner: Whose it is.
        files: Name and content of one table, or of two that belong together: prompts, and their outcomes.
        tell: Told while it waits for other uploads; see ``children.run``.

    Raises:
        DataError: It is too large or cannot be read; the message says why.
    """
    if len(files) > MOST_FILES:
        raise DataError(f"{len(files)} files are given; give one table, or one of prompts and one of outcomes.")
    kinds = [kind_of(name) for name, _ in files]
    if (size := sum(len(content) for _, content in files)) > MOST_UPLOAD_MB * 1e6:
        raise DataError(f"The upload has {size / 1e6:,.0f} MB; at most {MOST_UPLOAD_MB} MB are read.")
    # In a folder of its own until it is read: two tabs that upload at once must not delete each other's.
    _check_coming(owner)
    place = home(owner) / f"{COMING}{new_id()}"
    place.mkdir(parents=True)
    try:
        for number, (_, content) in enumerate(files):
            (place / f"{RAW_FILE}{number}").write_bytes(content)
        about = {"names": [name[:120] for name, _ in files], "kinds": kinds}
        (place / ABOUT_FILE).write_text(json.dumps(about), encoding="utf-8")
        children.run("read", place, tell=tell)
        for number in range(len(files)):
            (place / f"{RAW_FILE}{number}").unlink()
        forget(owner)
        with suppress(OSError):  # another tab's upload came in between, and counts
            place.rename(home(owner) / UPLOAD)
    finally:
        remove(place)
    found = load(owner)
    if found is None:
        raise DataError("The upload is gone: another tab of yours replaced it. Upload the file again.")
    return found


def _check_coming(owner: str) -> None:
    """Sweep what a crash left; many tabs at once must not fill the disk."""
    coming = list(home(owner).glob(f"{COMING}*"))
    for one in coming:
        with suppress(OSError):  # just read, and gone
            if one.stat().st_mtime < time.time() - LONGEST_S:
                remove(one)
    if sum(one.exists() for one in coming) >= MOST_COMING:
        raise DataError(f"{MOST_COMING} uploads of yours are being read already. Try again in a minute.")


def coming(owner: str) -> list[str]:
    """Names of the files of this person that are being read now or wait for it, the one that came first first."""
    found = []
    for place in home(owner).glob(f"{COMING}*"):
        with suppress(OSError, ValueError, KeyError):  # just read, and gone
            about = place / ABOUT_FILE
            found.append(
                (about.stat().st_mtime_ns, " and ".join(json.loads(about.read_text(encoding="utf-8"))["names"]))
            )
    return [name for _, name in sorted(found)]


def kind_of(name: str) -> str:
    """How a file is read: as csv, jsonl or parquet.

    Raises:
        DataError: Its name ends in none of ``KINDS``.
    """
    ending = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    if ending not in KINDS:
        raise DataError(
            f"{name[:60]!r} is no CSV, JSONL or Parquet file. Give one whose name ends in {', '.join(KINDS)}."
        )
    return KINDS[ending]


def unpack(place: Path) -> None:
    """In the bounded process: the raw files to one table of text."""
    from routing.workshop.joining import joined
    from routing.workshop.reading import read_table
    from routing.workshop.votes import as_outcomes

    about = json.loads((place / ABOUT_FILE).read_text(encoding="utf-8"))
    sheets = [read_table(place / f"{RAW_FILE}{number}", kind) for number, kind in enumerate(about["kinds"])]
    named = list(zip(about["names"], sheets, strict=True))
    table, of = joined([(name, sheet.frame) for name, sheet in named]) if len(sheets) > 1 else (sheets[0].frame, 0)
    table, votes = as_outcomes(table)
    table.to_parquet(place / TABLE_FILE, compression="zstd", index=True)
    table.head(HEAD_ROWS).to_parquet(place / HEAD_FILE)
    which = [f"{name[:60]}: " if len(sheets) > 1 else "" for name in about["names"]]
    notes = [f"{whose}{note}" for whose, sheet in zip(which, sheets, strict=True) for note in sheet.notes]
    about |= {
        "n_rows": len(table), "columns": list(table.columns), "first_row": sheets[of].first_row,
        "notes": [*notes, *votes],
    }  # fmt: skip
    (place / ABOUT_FILE).write_text(json.dumps(about), encoding="utf-8")


def load(owner: str) -> Upload | None:
    """The upload that is kept; None where there is none."""
    place = home(owner) / UPLOAD
    try:
        about = json.loads((place / ABOUT_FILE).read_text(encoding="utf-8"))
        stamp = (place / TABLE_FILE).stat().st_mtime_ns
        name = " and ".join(about["names"])
        notes = tuple(about.get("notes", ()))
        return Upload(name, stamp, about["n_rows"], about["first_row"], tuple(about["columns"]), place, notes)
    except (OSError, ValueError, KeyError):
        return None


def check(owner: str, columns: Columns, *, tell: children.Tell = children.silent) -> None:
    """Check every row of the upload in a bounded process; ``load_checked`` has what came of it.

    ``tell`` is told while it waits for other uploads.

    Raises:
        DataError: The upload is gone, or too large to be checked within the bounds.
    """
    place = home(owner) / UPLOAD
    forget_checked(owner)
    try:
        (place / COLUMNS_FILE).write_text(json.dumps(asdict(columns)), encoding="utf-8")
    except OSError as problem:
        raise DataError("The upload is gone: another tab of yours removed it. Upload the file again.") from problem
    children.run("rows", place, tell=tell)


def check_rows(place: Path) -> None:
    """In the bounded process: from the table, its columns known, to what it came to."""
    told = json.loads((place / COLUMNS_FILE).read_text(encoding="utf-8"))
    columns = Columns(**{**told, "wide": tuple(told["wide"])})
    about = json.loads((place / ABOUT_FILE).read_text(encoding="utf-8"))
    table = pd.read_parquet(place / TABLE_FILE, columns=list(columns.used)).astype(object)
    _keep_checked(place, check_table(table, columns, first_row=about["first_row"]))


def _keep_checked(place: Path, checked: Checked) -> None:
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
