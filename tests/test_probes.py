"""The project's own probes: every right answer is computed or follows from a stated reason, and checks read answers."""

import inspect
import json

import pytest

from routing.checks import KINDS, Check, is_right
from routing.errors import DataError, PreferenceError
from routing.probes import own_probes
from tests import probe_answers
from tests.probe_answers import COMPUTED
from tests.probe_references import REFERENCES

PROBES = {p.prompt_id: p for p in own_probes()}
DOMAINS = {
    *("math", "code", "knowledge", "clinical", "law", "patents", "translation", "instructions", "reasoning", "reading"),
}


def test_they_are_many_mixed_and_told_apart():
    assert 140 <= len(PROBES) <= 200
    assert {p.domain for p in PROBES.values()} == DOMAINS
    assert all(p.why and 0 < p.difficulty < 1 and len(p.question) < 3000 for p in PROBES.values())
    first = list(PROBES.values())[:40]
    assert {p.domain for p in first} == DOMAINS, "any first forty are of all domains"
    easy, hard = (sum(keep(p.difficulty) for p in first) for keep in (lambda d: d < 0.3, lambda d: d > 0.5))
    assert easy >= 6
    assert hard >= 6


@pytest.mark.parametrize("name", COMPUTED)
def test_the_computed_answer_is_right_and_another_is_not(name):
    probe, found = PROBES[name], COMPUTED[name]()
    told = f"{found:.10g}" if isinstance(found, float) else str(found)
    assert probe.score(told) == 1.0, told
    assert probe.score(f"After some thought:\n**{told}**") == 1.0
    wrong = "E" if probe.check.kind == "choice" else "12345" if probe.check.kind == "number" else "It is 3:11 on 1 May."
    assert probe.score(wrong) == 0.0


def test_every_number_is_computed():
    assert {n for n, p in PROBES.items() if p.check.kind == "number"} <= set(COMPUTED)


def source_of(name):
    """The reference function as an expert would send it, under the name asked for."""
    asked, reference = PROBES[name].check.expected["function"], REFERENCES[name]
    if not inspect.isfunction(reference) or reference.__name__ == "<lambda>":
        return None
    text = inspect.getsource(reference)
    helpers = "import re, itertools, math, datetime\n"
    return f"Here it is:\n\n```python\n{helpers}{text}\n{asked} = {reference.__name__}\n```\nIt works.", asked


@pytest.mark.parametrize("name", [n for n, p in PROBES.items() if p.check.kind == "code"])
def test_the_reference_passes_the_hidden_tests(name):
    expected = PROBES[name].check.expected
    again = [json.loads(json.dumps(REFERENCES[name](*json.loads(json.dumps(a))))) for a in expected["calls"]]
    assert again == expected["results"]
    assert len({json.dumps(r) for r in expected["results"]}) > 1, "a constant would pass"
    if (found := source_of(name)) is not None:
        text, asked = found
        assert PROBES[name].score(text.replace(f"def {asked}(", f"def {asked}(", 1)) == 1.0
    assert PROBES[name].score(f"```python\ndef {expected['function']}(*a):\n    return None\n```") == 0.0
    assert PROBES[name].score("I cannot do that.") == 0.0


RIGHT = {
    "translation/en-de-date": "Die Sitzung am 14. März wurde auf Dienstag, 15:30 Uhr verschoben.",
    "translation/de-en-train": "The train to Cologne is expected to be 25 minutes late and leaves from platform 7.",
    "translation/fr-en-friends": "The local bookshop is currently closed.",
    "translation/es-en-friends": "My sister is pregnant and the wedding is in October.",
    "translation/en-fr-numbers": "Elle a acheté quatre-vingts bougies et quatre-vingt-dix-neuf enveloppes.",
    "translation/en-it-milk": "Non bevo latte, solo acqua.",
    "translation/ja-en-meeting": "Tomorrow's meeting will be held at 2 p.m. in the conference room on the third floor.",
    "translation/en-ja-library": "図書館は月曜日が休館日です。",
    "translation/zh-en-tickets": "He spent 350 yuan on two train tickets.",
    "translation/en-zh-tree": "我的爷爷四十年前种下了这棵苹果树。",
    "translation/ru-en-doctor": "The doctor prescribed him tablets twice a day after meals.",
    "translation/en-es-tenant": "El inquilino deberá pagar la fianza en un plazo de diez días.",
    "translation/pt-en-friends": "He intends to watch the game on Thursday.",
    "translation/de-en-votes": "Twenty-three of forty-eight members voted against it.",
    "translation/pl-en-vienna": "Next week I am going to Vienna for two days.",
    "translation/tr-en-quarter": "Let's meet at a quarter to five tomorrow.",
    "translation/en-de-formal": "Könnten Sie mir bitte die Rechnung noch einmal schicken?",
    "translation/fi-en-sweden": "She has never been to Sweden.",
    "instructions/ready": "ready",
    "instructions/fruits": "Apple\nPear\nPlum\nFig\nDragon fruit",
    "instructions/no-e": "Boats drift calmly on a vast dark lagoon.",
    "instructions/person": '```json\n{"name": "Ada", "age": 36, "languages": ["English", "French"]}\n```',
    "instructions/sorted-cities": '[{"city":"Cairo","country":"Egypt"},{"city":"Oslo","country":"Norway"},'
    '{"city":"Rome","country":"Italy"}]',
    "instructions/twelve": "The rain fell softly on the old roof while we slept inside.",
    "instructions/capitals": "MOUNTAINS ARE TALL. SNOW LIES ON THEM.",
    "instructions/closing": "The old bridge carried us home. That is all.",
    "instructions/colours": "A red boat crossed the blue lake and stopped beside a green meadow.",
    "instructions/acrostic": "Mist lies low\nOwls call out\nOver the hill\nNothing stirs",
    "instructions/paragraphs": "Bread is old.\n\nIt smells of home.",
    "instructions/table": "| Item | Price |\n|---|---|\n| Tea | 2 |\n| Milk | 1 |\n| Bread | 3 |",
    "instructions/alliteration": "Six silly sailors silently steered seven sinking ships.",
    "instructions/moon": "Over the river rose the cold white winter moon.",
    "patents/extract": '{"min_hours": 6, "max_hours": 9, "min_celsius": 55, "max_celsius": 70}',
}
WRONG = {
    "translation/es-en-friends": "My sister is embarrassed and the wedding is in October.",
    "translation/de-en-votes": "32 of 84 members voted against it.",
    "instructions/fruits": "1. Apple\n2. Pear\n3. Plum\n4. Fig\n5. Date",
    "instructions/no-e": "The waves rolled gently towards the shore.",
    "instructions/person": '{"name": "Ada", "age": 36}',
    "instructions/twelve": "It rains.",
    "instructions/alliteration": "Six silly sailors steered ships.",
    "instructions/moon": "A moon.",
    "instructions/table": "| Item | Price |\n|---|---|\n| Tea | 2 |",
    "instructions/acrostic": "Mist\nOwls\nOver\nSleep",
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_in_a_form_passes(name):
    assert PROBES[name].score(RIGHT[name]) == 1.0


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_in_a_form_fails(name):
    assert PROBES[name].score(WRONG[name]) == 0.0


def test_every_form_has_an_example_that_passes():
    forms = {n for n, p in PROBES.items() if p.check.kind in {"words", "json"}}
    assert forms <= set(RIGHT)


@pytest.mark.parametrize("name", [n for n, p in PROBES.items() if p.check.kind in {"choice", "short"}])
def test_choices_and_short_answers(name):
    probe = PROBES[name]
    expected = probe.check.expected
    gold = (
        expected
        if probe.check.kind == "choice"
        else dict(expected)["texts"][0]
        if isinstance(expected, dict)
        else expected[0]
    )
    assert probe.score(gold) == 1.0
    assert probe.score(f"The answer is {gold}.") == 1.0
    if probe.check.kind == "choice":
        assert f"\n{gold}. " in probe.prompt
        others = [letter for letter in "ABCD" if letter != gold]
        assert all(probe.score(letter) == 0.0 for letter in others)
    assert probe.score("I do not know that, and I would rather not guess.") == 0.0
    assert probe.score("") == 0.0


def test_answers_are_read_robustly():
    number = Check("number", 42)
    for text in (
        "42",
        "= 42.",
        r"\boxed{42}",
        "**Answer: 42** since 6 times 7",
        "<think>41</think> 42",
        "$42.00",
        "42 km",
    ):
        assert is_right(number, "", text), text
    for text in ("", "forty-two", "41 or 43", "4 2", "x42"):
        assert not is_right(number, "", text), text
    assert is_right(Check("choice", "B"), "A. one\nB. two", r"So \boxed{\text{B}}")
    assert is_right(Check("number", {"value": 0.1818, "within": 0.001}), "", r"$\frac{2}{11}$")
    assert is_right(Check("short", ["Bosch"]), "", "It was painted by Hieronymus Bosch.")
    assert not is_right(Check("short", ["Bosch"]), "", "Perhaps Bosch, " + "or someone else " * 6)
    assert is_right(Check("json", {"type": "object"}), "", 'Sure:\n{"a": [1, 2]}\nDone.')
    assert not is_right(Check("json", {"type": "object"}), "", "[" * 100_000)


def test_checks_that_cannot_be_used_say_so():
    with pytest.raises(PreferenceError, match=f"is 'taste'; allowed are {', '.join(KINDS)}"):
        Check("taste", "sweet")
    with pytest.raises(PreferenceError, match="expects nothing"):
        Check("exact", "")
    for kind, expected, told in (
        ("number", "many", "in digits"),
        ("words", {"rhymes": True}, "The rule is 'rhymes'"),
        ("json", {"$ref": "http://example.org"}, "without"),
        ("json", {"type": 5}, "not a JSON schema"),
        ("code", {"function": "f"}, "need function"),
    ):
        with pytest.raises(PreferenceError, match=told):
            is_right(Check(kind, expected), "", "{}")


def test_a_damaged_file_is_said(tmp_path):
    path = tmp_path / "probes.json"
    path.write_text('[{"id": "a"}]')
    with pytest.raises(DataError, match="Restore it with git"):
        own_probes(path)


def test_references_and_computed_answers_belong_to_probes():
    assert set(COMPUTED) | set(REFERENCES) <= set(PROBES)
    assert probe_answers.bridge((1, 2, 5, 10)) == 17, "the known case"
