"""What the heads see of a prompt: sentence vector, mean state of the middle layer, and the prompt's form."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from tokenizers import Tokenizer

from routing.runtime import open_session, run_graph
from routing.token_count import count_tokens
from routing.word_pieces import WordPieceReader

ENCODED: Final = ("vector", "pooled", "local")
"""Outputs of the encoder that are kept for every prompt."""

ONE_A_RUN: Final = b"one prompt a run"  # features of prompts that shared a run are others, and lie in old caches
Floats32 = NDArray[np.float32]
Halves = NDArray[np.float16]

_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "decimal point": frozenset("."),
    "option letter": frozenset("abcdefghij"),
    "opening bracket": frozenset("("),
    "colon": frozenset(":"),
    "relation": frozenset("=<>≤≥"),
    "operator": frozenset("+-*/^\\×÷−"),
    "square or curly bracket": frozenset("[]{}"),
    "quotation mark": frozenset("\"'“”`"),
    "question mark": frozenset("?"),
    "comma": frozenset(","),
    "currency or percent": frozenset("$%€"),
    "underscore": frozenset("_"),
    "code word": frozenset(
        ["def", "return", "assert", "int", "str", "print", "self", "class", "input", "output", "list"]
    ),
    "answer": frozenset(["answer", "##wer"]),
    "translation": frozenset(["translate", "german", "japanese"]),
    "negation": frozenset(["not", "except", "false", "incorrect"]),
    "which": frozenset(["which"]),
    "what": frozenset(["what"]),
    "how": frozenset(["how"]),
    "calculation": frozenset(["calculate", "compute", "find", "determine", "many", "much", "total", "each"]),
}
_SHAPES: Final[Mapping[str, Callable[[str], bool]]] = {
    "number": lambda piece: re.fullmatch(r"(##)?\d+", piece) is not None,
    "word continued": lambda piece: piece.startswith("##"),
    "beyond ASCII": lambda piece: any(ord(char) > 127 for char in piece),
}
FORM_CLASSES: Final = (*_WORDS, *_SHAPES)


def form_table(tokenizer: Tokenizer) -> NDArray[np.uint8]:
    """Which classes of form every word piece belongs to, shape (n_pieces, n_classes), 0 or 1."""
    table = np.zeros((tokenizer.get_vocab_size(), len(FORM_CLASSES)), dtype=np.uint8)
    tests = [*(words.__contains__ for words in _WORDS.values()), *_SHAPES.values()]
    for piece, index in tokenizer.get_vocab().items():
        table[index] = [test(piece) for test in tests]
    return table


@dataclass(frozen=True, slots=True)
class Encoded:
    """Prompts as the quantised encoder gives them.

    Args:
        vector: Unit sentence vectors, shape (n_prompts, 384).
        pooled: Mean states of the middle layer, shape (n_prompts, 384).
        local: Means over tokens of the normalised last states, shape (n_prompts, 384).
        counts: Count of pieces of every class of form among the tokens read, shape (n_prompts, n_classes).
        read: Word pieces read, shape (n_prompts,).
        tokens: Tokens of the whole prompt as a current model counts them, shape (n_prompts,).
        is_truncated: Whether a prompt has more word pieces than are read, shape (n_prompts,).
        ids: Word pieces read of every prompt.
    """

    vector: Floats32
    pooled: Floats32
    local: Floats32
    counts: Floats32
    read: Floats32
    tokens: NDArray[np.int64]
    is_truncated: NDArray[np.bool_]
    ids: list[list[int]]

    def form(self) -> Floats32:
        """Form features before scaling: log length, length, log counts and shares of every class."""
        length = self.read[:, np.newaxis]
        parts = [np.log(length), length / 256.0, np.log1p(self.counts), self.counts / length]
        return np.concatenate(parts, axis=1).astype(np.float32)


def encode_prompts(
    encoder: onnx.ModelProto,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    *,
    cache: Path | None,
    progress: Callable[[str], None],
    at_once: int = 2048,
) -> Encoded:
    """Encode prompts, or read them from the cache when encoder and prompts are the same as before.

    Args:
        encoder: Quantised graph with the outputs ``vector``, ``pooled`` and ``local``.
        tokenizer: Its tokenizer.
        prompts: Texts.
        cache: Folder for features, named by a hash of graph and prompts; None keeps nothing.
        progress: Told how far it is.
        at_once: Prompts between two reports.
    """
    content = encoder.SerializeToString()
    rows = WordPieceReader(tokenizer).read(prompts)
    ids = [row.ids for row in rows]
    found = _counts(ids, form_table(tokenizer))
    digest = sha256(content + ONE_A_RUN)
    for row in ids:
        digest.update(np.array(row, dtype=np.int32).tobytes())
    kept = None if cache is None else cache / f"features-{digest.hexdigest()[:24]}.npz"
    if kept is not None and kept.exists():
        progress(f"Features of {len(prompts):,} prompts found in the cache")
        with np.load(kept) as stored:
            vector, pooled, local = (stored[name] for name in ENCODED)
    else:
        vector, pooled, local = _run(content, ids, progress, at_once)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            part = kept.with_suffix(".part.npz")
            np.savez(part, vector=vector, pooled=pooled, local=local)
            part.replace(kept)
    read = np.array([len(row) for row in ids], dtype=np.float32)
    tokens = np.array([count_tokens(prompt) for prompt in prompts], dtype=np.int64)
    is_truncated = np.array([row.is_truncated for row in rows])
    return Encoded(vector, pooled.astype(np.float32), local.astype(np.float32), found, read, tokens, is_truncated, ids)


def _run(
    content: bytes, ids: Sequence[Sequence[int]], progress: Callable[[str], None], at_once: int
) -> tuple[Floats32, Halves, Halves]:
    """Vectors, and the two mean states in the precision that the cache keeps."""
    session = open_session(content)
    parts: list[dict[str, Floats32]] = []
    for start in range(0, len(ids), at_once):
        parts.append(run_graph(session, ids[start : start + at_once], ENCODED))
        progress(f"Encoded {min(start + at_once, len(ids)):,} of {len(ids):,} prompts")
    vector, pooled, local = (np.concatenate([part[name] for part in parts]) for name in ENCODED)
    return vector, pooled.astype(np.float16), local.astype(np.float16)


def _counts(ids: Sequence[Sequence[int]], table: NDArray[np.uint8]) -> Floats32:
    return np.stack([table[np.asarray(row, dtype=np.int64)].sum(axis=0) for row in ids]).astype(np.float32)


def cache_folder() -> Path:
    """Where features are kept between runs: outside the project, as numbers only."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "thalamus"
