"""Judge routers on measured outcomes under one protocol (systems.md 5); everything returned is JSON-ready.

The keys are documented in the README under "evaluate --json".
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from routing.catalog import ASSETS
from routing.evaluation import report
from routing.evaluation.prompts import Say
from routing.evaluation.trial import every_name, open_trial
from routing.schema import Expert

__all__ = ["evaluate"]


def evaluate(
    data: Path,
    *,
    split: str = "test",
    routers: Sequence[str] = (),
    pools: Sequence[str] | None = None,
    experts: Sequence[Expert],
    assets: Path = ASSETS,
    resamples: int = report.RESAMPLES,
    progress: Say = lambda _: None,
) -> list[dict[str, Any]]:
    """Measure routers on pools; one dict per pool and router, in that order.

    Args:
        data: Folder with prompts.parquet and outcomes.parquet; pools.json beside them, or else beside the graph.
        split: Name of a split, or "all". Where the data states none, every prompt is judged by the shipped router, and
            one of another folder is judged by the splits that training gives to such data.
        routers: Names of predictors and policies; none means all of them, with the baselines behind.
        pools: Names of pools; None means all.
        experts: Facts about experts, for prices.
        assets: Folder with the graph to judge.
        resamples: Bootstrap resamples behind every 95 % interval.
        progress: Told what is being done.

    Raises:
        DataError: The data cannot be judged with; the message says why.
        GraphError: The graph is missing or damaged.
        PreferenceError: A router is unknown, or the folder's has no such method.
    """
    names = list(dict.fromkeys(routers)) or every_name(assets)
    return open_trial(
        data,
        names,
        split=split,
        pools=pools,
        experts=experts,
        assets=assets,
        resamples=resamples,
        progress=progress,
    ).results()
