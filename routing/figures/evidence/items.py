"""Item response: what each expert can do, and how hard each domain is."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from routing.figures.evidence.looks import DIVERGING, layout
from routing.figures.style import BLUE

MOST = 24


def skills(stored: Mapping[str, Any], titles: Mapping[str, str]) -> pd.DataFrame:
    """One row an expert, one column a skill, the most able first."""
    names = list(stored.get("skills") or ())
    rows = [{"Expert": titles.get(e, e), **_by_name(v, names)} for e, v in (stored.get("experts") or {}).items()]
    frame = pd.DataFrame(rows)
    if frame.empty:
        return frame
    frame[names] = frame[names].astype(float)
    order = frame[names].mean(axis=1).sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def _by_name(values: object, names: list[str]) -> dict[str, object]:
    """An expert's skills, stored by name or in the order of the names."""
    listed = [values.get(n) for n in names] if isinstance(values, Mapping) else np.ravel(np.asarray(values)).tolist()
    return dict(zip(names, listed, strict=False))


def skills_figure(frame: pd.DataFrame, *, is_dark: bool = False) -> go.Figure:
    """Experts by skills: blue above the average expert, orange below; at most 24 experts."""
    shown = frame.head(MOST).iloc[::-1]
    names = [c for c in frame.columns if c != "Expert"]
    values = shown[names].to_numpy(dtype=float)
    reach = float(np.nanmax(np.abs(values))) if values.size else 1.0
    figure = go.Figure()
    figure.add_heatmap(
        **{"z": values, "x": names, "y": shown["Expert"], "xgap": 2, "ygap": 2, "zmin": -reach, "zmax": reach},
        **{"colorscale": DIVERGING[is_dark], "texttemplate": "%{z:.1f}", "textfont": {"size": 10}},
        colorbar={"title": {"text": "Skill"}, "thickness": 12, "outlinewidth": 0},
        hovertemplate="%{y}<br>%{x} %{z:+.2f}<extra></extra>",
    )
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(showgrid=False)
    return layout(figure, height=140 + 22 * len(shown), legend=False)


def difficulty(stored: Mapping[str, Any]) -> pd.DataFrame:
    """One row a domain, the hardest first."""
    rows = []
    for domain, value in (stored.get("difficulty_by_domain") or {}).items():
        one = value if isinstance(value, Mapping) else {"mean": value}
        rows.append({"Domain": domain, "Difficulty": one.get("mean", one.get("difficulty"))})
        rows[-1] |= {"Prompts": one["n_prompts"]} if "n_prompts" in one else {}
    frame = pd.DataFrame(rows)
    return frame if frame.empty else frame.sort_values("Difficulty", ascending=False, ignore_index=True, kind="stable")


def difficulty_figure(frame: pd.DataFrame) -> go.Figure:
    """Mean difficulty of each domain's prompts."""
    shown = frame.iloc[::-1]
    figure = go.Figure()
    figure.add_bar(
        **{"x": shown["Difficulty"], "y": shown["Domain"], "orientation": "h", "marker": {"color": BLUE}},
        **{"text": shown["Difficulty"], "texttemplate": "%{text:.2f}", "textposition": "auto"},
        hovertemplate="%{y}: %{x:.2f}<extra></extra>",
    )
    figure.update_xaxes(title="Mean difficulty, higher is harder")
    return layout(figure, height=100 + 30 * len(shown), legend=False, bargap=0.35)
