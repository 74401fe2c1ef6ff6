"""An LLM as the chooser: what it is asked, what counts as a choice, what is kept, what is measured."""

import json

import numpy as np
import pandas as pd
import pytest

from routing.catalog import load_catalog
from routing.chooser import READ_CHARS, Chooser, choosing_prompt, kept_choices, read_choice
from routing.chooser_run import Choices, choose_all, described
from routing.errors import CatalogError, DataError, KeyRejected
from routing.instructions import CalledModel
from routing.predictors.glider_cards import ExpertCards
from tests.asking import expert, ring
from tests.loopback import Loopback

NAMES = ("gpt-4o-mini", "gpt-4o-2024-08-06")
LINES = {"ada": "Solves equations.", "bob": "Judges cases.", "bob-large": "Judges hard cases."}


class FakeModel:
    """Answers by a rule, and remembers what it was asked."""

    name = "fake"

    def __init__(self, rule):
        self.rule, self.asked = rule, []

    def say(self, prompt, *, system, max_tokens):
        self.asked.append(prompt)
        return self.rule(prompt)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2", "bob"),
        ("2.", "bob"),
        ("Expert 3 should.", "bob-large"),
        ("**bob-large**", "bob-large"),
        ("I would ask Ada, not a number", "ada"),
        ("ada or bob", None),
        ("1, 2", None),
        ("4", None),
        ("0", None),
        ("-1", None),
        ("2.5", None),
        ("bobby", None),
        ("", None),
        ("Paris", None),
        ("2 2", "bob"),
        ("1. ada", "ada"),
    ],
)
def test_a_choice_is_one_expert_of_the_list(text, expected):
    assert read_choice(text, list(LINES)) == expected


def test_the_judge_reads_every_expert_and_the_start_of_the_prompt():
    asked = choosing_prompt("§" * 5000, LINES)
    assert all(f"{number}. {name}: {line}" in asked for number, (name, line) in enumerate(LINES.items(), start=1))
    assert asked.count("§") == READ_CHARS
    assert asked.endswith("Write one number from 1 to 3.")


def test_every_prompt_lists_the_experts_in_another_order():
    model = FakeModel(lambda prompt: "1")
    chooser = Chooser(model, LINES)
    assert {chooser.choose(f"prompt {number}") for number in range(30)} == set(LINES)


def test_choices_are_kept_without_the_prompt_and_not_asked_again(tmp_path):
    kept = tmp_path / "deep" / "fake.jsonl"
    first = Chooser(FakeModel(lambda prompt: "bob"), LINES, kept)
    assert [first.choose("a secret prompt"), first.choose("a secret prompt")] == ["bob", "bob"]
    assert first.calls == 1
    again = Chooser(FakeModel(lambda prompt: "ada"), LINES, kept)
    assert again.choose("a secret prompt") == "bob"
    assert again.calls == 0
    assert "secret" not in kept.read_text(encoding="utf-8")
    assert again.choose("another") == "ada"


def test_another_list_of_experts_is_another_question(tmp_path):
    kept = tmp_path / "fake.jsonl"
    Chooser(FakeModel(lambda prompt: "bob"), LINES, kept).choose("What?")
    other = Chooser(FakeModel(lambda prompt: "ada"), {"ada": "Sings.", "bob": "Dances."}, kept)
    assert other.choose("What?") == "ada"


def test_a_run_that_was_stopped_while_writing_goes_on(tmp_path):
    kept = tmp_path / "fake.jsonl"
    Chooser(FakeModel(lambda prompt: "bob"), LINES, kept).choose("What?")
    with kept.open("a", encoding="utf-8") as file:
        file.write('{"key": "ab')
    chooser = Chooser(FakeModel(lambda prompt: "ada"), LINES, kept)
    assert [chooser.choose("What?"), chooser.choose("Who?")] == ["bob", "ada"]
    assert [json.loads(line)["choice"] for line in kept.read_text(encoding="utf-8").splitlines()] == ["bob", "ada"]


def test_damaged_choices_name_their_line(tmp_path):
    kept = tmp_path / "fake.jsonl"
    kept.write_text('{"key": "a", "choice": null}\nnonsense\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"fake.jsonl, line 2 is not a choice .* Remove the line or the file"):
        Chooser(FakeModel(lambda prompt: "1"), LINES, kept)


def test_choices_are_kept_in_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kept_choices("My/Judge 2") == tmp_path / "thalamus" / "chooser" / "my-judge-2.jsonl"


def test_a_judge_chooses_through_litellm():
    with Loopback() as server:
        model = CalledModel(expert("normal-judge"), ring(server, "normal-judge"), timeout_s=8.0)
        chooser = Chooser(model, {"normal-judge": "Judges."})
        assert chooser.choose("What is new?") == "normal-judge"
        body = server.requests[0]["body"]
        assert body["max_tokens"] == 16
        assert "do not answer it" in body["messages"][-1]["content"]


def test_a_judge_that_cannot_be_asked_is_an_error_and_no_choice_is_kept(tmp_path):
    kept = tmp_path / "judge.jsonl"
    with Loopback() as server:
        model = CalledModel(expert("status-401-judge"), ring(server, "status-401-judge"), timeout_s=8.0)
        with pytest.raises(KeyRejected, match=r"key"):
            Chooser(model, LINES, kept).choose("What is new?")
    assert not kept.exists()


def test_no_choice_counts_as_a_random_expert_and_as_a_miss():
    score = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    found = Choices(("ada", "bob"), np.array([0, -1, 0, -1]), score).measures()
    assert found["share_valid"] == 0.5
    assert found["score"] == pytest.approx((1.0 + 0.5 + 0.0 + 1.0) / 4)
    assert found["accuracy_strict"] == pytest.approx(1 / 3)
    assert found["n_single_best"] == 3
    assert found["accuracy_tolerant"] == pytest.approx(1 / 4)
    assert found["best_single"] == {"name": "ada", "score": 0.75}
    assert found["oracle"] == 1.0
    assert found["shares"] == {"ada": 0.5, "bob": 0.0}


def test_an_expert_is_described_by_its_first_card_else_by_the_catalogue():
    cards = {NAMES[0]: ExpertCards("me", ("Solve equations, with words such as sum and total.", "Second."))}
    lines = described([*NAMES, "nobody"], load_catalog(), cards)
    assert lines[NAMES[0]] == "Solve equations"
    assert lines[NAMES[1]].endswith("by OpenAI")
    assert lines["nobody"] == "a language model"


@pytest.fixture
def small_data(tmp_path):
    """Thirty prompts on which the first expert is right when the number is even."""
    ids = [f"p{i}" for i in range(30)]
    pd.DataFrame({"prompt_id": ids, "text": [f"Is {i} even?" for i in range(30)], "split": "test"}).to_parquet(
        tmp_path / "prompts.parquet"
    )
    rows = [(p, name, float(i % 2 == side)) for i, p in enumerate(ids) for side, name in enumerate(NAMES)]
    pd.DataFrame(rows, columns=["prompt_id", "expert", "score"]).to_parquet(tmp_path / "outcomes.parquet")
    (tmp_path / "pools.json").write_text(json.dumps({"pair": NAMES}), encoding="utf-8")
    return tmp_path


def right(asked):
    """The expert that is right on the asked number."""
    number = int(asked.split("Is ")[1].split(" even")[0])
    return NAMES[number % 2]


def run(data, out, rule=right, **options):
    model = FakeModel(rule)
    result = choose_all(
        data, "gpt-4o", out=out, chooser=lambda lines: Chooser(model, lines), progress=lambda _: None, **options
    )
    return result, model


def test_a_run_measures_at_most_n_prompts_of_every_pool(small_data, tmp_path):
    result, model = run(small_data, tmp_path / "chooser.json", n=12)
    assert len(model.asked) == 12
    assert result["pools"]["pair"]["n_prompts"] == 12
    assert result["pools"]["pair"]["accuracy_strict"] == 1.0
    assert result["pools"]["pair"]["score"] == 1.0
    assert json.loads((tmp_path / "chooser.json").read_text(encoding="utf-8")) == json.loads(json.dumps([result]))


def test_a_later_run_replaces_its_judge_and_keeps_the_others(small_data, tmp_path):
    out = tmp_path / "chooser.json"
    out.write_text(json.dumps([{"judge": "gpt-4o", "split": "test"}, {"judge": "me", "split": "test"}]))
    run(small_data, out, rule=lambda asked: "none")
    kept = json.loads(out.read_text(encoding="utf-8"))
    assert [entry["judge"] for entry in kept] == ["me", "gpt-4o"]
    assert kept[1]["pools"]["pair"]["share_valid"] == 0.0
    assert kept[1]["pools"]["pair"]["score"] == pytest.approx(0.5)


def test_a_file_of_something_else_is_not_overwritten(small_data, tmp_path):
    out = tmp_path / "chooser.json"
    out.write_text('{"a": 1}')
    with pytest.raises(DataError, match=r"holds something else than choices"):
        run(small_data, out)
    assert out.read_text() == '{"a": 1}'


def test_an_unknown_pool_and_an_unknown_judge_are_named(small_data, tmp_path):
    with pytest.raises(DataError, match=r"No pool is called 'pear'; known are pair"):
        run(small_data, tmp_path / "out.json", pools=("pear",))
    with pytest.raises(CatalogError, match=r"No expert is called 'gpt-40'"):
        choose_all(small_data, "gpt-40", out=tmp_path / "out.json")


def test_a_split_without_the_pool_is_named(small_data, tmp_path):
    with pytest.raises(DataError, match=r"No prompt is in the split 'sealed'"):
        run(small_data, tmp_path / "out.json", split="sealed")
