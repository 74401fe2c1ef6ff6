"""Prompts as weighted words: TF-IDF of word pieces on its principal axes.

Source: Spärck Jones 1972 (inverse document frequency); Deerwester et al. 1990 (principal axes of words).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from routing.predictors.links import unit
from routing.predictors.stored import Arrays
from routing.schema import Floats


def word_features(pieces: Sequence[Sequence[int]], arrays: Arrays) -> Floats:
    """Unit vectors of prompts on the axes of their words, shape (n_prompts, n_axes); zero where no word is known.

    Args:
        pieces: Word pieces of every prompt.
        arrays: ``vocabulary`` holds the word pieces that count, ascending; ``rarity`` their inverse document
            frequency; ``axes`` their places, shape (n_words, n_axes).
    """
    axes = arrays["axes"].astype(np.float64)
    told = np.zeros((len(pieces), axes.shape[1]))
    for row, prompt in enumerate(pieces):
        place, weight = word_weights(prompt, arrays["vocabulary"], arrays["rarity"])
        told[row] = weight @ axes[place]
    return unit(told)


def word_weights(
    pieces: Sequence[int], vocabulary: NDArray[np.int64], rarity: NDArray[np.float32]
) -> tuple[NDArray[np.int64], Floats]:
    """Which words of the vocabulary a prompt has, and their weights, a unit vector.

    A word that comes up n times counts 1 + log(n) times its rarity.
    """
    seen, count = np.unique(np.asarray(pieces, dtype=np.int64), return_counts=True)
    place = np.searchsorted(vocabulary, seen)
    known = place < len(vocabulary)
    known[known] = vocabulary[place[known]] == seen[known]
    weight = (1.0 + np.log(count[known])) * rarity[place[known]]
    return place[known], np.asarray(weight / max(float(np.linalg.norm(weight)), 1e-12))
