"""What an expert's answer says, and the text, JSON value or function in it. Answers are untrusted."""

import json
import re
import unicodedata
from typing import Any, Final

LONGEST_ANSWER: Final = 100_000
_FENCE = re.compile(r"(?:```|~~~)[ \t]*+(\w*+)[^\n`~]*+\n(.*?)(?:```|~~~|\Z)", re.DOTALL)
_THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
# Templates that begin the thought themselves leave only its end in the answer.
_THOUGHT = re.compile(r"\A.*</think(?:ing)?>", re.DOTALL)
_SIGNS = str.maketrans("‐‑‒–—−‘’‛“”„", "------'''\"\"\"")
_START_OF_CODE = re.compile(r"^(?:from|import|def|class|@)\b", re.MULTILINE)


def said(answer: str) -> str:
    """What an answer says to the person: bounded, and without what the expert wrote while thinking.

    >>> said("<think>B, or C?</think>B"), said("B, or C?</think>B")
    ('B', 'B')
    """
    return _THOUGHT.sub("", _THINKING.sub("", answer[:LONGEST_ANSWER])).strip()


def plain(text: str) -> str:
    """Text for comparing: without case, outer punctuation, emphasis and double spaces; hyphens and quotes are plain."""
    folded = unicodedata.normalize("NFKC", text).translate(_SIGNS).casefold()
    return " ".join(folded.split()).strip(" .,;:!?\"'`*_()[]$")


def stated_json(answer: str) -> Any:  # noqa: ANN401 - JSON is anything
    """The JSON value of an answer: in a fence, alone, or between the first and the last bracket.

    Raises:
        ValueError: There is none.
    """
    fenced = [body for _, body in _FENCE.findall(answer)]
    opened = [place for place in (answer.find("{"), answer.find("[")) if place >= 0]
    closed = max(answer.rfind("}"), answer.rfind("]"))
    between = [answer[min(opened) : closed + 1]] if opened and closed > min(opened) else []
    for text in (*reversed(fenced), answer, *between):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            continue
    raise ValueError("no JSON value")


def stated_code(answer: str, function: str) -> tuple[str, ...]:
    """Texts that may define a function, likeliest first: all fences together, each that defines it, what looks so."""
    fenced = [body for _, body in _FENCE.findall(answer)]
    defines = re.compile(rf"^[ \t]*(?:def\s+{re.escape(function)}\b|{re.escape(function)}\s*[=:])", re.MULTILINE)
    naming = [body for body in reversed(fenced) if defines.search(body)][:2]
    start = _START_OF_CODE.search(answer)
    loose = [] if fenced or start is None else _shorter(answer[start.start() :])
    return tuple(dict.fromkeys([*(["\n\n".join(fenced)] if naming else []), *naming, *loose, answer]))


def _shorter(text: str, most: int = 6) -> list[str]:
    """The text, and the text up to each of its last blank lines: prose may follow the code."""
    found = [text]
    while len(found) < most and "\n\n" in found[-1].rstrip():
        found.append(found[-1].rstrip().rpartition("\n\n")[0])
    return found
