"""What differs between two answers, word by word; and between a stored run and the same run asked again."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from html import escape
from typing import Final, Literal

from routing.schema import Answer
from routing.store.records import KeptRun

Kind = Literal["same", "left", "right"]
_PARTS = re.compile(r"\s+|\w+|[^\w\s]")
MOST_WORDS: Final = 4000  # beyond this, lines are compared: the time grows with the square


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch that both have, or only the left or the right one."""

    kind: Kind
    text: str


def difference(left: str, right: str) -> list[Piece]:
    """The pieces of two texts in order; those of one side put together are exactly that side.

    >>> [(p.kind, p.text) for p in difference("a red fox", "a fox")]
    [('same', 'a '), ('left', 'red '), ('same', 'fox')]
    """
    a, b = _PARTS.findall(left), _PARTS.findall(right)
    if max(len(a), len(b)) > MOST_WORDS:
        a, b = left.splitlines(keepends=True), right.splitlines(keepends=True)
    pieces: list[Piece] = []
    for tag, a0, a1, b0, b1 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(a[a0:a1])))
            continue
        if a1 > a0:
            pieces.append(Piece("left", "".join(a[a0:a1])))
        if b1 > b0:
            pieces.append(Piece("right", "".join(b[b0:b1])))
    return pieces


def likeness(left: str, right: str) -> float:
    """Share in [0, 1] of the characters of both that are the same; 1 for two empty texts."""
    total = len(left) + len(right)
    return 1.0 if total == 0 else 2 * sum(len(p.text) for p in difference(left, right) if p.kind == "same") / total


def as_html(pieces: Iterable[Piece]) -> str:
    """Pieces as harmless HTML: what only one side has is marked, every character is escaped.

    >>> as_html([Piece("left", "<b>"), Piece("same", "x")])
    '<del>&lt;b&gt;</del>x'
    """
    mark = {"same": "{}", "left": "<del>{}</del>", "right": "<ins>{}</ins>"}
    return "".join(mark[piece.kind].format(escape(piece.text)) for piece in pieces)


@dataclass(frozen=True, slots=True)
class Change:
    """One answer of a stored run beside the answer to the same question now; None where there is none."""

    expert: str
    repeat: int
    before: Answer | None
    now: Answer | None

    @property
    def likeness(self) -> float | None:
        """How alike the texts are; None where one is missing, or where both calls failed without a word."""
        if self.before is None or self.now is None or not (self.before.text or self.now.text):
            return None
        return likeness(self.before.text, self.now.text)


def changes(before: KeptRun, now: Iterable[tuple[str, int, Answer | None]]) -> list[Change]:
    """What asking again changed, by expert and repeat; experts of either run are listed."""
    old = {(kept.answer.expert, kept.repeat): kept.answer for kept in before.answers}
    new = {(expert, repeat): answer for expert, repeat, answer in now}
    return [Change(*key, old.get(key), new.get(key)) for key in dict.fromkeys([*old, *new])]
