"""Strengths from votes: a dot an expert with its interval, strongest on top."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from routing.figures.style import BLUE, GREY
from routing.strengths import AVERAGE, Strength

ROW_PX = 34
FRAME_PX = 70


def strengths(found: Sequence[Strength], titles: Mapping[str, str]) -> go.Figure:
    """Every expert's strength with its 95 % interval, and a line at the average expert.

    Args:
        found: Strongest first.
        titles: Name of each expert for people.
    """
    names = [titles.get(s.expert, s.expert) for s in found]
    figure = go.Figure()
    figure.add_vline(x=AVERAGE, line={"color": GREY, "width": 1, "dash": "dot"})
    figure.add_scatter(
        x=[s.strength for s in found],
        y=names,
        mode="markers",
        marker={"color": BLUE, "size": 10},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [s.high - s.strength for s in found],
            "arrayminus": [s.strength - s.low for s in found],
            "color": BLUE,
            "thickness": 1.5,
        },
        customdata=[[s.low, s.high, s.wins, s.n_votes] for s in found],
        hovertemplate=(
            "%{y}<br>%{x:.0f} (%{customdata[0]:.0f} to %{customdata[1]:.0f})"
            "<br>%{customdata[2]:g} of %{customdata[3]} votes<extra></extra>"
        ),
    )
    figure.update_layout(
        height=FRAME_PX + ROW_PX * len(found),
        margin={"l": 0, "r": 8, "t": 8, "b": 40},
        showlegend=False,
        xaxis={"title": f"Strength (Elo scale, {AVERAGE:g} is average)", "automargin": True},
        yaxis={"autorange": "reversed", "automargin": True, "type": "category"},
    )
    return figure
