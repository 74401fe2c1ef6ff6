"""Probes: right answers are right, wrong ones wrong, foreign code is bounded; measuring writes whole files only."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from routing import measure as measuring
from routing.catalog import load_catalog
from routing.checks import Check
from routing.checks.letters import chosen_letter
from routing.checks.numbers import chosen_number
from routing.checks.plans import plan_works
from routing.checks.returned import returned_value, same, stated_value
from routing.errors import DataError, ServerFailed
from routing.measure import measure, read_outcomes
from routing.probes import Probe, data_checks, data_probes
from routing.schema import Answer, Expert

OPTIONS = "Which is a fruit?\nA. Stone\nB. Apple\nC. Chair\nD. River\nAnswer:"
PLAN = (
    "As initial conditions I have that, the red block is clear, the blue block is clear, the hand is empty, "
    "the red block is on top of the green block, the blue block is on the table and the green block is on the table.\n"
    "My goal is to have that the blue block is on top of the red block and the green block is on top of the blue block."
)
GOAL = PLAN.replace(" and the green block is on top of the blue block", "")


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"),
        ("(B)", "B"),
        ("**B**", "B"),
        ("B. Apple", "B"),
        ("The answer is B.", "B"),
        ("The answer is (C), no, the answer is (B)", "B"),
        ("It grows on trees, so an apple.", "B"),
        ("Option D", "D"),
        ("D is the correct answer.", "D"),
        ("The answer is a fruit that grows.", None),
        ("stone or apple", None),
        ("A. Stone\nB. Apple\nC. Chair\nD. River", None),
        ("A. Stone\nB. Apple\nC. Chair\nD. River\n\nThe answer is B.", "B"),
        ("", None),
    ],
)
def test_chosen_letter(answer: str, letter: str | None) -> None:
    assert chosen_letter(OPTIONS, answer) == letter


@pytest.mark.parametrize(
    ("answer", "right"),
    [("The total is 1,260.", 1.0), ("$1260", 1.0), ("1260.0", 1.0), ("126", 0.0), ("1260 or 12", 0.0), ("none", 0.0)],
)
def test_number(answer: str, right: float) -> None:
    assert Probe("p", "How much?", Check("number", "1260")).score(answer) == right


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ("13.9", "13.9"),
        ("13.9 is the smaller number.", "13.9"),
        ("13.11 is larger than 13.9", "13.9"),
        ("13.11 and 13.9", None),
        ("neither", None),
    ],
)
def test_chosen_number(answer: str, number: str | None) -> None:
    assert chosen_number(answer, ["13.11", "13.9"], is_smaller=True) == number


def test_compare_knows_decimals() -> None:
    check = Check("compare", None)
    assert Probe("p", "Which is bigger: 9.9 or 9.11?", check).score("9.9") == 1.0
    assert Probe("p", "Which is smaller: 9.9 or 9.11?", check).score("9.9") == 0.0
    with pytest.raises(DataError, match="leave it out"):
        Probe("p", "Which is nicer: 9.9 or 9.11?", check).score("9.9")


def code_prompt(body: str, call: str = "f(3)") -> str:
    return f"Complete it.\n\n[PYTHON]\ndef f(x):\n    {body}\nassert {call} == ??\n[/PYTHON]"


def test_code_is_run_for_its_value() -> None:
    assert returned_value(code_prompt("return [x] * 2")) == [3, 3]
    assert returned_value(code_prompt("return {x: str(x)}")) == {3: "3"}


@pytest.mark.parametrize(
    "body",
    [
        "import os; return os.getpid",
        "return x.__class__",
        "return __import__('os')",
        "return open('/etc/passwd').read()",
        "return (lambda: 1)",
        "while True: pass",
        "return 'x' * (1 << 40)",
        "return object()",
        "return 1 +",
    ],
)
def test_code_that_misbehaves_is_left_out(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.bounded.CPU_S", 1)  # which an endless loop takes whole
    with pytest.raises(DataError, match="function of the prompt"):
        returned_value(code_prompt(body))


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("assert f(3) == [3, 3]", True),
        ("```python\nassert f(3) == [3, 3]\n```\nThat is all.", True),
        ("[3, 3]", True),
        ("(3, 3)", False),
        ("assert f(3) == ??", False),
        ("I think three and three", False),
    ],
)
def test_stated_value(answer: str, right: bool) -> None:
    assert same(stated_value(answer), [3, 3]) is right


def test_values_of_other_types_differ() -> None:
    assert not same(1, True)
    assert not same("1", 1)


@pytest.mark.parametrize(
    ("prompt", "answer", "works"),
    [
        (GOAL, "pick up the blue block\nstack the blue block on top of the red block", True),
        (GOAL, "[PLAN]\nPick up blue\nStack blue on top of red\n[PLAN END]\nput down the red block", True),
        (GOAL, "stack the blue block on top of the red block", False),
        (GOAL, "pick up the green block\nstack the green block on top of the red block", False),
        (GOAL, "pick up the blue block\nstack the blue block on top of the green block", False),
        (GOAL, "pick up the blue block\npick up the red block", False),
        (GOAL, "", False),
        (PLAN, "pick up the blue block\nstack the blue block on top of the red block", False),
    ],
)
def test_plan_is_carried_out(prompt: str, answer: str, works: bool) -> None:
    assert plan_works(prompt, answer) is works


def test_the_probes_shipped() -> None:
    shipped = data_checks()
    assert len(shipped) == 300
    kinds = {"choice", "number", "compare", "output", "plan"}
    assert {c.kind for c in shipped.values()} == kinds
    assert {c.kind for c in list(shipped.values())[:40]} == kinds, "any first n are of all kinds"
    assert all(bool(c.expected) == (c.kind in {"choice", "number"}) for c in shipped.values())


def test_every_probe_has_a_right_answer_in_the_data(outcome_data: Path) -> None:
    table = pd.read_parquet(outcome_data / "prompts.parquet", columns=["prompt_id", "split", "text"])
    rows = table.set_index("prompt_id").loc[list(data_checks())]
    assert set(rows["split"]) == {"train"}
    for probe in data_probes(dict(rows["text"])):
        if probe.check.kind != "output":  # run in test_code_*; 80 processes would take too long here
            assert probe.score("nothing") == 0.0


def answered(text: str, error: ServerFailed | None = None) -> Answer:
    return Answer("smollm2-135m", text, 0.1, 0.25, 10, 3, "x", 0.0, "x", None, "stop", error is None, error, 0)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    known = {f"p{i}": Check("choice", "B") for i in range(40)}
    monkeypatch.setattr(measuring, "data_checks", lambda: known)
    monkeypatch.setattr(
        measuring, "data_probes", lambda texts: tuple(Probe(n, texts[n], c) for n, c in known.items() if n in texts)
    )
    rows: list[dict[str, Any]] = [
        {"prompt_id": f"p{i}", "split": "train" if i < 30 else "test", "text": OPTIONS} for i in range(40)
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "prompts.parquet")
    return tmp_path


def small() -> Expert:
    return load_catalog()["smollm2-135m"]


def test_measuring_asks_training_prompts_only_and_writes_numbers(data: Path) -> None:
    out, asked, told = data / "out.csv", [], []

    def ask(expert: Expert, prompt: str) -> Answer:
        asked.append(prompt)
        return answered("B" if len(asked) % 2 else "D")

    outcomes = measure(small(), data, out, progress=lambda *p: told.append(p), ask=ask)
    assert len(outcomes) == len(asked) == len(told) == 30
    assert asked[0] == Probe("p0", OPTIONS, Check("choice", "B")).question
    assert sum(o.score for o in outcomes) == 15
    assert read_outcomes(out) == outcomes
    assert "fruit" not in out.read_text(), "no prompt text leaves the data"
    assert told[-1] == (30, 30, "SmolLM2 135M Instruct: 50\u00a0% right so far")
    assert sorted(p.name for p in data.iterdir()) == ["out.csv", "prompts.parquet"]


def test_measuring_again_replaces_only_this_expert(data: Path) -> None:
    out = data / "out.csv"
    other = measuring.Outcome("p9", "other", 1.0, None, 5, 0.5, 60.25)
    measuring.write_outcomes(out, [other])
    for text in ("D", "B"):
        measure(small(), data, out, n=5, ask=lambda expert, prompt, text=text: answered(text))
    kept = read_outcomes(out)
    assert kept[0] == other
    assert [o.score for o in kept[1:]] == [1.0] * 5


def test_measuring_that_fails_leaves_the_file_as_it_was(data: Path) -> None:
    out = data / "out.csv"
    measure(small(), data, out, n=3, ask=lambda expert, prompt: answered("B"))
    before, count = out.read_bytes(), [0]

    def ask(expert: Expert, prompt: str) -> Answer:
        count[0] += 1
        return answered("B") if count[0] == 1 else answered("", ServerFailed("gone"))

    with pytest.raises(DataError, match="left 29 of 30 probes unanswered or uncheckable, at most 5\u00a0%"):
        measure(small(), data, out, ask=ask)
    with pytest.raises(ServerFailed, match="gone"):
        measure(small(), data, out, ask=lambda expert, prompt: answered("", ServerFailed("gone")))
    assert out.read_bytes() == before


def test_measuring_needs_the_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no prompts\.parquet"):
        measure(small(), tmp_path, tmp_path / "out.csv")


def test_outcomes_shipped_can_be_read() -> None:
    ids = set(data_checks())
    assert {o.prompt_id for o in read_outcomes()} <= ids
