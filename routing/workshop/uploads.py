"""Uploads of a person: one at a time, as it came and as a plain table."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from routing.errors import DataError
from routing.workshop import children
from routing.workshop.bounds import MOST_UPLOAD_MB
from routing.workshop.places import UPLOAD, home, remove

KINDS: Final = ("csv", "jsonl", "parquet")
RAW_FILE: Final = "raw"
TABLE_FILE: Final = "table.parquet"
ABOUT_FILE: Final = "about.json"


@dataclass(frozen=True, slots=True)
class Upload:
    """What was uploaded.

    Args:
        name: The file's name, for people; never part of a path.
        kind: csv, jsonl or parquet.
        table: Its cells as text.
    """

    name: str
    kind: str
    table: pd.DataFrame

    @property
    def first_row(self) -> int:
        """Number of the first row of the table in the file."""
        return 2 if self.kind == "csv" else 1


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
    read_table(place / RAW_FILE, about["kind"]).to_parquet(place / TABLE_FILE, compression="zstd")


def load(owner: str) -> Upload | None:
    """The upload that is kept; None where there is none."""
    place = home(owner) / UPLOAD
    try:
        about = json.loads((place / ABOUT_FILE).read_text(encoding="utf-8"))
        return Upload(about["name"], about["kind"], pd.read_parquet(place / TABLE_FILE).astype(object))
    except (OSError, ValueError, KeyError):
        return None


def forget(owner: str) -> None:
    """Delete the upload."""
    remove(home(owner) / UPLOAD)
