"""What the router says of training prompts, gathered from its graph and from the outcomes it was trained on."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.encoder import Card
from routing.onboarding.basis import SHARE
from routing.onboarding.benchmarks import some_of
from routing.onboarding.build import PER_SOURCE, Known
from routing.outcomes import Outcomes
from routing.schema import Features

FEWEST_OUTCOMES: Final = 200  # of an expert in a source, from which on it counts as measured there

IntArray = NDArray[np.int64]


def rows_to_read(outcomes: Outcomes, card: Card) -> IntArray:
    """Training prompts that the basis is learned on: at most 1,200 of every source, evenly spread over its tasks."""
    train = outcomes.rows("train")
    prompts = outcomes.prompts.iloc[train]
    found = []
    for source in card.raw["sources_order"]:
        here = np.flatnonzero((prompts["source"] == source).to_numpy())
        by_task = here[np.argsort(prompts["task"].to_numpy(dtype=object)[here], kind="stable")]
        found.append(train[some_of(by_task.astype(np.int64), PER_SOURCE)])
    return np.unique(np.concatenate(found)).astype(np.int64)


def known_of(outcomes: Outcomes, card: Card, rows: IntArray, features: Features) -> Known:
    """What the graph predicts for these training prompts.

    Args:
        outcomes: The data.
        card: The router card.
        rows: Training prompts.
        features: Theirs, with the heads ``score`` and ``share``.
    """
    names: Sequence[str] = [str(name) for name in card.raw["sources_order"]]
    place = {name: i for i, name in enumerate(names)}
    prompts = outcomes.prompts.iloc[rows]
    return Known(
        graph_sha256=str(card.raw["graph_sha256"]),
        experts=card.experts,
        score=features.heads["score"].astype(np.float64),
        share=features.heads[SHARE].astype(np.float64),
        source=prompts["source"].map(place).fillna(-1).to_numpy().astype(np.int64),
        names=tuple(names),
        task=prompts["task"].to_numpy(dtype=object),
        is_measured=_measured(outcomes, card.experts, names),
    )


def _measured(outcomes: Outcomes, experts: Sequence[str], sources: Sequence[str]) -> NDArray[np.bool_]:
    """Which experts have enough training outcomes in which source, shape (n_sources, n_experts)."""
    train = outcomes.rows("train")
    known = np.isfinite(outcomes.matrix("score", experts)[train])
    source = outcomes.prompts["source"].to_numpy()[train]
    return np.stack([known[source == name].sum(axis=0) >= FEWEST_OUTCOMES for name in sources])
