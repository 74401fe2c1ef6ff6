"""Patents, a domain without outcome data: every method still answers sensibly, and the router knows what it is not."""

import json

import numpy as np
import pytest

from routing.catalog import ASSETS
from routing.predictors import DEFAULT, PREDICTORS
from routing.registry import load_routers
from routing.schema import Preferences

EXAMPLES = json.loads((ASSETS / "examples.json").read_text(encoding="utf-8"))
PATENTS = EXAMPLES["Patents"]
KNOWN = [text for domain in ("Clinical", "Law", "Maths") for text in EXAMPLES[domain]]


@pytest.fixture(scope="module")
def routers():
    return load_routers(PREDICTORS)


@pytest.fixture(scope="module")
def features(routers):
    return routers[DEFAULT].encoder.encode(PATENTS)


def test_there_are_at_least_thirty_different_ones_of_varied_kind():
    assert len(set(PATENTS)) == len(PATENTS) >= 30
    kinds = {
        "claim": "claim",
        "abstract": "abstract",
        "prior art": "prior art|anticipate|novel",
        "draft": "draft|write",
    }
    for name, words in kinds.items():
        found = [p for p in PATENTS if any(word in p.lower() for word in words.split("|"))]
        assert len(found) >= 3, name


@pytest.mark.parametrize("name", PREDICTORS)
def test_every_method_predicts_finite_scores_between_0_and_1(routers, features, name):
    prediction = routers[name].predictor.predict(features)
    known = ~np.isnan(prediction.score).all(axis=0)
    assert known.sum() > 10
    scores = prediction.score[:, known]
    assert np.isfinite(scores).all()
    assert scores.min() >= 0
    assert scores.max() <= 1


def test_the_router_is_less_at_home_with_patents_than_with_what_it_was_trained_on(routers, features):
    router = routers[DEFAULT]
    known = router.encoder.encode(KNOWN)
    assert features.familiarity.mean() < known.familiarity.mean() - 0.05
    strange = (features.familiarity < router.unfamiliar_below).mean()
    assert strange > (known.familiarity < router.unfamiliar_below).mean()


def test_what_is_said_of_a_patent_is_what_was_measured(routers):
    router = routers[DEFAULT]
    told = [router.read(text) for text in PATENTS]
    assert {r.is_familiar for r in told} == {True, False}
    assert all(r.is_familiar == (r.familiarity >= router.unfamiliar_below) for r in told)
    assert all(router.decide(r, Preferences({"cost": 0.1})).decision.pick for r in told[:5])
