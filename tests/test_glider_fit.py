"""Fitting GLIDER-style routing: gates, cards from outcomes, and weights chosen on tasks left out."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="fitting methods needs torch: make test TRAINING=1")
pytest.importorskip("sklearn", reason="fitting methods needs scikit-learn: make test TRAINING=1")

from made_methods import EXPERTS, training_set

from routing.errors import DataError
from routing.predictors.glider_cards import KEY_PHRASES, ExpertCards, load_cards, save_cards
from routing.training.methods import glider, glider_cards
from routing.training.methods.glider_alpha import ALPHAS, Scores, calibrate, choose, regrets
from routing.training.methods.glider_gates import basis, fit_gates
from routing.training.methods.language import Language

DATA = training_set(240)
WORDS = [f"w{i}" for i in range(60)]


def language(words):
    return Language(lambda texts: np.array([[len(t), 1.0] + [0.0] * 14 for t in texts]), words)


def test_cards_name_the_tasks_that_an_expert_wins():
    cards = glider_cards.make_cards(DATA)
    assert cards["ada"].sentences[0] == "Answer a prompt of the kind law."
    assert cards["bob"].sentences[0] == "Answer a prompt of the kind maths."
    assert cards["cyd"].sentences[0] == "Answer a prompt of the kind code."
    assert {entry.by for entry in cards.values()} == {KEY_PHRASES}


def test_an_expert_alone_in_its_source_wins_nothing():
    alone = training_set(60, experts=EXPERTS[:1], places=((0, 0),))
    assert glider_cards.make_cards(alone) == {}


def test_cards_name_the_words_of_their_task(monkeypatch):
    monkeypatch.setattr(glider_cards, "LEAST_TASKS", 1)
    monkeypatch.setattr(glider_cards, "MOST_SHARE", 1.0)
    words = [f"law{chr(97 + i % 26)}word" for i in range(60)]
    first = glider_cards.make_cards(replace(DATA, language=language(words)))["ada"].sentences[0]
    found = first.removeprefix("Answer a prompt of the kind law, with words such as ").removesuffix(".")
    told = set(found.replace(" and ", ", ").split(", "))
    assert len(told) == 4
    assert told <= {words[i] for i in range(10, 15)}, "the made world writes law with the pieces 10 to 14"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["the"] * 60, "too short"),
        (["would"] * 60, "says nothing"),
        (["##ing"] * 60, "not a whole word"),
        (["Zürich"] * 60, "beyond ASCII"),
    ],
)
def test_pieces_that_are_no_telling_words_are_never_shown(words, why):
    found = glider_cards.make_cards(replace(DATA, language=language(words)))["ada"].sentences[0]
    assert found == "Answer a prompt of the kind law.", why


def test_a_word_of_few_tasks_is_never_shown():
    found = glider_cards.make_cards(replace(DATA, language=language([f"{'abcdef'[i % 6]}name" for i in range(60)])))
    assert "words such as" not in found["ada"].sentences[0]


def test_writing_cards_keeps_those_of_people_and_models(tmp_path):
    mine = {"ada": ExpertCards("a person", ("Sings.",)), "bob": ExpertCards(KEY_PHRASES, ("Old.",))}
    save_cards(mine, tmp_path / "cards.json")
    glider_cards.write_cards(DATA, tmp_path)
    found = load_cards(tmp_path / "cards.json")
    assert found["ada"] == mine["ada"]
    assert found["bob"].sentences[0] == "Answer a prompt of the kind maths."
    elsewhere = tmp_path / "new"
    elsewhere.mkdir()
    glider_cards.write_cards(DATA, elsewhere, earlier=tmp_path)
    assert load_cards(elsewhere / "cards.json") == found


def test_missing_instructions_say_so(monkeypatch, tmp_path):
    monkeypatch.setattr(glider_cards, "ASSETS", tmp_path)
    with pytest.raises(DataError, match=r"instructions.json is not an object of sentences .* Restore it with git"):
        glider.fit(DATA)


def test_the_projects_own_instruction_comes_before_a_plain_one():
    known = replace(DATA, sources=("mmlu-pro", "puzzles"), task=np.full(240, "law", dtype=object))
    assert glider_cards.tasks_of(known).instructions == (
        "Apply the law to a case and choose among ten options.",
        "Answer a prompt of the kind law.",
    )


def separable(n=200, seed=0):
    rng = np.random.default_rng(seed)
    local = rng.normal(size=(n, 8))
    return local, (local[:, :1] > 0).astype(float) @ np.ones((1, 2))


def test_a_gate_opens_where_the_expert_solved_the_prompt():
    local, score = separable()
    score[:100, 1] = np.nan
    found = fit_gates(local, score, np.arange(200) % 4, basis(local), seed=0)
    for told in (local @ found.gate, found.by_prompt, found.by_task):
        assert np.corrcoef(told[:, 0], score[:, 0])[0, 1] > 0.5
        assert np.corrcoef(told[100:, 1], score[100:, 1])[0, 1] > 0.4
    np.testing.assert_allclose(found.gate.std(axis=0), 1.0 / np.sqrt(8), rtol=1e-3)


def test_a_source_of_one_task_says_nothing_of_left_out_tasks():
    local, score = separable(30)
    found = fit_gates(local, score, np.zeros(30, dtype=int), basis(local), seed=0)
    np.testing.assert_array_equal(found.by_task, 0.0)


def test_calibration_follows_the_outcomes_and_never_turns_them_round():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 3))
    p = 1.0 / (1.0 + np.exp(-(0.5 + x * np.array([2.0, 0.0, -2.0]))))
    score = (rng.random(p.shape) < p).astype(float)
    intercept, slope = calibrate(Scores(x, np.zeros_like(x), score))
    assert intercept.shape == slope.shape == (len(ALPHAS), 3)
    np.testing.assert_allclose(slope[0], [2.0, 0.0, 0.0], atol=0.15)
    assert intercept[0, 0] == pytest.approx(0.5, abs=0.15)
    np.testing.assert_array_equal(slope[-1], 0.0)


def test_calibration_survives_columns_without_outcomes_and_without_failures():
    score = np.array([[np.nan, 1.0], [np.nan, 1.0]])
    intercept, slope = calibrate(Scores(np.ones((2, 2)), np.ones((2, 2)), score))
    assert np.isfinite(intercept).all()
    assert np.isfinite(slope).all()


def test_regret_is_what_the_best_measured_expert_scored_more():
    local = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    score = np.array([[0.0, 1.0], [1.0, 0.0], [np.nan, 1.0], [0.5, 0.5]])
    zeros, ones = np.zeros((len(ALPHAS), 2)), np.ones((len(ALPHAS), 2))
    found = regrets(Scores(local, np.zeros_like(local), score), zeros, ones)
    np.testing.assert_array_equal(found[:, 0], [1.0, 0.0, 0.0, 0.0])


def test_weights_are_high_above_the_threshold_where_that_helps():
    best = np.linspace(0.0, 1.0, 200)
    regret = np.full((200, len(ALPHAS)), 0.5)
    regret[best >= 0.6, ALPHAS.index(2.0)] = 0.0
    regret[best < 0.6, ALPHAS.index(0.1)] = 0.0
    found = {name: float(value) for name, value in choose(regret, best).items()}
    assert found["threshold"] == pytest.approx(0.6, abs=0.01)
    assert (found["alpha_near"], found["alpha_far"]) == (2.0, 0.1)


def test_the_weight_below_the_threshold_is_never_the_higher_one():
    best = np.linspace(0.0, 1.0, 200)
    regret = np.full((200, len(ALPHAS)), 0.5)
    regret[best >= 0.6, ALPHAS.index(0.1)] = 0.0
    regret[best < 0.6, ALPHAS.index(2.0)] = 0.0
    found = {name: float(value) for name, value in choose(regret, best).items()}
    assert found["alpha_near"] >= found["alpha_far"]


def test_without_left_out_tasks_the_gates_decide_alone():
    found = choose(np.zeros((0, len(ALPHAS))), np.zeros(0))
    assert {name: float(value) for name, value in found.items()} == {
        "alpha_fixed": 0.0,
        "threshold": 0.0,
        "alpha_near": 0.0,
        "alpha_far": 0.0,
    }


def test_the_arrays_stay_small():
    assert sum(values.nbytes for values in glider.fit(DATA).values()) < 1_000_000
