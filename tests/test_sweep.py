"""Sweeps over held-out prompts: their laws, and the stored sample they run on."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.catalog import Catalog, load_catalog
from routing.errors import GraphError
from routing.figures import tradeoff
from routing.objective import CONSTRAINTS, Scale
from routing.sample import Sample, load_sample, save_sample
from routing.schema import Expert, Prediction
from routing.sweep import SWEPT_WEIGHTS, sweep

SCALE = Scale(cost_usd=0.01, latency_s=4.0, output_tokens=400.0)


def expert(name, price, size):
    return Expert(name, name, "p", None, size, None, date(2025, 1, 1), True, "x", 8192, price, price, "s", None, 1)


CATALOG = Catalog((expert("a", 1.0, 8.0), expert("b", 5.0, 70.0), expert("c", 20.0, 400.0)), date(2026, 1, 1))


def sample(seed, *, prompts=60, measured=True):
    rng = np.random.default_rng(seed)
    shape = (prompts, 3)
    score = rng.random(shape)
    prediction = Prediction(("a", "b", "c"), score, score, score, *(rng.random(shape) * s for s in (400, 90, 4)))
    outcome = rng.integers(0, 2, shape).astype(float) if measured else np.full(shape, np.nan)
    words = np.array(["maths"] * prompts)
    return Sample(prediction, rng.integers(5, 300, prompts), outcome, np.full(shape, np.nan), words, words, "test")


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from(list(CONSTRAINTS)))
def test_a_raised_weight_never_raises_the_mean_of_its_constraint(seed, name):
    found = sweep(sample(seed), CATALOG, SCALE, name)
    worse = -np.diff(found.value) if CONSTRAINTS[name].is_floor else np.diff(found.value)
    assert (worse <= 1e-9).all()


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_the_oracle_is_above_everything_and_shares_add_up(seed):
    found = sweep(sample(seed), CATALOG, SCALE, "cost")
    assert found.is_measured
    assert found.oracle[1] >= max(found.score.max(), found.single_score.max()) - 1e-12
    assert found.shares.sum(axis=1) == pytest.approx(np.ones(len(SWEPT_WEIGHTS)))
    assert found.mix[1].max() == pytest.approx(found.single_score.max())


def test_without_measured_prompts_predictions_stand_in_and_are_called_so():
    found = sweep(sample(1, measured=False), CATALOG, SCALE, "cost")
    assert not found.is_measured
    assert found.oracle is None


def test_a_pool_of_one_cannot_be_swept():
    assert sweep(sample(1), CATALOG.subset(["a"]), SCALE, "cost") is None


def test_the_figure_marks_the_weight_in_force():
    found = sweep(sample(1), CATALOG, SCALE, "cost")
    figure = tradeoff(found, {n: n for n in "abc"}, 0.1)
    star = next(t for t in figure.data if t.name == "Weight in force")
    at = int(np.abs(found.weights - 0.1).argmin())
    assert star.y[0] == pytest.approx(found.score[at])
    curve = next(t for t in figure.data if t.name == "Router")
    assert list(curve.customdata) == pytest.approx(list(found.weights))


def test_a_sample_is_read_back_as_it_was_written(tmp_path):
    before = sample(3)
    save_sample(before, tmp_path / "sample.npz")
    after = load_sample(tmp_path / "sample.npz")
    assert after.prediction.experts == before.prediction.experts
    assert after.prediction.score == pytest.approx(before.prediction.score, abs=1e-3)
    assert np.array_equal(after.measured_score, before.measured_score)
    assert np.isnan(after.measured_tokens).all()
    assert (after.split, list(after.domain)) == ("test", list(before.domain))


def test_a_missing_or_damaged_sample_is_refused(tmp_path):
    path = tmp_path / "sample.npz"
    with pytest.raises(GraphError, match="missing or damaged"):
        load_sample(path)
    save_sample(sample(3), path)
    whole = path.read_bytes()
    for damaged in (b"not an archive", b"", whole[:2000], whole[:60] + b"xxxx" + whole[64:]):
        path.write_bytes(damaged)
        with pytest.raises(GraphError, match="missing or damaged"):
            load_sample(path)


def test_the_shipped_sample_covers_every_pool():
    import json

    from routing.catalog import ASSETS

    shipped, known = load_sample(), set(load_catalog().names)
    for name, members in json.loads((ASSETS / "pools.json").read_text(encoding="utf-8")).items():
        assert set(members) <= known
        assert len(shipped.rows_measured(members)) >= 100, name
