"""Measures on cases small enough to check by hand, their laws, and a run over made-up data."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.catalog import ASSETS, load_catalog
from routing.errors import DataError, PreferenceError
from routing.evaluation import curve, decided, evaluate, measures, report
from routing.evaluation.costs import assumed_tokens, pool_outcomes
from routing.outcomes import read
from routing.schema import Prediction

CHEAP, MIDDLE, DEAR = "gpt-4o-mini", "o1-mini", "gpt-4o-2024-08-06"
POOL = (CHEAP, MIDDLE, DEAR)
EXPERTS = load_catalog(ASSETS / "experts.csv").experts

points = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8)


@given(points)
def test_the_hull_is_concave_rises_and_lies_above_every_point(some):
    cost, score = np.array(some, dtype=float).T
    x, y = curve.hull(cost, score)
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) > 0).all()
    slopes = np.diff(y) / np.diff(x)
    assert (np.diff(slopes) <= 1e-9).all()
    assert (np.interp(cost, x, y) >= score - 1e-9).all()


@given(points, st.randoms())
def test_the_hull_ignores_the_order_of_points(some, random):
    shuffled = random.sample(some, len(some))
    hulls = [curve.hull(*np.array(p, dtype=float).T) for p in (some, shuffled)]
    for a, b in zip(*hulls, strict=True):
        np.testing.assert_array_equal(a, b)


def test_area_under_a_hull():
    triangle = (np.array([0.0, 2.0]), np.array([0.0, 1.0]))
    assert curve.area(triangle, 0.0, 2.0) == pytest.approx(0.5)
    assert curve.area(triangle, 0.0, 4.0) == pytest.approx(0.75), "flat beyond the dearest point"
    assert curve.area(triangle, 1.0, 1.0) == pytest.approx(0.5), "no width: the height there"


def test_cost_of_a_given_score():
    line = (np.array([1.0, 3.0]), np.array([0.4, 0.8]))
    assert curve.cost_at(line, 0.6) == pytest.approx(2.0)
    assert curve.cost_at(line, 0.1) == pytest.approx(1.0)
    assert curve.cost_at(line, 0.9) is None


def test_a_weight_of_zero_picks_the_best_score_and_a_large_one_the_cheapest():
    score = np.array([[0.2, 0.9], [0.8, 0.3]])
    cost = np.array([[1.0, 5.0], [1.0, 6.0]])
    picks = curve.sweep(score, cost, np.array([0.0, 100.0]))
    np.testing.assert_array_equal(picks, [[1, 0], [0, 0]])


grids = st.integers(2, 4).flatmap(lambda n: st.lists(st.tuples(*[st.integers(0, 4)] * (2 * n)), min_size=1, max_size=6))


@given(grids)
def test_a_higher_weight_never_picks_a_dearer_expert(rows):
    values = np.array(rows, dtype=float)
    half = values.shape[1] // 2
    score, cost = values[:, :half] / 4, values[:, half:] + 1
    picks = curve.sweep(score, cost, np.array([0.0, 0.1, 0.5, 1.0, 3.0]))
    spent = cost[np.arange(len(cost)), picks]
    assert (np.diff(spent, axis=0) <= 1e-9).all()


def test_an_expert_without_a_prediction_is_never_picked():
    picks = curve.sweep(np.array([[np.nan, 0.1]]), np.array([[0.0, 9.0]]))
    assert (picks == 1).all()


def test_deferral():
    gain = np.array([1.0, 0.0, -1.0, 1.0])
    assert curve.apgr(gain, gain) > curve.apgr(gain, -gain)
    assert curve.cpt(gain, gain, 1.0) == pytest.approx(0.25)
    share, recovered = curve.deferral(gain, gain)
    np.testing.assert_allclose([share[0], share[-1], recovered[0], recovered[-1]], [0, 1, 0, 1])
    assert curve.apgr(gain, np.zeros(4)) == pytest.approx(0.5), "a router that tells nothing apart is a random one"
    random_order = np.random.default_rng(0).random(4000)
    assert curve.apgr(np.tile(gain, 1000), random_order) == pytest.approx(0.5, abs=0.06)


def test_accuracy_with_and_without_ties():
    score = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    choice = np.array([0, 1, 0])
    np.testing.assert_array_equal(measures.strict_accuracy(choice, score), [1.0, np.nan, 0.0])
    np.testing.assert_array_equal(measures.tolerant_accuracy(choice, score), [1.0, 1.0, 0.0])


def test_calibration_error_of_honest_and_of_boastful_scores():
    rng = np.random.default_rng(0)
    truth = rng.random((4000, 1))
    outcome = (rng.random((4000, 1)) < truth).astype(float)
    assert measures.calibration_error(truth, outcome) < 0.03
    assert measures.calibration_error(np.full_like(truth, 0.9), outcome) == pytest.approx(0.4, abs=0.03)


def test_rank_correlation_leaves_out_prompts_that_tell_nothing():
    score = np.array([[0.0, 1.0, 0.5], [1.0, 1.0, 1.0]])
    assert measures.rank_correlation(score, score) == pytest.approx(1.0)
    assert measures.rank_correlation(-score, score) == pytest.approx(-1.0)
    assert measures.rank_correlation(score[1:], score[1:]) is None


def test_coverage_of_graded_scores_is_plain_and_of_binary_ones_by_neighbours():
    graded = np.array([[0.5], [0.9]])
    vector = np.eye(2, dtype=np.float32)
    task = np.array(["t", "t"], dtype=object)
    low, high = np.full((2, 1), 0.4), np.full((2, 1), 0.6)
    assert measures.coverage(low, high, graded, measures.nearest(vector), task) == pytest.approx(0.5)
    binary = np.tile([[0.0], [1.0]], (25, 1))
    near = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (50, 1))
    wide = np.full((50, 1), 0.1), np.full((50, 1), 0.95)
    assert measures.coverage(*wide, binary, measures.nearest(near), np.repeat("t", 50).astype(object)) > 0.9
    assert measures.coverage(np.full((2, 1), np.nan), high, graded, measures.nearest(vector), task) is None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Forty made-up prompts on which the dear expert is always right and the cheap one half the time."""
    where = tmp_path_factory.mktemp("data")
    texts = [f"What is {i} plus {i * 3}? Answer with a number." for i in range(40)]
    pd.DataFrame({"prompt_id": [f"p{i}" for i in range(40)], "text": texts}).to_parquet(where / "prompts.parquet")
    rows = [(f"p{i}", name, float(i % 2 == 0) if name == CHEAP else 1.0) for i in range(40) for name in POOL]
    pd.DataFrame(rows, columns=["prompt_id", "expert", "score"]).to_parquet(where / "outcomes.parquet")
    (where / "pools.json").write_text(json.dumps({"three": POOL, "two": POOL[:2]}), encoding="utf-8")
    return where


@pytest.fixture(scope="module")
def results(folder):
    return evaluate(folder, routers=["blend", "prompt-blind"], experts=EXPERTS, resamples=20)


def test_a_row_per_pool_and_router_in_order(results):
    assert [(r["pool"], r["router"]) for r in results] == [
        ("three", "blend"),
        ("three", "prompt-blind"),
        ("two", "blend"),
        ("two", "prompt-blind"),
    ]
    assert json.loads(json.dumps(results)) == json.loads(json.dumps(results, allow_nan=False))


def test_every_documented_measure_is_there(results):
    documented = {
        *("pool", "router", "n_prompts", "random", "best_single", "dataset_oracle", "oracle", "score"),
        *("score_interval", "gap_closed", "accuracy_strict", "accuracy_tolerant", "regret", "aiq"),
        *("aiq_static_mix", "aiq_above_static_mix", "aiq_prompt_blind", "cost_at", "shares", "brier"),
        *("calibration_error", "ms_p50", "ms_p95"),
    }
    assert all(documented <= set(result) for result in results)


def test_the_ladder(results):
    for result in results:
        assert result["n_prompts"] == 40
        assert result["random"] < result["best_single"]["score"] <= result["dataset_oracle"] <= result["oracle"] == 1.0
        assert result["regret"] == pytest.approx(result["oracle"] - result["score"])
        assert sum(result["shares"].values()) == pytest.approx(1.0)
        low, high = result["score_interval"]
        assert low <= result["score"] <= high


def test_a_pair_has_deferral_measures_and_a_larger_pool_has_none(results):
    assert results[0]["apgr"] is None
    assert results[2]["apgr"] is not None
    assert set(results[2]["cpt"]) == {"50", "80"}


def test_without_own_pools_those_beside_the_graph_count(folder, tmp_path):
    for name in ("prompts.parquet", "outcomes.parquet"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(DataError, match="No pool has 20 prompts"):
        evaluate(tmp_path, routers=["blend"], experts=EXPERTS, resamples=2)
    outcomes = pd.read_parquet(tmp_path / "outcomes.parquet")
    extra = outcomes[outcomes["expert"] == DEAR].assign(expert="claude-3.5-sonnet-20240620")
    pd.concat([outcomes, extra]).to_parquet(tmp_path / "outcomes.parquet")
    found = evaluate(tmp_path, routers=["blend"], experts=EXPERTS, resamples=2)
    assert [r["pool"] for r in found] == ["frontier4"]


def test_a_pool_of_one_expert_is_that_expert_and_naming_it_twice_changes_nothing(folder, tmp_path):
    for name in ("prompts.parquet", "outcomes.parquet"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "pools.json").write_text(json.dumps({"one": [DEAR], "twice": [DEAR, DEAR]}), encoding="utf-8")
    for row in evaluate(tmp_path, routers=["blend"], experts=EXPERTS, resamples=2):
        assert (row["score"], row["shares"]) == (row["best_single"]["score"], {DEAR: 1.0})


def test_unknown_pool_router_and_expert(folder):
    with pytest.raises(DataError, match=r"No pool is called 'four'; known are three, two"):
        evaluate(folder, routers=["blend"], pools=["four"], experts=EXPERTS)
    with pytest.raises(PreferenceError, match=r"No router is called 'blned'.*'blend'"):
        evaluate(folder, routers=["blned"], experts=EXPERTS)
    with pytest.raises(DataError, match=r"Pool 'two' names 'gpt-4o-mini', which the table of experts does not have"):
        evaluate(folder, routers=["blend"], pools=["two"], experts=[])


def test_pools_of_the_data_that_a_router_cannot_judge_are_left_out_and_said(folder, tmp_path):
    prompts = pd.read_parquet(folder / "prompts.parquet")
    prompts.to_parquet(tmp_path / "prompts.parquet")
    outcomes = pd.read_parquet(folder / "outcomes.parquet")
    newer = outcomes[outcomes["expert"] == DEAR].assign(expert="model-of-next-year")
    pd.concat([outcomes, newer]).to_parquet(tmp_path / "outcomes.parquet")
    pools = {"newer": ["model-of-next-year", DEAR], "unpriced": [*POOL, "model-of-next-year"], "two": POOL[:2]}
    (tmp_path / "pools.json").write_text(json.dumps(pools), encoding="utf-8")
    said = []
    rows = evaluate(tmp_path, routers=["blend"], experts=EXPERTS, resamples=2, progress=said.append)
    assert [row["pool"] for row in rows] == ["two"]
    assert "it does not know 'model-of-next-year'. The pool is left out." in " ".join(said)
    assert "'unpriced' names 'model-of-next-year', which the table of experts does not have" in " ".join(said)
    with pytest.raises(DataError, match="this router predicts 1, and two are needed"):
        evaluate(tmp_path, routers=["blend"], pools=["newer"], experts=EXPERTS, resamples=2)
    (tmp_path / "pools.json").write_text(json.dumps({"newer": pools["newer"]}), encoding="utf-8")
    with pytest.raises(DataError, match=r"it does not know 'model-of-next-year'. Choose another pool, or train a"):
        evaluate(tmp_path, routers=["blend"], experts=EXPERTS, resamples=2)


def test_tokens_that_were_not_measured_are_assumed_as_documented(tmp_path):
    prompts = pd.DataFrame({"prompt_id": list("abc"), "text": "x", "source": ["s", "s", "t"]})
    rows = [("a", CHEAP, 1, 10.0), ("b", CHEAP, 1, None), ("c", CHEAP, 1, None), ("a", DEAR, 1, None)]
    prompts.to_parquet(tmp_path / "prompts.parquet")
    pd.DataFrame(rows, columns=["prompt_id", "expert", "score", "output_tokens"]).to_parquet(
        tmp_path / "outcomes.parquet"
    )
    outcomes = read(tmp_path)
    np.testing.assert_array_equal(assumed_tokens(outcomes, [CHEAP, DEAR]), np.full((3, 2), 10.0))
    facts = {e.name: e for e in EXPERTS}
    counted = dict.fromkeys(range(3), 1_000_000)
    pool = pool_outcomes(outcomes, "one", [CHEAP], split="all", experts=facts, input_tokens=counted)
    expected = facts[CHEAP].price_in_usd_per_mtok + 10 * facts[CHEAP].price_out_usd_per_mtok / 1e6
    np.testing.assert_allclose(pool.cost_usd, expected)


def test_a_perfect_prediction_closes_the_gap_and_lies_on_top(folder):
    outcomes = read(folder)
    counted = dict.fromkeys(range(40), 20)
    facts = {e.name: e for e in EXPERTS}
    pool = pool_outcomes(outcomes, "two", POOL[:2], split="all", experts=facts, input_tokens=counted)
    score = pool.score.copy()
    unknown = np.full_like(score, np.nan)
    seen = Prediction(POOL[:2], score, unknown, unknown, unknown, unknown, unknown)
    weights = report.resample_weights(40, resamples=10)
    costs = report.cost_report(pool, seen.score, pool.cost_usd, weights)
    assert costs["aiq"] >= costs["aiq_static_mix"]
    assert costs["cost_at"]["100"] <= costs["cost_at_static_mix"]["100"] <= 1.0
    choice = report.choice_report(pool, decided.picked(pool, score.argmax(axis=1)), weights)
    assert choice["regret"] == 0.0
    assert choice["accuracy_tolerant"] == 1.0


def test_judging_needs_no_torch():
    heavy = ("torch", "sklearn", "onnx", "litellm")
    code = f"import sys, routing.evaluation; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ASSETS.parent)
    assert found.stdout.strip() == "[]"


def test_open_outcomes_on_the_test_split(outcome_data):
    found = evaluate(outcome_data, routers=["blend"], pools=["open9"], experts=EXPERTS, resamples=50)
    assert found[0]["aiq_above_static_mix"] > 0.03
    assert found[0]["brier"] < found[0]["brier_base_rate"]
