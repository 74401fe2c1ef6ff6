"""What is left out never leaks into what is learned; held-out rows, controls and lengths on cases made by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from routing.catalog import ASSETS, load_catalog
from routing.encoder import Card
from routing.errors import DataError, PreferenceError
from routing.evaluation import judge
from routing.evaluation.contamination import contamination_rows
from routing.evaluation.controls import some_of, source_floor
from routing.evaluation.costs import pool_outcomes
from routing.evaluation.folds import Fold, folds, task_folds
from routing.evaluation.held_out import left_out
from routing.evaluation.lengths import length_row, source_means
from routing.evaluation.told import Told
from routing.outcomes import Outcomes
from routing.schema import Features

CHEAP, MIDDLE, DEAR = "gpt-4o-mini", "o1-mini", "gpt-4o-2024-08-06"
POOL = (CHEAP, MIDDLE, DEAR)
FACTS = {expert.name: expert for expert in load_catalog(ASSETS / "experts.csv").experts}


def outcomes_of(source, task, group, split, score=None):
    """Outcomes of the three experts on prompts given by their columns."""
    count = len(source)
    prompts = pd.DataFrame({"prompt_id": [f"p{i}" for i in range(count)], "text": [f"text {i}" for i in range(count)]})
    prompts = prompts.assign(source=source, task=task, group=group, split=split, domain="d", licence="MIT")
    score = np.tile([0.0, 1.0, 1.0], (count, 1)) if score is None else score
    cells = pd.DataFrame({"prompt": np.repeat(np.arange(count), 3), "expert": POOL * count, "score": np.ravel(score)})
    for name in ("input_tokens", "output_tokens", "output_chars", "latency_s", "cost_usd", "reading_ease"):
        cells[name] = np.nan
    return Outcomes(prompts.astype(object), cells.assign(kind="chat"), has_split=True)


rows = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 12), st.booleans()), min_size=30, max_size=60
)


@given(rows, st.sampled_from(["sources", "tasks"]))
@settings(max_examples=15)
def test_no_group_source_or_task_is_on_both_sides(some, leaving):
    columns = zip(*some, strict=True)
    source, task, group, is_test = (np.array([str(value) for value in column], dtype=object) for column in columns)
    split = np.where(is_test == "True", "test", "train")
    outcomes = outcomes_of(source, task, group, split)
    judged = np.flatnonzero(split == "test")
    assume(len(judged))
    found = folds(outcomes, {"one": (POOL, judged)}, leaving)
    everything = np.concatenate([fold.predicted for fold in found]) if found else np.array([], dtype=int)
    assert len(everything) == len(set(everything.tolist())), "every prompt is left out at most once"
    for fold in found:
        assert (split[fold.train] == "train").all()
        assert not set(group[fold.train]) & set(group[fold.predicted])
        names = source if leaving == "sources" else source + "/" + task
        assert not set(names[fold.train]) & set(names[fold.predicted])


def test_tasks_of_a_source_spread_over_folds_and_a_lone_task_stays_in():
    source = np.array(["s"] * 6 + ["lone"] * 2, dtype=object)
    task = np.array(["t1", "t1", "t2", "t2", "t3", "t3", "u", "u"], dtype=object)
    found = task_folds(source, task)
    assert list(found[6:]) == [-1, -1]
    assert len({*found[:6]}) == 3
    assert found[0] == found[1]


def test_what_cannot_be_left_out():
    outcomes = outcomes_of(["s"] * 4, ["t"] * 4, list("abcd"), ["train", "test"] * 2)
    pools = {"one": (POOL, np.array([1, 3]))}
    with pytest.raises(PreferenceError, match=r"What is left out was 'weeks'; it is one of sources, tasks"):
        folds(outcomes, pools, "weeks")
    with pytest.raises(DataError, match="states no splits, so nothing can be left out"):
        folds(replace(outcomes, has_split=False), pools, "tasks")


@pytest.fixture
def scene():
    """Six judged prompts of two sources; the middle expert is right in the first, the dear one in the second."""
    score = np.array([[0.0, 1.0, 0.0]] * 3 + [[0.0, 0.0, 1.0]] * 3 + [[0.0, 1.0, 0.0]] * 4)
    source = ["s"] * 3 + ["t"] * 3 + ["s", "s", "t", "t"]
    split = ["test"] * 6 + ["train"] * 4
    outcomes = outcomes_of(source, ["u"] * 10, [f"g{i}" for i in range(10)], split, score)
    pool = pool_outcomes(outcomes, "three", POOL, split="test", experts=FACTS, input_tokens=dict.fromkeys(range(6), 10))
    features = Features(
        vector=np.eye(6, dtype=np.float32),
        heads={},
        graph_experts=POOL,
        familiarity=np.ones(6, dtype=np.float32),
        input_tokens=np.full(6, 10),
        is_truncated=np.zeros(6, dtype=bool),
    )
    return outcomes, judge.scene(pool, Card(POOL, {}), outcomes, features, resamples=50)


def told(experts, at, score):
    values = np.array(score, dtype=np.float32)
    return Told(experts, np.array(at), 7, {"blend": values}, np.full_like(values, 9.0), np.full_like(values, 50.0))


def test_left_out_prompts_are_judged_on_experts_that_every_refit_knows(scene):
    _, whole = scene
    answers = [
        (
            Fold("s", np.array([8, 9]), np.array([0, 1, 2]), np.array(["s"] * 3, dtype=object)),
            told((DEAR, MIDDLE), [0, 1, 2], [[0.2, 0.8]] * 3),
        ),
        (
            Fold("t", np.array([6, 7]), np.array([3, 4, 5]), np.array(["t"] * 3, dtype=object)),
            told(POOL, [3, 4, 5], [[0.1, 0.9, 0.3]] * 3),
        ),
    ]
    left = left_out(whole, answers)
    assert [expert.name for expert in left.scene.pool.experts] == [MIDDLE, DEAR]
    assert left.unknown == (CHEAP,)
    assert list(left.unit) == ["s"] * 3 + ["t"] * 3
    prediction = left.prediction("blend")
    np.testing.assert_allclose(prediction.score[[0, 5]], [[0.8, 0.2], [0.9, 0.3]], atol=1e-6)
    assert judge.predictor_row(left.scene, prediction)["score"] == pytest.approx(0.5)


def test_a_pool_of_which_one_expert_stays_known_is_not_judged(scene):
    _, whole = scene
    fold = Fold("s", np.array([8]), np.array([0, 1, 2]), np.array(["s"] * 3, dtype=object))
    assert left_out(whole, [(fold, told((DEAR,), [0, 1, 2], [[0.2]] * 3))]) is None
    assert left_out(whole, []) is None


def test_the_floor_of_shuffled_labels_is_the_best_expert_in_training_per_source(scene):
    outcomes, whole = scene
    np.testing.assert_array_equal(source_floor(outcomes, whole), [1, 1, 1, 0, 0, 0])


def test_what_was_told_comes_back_from_disk(tmp_path):
    first = told(POOL, [3, 4], [[0.1, 0.2, 0.3]] * 2)
    first.save(tmp_path / "told.npz")
    again = Told.load(tmp_path / "told.npz")
    assert (again.experts, again.n_train) == (POOL, 7)
    np.testing.assert_array_equal(again.score["blend"], first.score["blend"])
    (tmp_path / "told.npz").write_bytes(b"not an archive")
    assert Told.load(tmp_path / "told.npz") is None


@given(st.lists(st.integers(0, 9), min_size=1, max_size=50))
def test_larger_shares_hold_the_smaller_and_whole_groups(group):
    count = len(group)
    outcomes = outcomes_of(["s"] * count, ["t"] * count, [str(g) for g in group], ["train"] * count)
    before = set()
    for share in (0.1, 0.5, 1.0):
        chosen = set(some_of(outcomes, np.arange(count), share).tolist())
        assert before <= chosen
        assert chosen == {i for i in range(count) if group[i] in {group[j] for j in chosen}}
        before = chosen
    assert len(before) == count


def test_lengths_are_used_only_where_they_beat_the_mean():
    truth = np.array([[10.0, 30.0], [20.0, 40.0], [np.nan, 50.0]])
    mean = np.tile([15.0, 40.0], (3, 1))
    source = np.array(["s", "s", "t"], dtype=object)
    good = length_row(truth, np.nan_to_num(truth, nan=1.0), mean, source)
    assert (good["used"], good["error"], good["n_outcomes"]) == ("predicted", 0.0, 5)
    assert good["rank_correlation"] == pytest.approx(1.0)
    bad = length_row(truth, mean + 30.0, mean, source)
    assert bad["used"] == "mean"
    assert bad["error"] > bad["error_of_mean"]


def test_the_mean_of_a_source_else_of_all():
    outcomes = outcomes_of(["s", "s", "t", "u"], ["t"] * 4, list("abcd"), ["train"] * 3 + ["test"])
    outcomes.cells["output_tokens"] = [1.0, 2, 3] + [3.0, 4, 5] + [np.nan, 9, 9] + [np.nan] * 3
    found = source_means(outcomes, "output_tokens", POOL, np.array([0, 1, 2]), np.array([0, 2, 3]))
    np.testing.assert_allclose(found, [[2, 3, 4], [2, 9, 9], [2, 5, 17 / 3]])


def test_an_expert_that_knows_the_training_half_is_warned_of():
    rng = np.random.default_rng(0)
    count = 400
    split = np.where(np.arange(count) % 2 == 0, "train", "test")
    score = (rng.random((count, 3)) < 0.5).astype(float)
    score[split == "train", 0] = (rng.random(count // 2) < 0.95).astype(float)
    outcomes = outcomes_of(["s"] * count, ["t"] * count, [str(i) for i in range(count)], split, score)
    found = contamination_rows(outcomes, "test", np.zeros(count, dtype=np.int64))
    warned = {(row["expert"], row["cluster"]) for row in found if row["is_warned"]}
    assert warned == {(CHEAP, None), (CHEAP, 0)}
    assert found[0]["gap"] > 0.3
    assert found[0]["interval"][0] < found[0]["gap"] < found[0]["interval"][1]
