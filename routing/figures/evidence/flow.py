"""Where the prompts go: shares, the allocation matrix, and the regret of each domain."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from routing.figures.evidence.looks import KINDS, SEQUENTIAL, Look, layout, number, two_lines
from routing.figures.style import GREY

Rows = Sequence[Mapping[str, Any]]
COLLAPSED: Final = 0.95  # systems.md 3: a router that sends more than this to one expert has collapsed
NAMED: Final = 7


def shares(rows: Rows, titles: Mapping[str, str], experts: Mapping[str, str]) -> pd.DataFrame:
    """Share of prompts sent to each expert, one row a router; experts in the order of their largest share."""
    table = {titles.get(r["router"], r["router"]): r.get("shares") or {} for r in rows}
    frame = pd.DataFrame(table).T.fillna(0.0)
    if frame.empty:
        return frame
    order = frame.max().sort_values(ascending=False, kind="stable").index
    named = frame[order].rename(columns=lambda n: experts.get(n, n))
    return named.rename_axis("Router").reset_index()


def collapsed(frame: pd.DataFrame) -> list[tuple[str, str, float]]:
    """Routers of a table of shares that send nearly everything to one expert: router, expert, share."""
    if frame.empty:
        return []
    values = frame.drop(columns="Router")
    top, name = values.max(axis=1), values.idxmax(axis=1)
    return [(str(r), str(e), float(s)) for r, e, s in zip(frame["Router"], name, top, strict=True) if s > COLLAPSED]


def shares_figure(frame: pd.DataFrame) -> go.Figure:
    """A bar a router, split by expert; hatched from the eighth expert on."""
    figure = go.Figure()
    shown = frame.iloc[::-1]
    for i, expert in enumerate(frame.columns[1:]):
        pattern = "" if i < NAMED else ("/", "x", ".", "-")[(i - NAMED) % 4]
        figure.add_bar(
            **{"x": shown[expert], "y": [two_lines(r) for r in shown["Router"]], "orientation": "h", "name": expert},
            marker={"color": KINDS[i] if i < NAMED else GREY, "pattern": {"shape": pattern}},
            hovertemplate=f"%{{y}}<br>{expert} %{{x:.1%}}<extra></extra>",
        )
    figure.update_xaxes(title="Share of prompts", tickformat=".0%", range=[0, 1.01], dtick=0.2)
    layout(figure, height=140 + 34 * len(frame), barmode="stack", bargap=0.3)
    return figure.update_layout(legend_traceorder="normal")


def allocation(stored: Mapping[str, Any], experts: Mapping[str, str]) -> pd.DataFrame:
    """Share of a domain's prompts by expert: chosen, and best on the outcomes."""
    names = [experts.get(e, e) for e in stored["experts"]]
    rows = [
        {"Domain": domain, "Expert": name, "Chosen": stored["chosen"][d][e], "Best": stored["best"][d][e]}
        for d, domain in enumerate(stored["domains"])
        for e, name in enumerate(names)
    ]
    return pd.DataFrame(rows)


def allocation_figure(frame: pd.DataFrame, *, is_dark: bool = False) -> go.Figure:
    """Two matrices on one scale: domain by chosen expert beside domain by best expert."""
    domains, experts = list(dict.fromkeys(frame["Domain"]))[::-1], list(dict.fromkeys(frame["Expert"]))
    figure = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=("Chosen", "Best"))
    for column, kind in enumerate(("Chosen", "Best"), start=1):
        table = frame.pivot_table(index="Domain", columns="Expert", values=kind, sort=False)
        values = table.reindex(index=domains, columns=experts).to_numpy(dtype=float)
        figure.add_heatmap(
            **{"z": values, "x": experts, "y": domains, "zmin": 0, "zmax": 1, "xgap": 2, "ygap": 2},
            **{"coloraxis": "coloraxis", "texttemplate": "%{text}", "textfont": {"size": 10}},
            text=[[f"{v:.0%}" if v >= 0.005 else "" for v in line] for line in values],
            hovertemplate=f"%{{y}}: %{{x}} {kind.lower()} on %{{z:.1%}}<extra></extra>",
            **{"row": 1, "col": column},
        )
    figure.update_xaxes(tickangle=-40, showgrid=False)
    figure.update_yaxes(showgrid=False)
    # Plotly gives titles of subplots a size of their own; ours are as large as the rest.
    figure.update_annotations(font_size=13)
    figure.update_layout(coloraxis={"colorscale": SEQUENTIAL[is_dark], "cmin": 0, "cmax": 1, "showscale": False})
    layout(figure, height=190 + 34 * len(domains), legend=False)
    return figure.update_layout(margin={"t": 40})


def domains(rows: Rows, titles: Mapping[str, str]) -> pd.DataFrame:
    """Regret per domain, one row a router and domain, with that of the domain's own best single expert."""
    found = [
        {
            **{"_router": row["router"], "Router": titles.get(row["router"], row["router"]), "Domain": domain},
            **{"Prompts": int(one["n_prompts"]), "Regret": number(one, "oracle") - number(one, "score")},
            "Best single's regret": number(one, "oracle") - number(one["best_single"], "score"),
            "Mean score": number(one, "score"),
        }
        for row in rows
        for domain, one in (row.get("domains") or {}).items()
    ]
    return pd.DataFrame(found)


def domains_figure(frame: pd.DataFrame, looks: Mapping[str, Look]) -> go.Figure:
    """Regret of every router, domain by domain; the domain's best single expert as a bar behind."""
    counts = frame.groupby("Domain", sort=False)["Prompts"].first().sort_values()
    labels = {d: f"{d} ({n:,})" for d, n in counts.items()}
    place = {d: float(i) for i, d in enumerate(counts.index)}
    bar = frame.groupby("Domain")["Best single's regret"].first().reindex(counts.index)
    figure = go.Figure()
    figure.add_bar(
        **{"x": bar, "y": list(place.values()), "orientation": "h", "name": "Best single of the domain"},
        **{"text": [labels[d] for d in bar.index], "textposition": "none"},
        marker={"color": "rgba(138, 143, 152, 0.3)"},
        hovertemplate="%{text}<br>best single %{x:.3f}<extra></extra>",
    )
    steps = np.linspace(0.28, -0.28, max(2, len(looks)))  # side by side, so that equal marks do not hide each other
    for (name, look), step in zip(looks.items(), steps, strict=False):
        part = frame[frame["_router"] == name]
        if part.empty:
            continue
        figure.add_scatter(
            **{"x": part["Regret"], "y": [place[d] + step for d in part["Domain"]], "mode": "markers"},
            **{"name": part["Router"].iloc[0], "hovertemplate": "%{text}<br>regret %{x:.3f}<extra></extra>"},
            **{"marker": {"symbol": look.symbol, "color": look.colour, "size": 8}, "text": part["Domain"]},
        )
    figure.update_xaxes(title="Regret: mean score lost to the oracle", rangemode="tozero")
    ticks = {"tickmode": "array", "tickvals": list(place.values()), "ticktext": [labels[d] for d in place]}
    figure.update_yaxes(**ticks, showgrid=False, range=[-0.6, len(place) - 0.4])
    return layout(figure, height=150 + 46 * len(counts), bargap=0.2)


def table_of_allocation(frame: pd.DataFrame) -> pd.DataFrame:
    """The allocation without cells that are zero on both sides."""
    return frame.query("Chosen > 0 or Best > 0").reset_index(drop=True)


def agreement(frame: pd.DataFrame) -> float:
    """Mean overlap of chosen and best shares over domains, in [0, 1]."""
    overlap = np.minimum(frame["Chosen"].to_numpy(), frame["Best"].to_numpy())
    return float(pd.Series(overlap).groupby(frame["Domain"].to_numpy()).sum().mean())
