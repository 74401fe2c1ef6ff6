"""An empty front says why it is empty."""

from dataclasses import replace

import numpy as np

from routing import figures
from routing.decision import decide
from routing.schema import Preferences
from tests.test_figures import offers

TITLES = {"cost": "Cost", "size": "Size", "score": "Predicted score"}


def test_where_no_cost_is_known_a_sentence_stands_for_the_chart():
    known = offers()
    unknown = replace(known, values={**known.values, "cost": np.full(len(known.experts), np.nan)})
    cost, score = figures.Axis("cost", is_log=True), figures.Axis("score")
    assert figures.nowhere(decide(known, Preferences()), cost, score, TITLES) == ""
    assert figures.nowhere(decide(unknown, Preferences()), figures.Axis("size"), score, TITLES) == ""
    assert figures.nowhere(decide(unknown, Preferences()), cost, score, TITLES) == (
        "No expert can be drawn: cost of every expert is unknown. Cost needs prices, stated on Experts, and a router "
        "whose table had output tokens. Known of some are: size, predicted score."
    )
