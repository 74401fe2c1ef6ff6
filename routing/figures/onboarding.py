"""Figures of onboarding: an estimate as it narrows, a new expert beside known ones, and how good onboarding is."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go

from routing.collecting.probe import Standing
from routing.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE

MARGIN: Final = {"l": 10, "r": 10, "t": 10, "b": 10}
UNDER_LEGEND: Final = {**MARGIN, "t": 34}
MEASURES: Final[Mapping[str, tuple[str, str]]] = {
    "regret": ("Regret gap", "Mean score of the choices made, lost against the trained router"),
    "brier": ("Brier gap", "Brier score above the trained router's; lower is better"),
    "rank_correlation": ("Rank correlation", "With the trained router's predictions over prompts; 1 is the same"),
}
NAMED: Final = ((ORANGE, "square"), (GREEN, "triangle-up"), (PURPLE, "cross"))
_LOOKS: Final = {"adaptive probes": (BLUE, "circle", "solid"), "random probes": (ORANGE, "diamond", "dot")}


def narrowing(course: Sequence[Standing], count: int) -> go.Figure:
    """The mean predicted score and its interval after each probe.

    Args:
        course: After 0, 1, 2 and so on probes.
        count: Probes wanted in all.
    """
    x = list(range(len(course)))
    figure = go.Figure()
    figure.add_scatter(
        x=[*x, *reversed(x)], y=[*(s.high for s in course), *(s.low for s in reversed(course))], fill="toself",
        mode="lines", fillcolor="rgba(0,114,178,0.18)", line={"width": 0}, hoverinfo="skip", name="90 % interval",
    )  # fmt: skip
    figure.add_scatter(
        x=x, y=[s.score for s in course], mode="lines", line={"color": BLUE, "width": 2}, name="Predicted score",
        customdata=[[s.low, s.high] for s in course],
        hovertemplate="after %{x} probes<br>%{y:.2f} (%{customdata[0]:.2f} to %{customdata[1]:.2f})<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title="Probes answered", range=[0, max(count, len(course) - 1, 1)], rangemode="tozero")
    figure.update_yaxes(title="Mean predicted score", range=[0, 1])
    figure.update_layout(height=230, showlegend=False, margin=MARGIN)
    return figure


def standings(found: Sequence[Standing], title: str, titles: Mapping[str, str], shown: Sequence[str]) -> go.Figure:
    """A new expert per domain, with intervals, beside known experts.

    Args:
        found: Rows from the top.
        title: The new expert for people.
        titles: Every expert for people.
        shown: Known experts that are named; the others are small ticks.
    """
    rows = [s.title for s in found]
    figure = go.Figure()
    others = [(s.title, value, titles.get(name, name)) for s in found for name, value in s.known.items()]
    figure.add_scatter(
        x=[value for _, value, _ in others], y=[row for row, _, _ in others], text=[name for _, _, name in others],
        mode="markers", marker={"symbol": "line-ns", "size": 9, "line": {"width": 1, "color": GREY}}, opacity=0.4,
        name="Known experts", hovertemplate="%{text}<br>%{y}: %{x:.2f}<extra></extra>",
    )  # fmt: skip
    for name, (colour, symbol) in zip(shown, NAMED, strict=False):
        figure.add_scatter(
            x=[s.known.get(name) for s in found], y=rows, mode="markers", name=titles.get(name, name),
            marker={"symbol": symbol, "size": 9, "color": colour},
            hovertemplate=titles.get(name, name) + "<br>%{y}: %{x:.2f}<extra></extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=[s.score for s in found], y=rows, mode="markers", name=title,
        marker={"symbol": "diamond", "size": 12, "color": BLUE},
        error_x={"type": "data", "symmetric": False, "array": [s.high - s.score for s in found],
                 "arrayminus": [s.score - s.low for s in found], "color": BLUE, "thickness": 2, "width": 5},
        customdata=[[s.low, s.high] for s in found],
        hovertemplate=f"{title}<br>%{{y}}: %{{x:.2f}} (%{{customdata[0]:.2f}} to %{{customdata[1]:.2f}})"
        "<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title="Mean predicted score on the probes of the domain", range=[0, 1])
    figure.update_yaxes(autorange="reversed", automargin=True)
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    figure.update_layout(height=120 + 32 * len(rows), legend=legend, margin=UNDER_LEGEND)
    return figure


def table(found: Sequence[Standing], title: str, titles: Mapping[str, str], shown: Sequence[str]) -> pd.DataFrame:
    """The same as numbers, one row a domain."""
    return pd.DataFrame(
        {
            "Domain": s.title, "Prompts": s.n_prompts, title: s.score, "Low": s.low, "High": s.high,
            **{titles.get(name, name): s.known.get(name) for name in shown},
        }
        for s in found
    )  # fmt: skip


def nearest(found: Sequence[Standing], count: int = 3) -> list[str]:
    """Known experts worth naming beside a new one: the best, and those that stand nearest to it."""
    known = found[0].known
    best = max(known, key=lambda name: known[name])
    near = sorted((n for n in known if n != best), key=lambda name: abs(known[name] - found[0].score))
    return [best, *near][:count]


def curve(rows: Sequence[Mapping[str, Any]], measure: str) -> go.Figure:
    """One measure of leave-one-out onboarding against the number of probes, with all published figures as a line."""
    title, _ = MEASURES[measure]
    figure = go.Figure()
    for how, (colour, symbol, dash) in _LOOKS.items():
        chosen = [row for row in rows if row["learned_from"] in (how, "random probes" if row["count"] == 0 else how)]
        chosen = sorted(chosen, key=lambda row: row["count"])
        figure.add_scatter(
            x=[row["count"] for row in chosen], y=[row[measure] for row in chosen], mode="lines+markers",
            name=how[0].upper() + how[1:], line={"color": colour, "dash": dash}, marker={"symbol": symbol, "size": 8},
            hovertemplate=f"{how}: %{{x}}<br>{title.lower()} %{{y:.4f}}<extra></extra>",
        )  # fmt: skip
    every = next((row for row in rows if row["learned_from"] == "all figures"), None)
    if every is not None:
        figure.add_scatter(
            x=[0, max(row["count"] for row in rows)], y=[every[measure]] * 2, mode="lines",
            name="All published figures",
            line={"color": GREEN, "dash": "dash", "width": 1.5},
            hovertemplate=f"every published figure<br>{title.lower()} %{{y:.4f}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title="Probes")
    figure.update_yaxes(automargin=True)
    figure.update_layout(height=330, legend={"orientation": "h", "y": -0.25, "yanchor": "top", "x": 0}, margin=MARGIN)
    return figure
