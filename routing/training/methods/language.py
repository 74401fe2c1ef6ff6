"""How methods read sentences: the encoder that the prompts were encoded with, and its vocabulary."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from tokenizers import Tokenizer

from routing.runtime import open_session, run_graph
from routing.word_pieces import WordPieceReader


@dataclass(frozen=True, slots=True)
class Language:
    """What a method needs to read instructions and to write key words.

    Args:
        embed: Sentences to vectors, shape (n_sentences, width).
        vocabulary: Every word piece by its number.
    """

    embed: Callable[[Sequence[str]], NDArray[np.floating]]
    vocabulary: Sequence[str]


def language_of(encoder: onnx.ModelProto, tokenizer: Tokenizer) -> Language:
    """The language of an encoder's graph; the session opens with the first sentences."""
    reader = WordPieceReader(tokenizer)

    def embed(texts: Sequence[str]) -> NDArray[np.floating]:
        ids = [row.ids for row in reader.read(texts)]
        return run_graph(open_session(encoder.SerializeToString()), ids, ("vector",))["vector"]

    return Language(embed, [tokenizer.id_to_token(i) or "" for i in range(tokenizer.get_vocab_size())])
