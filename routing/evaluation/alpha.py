"""The weight of GLIDER's global score, as a curve: mean score and accuracy at fixed alphas, held in and held out."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from routing.evaluation import decided, judge, measures
from routing.evaluation.held_out import Answers, left_out
from routing.evaluation.judge import Scene
from routing.evaluation.refit import AT_ALPHA, GLIDER
from routing.evaluation.trial import Trial
from routing.predictors import PREDICTORS
from routing.schema import Prediction


def alpha_curves(trial: Trial, answers: Answers) -> dict[str, Any]:
    """Mean over pools of score and of tolerant accuracy at every alpha, on both suites, and the fitted values.

    Args:
        trial: The prompts held in.
        answers: What refits say of left-out tasks, with predictions at fixed alphas.
    """
    if GLIDER not in PREDICTORS:
        return {}
    from routing.predictors.glider import alphas as known
    from routing.predictors.glider import at_alpha, fitted

    card = next(iter(trial.scenes.values())).card
    alphas = [alpha for alpha in known(card) if np.isfinite(alpha)]
    inside = [at_alpha(card, alpha).predict(trial.features) for alpha in alphas]

    def held_in(scene: Scene, i: int) -> Prediction:
        members = [expert.name for expert in scene.pool.experts]
        return judge.rows_at(inside[i].of(members), np.searchsorted(trial.rows, scene.pool.rows))

    left = {name: left_out(scene, answers) for name, scene in trial.scenes.items()}
    outside = [one for one in left.values() if one is not None]
    return {
        "held-in": _curve(alphas, list(trial.scenes.values()), held_in),
        "held-out": _curve(
            alphas,
            [one.scene for one in outside],
            lambda scene, i: next(one for one in outside if one.scene is scene).prediction(AT_ALPHA.format(alphas[i])),
        ),
        "fitted": fitted(card),
    }


def _curve(
    alphas: Sequence[float], scenes: Sequence[Scene], tell: Callable[[Scene, int], Prediction]
) -> dict[str, list[float]]:
    score, accuracy = [], []
    for i in range(len(alphas)):
        choices = [judge.greedy(tell(scene, i)) for scene in scenes]
        pairs = list(zip(scenes, choices, strict=True))
        score.append(float(np.mean([decided.picked(s.pool, c).score.mean() for s, c in pairs])))
        accuracy.append(float(np.mean([measures.tolerant_accuracy(c, s.pool.score).mean() for s, c in pairs])))
    return {"alpha": [float(a) for a in alphas], "score": score, "accuracy": accuracy}
