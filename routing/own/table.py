"""Experts written as the table that ``load_catalog`` reads."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from routing.schema import Expert

YES_OR_NO: Final[Mapping[bool | None, str]] = {True: "yes", False: "no"}


def write_table(path: Path, experts: Sequence[Expert]) -> None:
    """Write experts, at least one; an unknown fact is an empty field."""
    rows = [asdict(expert) for expert in experts]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "open_weights": YES_OR_NO.get(row["open_weights"])} for row in rows)
