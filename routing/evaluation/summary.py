"""From a trial to the parts of the evidence: leaderboard, reliability, deferral, allocation, latent map."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing import predictors
from routing.evaluation import curve, decided, detail, judge
from routing.evaluation.trial import Trial
from routing.schema import Floats

MAP_POINTS: Final = 2000
DRAWN_APART: Final = ("reliability", "deferral")
"""Keys of a row that the evidence keeps in parts of their own."""


def trial_parts(trial: Trial) -> dict[str, Any]:
    """Every JSON part of the evidence that needs no refit."""
    rows = trial.results()
    return {
        "n_prompts": len(trial.rows),
        "pools": {pool: _singles(trial, pool) for pool in trial.scenes},
        "leaderboard": [{k: v for k, v in row.items() if k not in DRAWN_APART} for row in rows],
        "reliability": _reliability(rows),
        "deferral": {
            row["router"]: {**row["deferral"], "apgr": row["apgr"]} for row in rows if row["deferral"] is not None
        },
        "allocation": {pool: _allocation(trial, pool) for pool in trial.scenes},
        "latency": {name: trial.speed[name] for name in trial.names if name in trial.speed},
    }


def _singles(trial: Trial, pool: str) -> dict[str, Any]:
    """Every expert of a pool on the plane of cost and quality, and the hull of their random mixes."""
    outcomes = trial.scenes[pool].pool
    cost, score = outcomes.cost_usd.mean(axis=0), outcomes.score.mean(axis=0)
    names = [expert.name for expert in outcomes.experts]
    found: dict[str, Any] = {
        "n_prompts": len(outcomes.rows),
        "singles": {
            name: {"cost_usd": None if np.isnan(c) else float(c), "score": float(s)}
            for name, c, s in zip(names, cost, score, strict=True)
        },
        "static_mix": None,
    }
    if outcomes.has_costs:
        across, up = curve.hull(cost, score)
        found["static_mix"] = {"cost_usd": across.tolist(), "score": up.tolist()}
    return found


def _reliability(rows: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in rows:
        if row["reliability"] is not None:
            kept = ("brier", "brier_base_rate", "calibration_error")
            part = {**row["reliability"], **{key: row[key] for key in kept}}
            found.setdefault(row["pool"], {})[row["router"]] = part
    return found


def _allocation(trial: Trial, pool: str) -> dict[str, Any]:
    scene = trial.scenes[pool]
    chosen = decided.picked(scene.pool, judge.greedy(trial.told[pool][predictors.DEFAULT]))
    return detail.allocation(scene.pool, chosen, scene.domain)


def latent_maps(trial: Trial) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays of the latent map by key, and the names they index, for every pool."""
    arrays: dict[str, NDArray[Any]] = {}
    names: dict[str, Any] = {}
    for pool, scene in trial.scenes.items():
        score = scene.pool.score
        chosen = decided.picked(scene.pool, judge.greedy(trial.told[pool][predictors.DEFAULT]))
        some = np.sort(np.random.default_rng(0).permutation(len(score))[:MAP_POINTS])
        domains = sorted({str(name) for name in scene.domain})
        arrays[f"map/{pool}/xy"] = plane(scene.vector)[some].astype(np.float16)
        arrays[f"map/{pool}/domain"] = np.array([domains.index(d) for d in scene.domain[some]], dtype=np.uint8)
        arrays[f"map/{pool}/best"] = score[some].argmax(axis=1).astype(np.uint8)
        arrays[f"map/{pool}/regret"] = (score.max(axis=1) - chosen.score)[some].astype(np.float16)
        names[pool] = {"domains": domains, "experts": [expert.name for expert in scene.pool.experts]}
    return arrays, names


def plane(vector: NDArray[np.float32]) -> Floats:
    """Vectors on their two principal axes, scaled to [-1, 1], shape (n, 2); the signs are fixed."""
    rows = vector.astype(np.float64) - vector.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(rows.T @ rows)
    axes = axes[:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])
    flat = rows @ axes
    return np.asarray(flat / (np.abs(flat).max(axis=0) + 1e-12))
