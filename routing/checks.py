"""Checks of an answer that need no judge: an exact answer, or a regular expression."""

import unicodedata
from typing import Final, Literal

import regex

from routing.errors import PreferenceError

CheckKind = Literal["exact", "regex"]
LONGEST_PATTERN: Final = 500
LONGEST_ANSWER: Final = 100_000
PATIENCE_S: Final = 0.5  # a pattern can be made that never ends; nobody may stop the app with one


def passes(kind: CheckKind, expected: str, text: str) -> bool:
    """Whether an answer is as expected.

    ``exact``: the answer, or its last line, equals what is expected, apart from case, spaces, surrounding punctuation
    and markdown emphasis. ``regex``: the pattern is found anywhere in the answer; ``^`` and ``$`` match at lines.

    Raises:
        PreferenceError: Nothing is expected, or the pattern is not a regular expression.
    """
    if not expected.strip():
        raise PreferenceError("Nothing is expected. Type the exact answer, or a regular expression.")
    if kind == "exact":
        lines = [line for line in text.splitlines() if line.strip()]
        candidates = [text, *lines[-1:]]
        return any(_plain(candidate) == _plain(expected) for candidate in candidates)
    if len(expected) > LONGEST_PATTERN:
        raise PreferenceError(f"The pattern has {len(expected)} characters; at most {LONGEST_PATTERN} are allowed.")
    try:
        return regex.search(expected, text[:LONGEST_ANSWER], regex.MULTILINE, timeout=PATIENCE_S) is not None
    except TimeoutError:
        raise PreferenceError(f"The pattern {expected!r} took more than {PATIENCE_S:g} s. Make it simpler.") from None
    except regex.error as problem:
        raise PreferenceError(f"{expected!r} is not a regular expression ({problem}). Mend the pattern.") from None


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split()).strip(" .,;:!?\"'`*_()[]$")
