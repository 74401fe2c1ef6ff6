"""Checks: what counts as the exact answer, what a pattern finds, and patterns that cannot be used."""

import time

import pytest

from routing.answer.text import safe_markdown
from routing.checks import Check, is_right, passes
from routing.checks.read import stated_code
from routing.errors import PreferenceError


@pytest.mark.parametrize(
    ("expected", "text", "is_passed"),
    [
        ("42", "42", True),
        ("42", " 42.\n", True),
        ("42", "Let me think.\n\n**42**", True),
        ("Paris", "The answer is\nparis!", True),
        ("Paris", "Paris is the capital of France", False),
        ("42", "142", False),
        ("42", "", False),
        ("ﬁne", "fine", True),
    ],
)
def test_exact(expected, text, is_passed):
    assert passes("exact", expected, text) is is_passed


@pytest.mark.parametrize(
    ("pattern", "text", "is_passed"),
    [
        (r"\b42\b", "It is 42 apples", True),
        (r"^yes$", "no\nyes\n", True),
        (r"(?i)PARIS", "paris", True),
        ("x+", "y", False),
    ],
)
def test_regex(pattern, text, is_passed):
    assert passes("regex", pattern, text) is is_passed


def test_nothing_expected_is_refused():
    with pytest.raises(PreferenceError, match="Nothing is expected"):
        passes("exact", "  ", "x")


def test_a_broken_pattern_says_what_is_wrong():
    with pytest.raises(PreferenceError, match=r"'\(' is not a regular expression \(.*\)\. Mend the pattern"):
        passes("regex", "(", "x")


def test_a_long_pattern_is_refused():
    with pytest.raises(PreferenceError, match="has 501 characters; at most 500"):
        passes("regex", "a" * 501, "x")


def test_a_pattern_that_never_ends_is_stopped():
    with pytest.raises(PreferenceError, match=r"took more than 0\.5 s"):
        passes("regex", r"(a|a?)+$(?<=(?:a|aa|a?)+b)", "a" * 4000 + "c")


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (Check("number", 5), "1" * 50_000),
        (Check("choice", "A"), "\\boxed{" + " " * 50_000),
        (Check("words", {"sentences": 3}), "." * 50_000 + "x"),
        (Check("json", {"type": "object"}), "```" + "a" * 50_000),
        (Check("compare", None), "1" * 50_000),
    ],
)
def test_no_answer_holds_the_app_up_while_it_is_read(check, answer):
    started = time.process_time()
    assert not is_right(check, "Which is larger, 2 or 3?", answer)
    stated_code("```\n" + "\n" * 50_000, "f")
    safe_markdown("[\n" * 5_000)
    assert time.process_time() - started < 3  # minutes, where a pattern begins anew at every character
