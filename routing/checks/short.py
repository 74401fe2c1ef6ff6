"""Whether a short answer is the text expected, and does not name another beside it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import regex

from routing.checks.read import plain
from routing.errors import PreferenceError

MOST_WORDS: Final = 40


def is_exact(wanted: Sequence[Any], text: str) -> bool:
    """Whether the answer, or its last line, is one of the texts."""
    texts = {plain(str(one)) for one in wanted}
    lines = [line for line in text.splitlines() if line.strip()]
    return any(plain(candidate) in texts for candidate in (text, *lines[-1:]))


def is_short(expected: Any, prompt: str, answer: str) -> bool:  # noqa: ANN401 - JSON is anything
    """Whether an answer is one of the texts, or a sentence that names one of them and none of their rivals before it.

    Args:
        expected: A text, several, or ``{"texts", "rivals"}``; rivals are wrong answers that a sentence may hold.
        prompt: Not needed.
        answer: What was said.

    Raises:
        PreferenceError: There are no texts.
    """
    parts = expected if isinstance(expected, Mapping) else {"texts": expected}
    texts, rivals = _listed(parts.get("texts", ())), _listed(parts.get("rivals", ()))
    if not texts:
        raise PreferenceError(f"A short answer needs texts that are right; it has {expected!r}.")
    if is_exact(texts, answer):
        return True
    told = _spaced(answer)
    if len(told.split()) > MOST_WORDS:
        return False
    first = min((place for text in texts if (place := told.find(_spaced(text))) >= 0), default=-1)
    before = told[: first + 1]
    if first < 0 or before.endswith((" not ", " nor ", " neither ")) or any(_spaced(r) in before for r in rivals):
        return False
    return not _is_open(told, texts, rivals)


def _is_open(told: str, texts: Sequence[str], rivals: Sequence[str]) -> bool:
    """Whether it names another beside it: "7 or 8", "Tigris and the Euphrates"."""
    mine, others = ("|".join(regex.escape(_spaced(one).strip()) for one in many) for many in (texts, rivals))
    for both in regex.finditer(r"\bor\b", told):
        left, right = told[: both.start()], told[both.end() :]
        is_left = regex.search(rf"\b(?:{mine})(?: \w+)? $", left) is not None
        is_right = regex.match(rf" (?:\w+ )?(?:{mine})\b", right) is not None
        if is_left != is_right:
            return True
    return bool(rivals) and regex.search(rf"\b(?:{mine}) (?:and|or)(?: the)? (?:{others})\b", told) is not None


def _spaced(text: str) -> str:
    words = regex.sub(r"[^\w]+", " ", plain(text)).strip()
    return f" {words} "


def _listed(value: Any) -> list[str]:  # noqa: ANN401
    return [str(one) for one in (value if isinstance(value, list | tuple) else [value])]
