"""Which option of a multiple-choice prompt an answer chooses. Answers are untrusted and come in many manners."""

import re
from collections.abc import Collection, Iterator
from typing import Final

_OPTION: Final = re.compile(r"^[^\S\n]*\(?([A-J])[.)]\s+(.+)$", re.MULTILINE)
_ALONE: Final = re.compile(r"[\W_]*([A-Ja-j])[\W_]*")
_BOXED: Final = re.compile(r"\\boxed\s*+\{\s*+(?:\\text\w*+\s*+\{)?\s*+\(?([A-J])\)?\s*+\}")
# "A or B" chooses nothing, and neither does "a drug".
_SURE: Final = r"(?!\W{0,3}(?:(?i:or|and|nor)\b|[,/&])\W{0,3}[A-J]\b)"
_STATED: Final = re.compile(
    r"\b(?i:answer|option|choice)s?\b\W{0,6}(?:(?i:is|would be|must be)\b\W{0,6})?(?:(?i:option|choice|letter)\W{1,4})?"
    r"([A-J])\b" + _SURE + r"(?!\s+[a-z]{2,}\s+(?!is\b))"
)
_PRAISED: Final = re.compile(r"\b([A-J])\b\)?\W{0,3}\s(?:is|being)\s+(?:the\s+)?(?:most\s+)?(?:correct|right|best)\b")
_AT_LINE: Final = re.compile(r"^[\s>]*[*_`\"“\[]*\(?([A-J])\b" + _SURE + r"[)\]*_`\"”]*\s*(?:[.):,;*–—-]|$)")
_IN_BRACKETS: Final = re.compile(r"\(([A-J])\)" + _SURE)
# A letter on its own: not denied, not an article ("A drug that"), not part of a name ("vitamin C-like").
_LOOSE: Final = re.compile(
    r"(?<![\w'’-])(?<!\b[Nn]ot )(?<!n['’]t )([A-J])(?![\w'’-])"
    r"(?!\s+(?!or\b|and\b|nor\b|is\b|as\b|because\b|since\b)[a-z])"
)


def chosen_letter(prompt: str, answer: str) -> str | None:
    r"""The option that an answer chooses, by letter or else by repeating exactly one option's words.

    Repeating the whole list chooses nothing, and neither does naming two.

    >>> chosen_letter("Which?\nA. one\nB. two", "I would say B, since it is even.")
    'B'
    >>> chosen_letter("Which?\nA. one\nB. two", "A or B") is None
    True
    """
    options = dict(_OPTION.findall(prompt))
    letters = options or dict.fromkeys("ABCDEFGHIJ", "")
    if (alone := _ALONE.fullmatch(answer)) and alone[1].upper() in letters:
        return alone[1].upper()
    rest = _without_list(answer)
    return next((letter for letter in _found(rest, options) if letter in letters), None)


def _found(rest: str, options: dict[str, str]) -> Iterator[str]:
    """Letters that an answer names, the surest manner of naming first."""
    lines = [line for line in rest.splitlines() if line.strip()]
    at_line = [found[1] if (found := _AT_LINE.match(line)) else "" for line in lines]
    for pattern in (_BOXED, _STATED):
        yield from reversed(pattern.findall(rest))
    yield from at_line[:1]
    yield from (letter for letter in reversed(at_line) if letter)
    for pattern in (_PRAISED, _IN_BRACKETS):
        yield from reversed(pattern.findall(rest))
    told = rest.casefold()
    yield from _only([letter for letter, text in options.items() if _says(text, told)])
    loose = [letter for letter in _LOOSE.findall(rest) if not options or letter in options]
    yield from _only(loose) or _only(_LOOSE.findall(lines[-1] if lines else ""))


def _only(letters: Collection[str]) -> list[str]:
    return list(set(letters)) if len(set(letters)) == 1 else []


def _says(option: str, told: str) -> bool:
    words = re.escape(option.strip().rstrip(".").casefold())
    return re.search(rf"(?<!\w)(?<!not ){words}(?!\w)", told) is not None


def _without_list(answer: str) -> str:
    """The answer without its list of options, if it repeats one: A, B and so on, line after line."""
    lines = [line for line in answer.splitlines() if line.strip()]
    start = next((i for i, line in enumerate(lines) if _begins(line, "A")), None)
    if start is None:
        return answer
    end = start
    while end < len(lines) and end - start < 10 and _begins(lines[end], chr(ord("A") + end - start)):
        end += 1
    return answer if end - start < 2 else "\n".join([*lines[:start], *lines[end:]])


def _begins(line: str, letter: str) -> bool:
    return re.match(rf"^\s*(?:[-*•]\s+)?\**\(?{letter}\)?\s*[.):*]", line) is not None
