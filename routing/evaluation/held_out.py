"""Judge routers on tasks and sources that they were not fitted on, beside the same prompts held in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing import predictors
from routing.evaluation import judge
from routing.evaluation.folds import Fold
from routing.evaluation.judge import Scene
from routing.evaluation.report import interval, ladder
from routing.evaluation.told import Told
from routing.evaluation.trial import Trial
from routing.schema import Floats, Prediction

KEPT: Final = (
    *("score", "score_interval", "above_best_single", "above_best_single_interval", "p_value", "gap_closed"),
    *("regret", "shares", "most_used", "is_collapsed", "aiq", "aiq_static_mix", "aiq_above_static_mix"),
    *("aiq_above_static_mix_interval", "cost_at", "brier", "brier_base_rate", "calibration_error"),
    *("rank_correlation", "score_of_first", "apgr", "apgr_interval", "accuracy_tolerant"),
)

IntArray = NDArray[np.int64]
Answers = Sequence[tuple[Fold, Told]]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One pool's left-out prompts.

    Args:
        scene: Outcomes and prompts, narrowed to those left out and to the experts that stay known.
        at: Places of these prompts in the whole pool, ascending.
        unit: Source or task that was left out, per prompt.
        parts: Per fold: what was told, its places among the prompts told, and where these stand among ``at``.
        unknown: Experts of the pool that some refit did not know.
    """

    scene: Scene
    at: IntArray
    unit: NDArray[np.object_]
    parts: Sequence[tuple[Told, IntArray, IntArray]]
    unknown: tuple[str, ...]

    def prediction(self, name: str) -> Prediction:
        """What the refits of one router say of all left-out prompts."""
        members = [expert.name for expert in self.scene.pool.experts]
        shape = self.scene.pool.score.shape
        arrays = {key: np.full(shape, np.nan) for key in ("score", "output_tokens", "reading_ease")}
        for told, theirs, here in self.parts:
            part = told.of(name, theirs, members)
            for key, values in arrays.items():
                values[here] = getattr(part, key)
        none = np.full(shape, np.nan)
        return Prediction(
            tuple(members), arrays["score"], none, none, arrays["output_tokens"], arrays["reading_ease"], none
        )


def held_out_rows(trial: Trial, answers: Answers, leaving: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """One JSON-ready row per pool and router.

    A pool is judged on the experts that every refit still knows; a pool of which fewer than two stay known is left out.

    Args:
        trial: The same prompts held in.
        answers: What the refits said of what they did not see.
        leaving: "sources" or "tasks".
        names: Predictors.
    """
    rows: list[dict[str, Any]] = []
    for name, scene in trial.scenes.items():
        left = left_out(scene, answers)
        if left is not None:
            rows += _pool_rows(trial.told[name], left, leaving, names, len(scene.pool.experts))
    return rows


def left_out(scene: Scene, answers: Answers) -> LeftOut | None:
    """The prompts of a pool that refits left out; None where there are none, or fewer than two experts stay known."""
    found = [(fold, told, *_meet(scene.pool.rows, told.rows)) for fold, told in answers]
    found = [part for part in found if len(part[2])]
    members = [expert.name for expert in scene.pool.experts]
    known = [name for name in members if all(name in told.experts for _, told, _, _ in found)]
    if not found or len(known) < 2:
        return None
    at = np.sort(np.concatenate([mine for _, _, mine, _ in found]))
    unit = np.empty(len(at), dtype=object)
    parts = []
    for fold, told, mine, theirs in found:
        here = np.searchsorted(at, mine)
        unit[here] = fold.unit[theirs]
        parts.append((told, theirs, here))
    return LeftOut(scene.narrow(at, known), at, unit, parts, tuple(name for name in members if name not in known))


def _meet(mine: IntArray, theirs: IntArray) -> tuple[IntArray, IntArray]:
    """Places of the common prompts in either list."""
    _, here, there = np.intersect1d(mine, theirs, return_indices=True)
    return here.astype(np.int64), there.astype(np.int64)


def _pool_rows(
    held_in: dict[str, Prediction], left: LeftOut, leaving: str, names: Sequence[str], n_members: int
) -> list[dict[str, Any]]:
    scene = left.scene
    members = [expert.name for expert in scene.pool.experts]
    steps = ladder(scene.pool, scene.task, scene.weights)
    blind = judge.predictor_row(scene, left.prediction(predictors.PROMPT_BLIND))
    rows = []
    for name in names:
        prediction = left.prediction(name)
        row = judge.predictor_row(scene, prediction)
        before = _chosen(scene, judge.rows_at(held_in[name].of(members), left.at))
        rows.append(
            {
                "protocol": leaving,
                "pool": scene.pool.name,
                **judge.identity(name),
                "n_prompts": len(left.at),
                "n_known": len(members),
                "n_members": n_members,
                "unknown": list(left.unknown),
                **steps,
                **{key: row[key] for key in KEPT},
                "aiq_prompt_blind": blind["aiq"],
                "score_held_in": float(before.mean()),
                "units": _units(left, _chosen(scene, prediction), before) if name == predictors.DEFAULT else [],
            }
        )
    return rows


def _chosen(scene: Scene, prediction: Prediction) -> Floats:
    """Score of the expert with the highest prediction, shape (n_prompts,)."""
    picks = judge.greedy(prediction)
    return np.asarray(scene.pool.score[np.arange(len(picks)), picks])


def _units(left: LeftOut, chosen: Floats, before: Floats) -> list[dict[str, Any]]:
    """One row per source or task: the router, held in, the pool's best single expert, and the best one there."""
    pool, weights = left.scene.pool, left.scene.weights
    found = []
    for name in sorted(set(left.unit)):
        here = left.unit == name
        means = pool.score[here].mean(axis=0)
        gain = (chosen - pool.score[:, pool.best_single])[here]
        mass = weights[:, here] / np.maximum(weights[:, here].sum(axis=1, keepdims=True), 1e-12)
        found.append(
            {
                "unit": str(name),
                "n_prompts": int(here.sum()),
                "score": float(chosen[here].mean()),
                "score_held_in": float(before[here].mean()),
                "best_single": float(means[pool.best_single]),
                "best_here": float(means.max()),
                "above_best_single": float(gain.mean()),
                "above_best_single_interval": interval(mass @ gain),
            }
        )
    return found
