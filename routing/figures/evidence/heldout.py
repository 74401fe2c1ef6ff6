"""Familiar tasks against tasks and sources left out, and the alpha of the GLIDER-style router."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from routing.figures.evidence.looks import Look, bars, ends, layout, number, rows_up
from routing.figures.style import BLUE, GREY, ORANGE

Rows = Sequence[Mapping[str, Any]]
LINE: Final = {"color": GREY, "dash": "dash", "width": 1.5}
NOTE: Final = {"annotation_position": "bottom right", "annotation_font": {"size": 11, "color": GREY}}
PROTOCOLS: Final = {"tasks": "Whole tasks left out", "sources": "Whole sources left out"}
WORSE: Final = -0.01  # what the default router may lose at most


def held_out(rows: Rows, titles: Mapping[str, str], systems: Mapping[str, str]) -> pd.DataFrame:
    """One row a router: its mean score when tasks are familiar and when they are not, both against best single."""
    found = []
    for row in rows:
        best, gain = row.get("best_single"), row.get("above_best_single")
        alone = number(best, "score") if isinstance(best, Mapping) else number(row, "best_single")
        difference = number(gain, "value") if isinstance(gain, Mapping) else number(row, "above_best_single")
        if np.isnan(difference):
            difference = number(row, "score") - alone
        interval = gain.get("interval") if isinstance(gain, Mapping) else row.get("above_best_single_interval")
        low, high = ends({"interval": interval}, "interval")
        found.append(
            {
                "_router": row["router"],
                **{"Router": titles.get(row["router"], row["router"]), "System": systems.get(row["router"], "")},
                **{"Held-in score": number(row, "score_held_in"), "Held-out score": number(row, "score")},
                "Lost by leaving out": number(row, "score_held_in") - number(row, "score"),
                **{"Best single": alone, "Against best single": difference, "Low": low, "High": high},
                "Prompts": row.get("n_prompts"),
            }
        )
    frame = pd.DataFrame(found)
    if frame.empty:
        return frame
    return frame.sort_values("Held-out score", ascending=False, ignore_index=True, kind="stable")


def held_out_figure(frame: pd.DataFrame, looks: Mapping[str, Look]) -> go.Figure:
    """A line a router, from its held-in score (hollow) to its held-out score (filled), beside best single."""
    shown = frame[frame["_router"].isin(list(looks))].iloc[::-1]
    figure = go.Figure()
    alone = float(shown["Best single"].mean()) if not shown.empty else float("nan")
    at = list(range(len(shown)))
    if np.isfinite(alone):
        figure.add_scatter(
            **{"x": [alone, alone], "y": [-0.6, len(shown) - 0.4], "mode": "lines", "hoverinfo": "skip"},
            **{"name": f"Best single, held-out {alone:.3f}", "line": {"color": "#D55E00", "width": 1.5}},
        )
    for y, (_, one) in zip(at, shown.iterrows(), strict=True):
        figure.add_scatter(
            **{"x": [one["Held-in score"], one["Held-out score"]], "y": [y, y], "mode": "lines", "hoverinfo": "skip"},
            **{"showlegend": False, "line": {"color": looks[one["_router"]].colour, "width": 2}},
        )
    colours = [looks[r].colour for r in shown["_router"]]
    for column, name, symbol in (
        ("Held-in score", "Familiar (held-in)", "circle-open"),
        ("Held-out score", "Left out (held-out)", "circle"),
    ):
        figure.add_scatter(
            **{"x": shown[column], "y": at, "mode": "markers", "name": name, "text": shown["Router"]},
            marker={
                **{"symbol": symbol, "size": 10, "color": colours, "line": {"width": 2, "color": colours}},
            },
            hovertemplate=f"%{{text}}<br>{name} %{{x:.3f}}<extra></extra>",
        )
    rows_up(figure, list(shown["Router"]))
    figure.update_xaxes(title="Mean score")
    return layout(figure, height=130 + 34 * len(shown))


def against_best_figure(frame: pd.DataFrame, looks: Mapping[str, Look]) -> go.Figure:
    """Held-out difference from the best single expert with its interval; the band is what may be lost."""
    shown = frame[frame["_router"].isin(list(looks))].iloc[::-1]
    figure = go.Figure()
    for y, (_, one) in enumerate(shown.iterrows()):
        colour = looks[one["_router"]].colour
        figure.add_scatter(
            **{"x": [one["Against best single"]], "y": [y], "mode": "markers", "showlegend": False},
            error_x=bars([one["Against best single"]], [one["Low"]], [one["High"]], colour),
            **{"marker": {"size": 10, "color": colour}, "text": [one["Router"]]},
            hovertemplate=f"%{{text}}<br>%{{x:+.3f}} ({one['Low']:+.3f} to {one['High']:+.3f})<extra></extra>",
        )
    figure.add_vrect(x0=WORSE, x1=0, fillcolor=GREY, opacity=0.15, line_width=0)
    figure.add_vline(0, line={"color": "#D55E00", "width": 1.5})
    rows_up(figure, list(shown["Router"]))
    figure.update_xaxes(title="Held-out mean score, difference", tickformat="+.3~f")
    return layout(figure, height=90 + 34 * len(shown), legend=False)


def units(rows: Rows) -> pd.DataFrame:
    """One row a task or source that was left out, the largest loss first."""
    found = []
    for row in rows:
        low, high = ends(row, "above_best_single_interval")
        found.append(
            {
                **{"Left out": row["unit"], "Prompts": int(row["n_prompts"])},
                "Familiar": number(row, "score_held_in") - number(row, "best_single"),
                **{"Held-out": number(row, "above_best_single"), "Low": low, "High": high},
            }
        )
    frame = pd.DataFrame(found)
    return frame.sort_values("Held-out", ignore_index=True, kind="stable")


def units_figure(frame: pd.DataFrame, *, most: int = 20) -> go.Figure:
    """Difference from the best single expert, held-in (hollow) and held-out (filled), for the largest losses."""
    shown = frame.head(most).iloc[::-1]
    figure = go.Figure()
    at = list(range(len(shown)))
    for column, name, symbol in (("Familiar", "Familiar", "circle-open"), ("Held-out", "Left out", "circle")):
        span = bars(shown["Held-out"], shown["Low"], shown["High"], BLUE) if column == "Held-out" else None
        figure.add_scatter(
            **{
                "x": shown[column],
                "y": at,
                "mode": "markers",
                "name": name,
                "error_x": span,
                "text": shown["Left out"],
            },
            marker={"symbol": symbol, "size": 9, "color": BLUE, "line": {"width": 2, "color": BLUE}},
            hovertemplate=f"%{{text}}<br>{name} %{{x:+.3f}}<extra></extra>",
        )
    figure.add_vline(0, line={"color": "#D55E00", "width": 1.5})
    rows_up(figure, [f"{u} ({n:,})" for u, n in zip(shown["Left out"], shown["Prompts"], strict=True)])
    figure.update_xaxes(title="Difference from best single", tickformat="+.3~f")
    return layout(figure, height=130 + 32 * len(shown))


def alpha(stored: Mapping[str, Mapping[str, Sequence[float]]]) -> pd.DataFrame:
    """Mean score and accuracy over fixed alphas, one row a suite and alpha."""
    rows = []
    for suite in ("held-in", "held-out"):
        one = stored.get(suite) or {}
        accuracy = one.get("accuracy") or [float("nan")] * len(one.get("alpha", ()))
        for a, score, right in zip(one.get("alpha", ()), one.get("score", ()), accuracy, strict=True):
            rows.append((suite, a, score, right))
    return pd.DataFrame(rows, columns=["Suite", "Alpha", "Mean score", "Optimal, with ties"])


def alpha_figure(frame: pd.DataFrame, fitted: Mapping[str, Any]) -> go.Figure:
    """Mean score against the weight of the global score, on both suites; the fitted alphas as lines.

    Args:
        frame: From ``alpha``.
        fitted: Stored fit; its numbers whose name begins with ``alpha`` are drawn.
    """
    figure = go.Figure()
    steps = sorted(set(frame["Alpha"]))  # evenly spaced, since they are not
    for suite, colour, symbol in (("held-in", BLUE, "circle"), ("held-out", ORANGE, "square")):
        part = frame[frame["Suite"] == suite]
        if part.empty:
            continue
        figure.add_scatter(
            **{"x": [steps.index(a) for a in part["Alpha"]], "y": part["Mean score"], "mode": "lines+markers"},
            **{"name": suite.capitalize(), "text": part["Alpha"]},
            **{"line": {"color": colour, "width": 2}, "marker": {"symbol": symbol, "size": 8}},
            hovertemplate=f"{suite}, alpha %{{text:.3~g}}<br>mean score %{{y:.3f}}<extra></extra>",
        )
    for value, label in _fitted(fitted).items():
        figure.add_vline(float(np.interp(value, steps, range(len(steps)))), line=LINE, annotation_text=label, **NOTE)
    figure.update_xaxes(title="Alpha: weight of the global score", tickmode="array", tickvals=list(range(len(steps))))
    figure.update_xaxes(ticktext=[f"{a:.3g}" for a in steps])
    figure.update_yaxes(title="Mean score")
    return layout(figure, height=400)


def _fitted(fitted: Mapping[str, Any]) -> dict[float, str]:
    """Fitted alphas with their names; equal ones share a line."""
    found: dict[float, str] = {}
    for name, value in fitted.items():
        if name.startswith("alpha") and isinstance(value, (int, float)) and np.isfinite(value):
            label = name.removeprefix("alpha").strip("_")
            found[float(value)] = f"{found[float(value)]}, {label}" if float(value) in found else label
    return found
