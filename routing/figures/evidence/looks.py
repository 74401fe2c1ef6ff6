"""How routers, domains and experts look in every figure of the evidence: the same one always alike."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from routing.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, YELLOW
from routing.predictors import DEFAULT, PROMPT_BLIND

_CYCLE: Final = (ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW)
_DASHES: Final = ("solid", "dash", "dashdot")
_SYMBOLS: Final = ("circle", "square", "triangle-up", "diamond", "cross", "x", "triangle-down", "star")
KINDS: Final = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW)
"""Colours of things that are not routers, such as domains; what comes after the last is drawn grey."""
# Opaque, since plotly chooses the colour of a cell's text by the cell alone; by whether the theme is dark.
SEQUENTIAL: Final = {
    False: ((0.0, "#F3F6FA"), (0.5, "#79B4D9"), (1.0, "#004A7A")),
    True: ((0.0, "#1B2129"), (0.5, "#0B5A8C"), (1.0, "#8CCBF2")),
}
DIVERGING: Final = {
    False: ((0.0, VERMILION), (0.5, "#F3F5F8"), (1.0, BLUE)),
    True: ((0.0, "#E8874A"), (0.5, "#1B2129"), (1.0, "#5AA9E6")),
}


@dataclass(frozen=True, slots=True)
class Look:
    """Colour, line and mark of one router."""

    colour: str
    dash: str
    symbol: str


def looks(routers: Sequence[str]) -> dict[str, Look]:
    """One look a router: the default is always blue, the prompt-blind control always grey and dotted."""
    found: dict[str, Look] = {}
    others = [name for name in routers if name not in {DEFAULT, PROMPT_BLIND}]
    for i, name in enumerate(others):
        found[name] = Look(
            _CYCLE[i % len(_CYCLE)], _DASHES[i // len(_CYCLE) % len(_DASHES)], _SYMBOLS[1 + i % (len(_SYMBOLS) - 1)]
        )
    found[DEFAULT] = Look(BLUE, "solid", "circle")
    found[PROMPT_BLIND] = Look(GREY, "dot", "x")
    return {name: found[name] for name in routers}


def layout(figure: go.Figure, *, height: int, legend: bool = True, **more: object) -> go.Figure:
    """What every figure of the evidence shares: margins, and a legend above that only names."""
    figure.update_layout(
        **{"height": height, "margin": {"l": 8, "r": 12, "t": 34 if legend else 12, "b": 8}, "showlegend": legend},
        **{"hovermode": "closest", "font": {"size": 12}},
        legend={
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 0,
            "itemclick": False,
            "itemdoubleclick": False,
        },
        **more,
    )
    figure.update_xaxes(automargin=True, zeroline=False)
    figure.update_yaxes(automargin=True, zeroline=False)
    return figure


def rows_up(figure: go.Figure, names: Sequence[str]) -> None:
    """One row a name, the first at the bottom; a long name takes two lines, so that the figure keeps its width."""
    ticks = {"tickmode": "array", "tickvals": list(range(len(names))), "ticktext": [two_lines(n) for n in names]}
    figure.update_yaxes(**ticks, showgrid=False, range=[-0.6, max(len(names) - 0.4, 0.4)])


def two_lines(name: str, width: int = 24) -> str:
    """A long name broken near its middle, for the label of an axis.

    >>> two_lines("Sorted prediction, by accuracy (separate)")
    'Sorted prediction,<br>by accuracy (separate)'
    """
    spaces = [i for i, c in enumerate(name) if c == " "]
    if len(name) <= width or not spaces:
        return name
    at = min(spaces, key=lambda i: abs(i - len(name) / 2))
    return f"{name[:at]}<br>{name[at + 1 :]}"


def number(row: Mapping[str, Any], key: str) -> float:
    """A stored number, NaN where it is absent or null."""
    value = row.get(key)
    return float("nan") if value is None or isinstance(value, (list, dict, str)) else float(value)


def ends(row: Mapping[str, Any], key: str) -> tuple[float, float]:
    """A stored interval, NaN at both ends where there is none."""
    value = row.get(key)
    if not isinstance(value, (list, tuple)) or len(value) != 2 or None in value:
        return float("nan"), float("nan")
    return float(value[0]), float(value[1])


def bars(middle: Iterable[float], low: Iterable[float], high: Iterable[float], colour: str) -> dict[str, object]:
    """An interval as plotly's error bars want it: distances from the middle, never below zero."""
    at, down, up = (np.fromiter(v, dtype=float) for v in (middle, low, high))
    return {
        **{"type": "data", "symmetric": False, "array": np.clip(up - at, 0, None), "thickness": 1.5, "width": 0},
        **{"arrayminus": np.clip(at - down, 0, None), "color": colour},
    }
