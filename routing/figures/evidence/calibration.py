"""Whether predicted scores, lengths and reading ease can be believed."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go

from routing.figures.evidence.looks import Look, layout, number
from routing.figures.style import BLUE, GREY, ORANGE

THINGS: Final = {"readability": "Reading ease", "verbosity": "Output tokens"}
SUITES: Final = {"held-in": "familiar tasks", "held-out": "tasks left out", "held-out sources": "sources left out"}


def reliability(
    stored: Mapping[str, Mapping[str, Any]], routers: Sequence[str], titles: Mapping[str, str]
) -> pd.DataFrame:
    """Predicted and measured mean score per bin of equal count, one row a router and bin."""
    rows = [
        (titles.get(name, name), name, predicted, measured, count)
        for name in routers
        if name in stored
        for predicted, measured, count in zip(
            stored[name]["predicted"], stored[name]["measured"], stored[name]["count"], strict=True
        )
    ]
    return pd.DataFrame(rows, columns=["Router", "_router", "Predicted", "Measured", "Answers"])


def reliability_figure(frame: pd.DataFrame, looks: Mapping[str, Look]) -> go.Figure:
    """Measured against predicted mean score; on the diagonal a prediction means what it says."""
    figure = go.Figure()
    figure.add_scatter(
        **{"x": [0, 1], "y": [0, 1], "mode": "lines", "name": "Perfect", "hoverinfo": "skip"},
        line={"color": GREY, "dash": "dot", "width": 1.5},
    )
    for name, look in looks.items():
        part = frame[frame["_router"] == name]
        if part.empty:
            continue
        figure.add_scatter(
            **{"x": part["Predicted"], "y": part["Measured"], "customdata": part["Answers"], "mode": "lines+markers"},
            **{"name": part["Router"].iloc[0], "line": {"color": look.colour, "dash": look.dash, "width": 2}},
            marker={"symbol": look.symbol, "size": 8},
            hovertemplate="predicted %{x:.2f}, measured %{y:.2f}<br>%{customdata:,} answers<extra></extra>",
        )
    lowest = min([1.0, *frame["Predicted"], *frame["Measured"]])
    low = max(0.0, math.floor(lowest * 10 - 0.3) / 10)
    figure.update_xaxes(title="Predicted score, mean of the bin", range=[low, 1.005])
    figure.update_yaxes(title="Measured score, mean of the bin", range=[low, 1.005])
    return layout(figure, height=460)


def brier(stored: Mapping[str, Mapping[str, Any]], routers: Sequence[str], titles: Mapping[str, str]) -> pd.DataFrame:
    """Brier score beside the base rate's, and the calibration error, one row a router."""
    rows = [
        {
            "Router": titles.get(name, name),
            "Brier": number(stored[name], "brier"),
            "Base rate's Brier": number(stored[name], "brier_base_rate"),
            "Better by": number(stored[name], "brier_base_rate") - number(stored[name], "brier"),
            "Calibration error": number(stored[name], "calibration_error"),
        }
        for name in routers
        if name in stored
    ]
    frame = pd.DataFrame(rows)
    return frame if frame.empty else frame.sort_values("Brier", ignore_index=True, kind="stable")


def lengths(stored: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> pd.DataFrame:
    """How far readability and verbosity can be predicted, one row a thing and suite."""
    used = {"predicted": "the prediction", "mean": "the expert's mean"}
    rows = [
        {
            **{"Of": THINGS.get(thing, thing), "On": SUITES.get(suite, suite)},
            **{"Error": number(row, "error"), "Error of the expert's mean": number(row, "error_of_mean")},
            "Share of the mean's error": number(row, "error") / number(row, "error_of_mean"),
            "Rank correlation within a prompt": number(row, "rank_correlation"),
            "Used": used.get(str(row.get("used")), str(row.get("used", ""))),
        }
        for thing, suites in stored.items()
        for suite, row in suites.items()
    ]
    return pd.DataFrame(rows)


def lengths_figure(frame: pd.DataFrame) -> go.Figure:
    """Error of the prediction as a share of the error of the expert's mean: left of 1, predicting pays."""
    labels = frame["Of"] + ", " + frame["On"]
    beats = frame["Share of the mean's error"] < 1
    figure = go.Figure()
    for name, member, colour in (("Beats the mean", beats, BLUE), ("Does not", ~beats, ORANGE)):
        if member.any():
            figure.add_bar(
                **{"x": frame["Share of the mean's error"][member], "y": labels[member], "orientation": "h"},
                **{"name": name, "marker": {"color": colour}, "text": frame["Share of the mean's error"][member]},
                **{"texttemplate": "%{text:.2f}", "textposition": "auto", "cliponaxis": False},
                hovertemplate="%{y}: %{x:.2f} of the mean's error<extra></extra>",
            )
    figure.add_vline(1.0, line={"color": GREY, "dash": "dash", "width": 1.5})
    figure.update_xaxes(title="Share of the mean's error", rangemode="tozero")
    figure.update_yaxes(categoryorder="array", categoryarray=list(labels[::-1]))
    return layout(figure, height=110 + 34 * len(frame), bargap=0.35)
