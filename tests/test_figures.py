"""Figures as plain data: experts in their groups, limits in their places, arrows towards what was measured."""

import numpy as np
import pytest

from routing import figures
from routing.decision import decide
from routing.figures.labels import Box, sides
from routing.figures.style import log_tick
from routing.objective import CONSTRAINTS, Candidates
from routing.schema import Preferences
from routing.telling import money

NAMES = ("free", "cheap", "good", "dear", "unpriced", "unscored")
COST = np.array([0.0, 0.001, 0.01, 0.1, np.nan, 0.01])
SCORE = np.array([0.2, 0.5, 0.8, 0.7, 0.9, np.nan])
TITLES = {name: name.title() for name in NAMES}


def offers():
    n = len(NAMES)
    values = {name: np.linspace(1, 2, n) for name in CONSTRAINTS} | {"cost": COST}
    penalties = {name: v / np.nanmax(v) for name, v in values.items()}
    rank, none = np.arange(n, dtype=float), np.zeros(n)
    return Candidates(NAMES, SCORE, SCORE - 0.1, SCORE + 0.1, values, penalties, none > 0, none, rank)


def groups(figure):
    return {t.name: list(t.customdata) for t in figure.data if t.customdata is not None}


def test_every_expert_that_can_be_placed_is_drawn_once_in_its_group():
    decision = decide(offers(), Preferences({}, {"cost": 0.05}))
    drawn = groups(figures.front(decision, TITLES, figures.Axis("cost", is_log=True), figures.Axis("score")))
    assert drawn == {"Not feasible": ["dear"], "On the front": ["free", "cheap"], "Picked": ["good"]}


def test_a_limit_is_a_line_and_moves_no_point():
    def points(limits):
        decision = decide(offers(), Preferences({}, limits))
        figure = figures.front(decision, TITLES, figures.Axis("cost"), figures.Axis("score"))
        placed = {
            n: (x, y)
            for t in figure.data
            if t.customdata is not None
            for n, x, y in zip(t.customdata, t.x, t.y, strict=True)
        }
        return placed, [s.x0 for s in figure.layout.shapes if s.type == "line"]

    free, none = points({})
    bound, lines = points({"cost": 0.05})
    assert free == bound
    assert none == []
    assert lines == [0.05]


def test_zero_has_a_place_of_its_own_on_a_logarithmic_axis():
    decision = decide(offers(), Preferences())
    figure = figures.front(decision, TITLES, figures.Axis("cost", is_log=True), figures.Axis("score"))
    at = {n: x for t in figure.data if t.customdata is not None for n, x in zip(t.customdata, t.x, strict=True)}
    assert 0 < at["free"] < at["cheap"]
    assert any(a.text == "zero" for a in figure.layout.annotations)


def test_intervals_are_the_predicted_ones():
    decision = decide(offers(), Preferences({}, {"cost": 1.0}))
    figure = figures.front(decision, TITLES, figures.Axis("cost"), figures.Axis("score"))
    picked = next(t for t in figure.data if t.name == "Picked")
    assert picked.error_y.array == pytest.approx([0.1])
    assert picked.error_y.arrayminus == pytest.approx([0.1])


def test_an_arrow_leads_from_predicted_to_measured():
    decision = decide(offers(), Preferences())
    measured = [figures.Measured("good", {"cost": 0.02}), figures.Measured("cheap", {})]
    figure = figures.front(decision, TITLES, figures.Axis("cost", is_log=True), figures.Axis("score"), measured)
    arrows = [a for a in figure.layout.annotations if a.showarrow]
    assert len(arrows) == 1
    assert (arrows[0].ax, arrows[0].x) == pytest.approx((np.log10(0.01), np.log10(0.02)))


def test_names_cover_neither_marks_nor_each_other():
    xs, ys = np.array([100.0, 104.0, 300.0]), np.array([100.0, 108.0, 100.0])
    names = ["the first", "just above", "far off"]
    assert sides(xs, ys, names, [], 500.0) == ["top left", "bottom right", "top left"]
    bar = Box(280.0, 281.0, 0.0, 500.0)
    assert sides(xs, ys, names, [bar], 500.0)[2] == "bottom right", "it would cross a bar"
    assert sides(xs[:1], ys[:1], ["x" * 90], [], 500.0) == [""], "it would run off the side"


def test_the_pick_is_named_even_where_marks_are_close():
    figure = figures.front(decide(offers(), Preferences()), TITLES, figures.Axis("cost"), figures.Axis("score"))
    shown = {n: t for trace in figure.data if trace.text for n, t in zip(trace.customdata, trace.text, strict=True)}
    assert shown["good"] == "Good"
    assert shown["dear"] == "", "it is not on the front"


def test_the_bars_add_up_to_the_objective():
    decision = decide(offers(), Preferences({"cost": 2.0, "size": 0.5}))
    figure = figures.objective(decision, TITLES)
    bars = [t for t in figure.data if t.type == "bar"]
    mark = next(t for t in figure.data if t.name == "Objective")
    assert np.sum([b.x for b in bars], axis=0) == pytest.approx(mark.x)
    assert {b.name for b in bars} == {"Predicted score", "Cost", "Size"}


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (0.0, "$0"),
        (1234.5, "$1,234.50"),
        (0.0123, "$0.012"),
        (0.000012, "$0.000012"),
        (float("nan"), "unknown"),
    ],
)
def test_money_is_written_for_people(cost, text):
    assert money(cost) == text


def test_short_logarithmic_axes_get_more_ticks():
    assert log_tick(np.array([1.0, 5.0])) == "D2"
    assert log_tick(np.array([1.0, 5000.0])) == 1
    assert log_tick(np.array([0.0])) == 1


def test_ticks_of_a_logarithmic_axis_are_written_in_full():
    axis = figures.Axis("size", is_log=True)
    figure = figures.front(decide(offers(), Preferences()), TITLES, axis, figures.Axis("score"))
    assert figure.layout.xaxis.tickformat == ",~g"
