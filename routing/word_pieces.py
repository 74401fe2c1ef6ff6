"""What the encoder reads of a prompt: its first and last 128 word pieces, and no word swallowed whole.

WordPiece gives one and the same unknown piece for every word of over 100 characters and for every word that holds a
character outside its vocabulary, however long: two keys in hexadecimal, or two sentences of a script without spaces,
would become the same vector. Such a word is broken here; every other word has the pieces that the tokenizer gives it.

Source: Devlin et al. 2019 (arXiv:1810.04805); their vocabulary holds 994 pieces, ``[unused0]`` and on, never trained.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal, NamedTuple

from tokenizers import Encoding, Tokenizer

HEAD_TOKENS: Final = 128
TAIL_TOKENS: Final = 128
MAX_TOKENS: Final = HEAD_TOKENS + TAIL_TOKENS  # what the encoder was trained to read
MAX_CHARS: Final = 200_000  # beyond this, only the two ends are tokenised
UNKNOWN: Final = "[UNK]"
_LONGEST_WORD: Final = 100  # characters; WordPiece looks into no longer word
_FRAME: Final = 2  # [CLS] and [SEP] around every prompt
_MOST_PIECES: Final = 16  # of a word; above, it is a key, a sequence or a blob rather than a word
_SYMBOLS: Final = ("Sm", "So")
_IDEOGRAPHS: Final = 0x3000  # from here on; a script below has fewer characters than there are untrained pieces
# The tokenizer drops these without a trace; moved to code points that nothing is assigned to, they are unknown.
_DROPPED: Final = re.compile("[\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]")
# Vowels, tones and stops of scripts that write them as marks; those of Latin, Greek and Cyrillic are accents.
_FIRST_MARK: Final = 0x0590
_MARKS: Final = re.compile(
    "[" + "".join(c for c in map(chr, range(_FIRST_MARK, _IDEOGRAPHS)) if unicodedata.category(c) == "Mn") + "]+"
)
_UNASSIGNED: Final = 0x40000
_PRIVATE: Final = 0xF0000  # the planes of private characters start here


class Piece(NamedTuple):
    """A word piece that the encoder reads.

    Args:
        piece: Its number in the vocabulary.
        token: Which token of the tokenizer it is, or is a part of.
        is_broken: Whether it is a splinter of a word that means nothing to the encoder.
    """

    piece: int
    token: int
    is_broken: bool


@dataclass(frozen=True, slots=True)
class WordPieces:
    """What is read of one prompt.

    Args:
        text: The characters that were tokenised: all, or both ends of more than 200,000.
        encoding: What the tokenizer made of them.
        pieces: At most 256: all, or the first and the last 128.
        is_truncated: Whether the prompt has more.
    """

    text: str
    encoding: Encoding
    pieces: tuple[Piece, ...]
    is_truncated: bool

    @property
    def ids(self) -> list[int]:
        """Numbers in the vocabulary, as the graph takes them."""
        return [read.piece for read in self.pieces]

    @property
    def broken_share(self) -> float:
        """Share in [0, 1] of the pieces that come from broken words; 1 where nothing at all is read."""
        n_read = len(self.pieces) - _FRAME
        return sum(read.is_broken for read in self.pieces) / n_read if n_read > 0 else 1.0


class WordPieceReader:
    """Reads prompts with a BERT tokenizer; may be shared between threads.

    Args:
        tokenizer: Its truncation and padding are switched off, and ``[SEP]`` within a prompt is text as any other.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self._vocabulary: dict[str, int] = tokenizer.get_vocab()
        self._longest_piece = max(map(len, self._vocabulary))
        self._unknown = self._vocabulary[UNKNOWN]
        unused = sorted(i for piece, i in self._vocabulary.items() if piece.startswith("[unused"))
        self._unused = unused or [self._unknown]

    def read(self, prompts: Sequence[str]) -> list[WordPieces]:
        """What is read of every prompt, in their order."""
        texts = [_both_ends_of_text(prompt) for prompt in prompts]
        told = [_DROPPED.sub(_unassigned, text) for text in texts]
        # A batch starts threads of the tokenizer's own, which one prompt has no use for.
        one = self._tokenizer.encode
        encodings: list[Encoding] = [one(told[0])] if len(told) == 1 else self._tokenizer.encode_batch(told)
        return [
            self._read(text, encoding, is_cut=len(prompt) > MAX_CHARS)
            for prompt, text, encoding in zip(prompts, texts, encodings, strict=True)
        ]

    def _read(self, text: str, encoding: Encoding, *, is_cut: bool) -> WordPieces:
        words = encoding.word_ids
        head = list(islice(self._pieces(text, encoding, words), MAX_TOKENS + 1))
        if len(head) <= MAX_TOKENS:
            return WordPieces(text, encoding, tuple(head), is_cut)
        tail = list(islice(self._pieces(text, encoding, words, step=-1), TAIL_TOKENS))
        return WordPieces(text, encoding, (*head[:HEAD_TOKENS], *reversed(tail)), True)

    def _pieces(
        self, text: str, encoding: Encoding, words: Sequence[int | None], *, step: Literal[1, -1] = 1
    ) -> Iterator[Piece]:
        """Every piece from the start or from the end; no more work is done than pieces are asked for."""
        ids, spans, sizes = encoding.ids, encoding.offsets, Counter(words)
        for token in range(len(ids))[::step]:
            index = ids[token]
            if index != self._unknown:
                yield Piece(index, token, words[token] is not None and sizes[words[token]] > _MOST_PIECES)
                continue
            start, end = spans[token]  # without the marks at its end, which the tokenizer strips
            after = _MARKS.match(text, end)
            word = self._normalised(text[start : after.end() if after else end])
            chunks = [word[i : i + _LONGEST_WORD] for i in range(0, len(word), _LONGEST_WORD)]
            for chunk in chunks[::step]:
                indices, has_unknown = self._broken(chunk)
                is_broken = has_unknown or len(chunks) > 1
                for index in indices[::step]:
                    yield Piece(index, token, is_broken)

    def _normalised(self, word: str) -> str:
        """The word in the characters that the vocabulary knows it by, such as ``a`` for a letter in full width."""
        text = _DROPPED.sub(_unassigned, word)
        for form in (unicodedata.normalize("NFKC", text), text):
            kept = _MARKS.sub(_unassigned, form)
            normal = "".join(self._tokenizer.normalizer.normalize_str(kept).split())
            if normal:
                return normal
        return text

    def _broken(self, chunk: str) -> tuple[list[int], bool]:
        """The longest known pieces from left to right, and whether a character between them was unknown."""
        indices: list[int] = []
        has_unknown, prefix, at = False, "", 0
        while at < len(chunk):
            for end in range(min(len(chunk), at + self._longest_piece), at, -1):
                index = self._vocabulary.get(prefix + chunk[at:end])
                if index is not None:
                    indices.append(index)
                    prefix, at = "##", end
                    break
            else:
                named = self._named(chunk[at])
                indices += named or self._unread(chunk[at])
                has_unknown, prefix, at = has_unknown or not named, "", at + 1
        return indices, has_unknown

    def _named(self, character: str) -> list[int]:
        """A symbol or an emoji by its name in Unicode, such as ``for all`` or ``party popper``; else nothing."""
        if unicodedata.category(character) not in _SYMBOLS:
            return []
        words = unicodedata.name(character, "").lower().replace("-", " ").split()
        return [index for word in words for index in self._broken(word)[0]]

    def _unread(self, character: str) -> list[int]:
        """Untrained pieces by code point: one for a letter, two for an ideograph.

        They say nothing, and keep texts apart that the encoder cannot read.
        """
        code = ord(character)
        if _FIRST_MARK <= code - _UNASSIGNED < _IDEOGRAPHS:
            code -= _UNASSIGNED
        high, low = divmod(code, len(self._unused))
        one = [self._unused[low]]
        return one if code < _IDEOGRAPHS else [self._unused[high % len(self._unused)], *one]


def _both_ends_of_text(prompt: str) -> str:
    half = MAX_CHARS // 2
    return prompt if len(prompt) <= MAX_CHARS else prompt[:half] + prompt[-half:]


def _unassigned(match: re.Match[str]) -> str:
    return "".join(chr(_UNASSIGNED + ord(character) % _PRIVATE) for character in match[0])
