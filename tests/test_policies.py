"""Policies: each by its definition on small cases, and the laws that hold for all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from routing import predictors
from routing.errors import PreferenceError
from routing.policies import POLICIES, Rule, outcome, played, rules
from routing.policies.rules import Confidences
from routing.registry import load_router

GRID = st.integers(0, 10).map(lambda i: i / 10)


def told(score, *, threshold=0.5, cost=None, accuracy=None, key=7):
    score = np.atleast_2d(np.array(score, dtype=float))
    n, e = score.shape
    return Confidences(
        score=score,
        threshold=np.full(e, threshold),
        cost_usd=np.broadcast_to(np.arange(1.0, e + 1) if cost is None else np.array(cost, dtype=float), (n, e)),
        accuracy=np.array([0.5] * e if accuracy is None else accuracy, dtype=float),
        key=np.arange(key, key + n, dtype=np.uint64),
    )


@st.composite
def cases(draw):
    n, e = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    grid = [draw(arrays(float, (n, e), elements=GRID)) for _ in range(3)]
    accuracy = draw(arrays(float, (e,), elements=GRID))
    mine = Confidences(grid[0], np.full(e, draw(GRID)), grid[1], accuracy, np.arange(n, dtype=np.uint64))
    return mine, grid[2]


@settings(max_examples=25)
@given(cases())
@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_orders_all_experts_and_asks_somebody(name, case):
    mine, measured = case
    choice = POLICIES[name].choose(mine)
    assert (np.sort(choice.order, axis=1) == np.arange(mine.score.shape[1])).all()
    assert choice.called.any(axis=1).all()
    score, called = outcome(POLICIES[name], mine, measured)
    assert score.shape == (len(measured),)
    assert ((score >= 0) & (score <= measured.max(axis=1).clip(min=1.0))).all()
    assert called.any(axis=1).all()


@settings(max_examples=25)
@given(cases())
@pytest.mark.parametrize("name", POLICIES)
def test_the_same_prompt_gets_the_same_choice(name, case):
    mine, _ = case
    np.testing.assert_array_equal(POLICIES[name].choose(mine).order, POLICIES[name].choose(mine).order)


@settings(max_examples=25)
@given(cases())
@pytest.mark.parametrize("name", [n for n in POLICIES if "random" not in n and n != "avengers/balanced"])
def test_the_pick_of_those_that_ask_one_is_among_the_asked(name, case):
    mine, _ = case
    choice = POLICIES[name].choose(mine)
    assert choice.called[np.arange(len(choice.pick)), choice.pick].all() or "vote" in name


def test_argmax_takes_the_most_confident():
    assert rules.argmax(told([[0.2, 0.9, 0.4]])).pick.tolist() == [1]


def test_random_takes_only_the_capable_and_all_of_them_in_time():
    picks = rules.random_capable(told(np.tile([0.6, 0.2, 0.9], (200, 1)))).pick
    counts = np.bincount(picks, minlength=3)
    assert counts[1] == 0
    assert min(counts[0], counts[2]) > 60


def test_random_falls_back_to_the_most_confident_where_nobody_is_capable():
    assert (rules.random_capable(told(np.tile([0.1, 0.3, 0.2], (20, 1)))).pick == 1).all()


def test_random_of_three_draws_only_when_unsure():
    sure = rules.random_top3(told(np.tile([0.9, 0.8, 0.7, 0.1], (50, 1)))).pick
    unsure = rules.random_top3(told(np.tile([0.5, 0.4, 0.3, 0.1], (200, 1)))).pick
    assert (sure == 0).all()
    assert set(unsure) == {0, 1, 2}


def test_sorted_prediction_walks_the_capable_by_accuracy_or_cost():
    case = told([[0.9, 0.6, 0.8]], cost=[3.0, 1.0, 2.0], accuracy=[0.1, 0.2, 0.9])
    assert rules.sorted_by_accuracy(case).pick.tolist() == [2]
    assert rules.sorted_by_cost(case).pick.tolist() == [1]
    nobody = told([[0.3, 0.1, 0.2]], accuracy=[0.1, 0.2, 0.9])
    assert rules.sorted_by_accuracy(nobody).pick.tolist() == [0]


def test_the_published_walk_reads_confidences_by_place():
    # By accuracy the order is 2, 1, 0; only expert 0 is capable, so the first of the order is taken for it.
    case = told([[0.9, 0.1, 0.1]], accuracy=[0.1, 0.2, 0.9])
    assert rules.sorted_by_accuracy(case).pick.tolist() == [0]
    assert rules.sorted_as_published(case).pick.tolist() == [2]


@pytest.mark.parametrize(
    ("measured", "expected"),
    [([1, 1, 0], 1.0), ([1, 0, 0], 0.0), ([1, 0, 1], 1.0)],
)
def test_a_vote_is_right_when_most_of_those_asked_are(measured, expected):
    score, called = played.voted(told([[0.9, 0.8, 0.7]]), np.array([measured], dtype=float))
    assert score.tolist() == [expected]
    assert called.all()


def test_a_vote_of_two_that_differ_is_half_right_and_of_one_is_its_score():
    half, _ = played.voted(told([[0.9, 0.8, 0.1]]), np.array([[1.0, 0.0, 1.0]]))
    alone, called = played.voted(told([[0.9, 0.2, 0.1]]), np.array([[0.3, 1.0, 1.0]]))
    assert half.tolist() == [0.5]
    assert alone.tolist() == [0.3]
    assert called.sum() == 1


def test_a_cascade_starts_with_the_cheapest_and_never_climbs_to_a_worse_expert():
    case = told([[0.5, 0.4, 0.9]], cost=[1.0, 2.0, 3.0])
    assert rules.cascade(case).order.tolist() == [[0, 2, 1]]


def test_a_cascade_pays_for_everyone_it_asked():
    case = told(np.tile([0.5, 0.4, 0.9], (400, 1)), cost=[1.0, 2.0, 3.0])
    wrong_first = np.tile([0.0, 0.0, 1.0], (400, 1))
    score, called = played.cascaded(case, wrong_first)
    assert called[:, 0].all()
    assert not called[:, 1].any()
    # The judge, right four times in five, sends about that share on to the dear expert, who is right.
    assert 0.72 < called[:, 2].mean() < 0.88
    assert 0.6 < score.mean() < 0.9


def test_the_upper_bound_is_the_best_of_the_capable():
    score = np.array([[0.2, 1.0, 0.9], [1.0, 0.0, 0.0]])
    capable = np.array([[True, False, True], [False, True, True]])
    assert played.upper_bound(score, capable).tolist() == [0.9, 0.0]


def test_performance_and_efficiency_weighs_both():
    case = told([[0.9, 0.8, 0.1]], cost=[10.0, 1.0, 0.5])
    assert rules.performance_efficiency(case).pick.tolist() == [1]
    assert rules.performance_efficiency(case, alpha=1.0).pick.tolist() == [0]
    assert rules.performance_efficiency(case, alpha=0.0).pick.tolist() == [2]


def test_without_any_known_cost_only_performance_is_weighed():
    case = told([[0.5, 0.9, 0.1], [0.9, 0.8, 0.1]], cost=[np.nan] * 3)
    assert rules.performance_efficiency(case).pick.tolist() == [1, 0]


def test_the_strong_expert_is_asked_where_it_is_likely_to_win():
    case = told([[0.9, 0.3, 0.5], [0.5, 0.99, 0.5]], cost=[3.0, 2.0, 1.0], accuracy=[0.9, 0.8, 0.3])
    assert rules.strong_or_weak(case).pick.tolist() == [0, 2]
    assert rules.strong_or_weak(case, threshold=0.0).pick.tolist() == [0, 0]
    assert rules.strong_or_weak(case, threshold=1.0).pick.tolist() == [2, 2]


def test_a_rule_never_prefers_an_expert_that_may_not_be_asked():
    for policy in POLICIES.values():
        rule = Rule(policy, np.full(3, 0.5), np.array([0.9, 0.5, 0.1]), 3)
        order = rule.order(np.array([np.nan, 0.6, 0.7]), np.array([1.0, 2.0, 3.0]))
        assert order[0] != 0, policy.title


def test_policies_read_predictors_that_exist():
    assert {p.base for p in POLICIES.values()} <= set(predictors.PREDICTORS)
    assert not set(POLICIES) & set(predictors.PREDICTORS)


def test_an_unknown_policy_suggests_the_nearest():
    with pytest.raises(PreferenceError, match=r"No router is called 'cascde'.*Did you mean 'cascade'\?"):
        load_router(name="cascde")
