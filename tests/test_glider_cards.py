"""Cards and instructions: made from outcomes, read with care, changed by people."""

import json
from types import MappingProxyType

import numpy as np
import pytest

from routing import encoder as graph
from routing.catalog import ASSETS
from routing.encoder import Card
from routing.errors import AnswerError, CatalogError
from routing.instructions import CalledModel, InstructedEncoder, ModelWriter, first_sentence, rewritten
from routing.predictors.description import describe, scores
from routing.predictors.glider_cards import KEY_PHRASES, MOST_CARDS, ExpertCards, load_cards, save_cards
from routing.predictors.glider_edit import cards_hash, with_cards, with_cards_beside
from routing.predictors.glider_score import INSTRUCTION
from routing.schema import Features
from tests.asking import expert, ring
from tests.loopback import Loopback

CARDS = {
    "ada": ExpertCards(KEY_PHRASES, ("Solve equations.", "Write programs.")),
    "bob": ExpertCards("a person", ("Judge cases.",)),
}


class FakeModel:
    """Says the same to everyone, or fails."""

    name = "fake"

    def __init__(self, text="", error=None):
        self.text, self.error, self.asked = text, error, []

    def say(self, prompt, *, system, max_tokens):
        self.asked.append(prompt)
        if self.error is not None:
            raise self.error
        return self.text


class FakeEncoder:
    """Encodes a text as its length."""

    def encode(self, prompts):
        n = len(prompts)
        return Features(
            vector=np.array([[len(p), 1.0] for p in prompts], dtype=np.float32),
            heads={},
            graph_experts=(),
            familiarity=np.ones(n, dtype=np.float32),
            input_tokens=np.ones(n, dtype=np.int64),
            is_truncated=np.zeros(n, dtype=bool),
        )


def written(tmp_path, value):
    path = tmp_path / "cards.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def entry(cards, by="a person"):
    return {"experts": {"ada": {"by": by, "cards": cards}}}


def test_cards_survive_saving(tmp_path):
    save_cards(CARDS, tmp_path / "cards.json")
    assert load_cards(tmp_path / "cards.json") == CARDS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", r"cards.json must be an object .* Mend it, or restore it with git"),
        ([], r"cards.json must be an object"),
        ({"experts": {"ada": {"by": "me"}}}, r"cards.json must be an object .*KeyError\('cards'\)"),
        (entry("one sentence"), r"the cards of 'ada' are not a list of sentences"),
        (entry([1]), r"the cards of 'ada' are not a list of sentences"),
        (entry([""]), r"a card of 'ada' is empty; write a sentence or remove it"),
        (entry(["x" * 301]), r"a card of 'ada' has 301 characters; at most 300 are read"),
        (entry(["Fine."] * (MOST_CARDS + 1)), r"'ada' has 13 cards; at most 12 are read"),
        (entry(["Fine."], by=" "), r"the cards of 'ada' do not say who wrote them"),
    ],
)
def test_damaged_cards_are_refused_with_the_expert_named(tmp_path, content, message):
    with pytest.raises(CatalogError, match=message):
        load_cards(written(tmp_path, content))


def test_missing_cards_say_so(tmp_path):
    with pytest.raises(CatalogError, match=r"There are no cards at .*cards.json \(No such file"):
        load_cards(tmp_path / "cards.json")


def test_a_card_that_cannot_be_read_is_not_written(tmp_path):
    with pytest.raises(CatalogError, match=r"a card of 'ada' is empty"):
        save_cards({"ada": ExpertCards("me", ("",))}, tmp_path / "cards.json")
    assert not list(tmp_path.iterdir())


def test_cards_that_cannot_be_written_say_so(tmp_path):
    with pytest.raises(CatalogError, match=r"cannot be written \(No such file or directory\)"):
        save_cards(CARDS, tmp_path / "nowhere" / "cards.json")


def test_changed_cards_take_the_place_of_the_fitted_ones():
    card = Card(("bob", "eve", "ada"), MappingProxyType({}))
    arrays = {"instructions": np.zeros((3, 2)), "cards": np.ones((1, 2)), "gate": np.ones(1)}
    found = with_cards(card, arrays, CARDS, lambda texts: np.array([[len(t), 0.0] for t in texts]))
    np.testing.assert_array_equal(found["is_own"].sum(axis=1), [1, 0, 2])
    np.testing.assert_allclose(found["cards"], [[1.0, 0.0]] * 3)
    assert found["gate"] is arrays["gate"]


def test_no_cards_at_all_leave_an_empty_list():
    arrays = {"instructions": np.zeros((3, 2)), "cards": np.ones((1, 2))}
    found = with_cards(Card(("ada",), MappingProxyType({})), arrays, {}, lambda texts: np.ones((len(texts), 2)))
    assert found["cards"].shape == (0, 2)
    assert found["is_own"].shape == (1, 0)


def test_a_changed_file_is_embedded_anew_and_an_unchanged_one_is_not(tmp_path, monkeypatch):
    from routing.predictors import glider_edit

    monkeypatch.setattr(glider_edit, "_embedded", lambda folder, texts: np.ones((len(texts), 2), dtype=np.float32))
    save_cards(CARDS, tmp_path / "cards.json")
    card = Card(("ada", "bob"), MappingProxyType({}), folder=tmp_path)
    arrays = {"instructions": np.zeros((3, 2)), "cards_hash": np.array(cards_hash(CARDS))}
    assert with_cards_beside(card, arrays) is arrays
    save_cards({"ada": ExpertCards("me", ("Sing.",))}, tmp_path / "cards.json")
    np.testing.assert_array_equal(with_cards_beside(card, arrays)["is_own"], [[1], [0]])


def test_the_order_and_author_of_cards_do_not_count_as_a_change():
    turned = {"bob": CARDS["bob"], "ada": ExpertCards("me", CARDS["ada"].sentences[::-1])}
    assert cards_hash(turned) == cards_hash(CARDS)
    assert cards_hash({"ada": CARDS["bob"], "bob": CARDS["ada"]}) != cards_hash(CARDS)


def test_an_instruction_is_written_once_per_prompt_and_read_by_the_same_encoder():
    model = FakeModel("1. Solve an algebra problem. Then rest.")
    writer = ModelWriter(model)
    features = InstructedEncoder(FakeEncoder(), writer).encode(["x + 1 = 2", "x + 1 = 2"])
    assert len(model.asked) == 1
    assert writer.write("x + 1 = 2") == "Solve an algebra problem."
    np.testing.assert_array_equal(features.heads[INSTRUCTION], [[len("Solve an algebra problem."), 1.0]] * 2)


def test_a_model_that_fails_leaves_the_nearest_tasks_and_says_why():
    problem = AnswerError("gone")
    writer = ModelWriter(FakeModel(error=problem))
    features = InstructedEncoder(FakeEncoder(), writer).encode(["x + 1 = 2"])
    assert np.isnan(features.heads[INSTRUCTION]).all()
    assert writer.error is problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("Yes.", None),
        ("\n\n* Translate a text into German!\nMore.", "Translate a text into German!"),
        ("“Write code for 3.5 users.”", "“Write code for 3.5 users.”"),
    ],
)
def test_the_first_sentence_of_an_answer_counts(text, expected):
    assert first_sentence(text) == expected


def test_cards_rewritten_by_a_model_carry_its_name():
    found = rewritten(CARDS, FakeModel("- Good at solving equations.\n- Good at writing programs.\n\nok"))
    assert found["ada"] == ExpertCards("fake", ("Good at solving equations.", "Good at writing programs."))
    assert rewritten(CARDS, FakeModel("no"))["bob"] == CARDS["bob"]


def test_an_instruction_arrives_through_litellm():
    with Loopback() as server:
        model = CalledModel(expert("normal-writer"), ring(server, "normal-writer"), timeout_s=8.0)
        assert (ModelWriter(model).write("Solve it") or "").startswith("I am normal-writer and was asked: Say in one")
        assert server.requests[0]["body"]["max_tokens"] == 60


def test_a_refused_key_is_the_writers_error():
    with Loopback() as server:
        writer = ModelWriter(CalledModel(expert("status-401-x"), ring(server, "status-401-x"), timeout_s=8.0))
        assert writer.write("Solve it") is None
        assert "key" in str(writer.error).lower()


def test_a_description_says_what_the_catalogue_knows_and_the_first_cards():
    assert (
        describe("ada", expert("ada"), CARDS) == "Ada by Loopback is a language model. Solve equations. Write programs."
    )


def test_the_nearest_description_has_the_highest_score():
    features = FakeEncoder().encode(["abc"])
    arrays = {"descriptions": np.array([[0.0, 1.0], [1.0, 0.0]]), "intercept": np.array(0.0), "slope": np.array(0.1)}
    told = scores(features, arrays)
    assert told.shape == (1, 2)
    assert told[0, 1] > told[0, 0]


def test_the_shipped_instructions_are_sentences_of_our_own():
    texts = json.loads((ASSETS / "instructions.json").read_text(encoding="utf-8"))
    assert len(texts) > 90
    assert all(text.endswith(".") and 3 <= len(text.split()) <= 25 for text in texts.values())


def test_the_shipped_cards_can_be_read_and_belong_to_the_shipped_experts():
    cards = load_cards(ASSETS / "cards.json")
    known = graph.read_card(ASSETS).experts
    assert set(cards) <= set(known)
    assert all(entry.by == KEY_PHRASES and entry.sentences for entry in cards.values())
