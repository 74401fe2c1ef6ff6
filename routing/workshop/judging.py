"""How a trained router compares on held-out prompts: with the current one, single experts, lots, and the oracle."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from routing import predictors
from routing.encoder import read_card
from routing.evaluation import evaluate
from routing.evaluation.judge import BASELINES
from routing.outcomes import Outcomes, measured_together
from routing.schema import Expert
from routing.workshop.bounds import MOST_JUDGED

OWN: Final = "own"
SHARED: Final = "shared"
FEWEST: Final = 20  # test prompts that all experts of a pool answered
KEPT: Final = (
    *("router", "kind", "title", "n_prompts", "score", "score_interval", "above_best_single"),
    *("above_best_single_interval", "p_value", "aiq_above_static_mix", "aiq_above_static_mix_interval", "cost_at"),
    *("cost_usd", "regret", "brier", "most_used", "is_collapsed", "best_single", "experts", "aiq_prompt_blind", "aiq"),
)
ROWS: Final = (predictors.DEFAULT, predictors.PROMPT_BLIND, *BASELINES)


def judged(
    work: Path,
    outcomes: Outcomes,
    trained: Path,
    current: Path,
    experts: Sequence[Expert],
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Measures on test prompts that every judged expert answered; empty where there are too few of them.

    Args:
        work: Folder for the tables that are judged on.
        outcomes: The data, with splits.
        trained: Folder of the trained router.
        current: Folder of the router that is in force.
        experts: Facts about experts, for prices.
        progress: Told what is being done.

    Returns:
        ``own``: rows on the largest pool of the trained router's experts; ``shared``: rows of both routers on the
        experts that both know. A row is what ``evaluate`` says, by ``KEPT``.
    """
    names = read_card(trained).experts
    pool = largest_pool(outcomes, names)
    known = set(read_card(current).experts)
    pools = {OWN: pool, SHARED: largest_pool(outcomes, [name for name in names if name in known])}
    pools = {name: members for name, members in pools.items() if members}
    if not pools:
        return {}
    _write(work, outcomes, pools)
    found: dict[str, Any] = {}
    for name in pools:
        rows = _rows(work, trained, name, ROWS, experts, progress)
        found[name] = {"trained": rows}
        if name == SHARED:
            found[name]["current"] = _rows(work, current, name, (predictors.DEFAULT,), experts, progress)
    return found


def largest_pool(outcomes: Outcomes, names: Sequence[str]) -> tuple[str, ...]:
    """Experts that answered enough of the same test prompts; those with the fewest outcomes are dropped first."""
    test = outcomes.rows("test")
    counts = outcomes.cells[outcomes.cells["prompt"].isin(test)]["expert"].value_counts()
    left = [name for name in names if counts.get(name, 0) >= FEWEST]
    left.sort(key=lambda name: -counts[name])
    while len(left) > 1:
        if len(np.intersect1d(measured_together(outcomes, left), test)) >= FEWEST:
            return tuple(left)
        left.pop()
    return ()


def _write(work: Path, outcomes: Outcomes, pools: Mapping[str, Sequence[str]]) -> None:
    """At most ``MOST_JUDGED`` test prompts as the tables that ``evaluate`` reads."""
    work.mkdir(exist_ok=True)
    rows = np.random.default_rng(0).permutation(outcomes.rows("test"))[:MOST_JUDGED]
    prompts = outcomes.prompts.iloc[np.sort(rows)]
    cells = outcomes.cells[outcomes.cells["prompt"].isin(rows)]
    ids = outcomes.prompts["prompt_id"].to_numpy()
    prompts.to_parquet(work / "prompts.parquet")
    cells.assign(prompt_id=ids[cells["prompt"].to_numpy()]).drop(columns="prompt").to_parquet(work / "outcomes.parquet")
    (work / "pools.json").write_text(json.dumps({name: list(members) for name, members in pools.items()}))


def _rows(
    work: Path,
    assets: Path,
    pool: str,
    routers: Sequence[str],
    experts: Sequence[Expert],
    progress: Callable[[str], None],
) -> dict[str, dict[str, Any]]:
    found = evaluate(
        work, split="test", routers=routers, pools=[pool], experts=experts, assets=assets, progress=progress
    )
    return {row["router"]: {key: row[key] for key in KEPT} for row in found}
