"""The shipped graph: golden numbers, agreement with its card, refusal of files that do not belong together."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from routing import encoder as graph
from routing import runtime
from routing.catalog import ASSETS
from routing.errors import GraphError, PromptError
from routing.evaluation.prompts import encode
from routing.predictors import DEFAULT
from routing.registry import load_routers

FILES = (graph.GRAPH_FILE, graph.TOKENIZER_FILE, graph.CARD_FILE)
PROMPTS = ["What is 17 times 23?", "Translate into German: good morning", "def f(x):\n    return x * 2"]


@pytest.fixture(scope="module")
def encoder():
    return graph.load(ASSETS, heads=(*graph.HEADS, *graph.COMPONENTS))


@pytest.fixture
def copied(tmp_path):
    for name in FILES:
        shutil.copy(ASSETS / name, tmp_path / name)
    return tmp_path


def test_the_canonical_sentence_has_the_numbers_of_the_card(encoder):
    golden = encoder.card.raw["golden"]
    features = encoder.encode([golden["sentence"]])
    np.testing.assert_allclose(features.vector[0][:8], golden["vector"], atol=graph.GOLDEN_TOLERANCE)
    np.testing.assert_allclose(features.heads["score"][0][:8], golden["score"], atol=graph.GOLDEN_TOLERANCE)


def test_outputs_have_the_stated_shapes_and_ranges(encoder):
    features = encoder.encode(PROMPTS)
    count = len(encoder.experts)
    np.testing.assert_allclose(np.linalg.norm(features.vector, axis=1), 1.0, atol=1e-4)
    assert all(values.shape == (3, count) for values in features.heads.values())
    low, score, high = (features.heads[name] for name in ("score_low", "score", "score_high"))
    assert ((low >= 0) & (low <= score + 1e-6) & (score <= high + 1e-6) & (high <= 1 + 1e-6)).all()
    assert np.nanmin(features.heads["output_tokens"]) > 0
    assert not features.is_truncated.any()
    for name in graph.COMPONENTS:
        assert ((features.heads[name] >= 0) & (features.heads[name] <= 1)).all()


def test_what_is_not_measured_is_unknown(encoder):
    counts = encoder.card.raw["typical_output_tokens"]
    tokens = encoder.encode(PROMPTS[:1]).heads["output_tokens"][0]
    unknown = [counts[name] is None for name in encoder.experts]
    np.testing.assert_array_equal(np.isnan(tokens), unknown)
    assert any(unknown)


def test_the_numbers_of_a_prompt_depend_on_nothing_but_the_prompt(encoder):
    prompts = [*PROMPTS, "word " * 200, "ok", "x = [1, 2, 3]\n" * 30, "Why? " * 60]
    alone = [encoder.encode([prompt]) for prompt in prompts]
    for order in (range(len(prompts)), reversed(range(len(prompts))), (3, 0, 3, 5, 1, 6, 2, 4, 0)):
        at = list(order)
        together = encoder.encode([prompts[i] for i in at])
        for row, i in enumerate(at):
            np.testing.assert_array_equal(together.vector[row], alone[i].vector[0])
            np.testing.assert_array_equal(together.familiarity[row], alone[i].familiarity[0])
            for name, values in together.heads.items():
                np.testing.assert_array_equal(values[row], alone[i].heads[name][0], err_msg=name)


def test_what_is_measured_is_what_is_served(encoder):
    outcomes = SimpleNamespace(prompts=pd.DataFrame({"text": [*PROMPTS, "word " * 200 + "end"]}))
    measured = encode(encoder, outcomes, np.array([3, 0, 2]), lambda _: None)
    routers = load_routers([DEFAULT, "network"])
    for name, router in routers.items():
        told = router.predictor.predict(measured)
        for row, i in enumerate((3, 0, 2)):
            reading = router.read(outcomes.prompts["text"].iloc[i])
            np.testing.assert_array_equal(told.score[row], reading.prediction.score[0], err_msg=name)
            assert measured.input_tokens[row] == reading.input_tokens


def test_predictions_do_not_depend_on_how_many_threads_run():
    one, two = (graph.load(ASSETS, threads=threads).encode([*PROMPTS, "word " * 200]) for threads in (1, 2))
    np.testing.assert_array_equal(one.vector, two.vector)
    np.testing.assert_array_equal(one.heads["score"], two.heads["score"])


def test_token_states_of_several_prompts_are_filled_up_with_zeros():
    states = graph.load(ASSETS, heads=("token_states",)).encode([PROMPTS[0], "Hi"]).heads["token_states"]
    assert states.shape[:2] == (2, 8)
    assert not states[1, 3:].any()
    assert states[1, 2].any()


def test_long_prompts_keep_both_ends(encoder):
    middle = encoder.encode(["start " * 200 + filler * 400 + "end " * 200 for filler in ("one ", "two ")])
    assert middle.is_truncated.all()
    assert middle.input_tokens[0] > 700
    np.testing.assert_allclose(middle.vector[0], middle.vector[1], atol=1e-5)


@pytest.mark.parametrize(
    "prompt",
    ["x" * 200_001, "\x00\x01\x02 binary", "مرحبا بالعالم", "🙂🙃" * 50, "<b>bold</b> **bold**", "é" * 3, "a"],
)
def test_odd_prompts_are_read(encoder, prompt):
    features = encoder.encode([prompt])
    assert np.isfinite(features.vector).all()
    assert np.isfinite(features.heads["score"]).all()
    assert features.input_tokens[0] >= 1


@pytest.mark.parametrize("prompts", [[], [""], ["fine", " \n\t"]])
def test_nothing_to_route(encoder, prompts):
    with pytest.raises(PromptError, match="The prompt is empty"):
        encoder.encode(prompts)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(copied, name):
    (copied / name).unlink()
    with pytest.raises(GraphError, match=rf"{name} is missing from .*"):
        graph.load(copied)


@pytest.mark.parametrize("name", FILES[:2])
def test_a_changed_file_is_refused(copied, name):
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(bytes(content))
    with pytest.raises(GraphError, match=rf"{name} has SHA-256 [0-9a-f]{{12}} where the router card states"):
        graph.load(copied)


def change_card(folder, **changes):
    card = json.loads((folder / graph.CARD_FILE).read_text(encoding="utf-8")) | changes
    (folder / graph.CARD_FILE).write_text(json.dumps(card), encoding="utf-8")


def test_other_numbers_for_the_canonical_sentence_are_refused(copied, encoder):
    golden = encoder.card.raw["golden"]
    change_card(copied, golden={**golden, "score": [x + 0.5 for x in golden["score"]]})
    with pytest.raises(GraphError, match=r"canonical sentence with a score that is 0\.5\d* away"):
        graph.load(copied)


def test_a_card_of_other_experts_is_refused(copied):
    change_card(copied, experts=["a", "b"])
    with pytest.raises(GraphError, match=r"scores \d+ experts where the router card names 2"):
        graph.load(copied)


def test_a_card_that_is_no_card_is_refused(copied):
    (copied / graph.CARD_FILE).write_text("[]", encoding="utf-8")
    with pytest.raises(GraphError, match=r"router_card\.json is not a router card"):
        graph.load(copied)
    change = {"golden": None}
    shutil.copy(ASSETS / graph.CARD_FILE, copied / graph.CARD_FILE)
    change_card(copied, **change)
    with pytest.raises(GraphError, match="no canonical sentence"):
        graph.load(copied)


def test_an_unknown_output_and_a_damaged_graph_are_refused(copied):
    with pytest.raises(GraphError, match=r"has no output 'charm', only"):
        graph.load(copied, heads=("charm",))
    with pytest.raises(GraphError, match="cannot be opened"):
        runtime.open_session(b"not a graph")


def test_the_graph_is_small_enough_to_ship():
    assert (ASSETS / graph.GRAPH_FILE).stat().st_size <= 30_000_000
