"""The sweep of one weight: the router's curve among single experts, their best random mix and the oracle."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from routing.figures.style import BLUE, GREEN, GREY, LOG_AXES, ORANGE, VERMILION, Axis, log_tick
from routing.sweep import Sweep


def tradeoff(
    sweep: Sweep, titles: Mapping[str, str], chosen: float | None = None, *, is_log: bool = False
) -> go.Figure:
    """Mean score against the mean of the constraint.

    Args:
        sweep: What is drawn; the points of the curve carry their weight as custom data.
        titles: Name of each expert for people.
        chosen: The weight in force, to mark.
        is_log: Logarithmic axis across; only for constraints that are never zero.
    """
    figure = go.Figure()
    # A mix is straight in the constraint itself, so it needs many points to be drawn true on a logarithmic axis.
    across = np.linspace(float(sweep.mix[0][0]), float(sweep.mix[0][-1]), 200)
    order = np.argsort(sweep.mix[0])
    up = np.interp(across, sweep.mix[0][order], sweep.mix[1][order])
    figure.add_scatter(
        **{"x": across, "y": up, "mode": "lines", "name": "Best random mix of single experts"},
        line={"color": GREY, "dash": "dot", "width": 1.5},
        hoverinfo="skip",
    )
    names = [titles[e] for e in sweep.experts]
    figure.add_scatter(
        **{"x": sweep.single_value, "y": sweep.single_score, "mode": "markers", "name": "Single experts"},
        **{"text": names, "hovertemplate": "%{text}<br>%{x:.3~g}, score %{y:.3f}<extra></extra>"},
        marker={"symbol": "circle-open", "size": 9, "color": GREY, "line": {"width": 1.5}},
    )
    figure.add_scatter(
        **{"x": sweep.value, "y": sweep.score, "mode": "lines+markers", "name": "Router", "customdata": sweep.weights},
        hovertemplate="weight %{customdata:.3~g}<br>%{x:.3~g}, score %{y:.3f}<extra></extra>",
        line={"color": BLUE, "width": 2},
        marker={"symbol": "diamond", "size": 6, "color": BLUE},
    )
    _mark(figure, "Random", sweep.random, "x", ORANGE)
    if sweep.oracle is not None:
        _mark(figure, "Oracle", sweep.oracle, "triangle-up", GREEN)
    if chosen is not None:
        at = int(np.abs(sweep.weights - chosen).argmin())
        _mark(figure, "Weight in force", (float(sweep.value[at]), float(sweep.score[at])), "star", VERMILION)
    axis = Axis(sweep.constraint, is_log and sweep.constraint in LOG_AXES)
    figure.update_xaxes(title=f"Mean {axis.title[0].lower()}{axis.title[1:]}", type="log" if axis.is_log else "linear")
    if axis.is_log:
        figure.update_xaxes(dtick=log_tick(sweep.single_value), tickformat=",~g")
    if sweep.constraint == "cost":
        figure.update_xaxes(tickprefix="$", tickformat="~g")
    figure.update_yaxes(title="Mean score" if sweep.is_measured else "Mean predicted score", automargin=True)
    figure.update_layout(
        **{"height": 460, "margin": {"l": 10, "r": 10, "t": 34, "b": 10}, "clickmode": "event+select"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    return figure


def _mark(figure: go.Figure, name: str, point: tuple[float, float], symbol: str, colour: str) -> None:
    figure.add_scatter(
        **{"x": [point[0]], "y": [point[1]], "mode": "markers", "name": name},
        hovertemplate=f"{name}<br>%{{x:.3~g}}, score %{{y:.3f}}<extra></extra>",
        marker={"symbol": symbol, "size": 14, "color": colour},
    )
