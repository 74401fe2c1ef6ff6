"""Where experts score higher on training than on test prompts: one that was tuned on a benchmark fools a router."""

from statistics import NormalDist
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routing.outcomes import Outcomes

FEWEST: Final = 20  # test outcomes below which a gap says nothing
LEVEL: Final = 0.95
SHOWN: Final = 60  # the largest gaps; every warning is among them


def contamination_rows(
    outcomes: Outcomes, split: str, cluster: NDArray[np.int64] | None = None
) -> list[dict[str, Any]]:
    """Training score minus score on the judged split per measurement, and per cluster of a measurement.

    The interval is the normal one for two means. As many gaps are looked at, a row is warned of only where its gap
    stays above 0 at a level shared out over all of them (Bonferroni).

    Args:
        outcomes: The data, with splits.
        split: The judged split.
        cluster: Cluster per prompt within its source, -1 for none; None leaves clusters out.
    """
    row = outcomes.cells["prompt"].to_numpy()
    cells = outcomes.cells.assign(
        source=outcomes.prompts["source"].to_numpy()[row],
        split=outcomes.prompts["split"].to_numpy()[row],
        cluster=-1 if cluster is None else cluster[row],
    )
    cells = cells[(cells["kind"] == "chat") & cells["split"].isin(["train", split])]
    tables = [_gaps(cells, split, ["expert", "source"]).assign(cluster=-1)]
    if cluster is not None:
        tables.append(_gaps(cells[cells["cluster"] >= 0], split, ["expert", "source", "cluster"]))
    gaps = pd.concat(tables, ignore_index=True)
    gaps["is_warned"] = gaps["gap"] - _z(len(gaps)) * gaps["error"] > 0
    gaps = gaps.sort_values(["is_warned", "gap"], ascending=False, kind="stable")
    kept = pd.concat([gaps[gaps["is_warned"]], gaps[~gaps["is_warned"]].head(SHOWN)])
    return [_row(values) for values in kept.to_dict("records")]


def _gaps(cells: pd.DataFrame, split: str, by: list[str]) -> pd.DataFrame:
    """Mean scores of both halves and their difference, where both have enough outcomes."""
    facts = cells.groupby([*by, "split"])["score"].agg(["mean", "var", "size"]).unstack("split")
    found = pd.DataFrame({"train": facts["mean"]["train"], "test": facts["mean"][split]})
    found["n_train"], found["n_test"] = facts["size"]["train"], facts["size"][split]
    variance = facts["var"]["train"] / found["n_train"] + facts["var"][split] / found["n_test"]
    found["gap"], found["error"] = found["train"] - found["test"], np.sqrt(variance)
    return found[(found["n_test"] >= FEWEST) & (found["n_train"] >= FEWEST)].reset_index()


def _z(count: int) -> float:
    return NormalDist().inv_cdf(1.0 - (1.0 - LEVEL) / 2.0 / max(1, count))


def _row(values: dict[Any, Any]) -> dict[str, Any]:
    half = _z(1) * values["error"]
    return {
        "expert": str(values["expert"]),
        "source": str(values["source"]),
        "cluster": None if values["cluster"] < 0 else int(values["cluster"]),
        "train": float(values["train"]),
        "test": float(values["test"]),
        "gap": float(values["gap"]),
        "interval": [float(values["gap"] - half), float(values["gap"] + half)],
        "n_train": int(values["n_train"]),
        "n_test": int(values["n_test"]),
        "is_warned": bool(values["is_warned"]),
    }
