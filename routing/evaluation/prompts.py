"""Which prompts are judged, with which experts, and what the encoder makes of them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.encoder import OnnxEncoder
from routing.errors import DataError
from routing.outcomes import Outcomes, measured_together, read_pools
from routing.schema import Features

MIN_PROMPTS: Final = 20  # pools that the data does not name are judged only on at least this many prompts
ENCODE_AT_ONCE: Final = 512

IntArray = NDArray[np.int64]
Pools = dict[str, tuple[tuple[str, ...], IntArray]]
"""Experts and prompts of every pool."""
Say = Callable[[str], None]


def pools_of(outcomes: Outcomes, data: Path, assets: Path, wanted: Sequence[str] | None, split: str) -> Pools:
    """Experts and prompts of every pool to judge.

    Pools that the data itself names must work; those that come with the graph count where the data measures them.

    Raises:
        DataError: A pool is unknown, or none has enough prompts.
    """
    own = read_pools(data)
    known = own or read_pools(assets)
    if wanted is not None:
        absent = [name for name in wanted if name not in known]
        if absent:
            raise DataError(
                f"No pool is called {absent[0]!r}; known are {', '.join(known) or 'none'}: choose one of these."
            )
    measured = set(outcomes.cells["expert"].unique())
    found: Pools = {}
    lacking = ""
    for name in wanted if wanted is not None else known:
        members = known[name]
        absent = [member for member in members if member not in measured]
        if wanted is None and not own and absent:
            lacking = lacking or f"; the pool {name!r} needs outcomes of {absent[0]!r}"
            continue
        rows = np.intersect1d(measured_together(outcomes, members), outcomes.rows(split))
        if len(rows) >= (MIN_PROMPTS if wanted is None else 1):
            found[name] = (members, rows)
    if not found:
        raise DataError(
            f"No pool has {MIN_PROMPTS} prompts of the split {split!r} on which all its experts were scored{lacking}; "
            "put a pools.json beside the data, or choose another split."
        )
    return found


def rows_of(pools: Pools) -> IntArray:
    """Every prompt of any pool, each once, in order."""
    return np.unique(np.concatenate([members for _, members in pools.values()]))


def encode(encoder: OnnxEncoder, outcomes: Outcomes, rows: IntArray, progress: Say) -> Features:
    """Features of these prompts, in their order."""
    text = outcomes.prompts["text"]
    parts: list[Features] = []
    for start in range(0, len(rows), ENCODE_AT_ONCE):
        some = rows[start : start + ENCODE_AT_ONCE]
        parts.append(encoder.encode([text.iloc[int(row)] for row in some]))
        progress(f"Encoded {min(start + ENCODE_AT_ONCE, len(rows)):,} of {len(rows):,} prompts")
    return join(parts)


def join(parts: Sequence[Features]) -> Features:
    """Features of all parts, one after the other."""
    return Features(
        vector=np.concatenate([p.vector for p in parts]),
        heads={name: np.concatenate([p.heads[name] for p in parts]) for name in parts[0].heads},
        graph_experts=parts[0].graph_experts,
        familiarity=np.concatenate([p.familiarity for p in parts]),
        input_tokens=np.concatenate([p.input_tokens for p in parts]),
        is_truncated=np.concatenate([p.is_truncated for p in parts]),
        pieces=[row for p in parts for row in p.pieces],
    )


def take(features: Features, at: IntArray) -> Features:
    """Features of these rows, in this order."""
    return Features(
        vector=features.vector[at],
        heads={name: values[at] for name, values in features.heads.items()},
        graph_experts=features.graph_experts,
        familiarity=features.familiarity[at],
        input_tokens=features.input_tokens[at],
        is_truncated=features.is_truncated[at],
        pieces=[features.pieces[int(i)] for i in at] if features.pieces else (),
    )
