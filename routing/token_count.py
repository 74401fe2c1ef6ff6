"""How many tokens a text is to a current model: byte-pair encoding with the o200k vocabulary, without a download.

LiteLLM's package carries the vocabulary as a file; it is found there without importing LiteLLM, which takes seconds.
"""

import base64
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Final

import tiktoken

from routing.errors import GraphError

VOCABULARY_FILE: Final = "litellm_core_utils/tokenizers/fb374d419588a4632f3f557e76b4b70aebbca790"
VOCABULARY_SHA256: Final = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
_WORD_END: Final = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
# What is never merged across: words, up to three digits, runs of punctuation, ends of lines, spaces.
_SPLIT: Final = "|".join(
    [
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + _WORD_END,
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + _WORD_END,
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)
# A run of one kind of character takes more than linear time, so that long texts are counted part by part; a cut
# adds a token or two.
_PART: Final = 10_000
_loading: Final = Lock()


def count_tokens(text: str) -> int:
    """Tokens of a text as OpenAI's models since GPT-4o count them; time grows with its length alone.

    Providers differ: on text of any language others count mostly within a factor of 2 of this.

    >>> count_tokens("The sky is blue.")
    5

    Raises:
        GraphError: The vocabulary is not where LiteLLM's package has it.

    Source:
        tiktoken's ``o200k_base`` (pattern and SHA-256 of the vocabulary).
    """
    encoding = _encoding()
    return sum(len(encoding.encode_ordinary(text[i : i + _PART])) for i in range(0, len(text), _PART))


def _encoding() -> tiktoken.Encoding:
    with _loading:  # half a second and 77 MB, once in a process
        return _load()


@lru_cache(maxsize=1)
def _load() -> tiktoken.Encoding:
    content = _vocabulary()
    ranks = {base64.b64decode(piece): int(rank) for piece, rank in (line.split() for line in content.splitlines())}
    return tiktoken.Encoding("o200k_base", pat_str=_SPLIT, mergeable_ranks=ranks, special_tokens={})


def vocabulary_path() -> Path:
    """Where the vocabulary lies; the file may be missing."""
    spec = find_spec("litellm")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    return Path(folders[0] if folders else "litellm", VOCABULARY_FILE)


def _vocabulary() -> bytes:
    try:
        content = vocabulary_path().read_bytes()
    except OSError as error:
        raise GraphError(
            "The vocabulary that prompts are counted with is not in the litellm package; install "
            "requirements.txt again."
        ) from error
    seen = sha256(content).hexdigest()
    if seen != VOCABULARY_SHA256:
        raise GraphError(
            f"The vocabulary that prompts are counted with has SHA-256 {seen[:12]} where {VOCABULARY_SHA256[:12]} is "
            "expected; install requirements.txt again."
        )
    return content
