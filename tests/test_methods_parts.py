"""What single methods offer beyond predictions: thresholds, skills, new experts, published objectives."""

from dataclasses import replace

import numpy as np
import pytest

from routing.predictors import capable, factors
from routing.predictors.words import word_features

pytest.importorskip("torch", reason="fitting methods needs torch: make test TRAINING=1")
pytest.importorskip("sklearn", reason="fitting methods needs scikit-learn: make test TRAINING=1")

from made_methods import DOMAINS, EXPERTS, card_of, features_of, fitted, training_set

from routing.predictors import mirt, uniroute
from routing.training.methods import levels
from routing.training.methods.logistic import logistic
from routing.training.methods.thresholds import fit_thresholds, out_of_fold

TRAIN = training_set(400)


@pytest.fixture(scope="module")
def card():
    return card_of(TRAIN, fitted(TRAIN, ["separate", "multi-label", "mirt", "uniroute", "clusters-tfidf"]))


@pytest.mark.parametrize("name", ["separate", "multi-label"])
def test_classifiers_have_a_threshold_per_expert(name, card):
    found = capable.thresholds(card, name)
    assert found.shape == (len(EXPERTS),)
    assert ((found > 0.05) & (found < 0.95)).all()


def test_other_methods_count_an_expert_capable_from_one_half():
    assert (capable.thresholds(card_of(TRAIN), "blend") == 0.5).all()


def test_the_threshold_parts_solved_from_unsolved():
    told = np.where(np.nan_to_num(TRAIN.score) > 0.5, 0.71, 0.63)
    assert (np.round(fit_thresholds(TRAIN, told), 2) >= 0.63).all()
    assert (fit_thresholds(TRAIN, told) <= 0.71).all()


def test_out_of_fold_never_predicts_a_prompt_that_was_fitted():
    def predict(fitted_on, asked):
        assert not {tuple(v) for v in fitted_on.vector} & {tuple(v) for v in asked.vector}
        return np.full(asked.score.shape, 0.5)

    assert np.isfinite(out_of_fold(TRAIN, predict)).all()


def test_skills_are_named_after_domains_and_abilities_are_those_made(card):
    skills = mirt.skills(card)
    assert skills.names == tuple(sorted(DOMAINS))
    assert skills.experts == EXPERTS
    for skill, name in enumerate(skills.names):
        made = list(DOMAINS).index(name)
        best = {EXPERTS[e] for e in range(len(EXPERTS)) if e % 3 == made}
        ability = dict(zip(EXPERTS, skills.ability[:, skill], strict=True))
        assert min(ability[e] for e in best) > max(ability[e] for e in set(EXPERTS) - best)


def test_a_prompt_asks_for_the_skill_of_its_domain(card):
    asked, difficulty = mirt.asked_of(card, features_of(TRAIN))
    names = mirt.skills(card).names
    right = np.array([names[i] for i in asked.argmax(axis=1)]) == TRAIN.domain
    assert right.mean() > 0.9
    assert np.isfinite(difficulty).all()


def test_an_ability_that_was_never_measured_is_unknown():
    law = TRAIN.take(np.flatnonzero((TRAIN.domain == "law") | (TRAIN.source == 0)))
    ability = mirt.skills(card_of(law, fitted(law, ["mirt"]))).ability
    unknown = np.isnan(ability[EXPERTS.index("eve")])
    assert unknown.tolist() == [True, False, True], "eve answers puzzles only, and these are all of law"


def test_a_new_expert_joins_from_a_few_scores_without_training(card):
    arrays = card.methods["uniroute"]
    share = uniroute.share_of_clusters(TRAIN.vector, arrays)
    scores = (TRAIN.domain == "code").astype(float)
    probe = uniroute.expert_vector(share[:100], scores[:100])
    told = 1.0 - share[100:] @ probe
    assert told[scores[100:] == 1].mean() > told[scores[100:] == 0].mean() + 0.3


def test_an_expert_asked_easy_prompts_only_is_not_held_able_on_hard_ones():
    world = training_set(400, places=((0, 0), (0, 1)))
    easy = np.arange(400) % 2 == 0
    score = np.stack([easy * 0.9, np.where(easy, 0.8, np.nan)], axis=1)
    hardly = replace(world, score=score)
    assert hardly.base()[1] > 0.79
    assert 0.3 < levels(hardly)[1] < 0.65, "one prompt says little, so a part of the way"


def test_words_beyond_the_vocabulary_do_not_count(card):
    arrays = card.methods["clusters-tfidf"]
    known = [10, 11, 12]
    both = word_features([known, [*known, 9_999_999], []], arrays)
    np.testing.assert_array_equal(both[0], both[1])
    assert (both[2] == 0).all()


def test_win_probabilities_of_both_sides_sum_to_one():
    strong, weak = np.array([0.9, 0.2, 1.0]), np.array([0.4, 0.2, 0.0])
    forth, back = factors.win_probability(strong, weak), factors.win_probability(weak, strong)
    np.testing.assert_allclose(forth + back, 1.0)
    assert forth[0] > 0.5 > back[0]
    assert forth[1] == 0.5


def test_logistic_regression_recovers_what_made_the_data():
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(4000, 3)), np.array([1.0, -2.0, 0.0])
    y = (rng.random(4000) < 1 / (1 + np.exp(-(x @ weight + 0.5)))).astype(float)
    gaps = np.where(rng.random(4000) < 0.3, np.nan, y)
    found = logistic(x, np.stack([y, gaps], axis=1), penalty=1e-3)
    np.testing.assert_allclose(found.weight, np.stack([weight, weight], axis=1), atol=0.2)
    np.testing.assert_allclose(found.bias, 0.5, atol=0.15)
