"""Which parts of a Markdown text are code: fenced blocks and inline code, found in one pass.

Fences count at any indentation and behind the marks of lists and quotations: a block within a list is code too.

Source: CommonMark 0.31.2, sections 4.5 (fences), 6.1 (code spans) and 2.4 (backslashes).
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_BOX: Final = r"[ \t]*(?:(?:>|[-+*]|\d{1,9}[.)])[ \t]+|>)*"
"""Indentation, and marks of lists and quotations."""
_OPENING: Final = re.compile(rf"{_BOX}(`{{3,}}|~{{3,}})(.*)")
_CLOSING: Final = re.compile(r"[ \t>]*(`{3,}|~{3,})[ \t]*")
_BLOCK: Final = re.compile(r"[ \t>]*(?:$|(?:[-+*]|\d{1,9}[.)]|#{1,6})[ \t])")
"""A line that belongs to no paragraph before it: blank, a list item, or a heading."""
_RUN: Final = re.compile("`+")


@dataclass(frozen=True, slots=True)
class CodeSpans:
    """Parts of a text, in order and apart from each other.

    Args:
        starts: Where they start.
        ends: Where they end.
    """

    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def holds(self, place: int) -> bool:
        """Whether the character at this place is code."""
        before = bisect_right(self.starts, place) - 1
        return before >= 0 and place < self.ends[before]


def code_spans(text: str) -> CodeSpans:
    """Fenced blocks, to the end where one is not closed, and inline code.

    >>> spans = code_spans("Is `a[0]` right?")
    >>> [spans.holds(place) for place in (2, 4, 10)]
    [False, True, False]
    """
    found = sorted(_spans(text))
    return CodeSpans(tuple(start for start, _ in found), tuple(end for _, end in found))


def _spans(text: str) -> Iterator[tuple[int, int]]:
    fence, fence_start, paragraph_start, at = "", 0, 0, 0
    for line in text.split("\n"):
        start, at = at, at + len(line) + 1
        bare = line.rstrip("\r")
        if fence:
            closing = _CLOSING.fullmatch(bare)
            if closing and closing[1][0] == fence[0] and len(closing[1]) >= len(fence):
                yield fence_start, at
                fence, paragraph_start = "", at
            continue
        opening = _OPENING.fullmatch(bare)
        if opening and not (opening[1][0] == "`" and "`" in opening[2]):
            yield from _inline(text, paragraph_start, start)
            fence, fence_start = opening[1], start
        elif _BLOCK.match(bare):
            yield from _inline(text, paragraph_start, start)
            paragraph_start = start
    if fence:
        yield fence_start, len(text)
    else:
        yield from _inline(text, paragraph_start, len(text))


def _inline(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Code between two runs of equally many backticks; a run without its like is plain text."""
    runs = [match.span() for match in _RUN.finditer(text, start, end)]
    by_length: dict[int, list[int]] = defaultdict(list)
    for first, last in runs:
        by_length[last - first].append(first)
    covered = start
    for first, last in runs:
        if first < covered:
            continue
        opening = first + _is_escaped(text, first, start)
        others = by_length[last - opening]
        after = bisect_right(others, first)
        if opening < last and after < len(others):
            covered = others[after] + last - opening
            yield opening, covered


def _is_escaped(text: str, place: int, start: int) -> bool:
    """Whether an odd number of backslashes stands before a place."""
    before = place
    while before > start and text[before - 1] == "\\":
        before -= 1
    return (place - before) % 2 == 1
