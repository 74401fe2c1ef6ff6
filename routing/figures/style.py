"""What every figure shares: colours told apart by every kind of sight, axes, and how amounts are written."""

from dataclasses import dataclass

import numpy as np

from routing.objective import CONSTRAINTS
from routing.schema import Floats

# Okabe and Ito's palette (Color Universal Design, 2008); shapes say the same again.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW, GREY = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#C7B42C"),
    "#8A8F98",
)
TERM_COLOURS = dict(zip(CONSTRAINTS, (ORANGE, SKY, PURPLE, YELLOW, VERMILION, GREEN, GREY), strict=True))
LOG_AXES = frozenset({"cost", "latency", "size", "verbosity"})
_BARE = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
# What st.plotly_chart gets as ``config``: a PNG from the camera button, twice the screen's resolution.
CONFIG = {**_BARE, "toImageButtonOptions": {"format": "png", "scale": 2, "filename": "thalamus"}}


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of the front: ``score`` or a constraint, with logarithmic and reversed as ticked."""

    name: str
    is_log: bool = False
    is_reversed: bool = False

    @property
    def title(self) -> str:
        """What the axis shows, with its unit."""
        if self.name == "score":
            return "Predicted score"
        constraint = CONSTRAINTS[self.name]
        return f"{constraint.title} ({constraint.unit})"


def log_tick(values: Floats) -> int | str:
    """Distance of ticks on a logarithmic axis: 1, 2 and 5 of each decade on a short axis, else decades."""
    known = values[np.isfinite(values) & (values > 0)]
    return 1 if known.size == 0 or known.max() / known.min() > 60 else "D2"
