"""The objective as bars: what the score gives and what the weights take."""

from collections.abc import Mapping

import plotly.graph_objects as go

from routing.decision import Decision
from routing.figures.style import BLUE, TERM_COLOURS, VERMILION
from routing.objective import CONSTRAINTS


def objective(decision: Decision, titles: Mapping[str, str], *, most: int = 12) -> go.Figure:
    """Score to the right, weighted penalties to the left, the objective as a mark: best experts on top.

    Args:
        decision: What is drawn.
        titles: Name of each expert for people.
        most: How many feasible experts to draw.
    """
    rows = decision.ranking[:most][::-1]
    labels = [titles[decision.options.experts[i]] for i in rows]
    figure = go.Figure()
    bar = {"orientation": "h", "y": labels}
    figure.add_bar(x=decision.options.score[rows], name="Predicted score", marker={"color": BLUE}, **bar)
    for name, term in decision.terms.items():
        figure.add_bar(x=-term[rows], name=CONSTRAINTS[name].title, marker={"color": TERM_COLOURS[name]}, **bar)
    mark = {"symbol": "diamond", "size": 9, "color": "white", "line": {"color": VERMILION, "width": 2}}
    figure.add_scatter(x=decision.objective[rows], y=labels, mode="markers", name="Objective", marker=mark)
    figure.update_layout(
        **{"barmode": "relative", "height": 110 + 30 * len(labels), "margin": {"l": 10, "r": 10, "t": 30, "b": 10}},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
    )
    figure.update_xaxes(title="Predicted score and weighted penalties", zeroline=True)
    figure.update_yaxes(automargin=True)
    return figure
