"""Rows of policies and baselines beside predictors: same keys, their own laws, and the figures a page draws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.catalog import ASSETS, load_catalog
from routing.evaluation import decided, detail, evaluate, judge
from routing.evaluation.costs import PoolOutcomes
from tests.test_evaluation import folder  # noqa: F401 - a fixture

EXPERTS = load_catalog(ASSETS / "experts.csv").experts
NAMES = ["blend", "cascade", *judge.BASELINES]


def pool_of(score, cost=None):
    score = np.array(score, dtype=float)
    cost = np.ones_like(score) if cost is None else np.array(cost, dtype=float)
    nothing = np.full_like(score, np.nan)
    return PoolOutcomes("p", EXPERTS[: score.shape[1]], np.arange(len(score)), score, nothing, cost, nothing)


@pytest.fixture(scope="module")
def rows(folder):  # noqa: F811
    found = evaluate(folder, routers=NAMES, pools=["three"], experts=EXPERTS, resamples=20)
    return {row["router"]: row for row in found}


def test_every_row_has_the_same_keys_and_says_what_it_is(rows):
    assert len({frozenset(row) for row in rows.values()}) == 1
    assert {row["kind"] for row in rows.values()} == {"predictor", "policy", "baseline"}
    assert rows["cascade"]["brier"] is None
    assert rows["blend"]["reliability"]["count"] == [12] * 10


def test_the_baselines_are_the_ladder(rows):
    blend = rows["blend"]
    assert rows["random expert"]["score"] == pytest.approx(blend["random"])
    assert rows["best single"]["score"] == pytest.approx(blend["best_single"]["score"])
    assert rows["dataset oracle"]["score"] == pytest.approx(blend["dataset_oracle"])
    assert rows["oracle"]["score"] == pytest.approx(blend["oracle"])
    assert rows["best single"]["above_best_single"] == 0.0
    assert rows["best single"]["p_value"] is None
    assert rows["best single"]["is_collapsed"]
    assert rows["oracle"]["regret"] == pytest.approx(0.0)


def test_a_policy_pays_everyone_it_asks(rows):
    cascade = rows["cascade"]
    assert cascade["calls"] >= 1.0
    assert cascade["share_called"] == pytest.approx(cascade["calls"] / 3)
    assert sum(cascade["shares"].values()) == pytest.approx(1.0)
    called = np.array([[1.0, 1.0, 0.0]])
    both = decided.Decided(np.array([1.0]), called, is_single=False)
    assert both.cost(pool_of([[0, 1, 0]], [[1, 2, 4]])).tolist() == [3.0]


def test_domains_add_up(rows):
    for row in rows.values():
        parts = row["domains"].values()
        assert sum(part["n_prompts"] for part in parts) == row["n_prompts"]
        weighted = sum(part["regret"] * part["n_prompts"] for part in parts) / row["n_prompts"]
        assert weighted == pytest.approx(row["regret"])


scores = st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=8)


@given(scores, scores)
def test_more_of_the_first_never_score_less_and_all_of_them_are_the_oracle(predicted, measured):
    count = min(len(predicted), len(measured))
    told, score = np.array(predicted[:count]) / 2, np.array(measured[:count]) / 2
    found = detail.first_k(told, score)
    assert found["1"] <= found["2"] <= found["3"] == pytest.approx(score.max(axis=1).mean())


@given(scores)
def test_the_oracle_is_the_bound_of_a_classifier_that_holds_everybody_capable(measured):
    pool = pool_of(np.array(measured) / 2, np.tile([3.0, 1.0, 2.0], (len(measured), 1)))
    everybody = np.ones(pool.score.shape, dtype=bool)
    best = decided.best_of(pool, everybody)
    np.testing.assert_array_equal(best.score, pool.score.max(axis=1))
    assert decided.best_of(pool, ~everybody).score.max() == 0.0
    tied = decided.best_of(pool_of([[1, 1, 1]], [[3, 1, 2]]), everybody[:1])
    assert tied.called.tolist() == [[0.0, 1.0, 0.0]], "the cheapest of the best"


def test_the_p_value_is_small_for_a_sure_gain_and_none_without_any():
    rng = np.random.default_rng(0)
    weights = rng.multinomial(200, np.full(200, 1 / 200), size=499) / 200
    assert detail.p_value(np.ones(200), weights) == pytest.approx(2 / 500)
    assert detail.p_value(np.zeros(200), weights) is None
    noise = np.tile([1.0, -1.0], 100)
    assert detail.p_value(noise, weights) > 0.3


def test_a_deferral_curve_has_at_most_101_points_and_belongs_to_pairs():
    rng = np.random.default_rng(0)
    score = np.stack([rng.random(500), rng.random(500) + 0.5], axis=1).clip(0, 1)
    drawn = detail.deferral_curve(pool_of(score), score)
    assert len(drawn["share"]) == len(drawn["recovered"]) == 101
    assert (drawn["recovered"][0], drawn["recovered"][-1]) == (0.0, pytest.approx(1.0))
    assert detail.deferral_curve(pool_of(np.zeros((4, 3))), np.zeros((4, 3))) is None


def test_an_allocation_shares_every_domain_out():
    pool = pool_of([[1, 0], [1, 1], [0, 1]])
    found = detail.allocation(pool, decided.picked(pool, np.array([0, 0, 1])), np.array(["m", "m", "n"], dtype=object))
    assert found["chosen"] == [[1.0, 0.0], [0.0, 1.0]]
    assert found["best"] == [[0.75, 0.25], [0.0, 1.0]]
