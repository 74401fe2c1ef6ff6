"""Fit the vocabulary, rarity and principal axes of words."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from routing.predictors.words import word_weights
from routing.training.methods.data import TrainingSet

VOCABULARY: Final = 3000
AXES: Final = 48
MOST_COMMON: Final = 0.95  # word pieces in more of the prompts than this say nothing
FEWEST: Final = 3  # prompts that a word piece must come up in


def fit_words(data: TrainingSet) -> dict[str, NDArray[Any]]:
    """The most frequent word pieces of the training prompts and their principal axes.

    Where the prompts have fewer words than axes are wanted, there are fewer axes; at least one.
    """
    found = [np.unique(np.asarray(prompt, dtype=np.int64)) for prompt in data.pieces]
    frequency = np.bincount(np.concatenate([*found, np.zeros(0, dtype=np.int64)]), minlength=1)
    usable = (frequency >= min(FEWEST, len(found))) & (frequency <= max(1.0, MOST_COMMON * len(found)))
    often = np.argsort(-np.where(usable, frequency, 0), kind="stable")[:VOCABULARY]
    vocabulary = np.sort(often[usable[often]])
    rarity = np.log((1.0 + len(found)) / (1.0 + frequency[vocabulary])) + 1.0
    words = {"vocabulary": vocabulary.astype(np.int32), "rarity": rarity.astype(np.float32)}
    return words | {"axes": _axes(data, words).astype(np.float16)}


def _axes(data: TrainingSet, words: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Right singular vectors of the prompts' weighted words, shape (n_words, n_axes); signs are fixed."""
    weighed = [word_weights(prompt, words["vocabulary"], words["rarity"]) for prompt in data.pieces]
    column, value = (np.concatenate(part) for part in zip(*weighed, strict=True))
    ends = np.cumsum([0, *(len(place) for place, _ in weighed)])
    shape = (len(weighed), len(words["vocabulary"]))
    count = min(AXES, min(shape) - 1)
    if count < 1:
        return np.ones((shape[1], 1))
    start = np.random.default_rng(data.seed).normal(size=min(shape))
    _, _, axes = svds(csr_matrix((value, column, ends), shape=shape), k=count, v0=start)
    first = axes[::-1].T
    return np.asarray(first * np.sign(first[np.abs(first).argmax(axis=0), np.arange(count)]))
