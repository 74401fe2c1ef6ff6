"""Quality against cost, the deferral curve of a pair, and what routing itself takes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from routing.figures.evidence.looks import Look, layout, number, rows_up
from routing.figures.style import GREEN, GREY, VERMILION, log_tick

Rows = Sequence[Mapping[str, Any]]
SINGLE, MIX = "Single expert", "Static mix"


def cost_quality(
    rows: Rows, facts: Mapping[str, Any], titles: Mapping[str, str], experts: Mapping[str, str]
) -> pd.DataFrame:
    """Points of every router's hull, the single experts, and the hull that a random mix of them reaches.

    Args:
        rows: Stored rows of the pool, of the routers to draw.
        facts: Stored facts of the pool: ``singles`` and ``static_mix``.
        titles: Name of each router for people.
        experts: Name of each expert for people.
    """
    parts = []
    for row in rows:
        curve = row.get("curve") or _point(row)
        for cost, score in zip(curve.get("cost_usd", ()), curve.get("score", ()), strict=True):
            parts.append((titles.get(row["router"], row["router"]), row["router"], cost, score))
    for name, single in (facts.get("singles") or {}).items():
        parts.append(
            (f"{SINGLE}: {experts.get(name, name)}", SINGLE, number(single, "cost_usd"), number(single, "score"))
        )
    mix = facts.get("static_mix") or {}
    for cost, score in zip(mix.get("cost_usd", ()), mix.get("score", ()), strict=True):
        parts.append((MIX, MIX, cost, score))
    return pd.DataFrame(parts, columns=["Curve", "_key", "Mean cost ($)", "Mean score"])


def _point(row: Mapping[str, Any]) -> dict[str, list[float]]:
    """A policy has no cost weight to sweep: what it costs and reaches is one point."""
    cost = number(row, "cost_usd")
    return {} if np.isnan(cost) else {"cost_usd": [cost], "score": [number(row, "score")]}


def cost_quality_figure(frame: pd.DataFrame, looks: Mapping[str, Look], *, is_log: bool) -> go.Figure:
    """Mean score against mean cost: hulls as lines, single experts as points.

    Args:
        frame: From ``cost_quality``.
        looks: Of the routers.
        is_log: Logarithmic axis across; ignored where something is free.
    """
    figure = go.Figure()
    known = frame["Mean cost ($)"].to_numpy(dtype=float)
    is_log = is_log and bool((known > 0).all())
    mix = frame[frame["_key"] == MIX]
    _line(figure, mix, MIX, Look(GREY, "solid", "circle"), is_log=is_log, width=5, opacity=0.35)
    for name, look in looks.items():
        part = frame[frame["_key"] == name]
        if not part.empty:
            _line(figure, part, str(part["Curve"].iloc[0]), look, is_log=is_log)
    singles = frame[frame["_key"] == SINGLE]
    names = singles["Curve"].str.removeprefix(f"{SINGLE}: ")
    figure.add_scatter(
        **{"x": singles["Mean cost ($)"], "y": singles["Mean score"], "mode": "markers+text", "name": "Single experts"},
        **{"text": names, "textposition": _sides(singles, is_log), "textfont": {"size": 10}, "cliponaxis": False},
        marker={"symbol": "circle-open", "size": 9, "color": GREY, "line": {"width": 2}},
        hovertemplate="%{text}<br>$%{x:.3~g} a prompt, score %{y:.3f}<extra></extra>",
    )
    figure.update_xaxes(title="Mean cost of a prompt", type="log" if is_log else "linear", tickprefix="$")
    figure.update_xaxes(tickformat="~g", **({"dtick": log_tick(known)} if is_log else {"rangemode": "tozero"}))
    figure.update_yaxes(title="Mean score")
    return layout(figure, height=470)


def _line(
    figure: go.Figure,
    part: pd.DataFrame,
    name: str,
    look: Look,
    *,
    is_log: bool,
    width: float = 2,
    opacity: float = 1.0,
) -> None:
    """A hull; what is straight in dollars needs many points to be drawn true on a logarithmic axis."""
    cost, score = part["Mean cost ($)"].to_numpy(dtype=float), part["Mean score"].to_numpy(dtype=float)
    if cost.size == 0:
        return
    if cost.size == 1:
        figure.add_scatter(
            **{"x": cost, "y": score, "mode": "markers", "name": name},
            marker={"color": look.colour, "symbol": look.symbol, "size": 12},
            hovertemplate=f"{name}<br>$%{{x:.3~g}} a prompt, score %{{y:.3f}}<extra></extra>",
        )
        return
    across = np.unique(np.concatenate([cost, np.geomspace(cost[0], cost[-1], 80)])) if is_log else cost
    figure.add_scatter(
        **{"x": across, "y": np.interp(across, cost, score), "mode": "lines", "name": name, "opacity": opacity},
        line={"color": look.colour, "dash": look.dash, "width": width},
        hovertemplate=f"{name}<br>$%{{x:.3~g}} a prompt, score %{{y:.3f}}<extra></extra>",
    )


def _sides(singles: pd.DataFrame, is_log: bool) -> list[str]:
    """Labels stand under their point, to the side away from the nearer edge, so that none is cut off."""
    cost = singles["Mean cost ($)"].to_numpy(dtype=float)
    if cost.size == 0:
        return []
    across = np.log(cost) if is_log else cost
    middle = (np.nanmin(across) + np.nanmax(across)) / 2
    return ["bottom right" if x <= middle else "bottom left" for x in across]


def aiq(rows: Rows, titles: Mapping[str, str]) -> pd.DataFrame:
    """Areas under the curves, and the cost of a given quality, one row a router."""
    found = []
    for row in rows:
        low, high = (row.get("aiq_above_static_mix_interval") or (np.nan, np.nan))[:2]
        at, mix = row.get("cost_at") or {}, row.get("cost_at_static_mix") or {}
        found.append(
            {
                "Router": titles.get(row["router"], row["router"]),
                **{"AIQ": number(row, "aiq"), "Static mix": number(row, "aiq_static_mix")},
                **{"Above mix": number(row, "aiq_above_static_mix"), "Low": low, "High": high},
                "Prompt-blind above mix": number(row, "aiq_prompt_blind_above_static_mix"),
                **{f"Cost at {x} %": number(at, x) for x in ("100", "99", "95")},
                "Static mix, cost at 99 %": number(mix, "99"),
            }
        )
    frame = pd.DataFrame(found)
    return frame if frame.empty else frame.sort_values("Above mix", ascending=False, ignore_index=True, kind="stable")


def deferral(
    stored: Mapping[str, Mapping[str, Any]], routers: Sequence[str], titles: Mapping[str, str]
) -> pd.DataFrame:
    """Points of the deferral curves, one row a router and share."""
    rows = [
        (titles.get(name, name), name, share, recovered)
        for name in routers
        if name in stored
        for share, recovered in zip(stored[name]["share"], stored[name]["recovered"], strict=True)
    ]
    return pd.DataFrame(rows, columns=["Router", "_router", "Sent to the strong expert", "Gap recovered"])


def deferral_figure(frame: pd.DataFrame, apgr: Mapping[str, float], looks: Mapping[str, Look]) -> go.Figure:
    """Gap recovered against the share of prompts sent to the strong expert; random order is the diagonal."""
    figure = go.Figure()
    figure.add_scatter(
        **{"x": [0, 1], "y": [0, 1], "mode": "lines", "name": "Random order 0.500", "hoverinfo": "skip"},
        line={"color": GREY, "dash": "dot", "width": 1.5},
    )
    for name, look in looks.items():
        part = frame[frame["_router"] == name]
        if part.empty:
            continue
        figure.add_scatter(
            **{"x": part["Sent to the strong expert"], "y": part["Gap recovered"], "mode": "lines"},
            name=f"{part['Router'].iloc[0]} {apgr.get(name, float('nan')):.3f}",
            line={"color": look.colour, "dash": look.dash, "width": 2},
            hovertemplate=f"{part['Router'].iloc[0]}<br>%{{x:.0%}} sent, %{{y:.0%}} recovered<extra></extra>",
        )
    figure.update_xaxes(title="Sent to the strong expert", tickformat=".0%", range=[0, 1.01], dtick=0.2)
    figure.update_yaxes(title="Performance gap recovered", tickformat=".0%")
    return layout(figure, height=420)


def latency(stored: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str]) -> pd.DataFrame:
    """Milliseconds from text to predictions, the quickest router first."""
    rows = [(titles.get(n, n), n, number(v, "ms_p50"), number(v, "ms_p95")) for n, v in stored.items()]
    frame = pd.DataFrame(rows, columns=["Router", "_router", "Half of prompts within (ms)", "95 % within (ms)"])
    return frame.sort_values("Half of prompts within (ms)", ignore_index=True, kind="stable")


def latency_figure(frame: pd.DataFrame) -> go.Figure:
    """Median and 95th percentile of every router, joined by a line."""
    shown = frame.iloc[::-1]
    figure = go.Figure()
    middle, high = shown["Half of prompts within (ms)"], shown["95 % within (ms)"]
    for at, (one, other) in enumerate(zip(middle, high, strict=True)):
        figure.add_scatter(
            **{"x": [one, other], "y": [at, at], "mode": "lines", "showlegend": False, "hoverinfo": "skip"},
            line={"color": GREY, "width": 2},
        )
    for values, name, colour, symbol in ((middle, "Median", GREEN, "circle"), (high, "95 %", VERMILION, "diamond")):
        figure.add_scatter(
            **{"x": values, "y": list(range(len(shown))), "mode": "markers", "name": name, "text": shown["Router"]},
            marker={"color": colour, "symbol": symbol, "size": 9},
            hovertemplate=f"%{{text}}<br>{name} %{{x:.1f}} ms<extra></extra>",
        )
    rows_up(figure, list(shown["Router"]))
    figure.update_xaxes(title="Milliseconds a prompt", rangemode="tozero")
    return layout(figure, height=120 + 30 * len(shown))
