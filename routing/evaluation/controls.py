"""What routers learn from shuffled labels (nothing, if all is well), and from fewer prompts."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing import predictors
from routing.evaluation import decided, judge
from routing.evaluation.judge import Scene
from routing.evaluation.measures import groups_of
from routing.evaluation.report import interval
from routing.evaluation.told import Told
from routing.evaluation.trial import Trial
from routing.outcomes import Outcomes
from routing.schema import Floats

SHARES: Final = (0.01, 0.03, 0.1, 0.3)
"""Shares of the training prompts on the learning curve; all of them are the shipped router."""

IntArray = NDArray[np.int64]


def shuffled_controls(trial: Trial, told: Told, names: Sequence[str]) -> dict[str, Any]:
    """How much of the gap to the oracle routers close that were fitted on shuffled labels, by router and pool.

    Labels are dealt out anew within a source, so that a source's mean scores stay true and only what prompts tell is
    destroyed. In a pool of several sources, knowing the source alone may beat one expert for all of them; the floor is
    therefore the expert with the best mean training score in each source.
    """
    found: dict[str, Any] = {name: {} for name in names}
    for pool, scene in trial.scenes.items():
        at = np.searchsorted(told.rows, scene.pool.rows)
        members = [expert.name for expert in scene.pool.experts]
        floor = source_floor(trial.outcomes, scene)
        blind = judge.predictor_row(scene, told.of(predictors.PROMPT_BLIND, at, members))
        for name in names:
            prediction = told.of(name, at, members)
            row = judge.predictor_row(scene, prediction)
            found[name][pool] = {
                **{key: row[key] for key in ("score", "above_best_single", "above_best_single_interval", "gap_closed")},
                **_against(scene, judge.greedy(prediction), floor),
                "aiq_above_prompt_blind": None if row["aiq"] is None else row["aiq"] - blind["aiq"],
            }
    return found


def source_floor(outcomes: Outcomes, scene: Scene) -> Floats:
    """Score of the expert with the best mean training score in the prompt's source, shape (n_prompts,)."""
    members = [expert.name for expert in scene.pool.experts]
    train = outcomes.rows("train")
    score = outcomes.matrix("score", members)[train]
    source = outcomes.prompts["source"].to_numpy(dtype=object)
    reached = np.empty(len(scene.pool.rows))
    for name, here in groups_of(source[scene.pool.rows]):
        seen = score[source[train] == name]
        known = np.isfinite(seen)
        means = np.where(known, seen, 0.0).sum(axis=0) / np.maximum(1, known.sum(axis=0))
        reached[here] = scene.pool.score[here, int(means.argmax())]
    return reached


def _against(scene: Scene, choice: IntArray, floor: Floats) -> dict[str, Any]:
    """The gain over the floor, its interval, and whether nothing was learned."""
    gain = decided.picked(scene.pool, choice).score - floor
    low, high = interval(scene.weights @ gain)
    room = float((scene.pool.score.max(axis=1) - floor).mean())
    return {
        "above_floor": float(gain.mean()),
        "above_floor_interval": [low, high],
        "gap_closed_above_floor": None if room <= 0 else float(gain.mean()) / room,
        "is_clean": bool(low <= 0.0),
    }


def some_of(outcomes: Outcomes, rows: IntArray, share: float, *, seed: int = 0) -> IntArray:
    """About that share of the prompts, whole groups together, ascending; a larger share holds every smaller one."""
    group = outcomes.prompts["group"].to_numpy(dtype=object)[rows].astype(str)
    names, place = np.unique(group, return_inverse=True)
    rank = np.random.default_rng(seed).permutation(len(names))
    return np.asarray(rows[rank[place] < share * len(names)])


def learning_curves(trial: Trial, told: Sequence[Told], whole: int, names: Sequence[str]) -> dict[str, Any]:
    """Per router: rows (training prompts), by pool the AIQ above the static mix, and under "score" the mean scores.

    Args:
        trial: The routers fitted on everything.
        told: The same routers fitted on ever more prompts.
        whole: Training prompts of the whole data.
        names: Predictors.
    """
    found: dict[str, Any] = {}
    for name in names:
        curve: dict[str, Any] = {"rows": [*(one.n_train for one in told), whole], "score": {}}
        for pool, scene in trial.scenes.items():
            rows = [_learned(scene, one, name) for one in told]
            rows.append(judge.predictor_row(scene, trial.told[pool][name]))
            curve[pool] = [row["aiq_above_static_mix"] for row in rows]
            curve["score"][pool] = [row["score"] for row in rows]
        found[name] = curve
    return found


def _learned(scene: Scene, told: Told, name: str) -> Mapping[str, Any]:
    """Measures of a router that may not know every expert: an unknown one is never chosen, and its cost is assumed."""
    at = np.searchsorted(told.rows, scene.pool.rows)
    members = [expert.name for expert in scene.pool.experts]
    return judge.predictor_row(scene, told.of(name, at, members))
