"""GLIDER-style routing: a global score from task instructions and a local score from token states.

Four forms share one fit: the adaptive one, which trusts the global score only where the prompt is like a card, and
three ablations. ``at_alpha`` gives the form for any weight of the global score, for the curve over alpha.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from routing.encoder import Card
from routing.predictors.columns import SHARE, ColumnPredictor
from routing.predictors.glider_edit import with_cards_beside
from routing.predictors.glider_score import ONLY_GLOBAL, calibrated, combine, global_scores, local_scores
from routing.predictors.links import softmax
from routing.predictors.method import Method
from routing.predictors.places import PLACES
from routing.predictors.stored import Arrays, arrays_of
from routing.schema import Features, Floats, Predictor

NAME: Final = "glider"
LOCAL: Final = "local"
SOURCE: Final = "arXiv:2410.07172"


def adaptive(features: Features, arrays: Arrays) -> Floats:
    """A high alpha where the prompt's instruction is near some card, a low one elsewhere."""
    overall, best = global_scores(features, arrays)
    local = local_scores(features, arrays)
    high, low = (
        calibrated(combine(local, overall, alpha), alpha, arrays)
        for alpha in (float(arrays["alpha_near"]), float(arrays["alpha_far"]))
    )
    return np.where((best >= float(arrays["threshold"]))[:, np.newaxis], high, low)


def with_alpha(alpha: float | None) -> Callable[[Features, Arrays], Floats]:
    """Scores at one weight of the global score everywhere; None takes the fitted one."""

    def columns(features: Features, arrays: Arrays) -> Floats:
        weight = float(arrays["alpha_fixed"]) if alpha is None else alpha
        overall, _ = global_scores(features, arrays)
        return calibrated(combine(local_scores(features, arrays), overall, weight), weight, arrays)

    return columns


def at_alpha(card: Card, alpha: float) -> Predictor:
    """The predictor at this weight of the global score; infinity means the global score alone.

    Weights between the fitted ones (``alphas``) take the calibration of the nearest.
    """
    return _built(card, with_alpha(alpha))


def alphas(card: Card) -> tuple[float, ...]:
    """Weights of the global score that have a calibration of their own; the last is infinite."""
    return tuple(float(alpha) for alpha in arrays_of(card, NAME)["alphas"])


def fitted(card: Card) -> dict[str, float]:
    """What was fitted leaving tasks out: threshold, alpha_near, alpha_far and alpha_fixed."""
    arrays = arrays_of(card, NAME)
    return {key: float(arrays[key]) for key in ("threshold", "alpha_near", "alpha_far", "alpha_fixed")}


def top_two(score: Floats, *, temperature: float = 0.1) -> tuple[tuple[int, float], ...]:
    """Columns of the two best experts of one prompt with the softmax of their scores, renormalised to sum to 1.

    Args:
        score: Predicted scores of the pool, shape (n_experts,); NaN is never among the two.
        temperature: Softness.
    """
    known = np.flatnonzero(np.isfinite(score))
    best = known[np.argsort(-score[known], kind="stable")[:2]]
    weight = softmax(score[best][np.newaxis] / temperature)[0] if len(best) else ()
    return tuple((int(i), float(w)) for i, w in zip(best, weight, strict=True))


def _built(card: Card, columns: Callable[[Features, Arrays], Floats]) -> Predictor:
    return ColumnPredictor(card, columns, with_cards_beside(card, arrays_of(card, NAME)), arrays_of(card, PLACES))


def _method(title: str, about: str, columns: Callable[[Features, Arrays], Floats]) -> Method:
    return Method(
        title=title,
        system="GLIDER-style",
        about=about,
        source=SOURCE,
        build=lambda card: _built(card, columns),
        heads=(SHARE, LOCAL),
    )


ADAPTIVE: Final = _method(
    "Global and local (adaptive)",
    "GLIDER-style, for prompts instead of LoRA modules: token gates plus task instructions, which weigh more where "
    "the prompt is like an expert's card.",
    adaptive,
)
ONLY_LOCAL_FORM: Final = _method(
    "Token gates only", "GLIDER-style ablation: a gate vector per expert on the prompt's token states.", with_alpha(0.0)
)
ONLY_GLOBAL_FORM: Final = _method(
    "Instructions only",
    "GLIDER-style ablation: the instructions of the nearest training tasks against every expert's cards.",
    with_alpha(ONLY_GLOBAL),
)
FIXED: Final = _method(
    "Global and local (fixed)",
    "GLIDER-style ablation: one weight of the global score for every prompt.",
    with_alpha(None),
)
