"""Why a front is empty, in a sentence."""

from collections.abc import Mapping

import numpy as np

from routing.decision import Decision
from routing.figures.front import axis_values
from routing.figures.style import Axis


def nowhere(decision: Decision, x: Axis, y: Axis, titles: Mapping[str, str]) -> str:
    """Why no expert has a place on two axes, and which axes can be chosen instead; empty where one has a place.

    Args:
        decision: What would be drawn.
        x: Horizontal axis.
        y: Vertical axis.
        titles: Name of every axis that can be chosen, for people.
    """
    is_known = {
        name: np.isfinite(axis_values(decision, Axis(name, is_log=False))) for name in {*titles, x.name, y.name}
    }
    if (is_known[x.name] & is_known[y.name]).any():
        return ""
    unknown = [titles[axis.name].lower() for axis in (x, y) if not is_known[axis.name].any()]
    what = f"{' and '.join(unknown)} of every expert is unknown" if unknown else "no expert has values on both axes"
    why = ""
    if not is_known["cost"].any() and "cost" in {x.name, y.name}:
        why = " Cost needs prices, stated on Experts, and a router whose table had output tokens."
    known = [title for name, title in titles.items() if is_known[name].any()]
    instead = f" Known of some are: {', '.join(known).lower()}." if known else ""
    return f"No expert can be drawn: {what}.{why}{instead}"
