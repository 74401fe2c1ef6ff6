"""GLIDER's arithmetic: global score from instructions, local score from token states, and their combination.

Source: Li et al. 2024 (arXiv:2410.07172); there it routes tokens to LoRA modules, here prompts to LLMs.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.predictors.links import sigmoid, softmax, unit
from routing.predictors.stored import Arrays
from routing.schema import Features, Floats

INSTRUCTION: Final = "instruction"
"""Key of ``Features.heads`` for instructions that an LLM wrote, as unit vectors; a row of NaN where it wrote none."""
ONLY_GLOBAL: Final = float("inf")
LIMIT: Final = 3.0
"""Standardised scores stay within this: a prompt unlike a source's own must not be judged by extrapolation."""


def instruction_vectors(features: Features, arrays: Arrays) -> Floats:
    """Unit vector of every prompt's instruction, shape (n_prompts, width).

    The one that an LLM wrote where there is one (a row of NaN is none); otherwise the instructions of the nearest
    training tasks, mixed by a softmax over the cosines to the tasks' centroids. The name of the prompt's own task is
    never used.
    """
    nearest = mixed(task_shares(features.vector, arrays), arrays["instructions"].astype(np.float64))
    if INSTRUCTION not in features.heads:
        return nearest
    written = features.heads[INSTRUCTION].astype(np.float64)
    return np.where(np.isnan(written).any(axis=1, keepdims=True), nearest, unit(written))


def task_shares(vector: NDArray[np.float32], arrays: Arrays) -> Floats:
    """How much every prompt is like each training task, shape (n_prompts, n_tasks), rows summing to 1."""
    cosines = vector @ arrays["centroids"].astype(np.float32).T
    return softmax(cosines.astype(np.float64) / float(arrays["temperature"]))


def mixed(share: Floats, instructions: Floats) -> Floats:
    """Unit vectors of mixtures of instructions."""
    return unit(share @ instructions)


def global_cosines(instruction: Floats, cards: Floats, is_own: NDArray[np.bool_]) -> Floats:
    """Largest cosine of a prompt's instruction to an expert's cards, shape (n_prompts, n_experts), NaN without cards.

    Args:
        instruction: Unit vectors, shape (n_prompts, width).
        cards: Unit vectors of all cards, shape (n_cards, width).
        is_own: Whether a card is an expert's, shape (n_experts, n_cards).
    """
    cosines = instruction @ cards.T
    found = np.full((len(instruction), len(is_own)), np.nan)
    for expert, own in enumerate(is_own):
        if own.any():
            found[:, expert] = cosines[:, own].max(axis=1)
    return found


def global_scores(features: Features, arrays: Arrays) -> tuple[Floats, Floats]:
    """Standardised global score per measurement, and each prompt's best similarity to any card, 0 without cards."""
    instruction = instruction_vectors(features, arrays)
    cosines = global_cosines(instruction, arrays["cards"].astype(np.float64), arrays["is_own"].astype(bool))
    by_column = cosines[:, arrays["column_expert"].astype(np.int64)]
    best = np.nan_to_num(cosines, nan=0.0).max(axis=1, initial=0.0)
    return standardised(by_column, arrays["global_mean"], arrays["global_scale"]), best


def local_scores(features: Features, arrays: Arrays) -> Floats:
    """Standardised local score per measurement: LayerNorm(h).LayerNorm(v) / sqrt(width), averaged over the tokens.

    The mean over tokens is taken before the product, in the graph's output ``local``, which gives the same.
    """
    raw = features.heads["local"].astype(np.float64) @ arrays["gate"].astype(np.float64)
    return standardised(raw, arrays["local_mean"], arrays["local_scale"])


def standardised(raw: Floats, mean: Floats, scale: Floats) -> Floats:
    """Scores in standard deviations from the mean over training prompts, at most three; unknown is 0."""
    return np.clip(np.nan_to_num((raw - mean) / scale), -LIMIT, LIMIT)


def combine(local: Floats, overall: Floats, alpha: float) -> Floats:
    """Local + alpha * global, or the global score alone where alpha is infinite."""
    return overall if np.isinf(alpha) else local + alpha * overall


def calibrated(combined: Floats, alpha: float, arrays: Arrays) -> Floats:
    """Scores in (0, 1) by the calibration of the nearest alpha that was fitted, shape (n_prompts, n_columns)."""
    at = nearest_alpha(alpha, arrays["alphas"])
    return sigmoid(arrays["intercept"][at] + arrays["slope"][at] * combined)


def nearest_alpha(alpha: float, alphas: NDArray[np.floating]) -> int:
    """Place of the nearest fitted alpha; the last is the global score alone."""
    return len(alphas) - 1 if np.isinf(alpha) else int(np.abs(alphas[:-1] - alpha).argmin())


def layer_norm(values: Floats) -> Floats:
    """Rows with mean 0 and variance 1, without learned scale or shift."""
    centred = values - values.mean(axis=-1, keepdims=True)
    return np.asarray(centred / (centred.std(axis=-1, keepdims=True) + 1e-6))
