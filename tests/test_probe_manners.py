"""Probes read answers in any manner: what is right passes, what is wrong or leaves it open fails."""

import json
from pathlib import Path

import pytest

from routing.checks.code import equal
from routing.probes import own_probes
from tests.probe_mistakes import MISTAKES

PROBES = {p.prompt_id: p for p in own_probes()}
MANNERS = json.loads(Path(__file__).with_name("probe_manners.json").read_text(encoding="utf-8"))
ADD = "def add_all(numbers):\n    return sum(numbers)\n"
CODE = {
    "bare": ADD,
    "with prose": f"Sure!\n\n```\n{ADD}```\n\n### Example\n```python\nprint(add_all([1, 2]))\n# 3\n```",
    "tildes": f"~~~python\n{ADD}~~~",
    "hints": f"```python\nfrom __future__ import annotations\n{ADD.replace('(numbers):', '(numbers: N) -> N:')}```",
    "a failing example": f"```py\n{ADD}\nprint(add_all(input()))\n```",
    "a library that is not here": f"```python\nimport numpy as np\nimport unittest\n{ADD}```",
    "no def": "```python\nadd_all = lambda numbers: sum(numbers)\n```",
    "a queue": "```python\nfrom queue import Queue\nimport os\ndef add_all(numbers):\n    q, t = Queue(), 0\n"
    "    for n in numbers:\n        q.put(n)\n    while not q.empty():\n        t += q.get()\n    return t\n```",
}


@pytest.mark.parametrize("name", MANNERS["right"])
def test_a_right_answer_passes_in_any_manner(name):
    assert [a for a in MANNERS["right"][name] if PROBES[name].score(a) != 1.0] == []


@pytest.mark.parametrize("name", MANNERS["wrong"])
def test_a_wrong_or_open_answer_fails(name):
    assert [a for a in MANNERS["wrong"][name] if PROBES[name].score(a) != 0.0] == []


@pytest.mark.parametrize("manner", CODE)
def test_code_passes_in_any_manner(manner):
    assert PROBES["code/sum"].score(CODE[manner]) == 1.0


@pytest.mark.parametrize("name", [n for n, p in PROBES.items() if p.check.kind == "code"])
def test_the_hidden_tests_catch_usual_mistakes(name):
    expected = PROBES[name].check.expected
    for mistake in MISTAKES[name]:
        tests = zip(expected["calls"], expected["results"], strict=True)
        assert not all(is_returned(mistake, *one) for one in tests), mistake.__name__


def is_returned(function, call, result):
    """Whether a function gives the result for a call; what it raises is no result."""
    try:
        return equal(json.loads(json.dumps(function(*json.loads(json.dumps(call))))), result)
    except (ArithmeticError, LookupError, TypeError, ValueError, SyntaxError):
        return False
