"""The front for one prompt: every expert on two axes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from routing.decision import Decision
from routing.figures.labels import Sides, label_sides
from routing.figures.style import BLUE, GREEN, GREY, VERMILION, Axis, log_tick
from routing.objective import CONSTRAINTS
from routing.schema import Floats
from routing.telling import money


@dataclass(frozen=True, slots=True)
class Measured:
    """What really happened to one expert, by axis name; an axis that was not measured is absent."""

    expert: str
    values: Mapping[str, float]


def front(
    decision: Decision, titles: Mapping[str, str], x: Axis, y: Axis, measured: Sequence[Measured] = ()
) -> go.Figure:
    """Every expert on two axes: front, dominated, infeasible and the pick, with intervals and limits.

    Args:
        decision: What is drawn. Limits change marks and lines, never a position.
        titles: Name of each expert for people.
        x: Horizontal axis.
        y: Vertical axis.
        measured: Answers to draw as arrows from predicted to measured.
    """
    xs, ys = axis_values(decision, x), axis_values(decision, y)
    placed = np.isfinite(xs) & np.isfinite(ys)
    lane = {a.name: _zero_lane(v[placed]) if a.is_log else None for a, v in ((x, xs), (y, ys))}
    at_x, at_y = _on_axis(xs, lane[x.name]), _on_axis(ys, lane[y.name])
    shown = np.isfinite(at_x) & np.isfinite(at_y)
    at_x, at_y = np.where(shown, at_x, np.nan), np.where(shown, at_y, np.nan)
    figure = go.Figure()
    line = np.flatnonzero(shown & decision.on_front)
    line = line[np.argsort(at_x[line], kind="stable")]
    if {x.name, y.name} <= {"score", *decision.axes} and len(decision.axes) == 1:
        figure.add_scatter(
            **{"x": at_x[line], "y": at_y[line], "mode": "lines", "line": {"color": BLUE, "width": 1.5, "shape": "hv"}},
            **{"hoverinfo": "skip", "showlegend": False},
        )
    labelled = label_sides(decision, titles, x, y, at_x, at_y)
    for label, member, marker, opacity in _groups(decision):
        rows = np.flatnonzero(shown & member)
        if rows.size:
            figure.add_scatter(
                **_points(decision, titles, rows, at_x, at_y, x, y, labelled),
                name=label,
                marker=marker,
                opacity=opacity,
            )
    _draw_limits(figure, decision, x, y)
    _draw_arrows(figure, decision, measured, {x.name: at_x, y.name: at_y}, x, y)
    _layout(figure, x, y, lane, {x.name: xs[placed], y.name: ys[placed]}, decision.preferences.limits)
    return figure


def _groups(decision: Decision) -> tuple[tuple[str, NDArray[np.bool_], dict[str, object], float], ...]:
    """Name, members, mark and opacity of each group; every expert is in exactly one."""
    options = decision.options
    picked = np.array([name == decision.pick for name in options.experts])
    return (
        ("No predicted score", np.isnan(options.score), {"symbol": "x-thin-open", "size": 8, "color": GREY}, 0.7),
        (
            "Not feasible",
            ~decision.is_feasible & ~np.isnan(options.score),
            {"symbol": "circle-open", "size": 9, "color": GREY},
            0.7,
        ),
        (
            "Dominated",
            decision.is_feasible & ~decision.on_front & ~picked,
            {"symbol": "circle", "size": 8, "color": GREY},
            0.45,
        ),
        ("On the front", decision.on_front & ~picked, {"symbol": "diamond", "size": 11, "color": BLUE}, 1.0),
        ("Picked", picked, {"symbol": "star", "size": 20, "color": VERMILION}, 1.0),
    )


def axis_values(decision: Decision, axis: Axis) -> Floats:
    """One number per expert on this axis, NaN where unknown."""
    return decision.options.score if axis.name == "score" else decision.options.values[axis.name]


def _zero_lane(values: Floats) -> float | None:
    """Where a logarithmic axis shows zero: half a decade left of the smallest positive value, if zero occurs."""
    positive = values[values > 0]
    return float(positive.min()) / 3 if (values == 0).any() and positive.size else None


def _on_axis(values: Floats, lane: float | None) -> Floats:
    return values if lane is None else np.where(values == 0, lane, values)


def _points(
    decision: Decision,
    titles: Mapping[str, str],
    rows: NDArray[np.int64],
    at_x: Floats,
    at_y: Floats,
    x: Axis,
    y: Axis,
    labelled: Sides,
) -> dict[str, object]:
    options = decision.options
    names = [options.experts[i] for i in rows]
    named = decision.on_front[rows] | np.array([n == decision.pick for n in names])
    hover = [
        f"<b>{titles[n]}</b><br>score {_score(decision, int(i))}"
        f"<br>cost {money(options.values['cost'][i])}<br>{decision.reason(n).text}"
        for n, i in zip(names, rows, strict=True)
    ]
    points: dict[str, object] = {
        **{"x": at_x[rows], "y": at_y[rows], "mode": "markers+text", "customdata": names, "hovertext": hover},
        **{"text": [titles[n] if n in labelled else "" for n in names]},
        **{
            "textposition": [labelled.get(n, "top left") for n in names],
            "textfont": {"size": 11},
            "hoverinfo": "text",
            "cliponaxis": False,
        },
    }
    faint = "rgba(138, 143, 152, 0.35)"
    colour = BLUE if named.all() else faint
    for axis, key in ((x, "error_x"), (y, "error_y")):
        if axis.name == "score":
            points[key] = {
                **{"type": "data", "array": (options.score_high - options.score)[rows], "symmetric": False},
                **{
                    "arrayminus": (options.score - options.score_low)[rows],
                    "thickness": 1,
                    "width": 0,
                    "color": colour,
                },
            }
    return points


def _score(decision: Decision, i: int) -> str:
    options = decision.options
    if np.isnan(options.score[i]):
        return "unknown"
    return f"{options.score[i]:.2f} ({options.score_low[i]:.2f} to {options.score_high[i]:.2f})"


def _draw_limits(figure: go.Figure, decision: Decision, x: Axis, y: Axis) -> None:
    """A line at each limit and a band over what it forbids; both within the range of the data and the limit."""
    for axis, update, add_line, add_band, edge in (
        (x, figure.update_xaxes, figure.add_vline, figure.add_vrect, "x"),
        (y, figure.update_yaxes, figure.add_hline, figure.add_hrect, "y"),
    ):
        limit = decision.preferences.limits.get(axis.name)
        values = axis_values(decision, axis)
        known = values[np.isfinite(values) & ((values > 0) | (not axis.is_log))]
        if limit is None or known.size == 0 or (axis.is_log and limit <= 0):
            continue
        low, high = axis_range(known, limit, axis)
        add_line(limit, line={"color": VERMILION, "width": 1.5, "dash": "dash"})
        forbidden = low if CONSTRAINTS[axis.name].is_floor else high
        add_band(**{f"{edge}0": limit, f"{edge}1": forbidden}, fillcolor=GREY, opacity=0.08, line_width=0)
        span = [np.log10(low), np.log10(high)] if axis.is_log else [low, high]
        update(range=span[::-1] if axis.is_reversed else span)


def axis_range(known: Floats, limit: float, axis: Axis) -> tuple[float, float]:
    """Ends of an axis that shows all known values and the limit, with a margin."""
    low, high = min(float(known.min()), limit), max(float(known.max()), limit)
    if axis.is_log:
        return low / 2.5, high * 1.6
    margin = 0.06 * (high - low or 1.0)
    return low - margin, high + margin


def _draw_arrows(
    figure: go.Figure, decision: Decision, measured: Sequence[Measured], at: Mapping[str, Floats], x: Axis, y: Axis
) -> None:
    for one in measured:
        i = decision.options.index(one.expert)
        start = [float(at[a.name][i]) for a in (x, y)]
        end = [one.values.get(a.name, s) for a, s in zip((x, y), start, strict=True)]
        if not np.isfinite(start + end).all() or start == end:
            continue
        if any(a.is_log and e <= 0 for a, e in zip((x, y), end, strict=True)):
            continue
        tail, head = ([np.log10(v) if a.is_log else v for a, v in zip((x, y), p, strict=True)] for p in (start, end))
        figure.add_annotation(
            **{"x": head[0], "y": head[1], "ax": tail[0], "ay": tail[1], "axref": "x", "ayref": "y"},
            **{"arrowhead": 3, "arrowsize": 1.2, "arrowwidth": 2, "arrowcolor": GREEN, "text": "", "showarrow": True},
        )


def _layout(
    figure: go.Figure,
    x: Axis,
    y: Axis,
    lane: Mapping[str, float | None],
    values: Mapping[str, Floats],
    limited: Collection[str],
) -> None:
    drawn = {"xaxis": _axis_layout(x, values, limited), "yaxis": _axis_layout(y, values, limited)}
    for axis in (x, y):
        if (at := lane[axis.name]) is not None:
            figure.add_annotation(**_zero_note(axis is x, at))
    figure.update_layout(
        **{"height": 430, "showlegend": True, "margin": {"l": 10, "r": 10, "t": 34, "b": 10}, "hovermode": "closest"},
        **{"legend": {"orientation": "h", "y": 1.12, "x": 0, "itemclick": False, "itemdoubleclick": False}, **drawn},
    )


def _axis_layout(axis: Axis, values: Mapping[str, Floats], limited: Collection[str]) -> dict[str, object]:
    """One axis as plotly's layout wants it; built at once, since every later change is checked anew."""
    layout: dict[str, object] = {"title": {"text": axis.title}, "automargin": True, "zeroline": False}
    layout["type"] = "log" if axis.is_log else "linear"
    if axis.is_reversed and axis.name not in limited:
        layout["autorange"] = "reversed"
    if axis.is_log:  # without a format, plotly writes 0.02 and 0.05 as 2 and 5
        layout |= {"dtick": log_tick(values[axis.name]), "tickformat": ",~g"}
    if axis.name == "cost":
        layout |= {"tickprefix": "$", "tickformat": "~g"}
    return layout


def _zero_note(is_x: bool, at: float) -> dict[str, object]:
    place = {"x": np.log10(at), "y": 0, "yref": "paper", "yanchor": "bottom"}
    if not is_x:
        place = {"y": np.log10(at), "x": 0, "xref": "paper", "xanchor": "left"}
    return {**place, "text": "zero", "showarrow": False, "font": {"size": 10, "color": GREY}}
