"""GLIDER-style routing: its arithmetic, its forms, and the words that speak for an expert."""

from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing import encoder as graph
from routing import predictors
from routing.catalog import ASSETS
from routing.encoder import Card
from routing.errors import GraphError, PreferenceError
from routing.predictors import glider, glider_score
from routing.predictors.glider_heat import HEADS, heat, token_weights
from routing.schema import Features

WIDTH = 4
EXPERTS = ("ada", "bob")
FORMS = ("glider", "glider-local", "glider-global", "glider-fixed")


def made_arrays(**changed):
    """Two tasks, two experts, one source; ada's card is the first task's instruction, bob's the second's."""
    eye = np.eye(WIDTH)
    arrays = {
        "centroids": eye[:2],
        "instructions": eye[2:],
        "temperature": np.array(0.05),
        "cards": eye[2:],
        "is_own": np.eye(2, dtype=np.uint8),
        "cards_hash": np.array(0),
        "global_mean": np.full(2, 0.5),
        "global_scale": np.full(2, 0.5),
        "gate": np.stack([eye[0] - eye[1], eye[1] - eye[0]], axis=1),
        "local_mean": np.zeros(2),
        "local_scale": np.ones(2),
        "column_expert": np.arange(2),
        "column_source": np.zeros(2, dtype=int),
        "alphas": np.array([0.0, 1.0, np.inf]),
        "intercept": np.zeros((3, 2)),
        "slope": np.ones((3, 2)),
        "threshold": np.array(0.9),
        "alpha_near": np.array(1.0),
        "alpha_far": np.array(0.0),
        "alpha_fixed": np.array(1.0),
    }
    return {**arrays, **changed}


def made_features(vector, local=None, **heads):
    rows = np.asarray(vector, dtype=np.float32)
    n = len(rows)
    states = np.zeros_like(rows) if local is None else np.asarray(local, dtype=np.float32)
    same = np.full((n, 2), 0.5, dtype=np.float32)
    return Features(
        vector=rows,
        heads={**dict.fromkeys(graph.HEADS, same), "share": np.ones((n, 1), np.float32), "local": states, **heads},
        graph_experts=EXPERTS,
        familiarity=np.ones(n, dtype=np.float32),
        input_tokens=np.full(n, 3),
        is_truncated=np.zeros(n, dtype=bool),
    )


def made_card(arrays):
    places = {"mix": np.eye(2), "shift": np.zeros(2), "trust": np.ones((1, 2))}
    return Card(EXPERTS, MappingProxyType({}), methods={"glider": arrays, "places": places})


def test_the_instruction_is_that_of_the_nearest_task():
    features = made_features(np.eye(WIDTH)[:2])
    np.testing.assert_allclose(glider_score.instruction_vectors(features, made_arrays()), np.eye(WIDTH)[2:], atol=1e-6)


def test_a_written_instruction_comes_before_the_nearest_task_and_a_missing_one_does_not():
    written = np.stack([np.eye(WIDTH)[3], np.full(WIDTH, np.nan)]).astype(np.float32)
    features = made_features(np.eye(WIDTH)[[0, 0]], **{glider_score.INSTRUCTION: written})
    found = glider_score.instruction_vectors(features, made_arrays())
    np.testing.assert_allclose(found, np.eye(WIDTH)[[3, 2]], atol=1e-6)


def test_the_global_score_prefers_the_expert_whose_card_says_it():
    told = predictors.build("glider-global", made_card(made_arrays())).predict(made_features(np.eye(WIDTH)[:2]))
    assert told.score[0, 0] > told.score[0, 1]
    assert told.score[1, 1] > told.score[1, 0]


def test_the_local_score_prefers_the_expert_whose_gate_opens():
    features = made_features(np.eye(WIDTH)[[0, 0]], local=np.eye(WIDTH)[:2])
    told = predictors.build("glider-local", made_card(made_arrays())).predict(features)
    assert told.score[0, 0] > told.score[0, 1]
    assert told.score[1, 1] > told.score[1, 0]


def test_alpha_is_high_where_a_card_is_near_and_low_elsewhere():
    far = np.array([1.0, 1.0, 0.0, 0.0]) / np.sqrt(2.0)  # between both tasks: cosine 0.71 to either card
    features = made_features([np.eye(WIDTH)[0], far], local=[np.eye(WIDTH)[1]] * 2)
    card = made_card(made_arrays())
    told = {name: predictors.build(name, card).predict(features).score for name in FORMS}
    np.testing.assert_allclose(told["glider"][0], told["glider-fixed"][0])
    np.testing.assert_allclose(told["glider"][1], told["glider-local"][1])


def test_at_alpha_gives_the_forms_at_its_ends():
    features = made_features(np.eye(WIDTH)[:2], local=np.eye(WIDTH)[[1, 0]])
    card = made_card(made_arrays())
    for alpha, name in ((0.0, "glider-local"), (np.inf, "glider-global"), (1.0, "glider-fixed")):
        same = predictors.build(name, card).predict(features).score
        np.testing.assert_array_equal(glider.at_alpha(card, alpha).predict(features).score, same)
    assert glider.alphas(card) == (0.0, 1.0, np.inf)
    assert glider.fitted(card) == {"threshold": 0.9, "alpha_near": 1.0, "alpha_far": 0.0, "alpha_fixed": 1.0}


def test_an_expert_without_cards_is_neither_preferred_nor_refused():
    arrays = made_arrays(is_own=np.array([[1, 0], [0, 0]], dtype=np.uint8))
    overall, best = glider_score.global_scores(made_features(np.eye(WIDTH)[:2]), arrays)
    np.testing.assert_array_equal(overall[:, 1], 0.0)
    np.testing.assert_allclose(best, [1.0, 0.0], atol=1e-6)


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=6))
def test_layer_norm_forgets_scale_and_shift(values):
    row = np.array([values], dtype=float)
    np.testing.assert_allclose(glider_score.layer_norm(row), glider_score.layer_norm(3.0 * row + 7.0), atol=1e-4)


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ([0.2, 0.9, 0.5], (1, 2)),
        ([np.nan, 0.1, 0.3], (2, 1)),
        ([0.5, 0.5], (0, 1)),
        ([0.4], (0,)),
        ([np.nan], ()),
    ],
)
def test_the_top_two_share_all_the_weight(score, expected):
    found = glider.top_two(np.array(score))
    assert tuple(i for i, _ in found) == expected
    assert sum(w for _, w in found) == pytest.approx(1.0 if expected else 0.0)
    assert [w for _, w in found] == sorted((w for _, w in found), reverse=True)


def test_a_heat_map_adds_up_to_the_local_score():
    rng = np.random.default_rng(0)
    states = rng.normal(size=(7, WIDTH))
    arrays = made_arrays(local_mean=np.array([0.1, -0.2]), local_scale=np.array([0.5, 2.0]))
    pooled = glider_score.layer_norm(states).mean(axis=0, keepdims=True)
    local = glider_score.local_scores(made_features(np.eye(WIDTH)[:1], local=pooled), arrays)
    for expert in range(2):
        assert heat(states, np.ones(1), arrays, expert).sum() == pytest.approx(local[0, expert], abs=1e-5)


def test_an_expert_without_a_measurement_has_a_blank_heat_map():
    np.testing.assert_array_equal(heat(np.ones((3, WIDTH)), np.ones(1), made_arrays(), 5), np.zeros(3))


def words_of(prompt, states, expert="ada"):
    arrays = made_arrays()
    card = Card(EXPERTS, MappingProxyType({}), folder=ASSETS, methods=made_card(arrays).methods)
    features = made_features(np.eye(WIDTH)[:1], token_states=states)
    return token_weights(prompt, features, card, expert)


def test_words_are_shown_as_written_with_their_pieces_joined():
    states = np.zeros((1, 10, WIDTH), dtype=np.float32)
    states[0, 1] = [3, -3, 0, 0]
    found = words_of("Solve Unbelievably, 17", states)
    assert [word for word, _ in found] == ["Solve", "Unbelievably", ",", "17"]
    assert found[0][1] > 0
    assert [weight for _, weight in found[1:]] == [0.0, 0.0, 0.0]


def test_a_heat_map_of_another_prompt_is_refused():
    with pytest.raises(GraphError, match=r"The prompt has 5 word pieces where its features have 9; encode this prompt"):
        words_of("Who wrote Faust", np.zeros((1, 9, WIDTH), dtype=np.float32))


def test_a_heat_map_of_an_unknown_expert_is_refused():
    with pytest.raises(PreferenceError, match=r"The router does not predict 'zoe', so it has no gate"):
        words_of("Who wrote Faust", np.zeros((1, 5, WIDTH), dtype=np.float32), expert="zoe")


def test_a_heat_map_needs_the_tokenizer():
    features = made_features(np.eye(WIDTH)[:1], token_states=np.zeros((1, 5, WIDTH), dtype=np.float32))
    with pytest.raises(GraphError, match=r"its tokenizer is nowhere; load the router from a folder"):
        token_weights("Who wrote Faust", features, made_card(made_arrays()), "ada")


def test_a_heat_map_of_the_shipped_router_names_the_words_of_the_prompt():
    card = graph.read_card(ASSETS)
    if not (ASSETS / "methods.npz").is_file():
        pytest.skip("no fitted methods beside the graph: make train")
    prompt = "What is 17 times 23?"
    features = graph.load(ASSETS, heads=HEADS).encode([prompt])
    found = token_weights(prompt, features, card, card.experts[0])
    assert [word for word, _ in found] == ["What", "is", "17", "times", "23", "?"]
    assert any(weight != 0.0 for _, weight in found)
