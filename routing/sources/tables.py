"""Rows of several logs to prompts.parquet, outcomes.parquet and pools.json, in memory that one file bounds."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from routing.catalog import ASSETS
from routing.errors import DataError
from routing.outcomes import Outcomes, assign_splits, read, read_pools
from routing.sources.rows import Outcome, Prompt, group_of

_BATCH: Final = 20_000  # outcomes in memory at a time
MOST_PROMPTS: Final = 500_000
_SCHEMA: Final = pa.schema(
    [
        ("prompt_id", pa.string()), ("expert", pa.string()), ("kind", pa.string()), ("score", pa.float64()),
        ("input_tokens", pa.float64()), ("output_tokens", pa.float64()), ("output_chars", pa.float64()),
        ("latency_s", pa.float64()),
    ]
)  # fmt: skip


@dataclass(slots=True)
class Counts:
    """What came of one source."""

    prompts: int = 0
    outcomes: int = 0
    doubled: int = 0
    experts: set[str] = field(default_factory=set)


class Tables:
    """Two tables being written into a folder; earlier ones stay until both are whole.

    Args:
        folder: Where they will lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._part = folder / "outcomes.parquet.part"
        self._writer = pq.ParquetWriter(self._part, _SCHEMA)
        self._batch: list[dict[str, Any]] = []
        self._prompts: dict[str, tuple[Prompt, str, str]] = {}
        self._seen: set[tuple[str, str]] = set()
        self.counts: dict[str, Counts] = {}

    def add(self, source: str, licence: str, rows: Iterable[Prompt | Outcome]) -> Counts:
        """Take the rows of one source; of two outcomes of one expert on one prompt the first counts.

        Raises:
            DataError: There are more prompts than fit, or an outcome comes before its prompt.
        """
        found = self.counts.setdefault(source, Counts())
        for row in rows:
            if isinstance(row, Prompt):
                if row.prompt_id not in self._prompts:
                    self._prompts[row.prompt_id] = (row, source, licence)
                    found.prompts += 1
            elif (cell := (row.prompt_id, row.expert)) in self._seen:
                found.doubled += 1
            else:
                self._seen.add(cell)
                found.outcomes += 1
                found.experts.add(row.expert)
                self._batch.append(asdict(row))
            if len(self._prompts) > MOST_PROMPTS:
                raise DataError(f"{source} brings more than {MOST_PROMPTS:,} prompts. Fetch fewer sources.")
            if len(self._batch) >= _BATCH:
                self._flush()
        return found

    def _flush(self) -> None:
        if self._batch:
            self._writer.write_table(pa.Table.from_pylist(self._batch, schema=_SCHEMA))
            self._batch = []

    def drop(self) -> None:
        """Leave earlier tables as they are."""
        self._writer.close()
        self._part.unlink(missing_ok=True)

    def finish(self, pools: Mapping[str, Sequence[str]] | None = None) -> tuple[str, ...]:
        """Write both tables and the pools, check them as training would, and put them in their places.

        Args:
            pools: Named pools; the shipped ones if not given. Those with an expert that has no outcome are left out.

        Returns:
            Names of the pools that were left out.

        Raises:
            DataError: There is nothing to write, or what was read does not make sound tables.
        """
        self._flush()
        self._writer.close()
        if not self._prompts:
            self._part.unlink(missing_ok=True)
            raise DataError("No source gave a prompt, so there is nothing to write. Fetch at least one source.")
        checked = self._folder / "checking"
        checked.mkdir(exist_ok=True)
        self._frame().to_parquet(checked / "prompts.parquet", index=False)
        self._part.replace(checked / "outcomes.parquet")
        try:
            read(checked)
            for name in ("prompts.parquet", "outcomes.parquet"):
                (checked / name).replace(self._folder / name)
        finally:
            for left in checked.iterdir():
                left.unlink()
            checked.rmdir()
        known = {expert for counts in self.counts.values() for expert in counts.experts}
        named = read_pools(ASSETS) if pools is None else pools
        whole = {name: list(experts) for name, experts in named.items() if set(experts) <= known}
        (self._folder / "pools.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
        return tuple(name for name in named if name not in whole)

    def _frame(self) -> pd.DataFrame:
        rows = [
            {
                "prompt_id": prompt.prompt_id, "source": source, "task": prompt.task, "domain": prompt.domain,
                "group": group_of(prompt.text), "licence": licence, "text": prompt.text,
            }
            for prompt, source, licence in self._prompts.values()
        ]  # fmt: skip
        return assign_splits(Outcomes(pd.DataFrame(rows), pd.DataFrame(), has_split=False)).prompts
