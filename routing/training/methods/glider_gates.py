"""Gate vectors on frozen token states: one logistic regression per measurement, and what it says out of sample.

A gate is trained as a sigmoid on whether the expert solved the prompt (arXiv:2410.07172); states and gate are both
layer-normalised, so only the gate's direction counts and the calibration behind it sets the scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.predictors.glider_score import layer_norm, standardised
from routing.schema import Floats
from routing.training.fits import principal_axes
from routing.training.tables import IntArray

AXES: Final = 96  # principal axes of the states on which gates are fitted; they hold most of the variance
PENALTY: Final = 500.0
STEPS: Final = 30
FURTHER_STEPS: Final = 8  # from the gates of all prompts to those without a fold
FOLDS: Final = 5
TASK_FOLDS: Final = 10  # tasks are left out one by one in a source with up to this many, else a few together
LEAST_SCALE: Final = 1e-6
Floats32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Gates:
    """The gates of one source.

    Args:
        gate: Layer-normalised gates over the root of the width, shape (width, n_columns).
        mean: Mean raw local score on the source's training prompts, shape (n_columns,).
        scale: Its standard deviation.
        by_prompt: Standardised local scores of prompts left out with others, shape (n_rows, n_columns).
        by_task: The same for prompts left out with their whole task.
    """

    gate: Floats
    mean: Floats
    scale: Floats
    by_prompt: Floats
    by_task: Floats


@dataclass(frozen=True, slots=True)
class Basis:
    """Axes on which gates are fitted."""

    mean: Floats
    axes: Floats
    scale: float

    def __call__(self, local: Floats) -> Floats32:
        """Coordinates with a constant behind them, shape (n_rows, n_axes + 1)."""
        turned = (local - self.mean) @ self.axes / self.scale
        return np.concatenate([turned, np.ones((len(local), 1))], axis=1).astype(np.float32)


def basis(local: Floats) -> Basis:
    """Principal axes of the states of all training prompts."""
    centred = local - local.mean(axis=0)
    scale = max(float(np.sqrt((centred**2).mean())), LEAST_SCALE)
    return Basis(local.mean(axis=0), principal_axes(local, min(AXES, local.shape[1])), scale)


def fit_gates(local: Floats, score: Floats, task: IntArray, to_axes: Basis, *, seed: int) -> Gates:
    """Fit the gates of one source, once on all its prompts and once without each fold and each task.

    Args:
        local: Means of normalised token states of the source's prompts, shape (n_rows, width).
        score: Their scores in [0, 1], shape (n_rows, n_columns), NaN where not measured.
        task: Task of every prompt, shape (n_rows,).
        to_axes: The axes.
        seed: Seed of the folds.
    """
    x = to_axes(local)
    whole = _logistic(x, score, None, np.ones(len(x), dtype=bool), STEPS)
    folds = np.random.default_rng(seed).permutation(len(x)) % FOLDS
    gate = _gate(whole, to_axes)
    raw = local @ gate
    mean, scale = _moments(raw)
    return Gates(
        gate=gate,
        mean=mean,
        scale=scale,
        by_prompt=_left_out(x, local, score, folds, whole, to_axes),
        by_task=_left_out(x, local, score, np.unique(task, return_inverse=True)[1] % TASK_FOLDS, whole, to_axes),
    )


def _left_out(x: Floats32, local: Floats, score: Floats, part: IntArray, whole: Floats32, to_axes: Basis) -> Floats:
    """Standardised local scores of every part by gates fitted without it; 0 where nothing else is left."""
    found = np.zeros(score.shape)
    for name in np.unique(part):
        kept = part != name
        if not kept.any():
            continue
        gate = _gate(_logistic(x, score, whole, kept, FURTHER_STEPS), to_axes)
        mean, scale = _moments(local[kept] @ gate)
        found[~kept] = standardised(local[~kept] @ gate, mean, scale)
    return found


def _logistic(x: Floats32, score: Floats, start: Floats32 | None, kept: NDArray[np.bool_], steps: int) -> Floats32:
    """Ridge logistic regressions of all columns at once, shape (n_axes + 1, n_columns).

    Every step minimises the same quadratic bound of all columns' losses, so one inverse serves all steps (Boehning
    1992, Ann. Inst. Stat. Math. 44:197). Outcomes that were not measured pull nowhere.
    """
    x, y = x[kept], score[kept]
    known = np.isfinite(y).astype(np.float32)
    y = np.where(known > 0, y, 0.0).astype(np.float32)
    penalty = np.full(x.shape[1], PENALTY)
    penalty[-1] = 1.0
    inverse = np.linalg.inv((x.T @ x).astype(np.float64) / 4.0 + np.diag(penalty)).astype(np.float32)
    weight = np.zeros((x.shape[1], y.shape[1]), dtype=np.float32) if start is None else start.copy()
    pull = penalty.astype(np.float32)[:, np.newaxis]
    for _ in range(steps):
        expected = 1.0 / (1.0 + np.exp(-np.clip(x @ weight, -30.0, 30.0)))
        weight += inverse @ (x.T @ (known * (y - expected)) - pull * weight)
    return weight


def _gate(weight: Floats32, to_axes: Basis) -> Floats:
    direction = (to_axes.axes @ weight[:-1].astype(np.float64)).T
    return np.asarray(layer_norm(direction).T / np.sqrt(len(to_axes.axes)))


def _moments(raw: Floats) -> tuple[Floats, Floats]:
    if not len(raw):
        return np.zeros(raw.shape[1]), np.ones(raw.shape[1])
    spread = raw.std(axis=0)
    return raw.mean(axis=0), np.where(spread > LEAST_SCALE, spread, 1.0)


def joined(parts: Sequence[Gates], columns: Sequence[IntArray], width: int, n_columns: int) -> dict[str, Floats]:
    """Gates of all sources side by side, in column order; a column without a gate has zeros and scale 1."""
    gate, mean, scale = np.zeros((width, n_columns)), np.zeros(n_columns), np.ones(n_columns)
    for part, at in zip(parts, columns, strict=True):
        gate[:, at], mean[at], scale[at] = part.gate, part.mean, part.scale
    return {"gate": gate.astype(np.float16), "local_mean": mean, "local_scale": scale}
