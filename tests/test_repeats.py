"""Asking the same expert again: how much its answers differ."""

from dataclasses import replace

import pytest

from routing.errors import ServerFailed
from routing.repeats import repeats
from tests.test_store import answer


def test_spread_is_over_complete_answers_and_everything_that_ended_is_counted():
    one, two = (replace(answer("a", t, 0.1), latency_s=s) for t, s in (("the red fox", 1.0), ("the fox", 3.0)))
    part = replace(answer("a", "the"), is_complete=False)
    failed = answer("a", "", None, ServerFailed("It failed."))
    found, other = repeats([(one, True), (two, False), (part, None), (failed, None), (answer("b", "x", None), None)])
    assert (found.expert, found.n, found.n_complete, found.n_texts, found.passed) == ("a", 4, 2, 2, 0.5)
    assert found.in_common == pytest.approx(4 / 5)
    assert (found.latency_s.mean, found.latency_s.deviation) == pytest.approx((2.0, 2**0.5))
    assert found.cost_usd.deviation == pytest.approx(0.0)
    assert (other.in_common, other.latency_s.deviation, other.cost_usd.mean, other.passed) == (None, None, None, None)
