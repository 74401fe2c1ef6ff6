"""Plain data to plotly figures; imported by pages only."""

from routing.figures.bars import objective
from routing.figures.front import Measured, front
from routing.figures.style import CONFIG, LOG_AXES, Axis
from routing.figures.tradeoff import tradeoff
from routing.figures.unknown import nowhere

__all__ = ["CONFIG", "LOG_AXES", "Axis", "Measured", "front", "nowhere", "objective", "tradeoff"]
