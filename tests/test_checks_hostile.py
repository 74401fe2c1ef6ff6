"""Answers that attack what reads them: a check says right, wrong or that it cannot tell, in bounded time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.checks import FROM_PROMPT, KINDS, Check, is_right
from routing.errors import DataError

READING = "[PYTHON]\ndef f(x):\n    return {x: [x]}\nassert f(1) == ??\n[/PYTHON]"
EXPECTED = {
    "choice": "B",
    "number": 42,
    "exact": "blue",
    "short": {"texts": ["blue"], "rivals": ["red"]},
    "regex": r"\bblue\b",
    "words": {"all": ["blue"]},
    "json": {"type": "object"},
}
PROMPTS = {
    "choice": "Which?\n(A) red\n(B) blue",
    "compare": "Which is bigger, 9.11 or 9.9?",
    "output": READING,
    "plan": "[PLAN] blocks",
}
ATTACKS = [
    *("5 x 10^999", "10**400", "{[1]: 2}", "1e400", "-1e999", "0 x 10^999", "3 × 10^{-999}", "10**10**10"),
    *("nan", "inf", "1j", "{{}}", "{[]}", "{1: [2]}", "½", "٣", "⅐", "∞", "\ud83d", "\x00", "a\u2028b", "1/0", "5/0.0"),
    *(
        r"\frac{1}{0}",
        r"\frac{5}{" + "0" * 400 + "}",
        r"\boxed{" + "{" * 5_000,
        "**" * 50_000,
        "9" * 5_000,
        "1," * 50_000,
    ),
    *("[" * 100_000, "[" * 50_000 + "]" * 50_000, "(" * 5_000 + ")" * 5_000, "-" * 100_000, "'" * 100_001, "²" * 1_000),
    *('{"a": ' * 50_000, '{"a": 1e999}', "[1e400]", "assert f(1) == {[1]: 2}", "assert f(1) == " + "-" * 1_900 + "1"),
    *("assert f(1) == 10**100000", "1." + "0" * 100_000 + "1", "answer is " * 20_000, "1 or 2 " * 200, "A" * 200_000),
    *("(A) (B) " * 20_000, "9.9 is bigger " * 10_000, "(unstack a b)\n" * 20_000),
]


def checks():
    for kind in KINDS:
        if kind in FROM_PROMPT:
            yield Check(kind, None)
        elif kind in EXPECTED:
            yield Check(kind, EXPECTED[kind])


def outcome(check, answer):
    """What a check says: True, False, or that it cannot tell."""
    try:
        return is_right(check, PROMPTS.get(check.kind, "What?"), answer)
    except DataError:
        return None


@pytest.mark.parametrize("check", list(checks()), ids=lambda check: check.kind)
def test_no_answer_breaks_a_check(check):
    for answer in ATTACKS:
        assert outcome(check, answer) in {True, False, None}, answer[:40]


@given(st.text(max_size=60), st.sampled_from(list(checks())))
def test_any_text_is_right_or_wrong_or_cannot_be_told(answer, check):
    assert outcome(check, answer) in {True, False, None}


@given(
    st.lists(
        st.sampled_from(
            [
                "0",
                "1",
                "9",
                ".",
                ",",
                "-",
                "e",
                "x",
                "×",
                "10",
                "^",
                "**",
                "{",
                "}",
                "[",
                "]",
                "(",
                ")",
                ":",
                "/",
                "\\frac",
                "\\boxed",
                "=",
                "assert",
                "answer",
                "is",
                "or",
            ]
        )
    ).map(" ".join)
)
def test_numbers_in_any_disorder_are_numbers_or_none(answer):
    assert outcome(Check("number", 42), answer) in {True, False}


def test_a_number_beyond_every_float_is_none():
    assert not is_right(Check("number", 42), "What?", "It is 5 x 10^999")
    assert is_right(Check("number", 42), "What?", "Not 1e999 but 42")


def test_an_exception_inside_a_check_is_said_of_the_answer(monkeypatch):
    def breaks(*_):
        raise ZeroDivisionError("made up")

    monkeypatch.setitem(KINDS, "exact", type(KINDS["exact"])("", breaks))
    with pytest.raises(DataError, match=r"The answer cannot be checked \(ZeroDivisionError: made up\)"):
        is_right(Check("exact", "x"), "What?", "x")
