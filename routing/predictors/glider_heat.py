"""Which words of a prompt speak for an expert: the local score, taken apart by token.

Source: the per-token gate of Li et al. 2024 (arXiv:2410.07172), read off one prompt.
"""

from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from routing.encoder import TOKENIZER_FILE, Card
from routing.errors import GraphError, PreferenceError
from routing.predictors.columns import SHARE
from routing.predictors.glider import NAME
from routing.predictors.glider_score import layer_norm
from routing.predictors.stored import Arrays, arrays_of
from routing.schema import Features, Floats
from routing.word_pieces import WordPieceReader, WordPieces

STATES: Final = "token_states"
HEADS: Final = (SHARE, STATES)
"""Outputs of the graph that a heat map needs."""


def heat(states: NDArray[np.floating], share: Floats, arrays: Arrays, expert: int) -> Floats:
    """What every token adds to an expert's standardised local score, shape (n_tokens,); their sum is that score.

    An expert measured in several sources has a gate in each; they are mixed as the prompt is like the sources.

    Args:
        states: Token states of one prompt, shape (n_tokens, width).
        share: How much the prompt is like every source, shape (n_sources,).
        arrays: The fitted arrays of the method.
        expert: Column of the expert in the router's order.
    """
    own = np.flatnonzero(arrays["column_expert"] == expert)
    if not len(own):
        return np.zeros(len(states))
    gate = arrays["gate"].astype(np.float64)[:, own]
    raw = layer_norm(states.astype(np.float64)) @ gate
    scaled = (raw - arrays["local_mean"][own]) / arrays["local_scale"][own] / len(states)
    weight = share[arrays["column_source"][own].astype(np.int64)] + 1e-9
    return np.asarray(scaled @ (weight / weight.sum()))


def token_weights(prompt: str, features: Features, card: Card, expert: str) -> tuple[tuple[str, float], ...]:
    """Words of a prompt in their order, each with what it adds to the expert's local score.

    Word pieces are joined to the words as written; of a long prompt the words that the encoder read. Weights are in
    standard deviations of the expert's local score over training prompts: above 0 speaks for the expert.

    Args:
        prompt: The prompt that was encoded, without its flags.
        features: Its features, one row, with the outputs ``HEADS``.
        card: The router card.
        expert: Name of the expert.

    Raises:
        GraphError: The features are those of another prompt, or the method or the tokenizer is missing.
        PreferenceError: The router does not predict the expert.
    """
    if expert not in card.experts:
        raise PreferenceError(f"The router does not predict {expert!r}, so it has no gate. Choose another expert.")
    if card.folder is None:
        raise GraphError("The router card is not on disk, so its tokenizer is nowhere; load the router from a folder.")
    states = features.heads[STATES][0]
    read = _reader(card.folder / TOKENIZER_FILE).read([prompt])[0]
    if len(read.pieces) != len(states):
        raise GraphError(
            f"The prompt has {len(read.pieces)} word pieces where its features have {len(states)}; "
            "encode this prompt alone."
        )
    weights = heat(
        states, features.heads[SHARE][0].astype(np.float64), arrays_of(card, NAME), card.experts.index(expert)
    )
    return _words(read, weights)


def _words(read: WordPieces, weights: Floats) -> tuple[tuple[str, float], ...]:
    """Join the pieces of each word; special tokens are no words."""
    joined: dict[int, tuple[int, int, float]] = {}
    words, spans = read.encoding.word_ids, read.encoding.offsets
    for piece, weight in zip(read.pieces, weights, strict=True):
        word, (start, end) = words[piece.token], spans[piece.token]
        if word is None:
            continue
        first, _, before = joined.get(word, (start, end, 0.0))
        joined[word] = (first, end, before + float(weight))
    return tuple((read.text[start:end], weight) for start, end, weight in joined.values())


@lru_cache(maxsize=2)
def _reader(path: Path) -> WordPieceReader:
    try:
        content = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise GraphError(
            f"{path.name} is missing ({problem.strerror}). Restore it with git, or: make train"
        ) from problem
    return WordPieceReader(Tokenizer.from_str(content))
