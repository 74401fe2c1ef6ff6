"""What is known of how good the routers are: stored by ``python -m routing report``, read by pages and README.

Two files: evidence.json holds small numbers and names, evidence.npz the arrays of the latent maps. Neither holds any
text of a prompt. Reading them needs numpy alone.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from routing.catalog import ASSETS
from routing.errors import DataError

EVIDENCE_JSON: Final = "evidence.json"
EVIDENCE_NPZ: Final = "evidence.npz"
MAP_KEYS: Final = ("xy", "domain", "best", "regret")
SIGNIFICANT: Final = 5  # digits kept: nothing here is measured more closely

Rows = list[dict[str, Any]]
Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LatentMap:
    """Judged prompts of one pool as points in two dimensions.

    Args:
        xy: Coordinates, shape (n_points, 2).
        domain: Index into ``domains`` per point.
        best: Index into ``experts`` of the best expert per point.
        regret: Best score minus the default router's, in [0, 1], shape (n_points,).
        domains: Names of domains.
        experts: Names of experts.
    """

    xy: NDArray[np.float32]
    domain: NDArray[np.int64]
    best: NDArray[np.int64]
    regret: NDArray[np.float32]
    domains: tuple[str, ...]
    experts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Every stored result; a part that was not measured is empty.

    Args:
        split: The split that every row is about, unless the row says otherwise.
        date: When it was measured.
        machine: Where.
        n_prompts: Prompts judged.
        pools: By pool: n_prompts, singles (by expert: cost_usd, score), static_mix (cost_usd and score of its hull).
        leaderboard: One row per pool and router, as ``evaluate --json`` writes it (README), without what follows.
        reliability: By pool and router: predicted, measured, count (ten bins), brier, brier_base_rate,
            calibration_error.
        deferral: By router, for the pool of two: share, recovered (at most 101 points), apgr.
        allocation: By pool, for the default router: domains, experts, chosen and best (domain by expert shares).
        held_out: One row per protocol ("tasks", "sources"), pool and router: main keys of the leaderboard, with
            score_held_in, n_known, n_members, unknown, and units (one per task or source that was left out).
        alpha: By "held-in" and "held-out": alpha, score, accuracy (lists); under "fitted" the values in use.
        learning: By router: rows (training prompts), and per pool the AIQ above the static mix and ("score") scores.
        controls: By router and pool, after training on shuffled labels: gap_closed, above_best_single with interval,
            aiq_above_prompt_blind, is_clean.
        lengths: By "readability" and "verbosity", then "held-in" and "held-out": error, error_of_mean,
            rank_correlation, used ("predicted" or "mean"), sources.
        contamination: Gaps between training and test scores: expert, source, cluster (null for the whole source),
            train, test, gap, interval, n_train, n_test, is_warned.
        latency: By router: ms_p50, ms_p95.
        mirt: skills, experts (by name a list), difficulty_by_domain.
        map_names: By pool: domains and experts that the arrays of its latent map index.
        arrays: The latent maps' arrays by key, see ``latent_map``.
        about: By part: what was done, and what limits it, in a sentence.
    """

    split: str
    date: str
    machine: str
    n_prompts: int
    pools: Table = field(default_factory=dict)
    leaderboard: Rows = field(default_factory=list)
    reliability: Table = field(default_factory=dict)
    deferral: Table = field(default_factory=dict)
    allocation: Table = field(default_factory=dict)
    held_out: Rows = field(default_factory=list)
    alpha: Table = field(default_factory=dict)
    learning: Table = field(default_factory=dict)
    controls: Table = field(default_factory=dict)
    lengths: Table = field(default_factory=dict)
    contamination: Rows = field(default_factory=list)
    latency: Table = field(default_factory=dict)
    mirt: Table = field(default_factory=dict)
    map_names: Table = field(default_factory=dict)
    about: Table = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path = ASSETS) -> Self:
        """Read both files of a folder.

        Raises:
            DataError: A file is missing or damaged.
        """
        try:
            stored = json.loads((folder / EVIDENCE_JSON).read_text(encoding="utf-8"))
            with (folder / EVIDENCE_NPZ).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return cls(**stored, arrays={name: arrays[name] for name in arrays.files})
        except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as problem:
            raise DataError(
                f"The stored evidence in {folder} is missing or damaged ({problem}). "
                "Restore it with git, or measure anew: python -m routing report --data DIR"
            ) from problem

    def save(self, folder: Path) -> None:
        """Write both files; each appears whole or not at all."""
        parts = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "arrays"}
        part = folder / f".{EVIDENCE_JSON}.part"
        part.write_text(json.dumps(rounded(parts), separators=(",", ":"), allow_nan=False) + "\n", encoding="utf-8")
        packed = folder / f".{EVIDENCE_NPZ}.part.npz"
        np.savez_compressed(packed, allow_pickle=False, **self.arrays)
        packed.replace(folder / EVIDENCE_NPZ)
        part.replace(folder / EVIDENCE_JSON)

    def latent_map(self, pool: str) -> LatentMap | None:
        """The latent map of a pool; None where none was drawn."""
        if pool not in self.map_names:
            return None
        xy, domain, best, regret = (self.arrays[f"map/{pool}/{key}"] for key in MAP_KEYS)
        names = self.map_names[pool]
        return LatentMap(
            xy.astype(np.float32),
            domain.astype(np.int64),
            best.astype(np.int64),
            regret.astype(np.float32),
            tuple(names["domains"]),
            tuple(names["experts"]),
        )


def rounded(value: object) -> object:
    """The same JSON with numbers to five significant digits, so that files stay small.

    >>> rounded({"a": [0.123456789, 12], "b": None})
    {'a': [0.12346, 12], 'b': None}
    """
    if isinstance(value, dict):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return float(f"{value:.{SIGNIFICANT}g}") if isinstance(value, float) else value
