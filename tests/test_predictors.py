"""Every method of the registry on the shipped graph; tests/test_methods.py has the contract on a small made world."""

import numpy as np
import pytest

from routing import encoder as graph
from routing import predictors
from routing.catalog import ASSETS
from routing.errors import PreferenceError
from routing.runtime import open_session

PROMPTS = ["What is 17 times 23?", "Who wrote Faust?", "Translate into German: good morning"]


OUTPUTS = {output.name for output in open_session(str(ASSETS / graph.GRAPH_FILE)).get_outputs()}
SHIPPED = [name for name in predictors.PREDICTORS if OUTPUTS.issuperset(predictors.heads_of(name))]


@pytest.fixture(scope="module")
def encoder():
    heads = [head for name in SHIPPED for head in predictors.heads_of(name)]
    return graph.load(ASSETS, heads=tuple(dict.fromkeys((*graph.HEADS, *graph.COMPONENTS, *heads))))


@pytest.fixture(scope="module")
def features(encoder):
    return encoder.encode(PROMPTS)


@pytest.mark.parametrize("name", SHIPPED)
def test_contract(name, encoder, features):
    told = predictors.build(name, encoder.card).predict(features)
    assert told.experts == encoder.experts
    shape = (len(PROMPTS), len(told.experts))
    for values in (told.score, told.score_low, told.score_high, told.output_tokens, told.reading_ease, told.latency_s):
        assert values.shape == shape
        assert values.dtype == np.float64
    assert ((told.score >= 0) & (told.score <= 1)).all()
    assert not np.isinf(told.latency_s).any()


@pytest.mark.parametrize("name", SHIPPED)
def test_permuting_experts_permutes_the_prediction(name, encoder, features):
    told = predictors.build(name, encoder.card).predict(features)
    turned = told.of(told.experts[::-1])
    np.testing.assert_array_equal(turned.score, told.score[:, ::-1])


@pytest.mark.parametrize("name", SHIPPED)
def test_every_method_runs_on_the_outputs_it_asks_for(name, encoder):
    heads = (*graph.HEADS, *predictors.heads_of(name))
    own = graph.load(ASSETS, heads=heads)
    assert predictors.build(name, own.card).predict(own.encode(PROMPTS[:1])).score.shape[0] == 1


def test_the_default_has_intervals_and_the_parts_have_none(encoder, features):
    assert np.isfinite(predictors.build(predictors.DEFAULT, encoder.card).predict(features).score_low).all()
    assert np.isnan(predictors.build("clusters", encoder.card).predict(features).score_low).all()


def test_the_blend_is_near_the_weighted_mean_of_its_parts(encoder, features):
    weights = encoder.card.raw["blend"]
    mean = sum(weight * features.heads[f"score_{name}"] for name, weight in weights.items())
    gap = np.abs(features.heads["score"] - mean)
    assert sum(weights.values()) == pytest.approx(1.0)
    assert gap.max() < 0.1, "inferred scores are blended before they are mapped, so a gap is possible"
    assert gap.mean() < 0.02


def test_the_control_does_not_read_the_prompt(encoder, features):
    told = predictors.build(predictors.PROMPT_BLIND, encoder.card).predict(features)
    assert (told.score == told.score[0]).all()
    assert not (told.output_tokens[0] == told.output_tokens[1]).all()


def test_latency_is_unknown_until_measured(encoder, features):
    told = predictors.build(predictors.DEFAULT, encoder.card).predict(features)
    measured = np.isfinite(encoder.card.numbers("latency_s"))
    assert measured.any()
    assert np.isnan(told.latency_s[:, ~measured]).all()
    assert (told.latency_s[:, measured] > 0).all()


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(PreferenceError, match=r"No router is called 'blent'.*Did you mean 'blend'\?"):
        predictors.build("blent", graph.read_card(ASSETS))
