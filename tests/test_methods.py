"""One contract for every entry of the registry, on a small world made here: no graph, no data folder."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="fitting methods needs torch: make test TRAINING=1")
pytest.importorskip("sklearn", reason="fitting methods needs scikit-learn: make test TRAINING=1")

from made_methods import DOMAINS, EXPERTS, PLACES, card_of, features_of, fitted, table_of, training_set

from routing import predictors
from routing.encoder import CARD_FILE, read_card
from routing.errors import GraphError
from routing.predictors.stored import METHODS_FILE, arrays_of, save
from routing.training.methods import FITS, write_methods

STORED = [name for name in predictors.PREDICTORS if "share" in predictors.heads_of(name)]
TRAIN, ASKED = training_set(120), training_set(12, seed=1)


@pytest.fixture(scope="module")
def methods():
    return fitted(TRAIN)


def predict(name, data, methods):
    return predictors.build(name, card_of(data, methods)).predict(features_of(data))


@pytest.mark.parametrize("name", predictors.PREDICTORS)
def test_contract(name, methods):
    told = predict(name, ASKED, methods)
    assert told.experts == EXPERTS
    for values in (told.score, told.score_low, told.score_high, told.output_tokens, told.reading_ease, told.latency_s):
        assert values.shape == (12, 5)
        assert values.dtype == np.float64
    assert ((told.score >= 0) & (told.score <= 1)).all()
    assert (told.output_tokens > 0).all()


@pytest.mark.parametrize("name", predictors.PREDICTORS)
def test_predicting_is_deterministic_and_row_by_row(name, methods):
    together = predict(name, ASKED, methods)
    np.testing.assert_array_equal(predict(name, ASKED, methods).score, together.score)
    alone = predict(name, ASKED.take(np.array([4])), methods)
    np.testing.assert_allclose(alone.score[0], together.score[4], atol=1e-12)
    np.testing.assert_allclose(alone.output_tokens[0], together.output_tokens[4])


@pytest.mark.parametrize("name", FITS)
def test_fitting_is_deterministic(name, methods):
    again = fitted(TRAIN, [name])[name]
    assert again.keys() == methods[name].keys()
    for key, values in again.items():
        np.testing.assert_array_equal(values, methods[name][key], err_msg=key)


@pytest.fixture(scope="module")
def turned_world():
    """The same outcomes with the experts in another order."""
    order = [3, 0, 4, 2, 1]
    turned = tuple(EXPERTS[i] for i in order)
    places = [(int(s), turned.index(EXPERTS[e])) for s, e in zip(TRAIN.column_source, TRAIN.column_expert, strict=True)]
    train = training_set(120, experts=turned, places=places)
    return fitted(train), training_set(12, experts=turned, places=places, seed=1)


@pytest.mark.parametrize("name", predictors.PREDICTORS)
def test_permuting_experts_permutes_the_prediction(name, methods, turned_world):
    turned_methods, asked = turned_world
    turned = predict(name, asked, turned_methods).of(EXPERTS)
    told = predict(name, ASKED, methods)
    np.testing.assert_allclose(turned.score, told.score, atol=2e-3)
    np.testing.assert_allclose(turned.output_tokens, told.output_tokens, rtol=1e-3)


@pytest.mark.parametrize("name", STORED)
def test_a_method_learns_who_is_good_at_what(name, methods):
    asked = training_set(200, seed=2)
    told = predict(name, asked, methods).score
    kind = np.array([list(DOMAINS).index(d) for d in asked.domain])
    truth = np.where(np.arange(5) % 3 == kind[:, np.newaxis], 0.9, 0.3)
    measured = np.zeros(truth.shape, dtype=bool)
    for s, e in zip(asked.column_source, asked.column_expert, strict=True):
        measured[asked.source == s, e] = True
    assert np.corrcoef(told[measured], truth[measured])[0, 1] > 0.45


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize(
    "world",
    [
        pytest.param(lambda: training_set(1), id="one training row"),
        pytest.param(lambda: training_set(60, experts=("ada",), places=((0, 0),)), id="a single expert"),
        pytest.param(lambda: training_set(60, places=PLACES[:4]), id="one source"),
        pytest.param(lambda: with_gaps(training_set(60)), id="an expert without outcomes"),
    ],
)
def test_odd_worlds(name, world):
    train = world()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        methods = fitted(train, [name])
        for entry in [*(n for n in STORED if n.startswith(name)), *(["second"] if name == "multi-label" else [])]:
            told = predict(entry, train, methods)
            assert told.score.shape == (len(train.source), len(train.experts))
            assert ((told.score >= 0) & (told.score <= 1)).all()
            assert (told.output_tokens > 0).all()


def with_gaps(data):
    """One measurement without any outcome, and prompts that nobody was asked."""
    score = data.score.copy()
    score[:, 2], score[:5] = np.nan, np.nan
    return replace(data, score=score, output_tokens=np.where(np.isnan(score), np.nan, data.output_tokens))


@pytest.mark.parametrize("name", STORED)
def test_stored_methods_predict_the_same_after_a_round_trip(name, methods, tmp_path):
    card = stored_card(tmp_path, save(methods, tmp_path / METHODS_FILE))
    read = predictors.build(name, card).predict(features_of(ASKED))
    np.testing.assert_allclose(read.score, predict(name, ASKED, methods).score, atol=1e-5)


def stored_card(folder, digest):
    raw = {**card_of(TRAIN).raw, "experts": list(EXPERTS), "methods_sha256": digest}
    (folder / CARD_FILE).write_text(json.dumps(raw))
    return read_card(folder)


def test_write_methods_writes_what_fit_methods_fits(methods, tmp_path):
    digest = write_methods(TRAIN, table_of(TRAIN), tmp_path)
    again = stored_card(tmp_path, digest)
    for name in FITS:
        assert set(arrays_of(again, name)) == set(methods[name])


def test_a_damaged_file_is_refused(methods, tmp_path):
    path = tmp_path / METHODS_FILE
    card = stored_card(tmp_path, save(methods, path))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(GraphError, match=r"methods\.npz has SHA-256 \w{12} where the router card names \w{12}"):
        predictors.build("carrot", card)
    path.write_bytes(b"not an archive")
    unnamed = stored_card(tmp_path, None)
    with pytest.raises(GraphError, match=r"methods\.npz is damaged"):
        predictors.build("carrot", unnamed)
    path.unlink()
    with pytest.raises(GraphError, match=r"methods\.npz is missing"):
        predictors.build("carrot", card)


def test_a_file_of_another_training_is_refused(methods, tmp_path):
    card = stored_card(tmp_path, "0" * 64)
    save(methods, tmp_path / METHODS_FILE)
    with pytest.raises(GraphError, match="where the router card names 000000000000"):
        predictors.build("mirt", card)


def test_a_method_that_was_not_fitted_is_refused(methods):
    with pytest.raises(GraphError, match="has no method 'carrot'"):
        predict("carrot", ASKED, {name: methods[name] for name in ("places", "mirt")})


def test_shuffled_outcomes_teach_nothing(methods):
    asked = training_set(200, seed=2)
    shuffled = fitted(TRAIN.shuffled(3))
    for name in STORED:
        spread = predict(name, asked, shuffled).score.std(axis=0).mean()
        assert spread < predict(name, asked, methods).score.std(axis=0).mean(), name
