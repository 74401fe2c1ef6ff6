"""The latent map: prompts where the router sees them, in two dimensions."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from routing.evidence import LatentMap
from routing.figures.evidence.looks import KINDS, layout
from routing.figures.style import GREY

MOST: Final = 2500
COLOURINGS: Final = ("Domain", "Best expert", "Regret")
_SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star")


def latent(found: LatentMap, experts: Sequence[str]) -> pd.DataFrame:
    """One row a prompt: its place, domain, best expert and regret. At most 2,500, evenly drawn, so that it stays quick.

    Args:
        found: As it is stored.
        experts: Name of each of its experts for people.
    """
    count = len(found.domain)
    kept = np.unique(np.linspace(0, count - 1, min(count, MOST)).astype(int)) if count else np.zeros(0, dtype=int)
    return pd.DataFrame(
        {
            **{"Across": found.xy[kept, 0], "Up": found.xy[kept, 1]},
            "Domain": [found.domains[i] for i in found.domain[kept]],
            "Best expert": [experts[i] for i in found.best[kept]],
            "Regret": found.regret[kept],
        }
    )


def latent_figure(frame: pd.DataFrame, colour: str) -> go.Figure:
    """The map, coloured by domain, by best expert or by regret.

    Args:
        frame: From ``latent``.
        colour: One of ``COLOURINGS``.
    """
    figure = _by_regret(frame) if colour == "Regret" else _by_kind(frame, colour)
    bare = {"showgrid": False, "showticklabels": False, "zeroline": False, "title": None, "showline": False}
    layout(figure, height=520, legend=colour != "Regret")
    figure.update_xaxes(**bare)
    figure.update_yaxes(**bare)
    return figure.update_layout(legend_itemsizing="constant")


def _by_kind(frame: pd.DataFrame, colour: str) -> go.Figure:
    figure = go.Figure()
    counts = frame[colour].value_counts()
    named = list(counts.index[: len(KINDS)])
    groups = [(name, frame[colour] == name) for name in named]
    rest = ~frame[colour].isin(named)
    if rest.any():
        groups.insert(0, (f"{len(counts) - len(named)} others", rest))
    for name, member in groups:
        at = named.index(name) if name in named else -1
        figure.add_scatter(
            **{"x": frame["Across"][member], "y": frame["Up"][member], "mode": "markers", "name": str(name)},
            **{"text": frame[colour][member], "hovertemplate": "%{text}<extra></extra>"},
            marker={
                **{"size": 5, "opacity": 0.75, "symbol": _SYMBOLS[at] if at >= 0 else "circle"},
                "color": KINDS[at] if at >= 0 else GREY,
            },
        )
    return figure


def _by_regret(frame: pd.DataFrame) -> go.Figure:
    figure = go.Figure()
    shown = frame.sort_values("Regret", kind="stable")  # the largest regret on top
    figure.add_scatter(
        **{"x": shown["Across"], "y": shown["Up"], "mode": "markers", "showlegend": False},
        marker={
            **{"size": 5, "color": shown["Regret"], "cmin": 0, "cmax": 1},
            "colorscale": [[0, "rgba(138, 143, 152, 0.35)"], [0.01, "#F0C05A"], [0.5, "#D55E00"], [1, "#7A1F00"]],
            "colorbar": {"title": {"text": "Regret"}, "thickness": 12, "len": 0.7, "outlinewidth": 0},
        },
        **{"text": shown["Domain"], "hovertemplate": "%{text}, regret %{marker.color:.2f}<extra></extra>"},
    )
    return figure
