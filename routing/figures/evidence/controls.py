"""Controls and limits: shuffled labels, more training data, and experts that may have seen the questions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from routing.figures.evidence.looks import KINDS, Look, ends, layout, number, two_lines
from routing.figures.style import BLUE, GREY, VERMILION

GAIN = "AIQ above mix"
EDGE = -0.3  # a control that only loses would squeeze all others together


def shuffled(
    stored: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str], pools: Mapping[str, str]
) -> pd.DataFrame:
    """Gap closed by routers that were trained on shuffled labels, one row a router and pool.

    The gap is from the expert with the best training score in the prompt's source, which shuffling leaves to be known.
    """
    rows = []
    for router, by_pool in stored.items():
        for pool, one in by_pool.items():
            low, high = ends(one, "above_floor_interval")
            is_clean = one.get("is_clean", True)
            rows.append(
                {
                    **{"Router": titles.get(router, router), "Pool": pools.get(pool, pool)},
                    "Gap closed": number(one, "gap_closed_above_floor"),
                    **{"Mean score above the floor": number(one, "above_floor"), "Low": low, "High": high},
                    "Against best single": number(one, "above_best_single"),
                    "AIQ above prompt-blind": number(one, "aiq_above_prompt_blind"),
                    "Verdict": "closes no gap" if is_clean else "above the floor",
                }
            )
    return pd.DataFrame(rows)


def shuffled_figure(frame: pd.DataFrame) -> go.Figure:
    """Gap closed per router, one mark a pool; filled where it lies above zero by more than chance."""
    names = [two_lines(r) for r in dict.fromkeys(frame["Router"])][::-1]
    figure = go.Figure()
    symbols = ("circle", "square", "diamond", "triangle-up", "cross")
    for i, pool in enumerate(dict.fromkeys(frame["Pool"])):
        part = frame[frame["Pool"] == pool]
        colour, symbol = KINDS[i % len(KINDS)], symbols[i % len(symbols)]
        figure.add_scatter(
            **{
                "x": part["Gap closed"].clip(lower=EDGE),
                "y": [two_lines(r) for r in part["Router"]],
                "mode": "markers",
            },
            **{"name": pool, "customdata": part["Gap closed"]},
            marker={
                "symbol": [symbol + ("-open" if v == "closes no gap" else "") for v in part["Verdict"]],
                **{"color": colour, "size": 9, "line": {"width": 2, "color": colour}},
            },
            hovertemplate=f"%{{y}}<br>{pool} %{{customdata:+.1%}}<extra></extra>",
        )
    figure.add_vline(0, line={"color": VERMILION, "width": 1.5})
    below = bool((frame["Gap closed"] < EDGE).any())
    title = "Gap closed" + (f" (drawn at {EDGE * 100:.0f} % where below)" if below else "")
    figure.update_xaxes(title=title, tickformat="+.0%")
    figure.update_yaxes(categoryorder="array", categoryarray=names)
    return layout(figure, height=130 + 34 * len(names))


def learning(
    stored: Mapping[str, Mapping[str, Sequence[float]]], pool: str, routers: Sequence[str], titles: Mapping[str, str]
) -> pd.DataFrame:
    """AIQ above the static mix over the number of training prompts on one pool, one row a router and size."""
    rows = [
        (titles.get(name, name), name, count, value)
        for name, one in stored.items()
        if name in routers and pool in one
        for count, value in zip(one["rows"], one[pool], strict=True)
    ]
    return pd.DataFrame(rows, columns=["Router", "_router", "Training prompts", GAIN])


def learning_figure(frame: pd.DataFrame, looks: Mapping[str, Look]) -> go.Figure:
    """AIQ against the number of training prompts, on a logarithmic axis."""
    figure = go.Figure()
    for name, look in looks.items():
        part = frame[frame["_router"] == name]
        if part.empty:
            continue
        figure.add_scatter(
            **{
                "x": part["Training prompts"],
                "y": part[GAIN],
                "mode": "lines+markers",
                "name": part["Router"].iloc[0],
            },
            line={"color": look.colour, "dash": look.dash, "width": 2},
            marker={"symbol": look.symbol, "size": 8},
            hovertemplate="%{x:,} prompts, AIQ above the mix %{y:.3f}<extra></extra>",
        )
    sizes = sorted(set(frame["Training prompts"]))
    figure.update_xaxes(title="Training prompts", type="log", tickmode="array", tickvals=sizes)
    figure.update_xaxes(ticktext=[f"{int(s):,}" for s in sizes])
    figure.update_yaxes(title=GAIN)
    return layout(figure, height=400)


def contamination(rows: Sequence[Mapping[str, Any]], experts: Mapping[str, str]) -> pd.DataFrame:
    """Training against test score of each expert in each source, the largest gap first."""
    found = []
    for row in rows:
        low, high = ends(row, "interval")
        found.append(
            {
                **{"Expert": experts.get(row["expert"], row["expert"]), "Source": row["source"]},
                **{"Training score": number(row, "train"), "Test score": number(row, "test")},
                **{"Gap": number(row, "gap"), "Low": low, "High": high},
                **{"Cluster": row.get("cluster"), "Test prompts": row.get("n_test")},
                "Warning": "training above test" if row.get("is_warned", low > 0) else "",
            }
        )
    frame = pd.DataFrame(found)
    return frame if frame.empty else frame.sort_values("Gap", ascending=False, ignore_index=True, kind="stable")


def contamination_figure(frame: pd.DataFrame, *, most: int = 15) -> go.Figure:
    """The largest gaps with their intervals; those that cannot be chance are filled."""
    shown = frame.head(most).iloc[::-1]
    labels = [
        two_lines(f"{e}, {s}{_cluster(c)}", 34)
        for e, s, c in zip(shown["Expert"], shown["Source"], shown["Cluster"], strict=True)
    ]
    warned = (shown["Warning"] != "").to_numpy()
    figure = go.Figure()
    for name, member, colour, symbol in (
        ("Warning: more than chance", warned, VERMILION, "circle"),
        ("Within chance", ~warned, BLUE, "circle-open"),
    ):
        part = shown[member]
        if part.empty:
            continue
        span = {"array": part["High"] - part["Gap"], "arrayminus": part["Gap"] - part["Low"], "symmetric": False}
        figure.add_scatter(
            **{"x": part["Gap"], "y": np.array(labels)[member], "mode": "markers", "name": name},
            error_x={"type": "data", "thickness": 1.5, "width": 0, "color": colour, **span},
            marker={"color": colour, "symbol": symbol, "size": 9, "line": {"width": 2, "color": colour}},
            hovertemplate="%{y}<br>training above test by %{x:+.3f}<extra></extra>",
        )
    figure.add_vline(0, line={"color": GREY, "width": 1})
    figure.update_xaxes(title="Training score minus test score", tickformat="+.3~f")
    figure.update_yaxes(categoryorder="array", categoryarray=labels)
    return layout(figure, height=130 + 32 * len(shown))


def _cluster(number: float | None) -> str:
    return "" if pd.isna(number) else f", cluster {number:.0f}"
