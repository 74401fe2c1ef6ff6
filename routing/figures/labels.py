"""Where names stand beside their marks, so that none covers another or a mark."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from routing.decision import Decision
from routing.figures.style import Axis
from routing.schema import Floats

_LETTER, _LINE, _MARK = 6.0, 14.0, 7.0  # pixels: mean width of a letter at size 11, height of a line, half a mark
# The best first: the line of the front runs through the other two corners.
_SIDES: Final = {"top left": (-1, 1), "bottom right": (1, -1), "middle left": (-1, 0), "middle right": (1, 0),
                 "top right": (1, 1), "bottom left": (-1, -1)}  # fmt: skip

_WIDTH, _HEIGHT = 500.0, 270.0  # pixels of the plot on a laptop; names that have room there have it on a wider screen
Sides = Mapping[str, str]


class Box(NamedTuple):
    """A rectangle, in pixels from the lower left."""

    left: float
    right: float
    low: float
    high: float

    def meets(self, other: "Box") -> bool:
        """Whether two rectangles share an area."""
        return self.left < other.right and other.left < self.right and self.low < other.high and other.low < self.high


def label_sides(decision: Decision, titles: Mapping[str, str], x: Axis, y: Axis, at_x: Floats, at_y: Floats) -> Sides:
    """Where the names of the pick and of the front stand, by expert; those without room are left out."""
    options = decision.options
    rows = [i for i, n in enumerate(options.experts) if (decision.on_front[i] or n == decision.pick)]
    rows = [i for i in rows if np.isfinite(at_x[i] + at_y[i])]
    rows.sort(key=lambda i: (options.experts[i] != decision.pick, -np.nan_to_num(options.score[i])))
    if not rows:
        return {}
    bounds = np.stack([options.score_low, options.score_high, options.score])

    def across(values: Floats, at: Floats, axis: Axis, size: float) -> Floats:
        known = bounds if axis.name == "score" else at
        return pixels(values, known, size, is_log=axis.is_log, is_reversed=axis.is_reversed)

    xs, ys = across(at_x[rows], at_x, x, _WIDTH), across(at_y[rows], at_y, y, _HEIGHT)
    bars: list[Box] = []
    if y.name == "score":
        ends = across(bounds[:2, rows], at_y, y, _HEIGHT)
        bars = [Box(at, at + 1, *sorted(end)) for at, end in zip(xs, ends.T, strict=True)]
    names = [titles[options.experts[i]] for i in rows]
    found = sides(xs, ys, names, bars, _WIDTH)
    return {options.experts[i]: side for i, side in zip(rows, found, strict=True) if side}


def sides(xs: Floats, ys: Floats, names: Sequence[str], bars: Sequence[Box], width: float) -> list[str]:
    """Side of each mark on which its name stands, in plotly's words; empty where there is no room.

    Args:
        xs: Marks from the left in pixels, shape (n_marks,), the most important first.
        ys: The same from below.
        names: Of each mark.
        bars: Intervals; names cross as few of them as they can.
        width: Of the whole figure in pixels; names stay within.
    """
    marks = [Box(x - _MARK, x + _MARK, y - _MARK, y + _MARK) for x, y in zip(xs, ys, strict=True)]
    taken, found = list(marks), []
    for mark, name in zip(marks, names, strict=True):
        places = {side: _beside(mark, name, *where) for side, where in _SIDES.items()}
        free = {
            side: sum(box.meets(bar) for bar in bars)
            for side, box in places.items()
            if box.left >= 0 and box.right <= width and not any(box.meets(other) for other in taken)
        }
        side = min(free, key=lambda one: free[one], default="")
        found.append(side)
        if side:
            taken.append(places[side])
    return found


def _beside(mark: Box, name: str, across: int, up: int) -> Box:
    wide, middle = _LETTER * len(name), (mark.low + mark.high) / 2
    left = mark.right if across > 0 else mark.left - wide
    low = {1: mark.high - 2, 0: middle - _LINE / 2, -1: mark.low + 2 - _LINE}[up]
    return Box(left, left + wide, low, low + _LINE)


def pixels(values: Floats, known: Floats, size: float, *, is_log: bool, is_reversed: bool) -> Floats:
    """Where values come to stand on an axis that shows all known ones with a margin, in pixels."""
    placed, all_placed = (np.log10(np.maximum(v, 1e-12)) if is_log else v for v in (values, known))
    low, high = float(np.nanmin(all_placed)), float(np.nanmax(all_placed))
    share = (placed - low) / ((high - low) or 1.0)
    return size * (0.06 + 0.88 * (1 - share if is_reversed else share))
