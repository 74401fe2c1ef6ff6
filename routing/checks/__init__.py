"""Checks of an answer that need no judge: a letter, number, text, form or JSON value, or code that passes tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import regex

from routing.checks.code import passes_tests
from routing.checks.form import is_form, is_json
from routing.checks.letters import chosen_letter
from routing.checks.numbers import chosen_number, compared_pair, new_number, stated_number
from routing.checks.plans import plan_works
from routing.checks.read import LONGEST_ANSWER, said
from routing.checks.returned import returned_value, same, stated_value
from routing.checks.short import is_exact, is_short
from routing.errors import DataError, PreferenceError, RoutingError

CheckKind = Literal["exact", "regex"]
LONGEST_PATTERN: Final = 500
PATIENCE_S: Final = 0.5  # a pattern can be made that never ends; nobody may stop the app with one


@dataclass(frozen=True, slots=True)
class Check:
    """How an answer is checked, and what is expected.

    ``expected`` is a letter (choice); a number, or ``{"value", "within"}`` (number); a text or several (exact, short),
    or ``{"texts", "rivals"}`` (short); a pattern (regex); the rules of ``checks.form.is_form`` (words); a JSON schema
    (json); or ``{"function", "calls", "results"}`` (code). For kinds of ``FROM_PROMPT`` it is None: the prompt says it.
    """

    kind: str
    expected: Any

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise PreferenceError(f"The kind of check is {self.kind!r}; allowed are {', '.join(KINDS)}.")
        if self.kind not in FROM_PROMPT and self.expected in (None, "", [], {}):
            raise PreferenceError(f"The check {self.kind!r} expects nothing. Say what the right answer is.")

    @property
    def manner(self) -> str:
        """The sentence added to a prompt, so that its answer can be read; empty where none is needed."""
        return KINDS[self.kind].manner

    @property
    def runs_code(self) -> bool:
        """Whether checking runs code that stands in the answer."""
        return self.kind == "code"


def is_right(check: Check, prompt: str, answer: str) -> bool:
    """Whether an answer is right.

    Raises:
        PreferenceError: What is expected cannot be used: no number, no pattern, no schema.
        DataError: The right answer cannot be had from the prompt, or this answer cannot be checked.
    """
    try:
        return KINDS[check.kind].is_right(check.expected, prompt, said(answer))
    except RoutingError:
        raise
    except Exception as problem:
        raise DataError(f"The answer cannot be checked ({type(problem).__name__}: {str(problem)[:80]}).") from problem


def passes(kind: CheckKind, expected: str, text: str) -> bool:
    """Whether an answer is as expected.

    ``exact``: the answer, or its last line, equals what is expected, apart from case, spaces, surrounding punctuation
    and markdown emphasis. ``regex``: the pattern is found anywhere in the answer; ``^`` and ``$`` match at lines.

    Raises:
        PreferenceError: Nothing is expected, or the pattern is not a regular expression.
    """
    if not expected.strip():
        raise PreferenceError("Nothing is expected. Type the exact answer, or a regular expression.")
    return _exact(expected, "", text) if kind == "exact" else _regex(expected, "", text)


def _exact(expected: Any, _: str, text: str) -> bool:  # noqa: ANN401 - JSON is anything
    return is_exact(_several(expected), text)


def _regex(expected: Any, _: str, text: str) -> bool:  # noqa: ANN401
    pattern = str(expected)
    if len(pattern) > LONGEST_PATTERN:
        raise PreferenceError(f"The pattern has {len(pattern)} characters; at most {LONGEST_PATTERN} are allowed.")
    try:
        return regex.search(pattern, text[:LONGEST_ANSWER], regex.MULTILINE, timeout=PATIENCE_S) is not None
    except TimeoutError:
        raise PreferenceError(f"The pattern {pattern!r} took more than {PATIENCE_S:g} s. Make it simpler.") from None
    except regex.error as problem:
        raise PreferenceError(f"{pattern!r} is not a regular expression ({problem}). Mend the pattern.") from None


def _choice(expected: Any, prompt: str, text: str) -> bool:  # noqa: ANN401
    return chosen_letter(prompt, text) == str(expected).strip().upper()


def _number(expected: Any, prompt: str, text: str) -> bool:  # noqa: ANN401
    try:
        wanted, within = (
            (float(expected["value"]), float(expected.get("within", 0.0)))
            if isinstance(expected, Mapping)
            else (float(str(expected).replace(",", "")), 0.0)
        )
    except (TypeError, ValueError, KeyError):
        raise PreferenceError(f"The expected number is {expected!r}; write it in digits, for example 42.") from None
    near = within + 1e-9 * max(1.0, abs(wanted))
    return any(n is not None and abs(n - wanted) <= near for n in (stated_number(text), new_number(prompt, text)))


def _compare(_: Any, prompt: str, text: str) -> bool:  # noqa: ANN401
    found = compared_pair(prompt)
    if found is None:
        raise DataError("The prompt does not ask for the larger or smaller of two numbers: leave it out.")
    pair, is_smaller = found
    right = min(pair, key=float) if is_smaller else max(pair, key=float)
    return chosen_number(text, pair, is_smaller=is_smaller) == right


def _output(_: Any, prompt: str, text: str) -> bool:  # noqa: ANN401
    return same(stated_value(text), returned_value(prompt))


def _plan(_: Any, prompt: str, text: str) -> bool:  # noqa: ANN401
    return plan_works(prompt, text)


def _several(expected: Any) -> list[Any]:  # noqa: ANN401
    return list(expected) if isinstance(expected, list | tuple) else [expected]


@dataclass(frozen=True, slots=True)
class _Kind:
    manner: str
    is_right: Callable[[Any, str, str], bool]


# Small experts copy a pattern such as "The answer is (X)" instead of filling it, so the manner is said plainly.
KINDS: Final[dict[str, _Kind]] = {
    "choice": _Kind("Reply with the letter of the right option only.", _choice),
    "number": _Kind("State the final number at the end.", _number),
    "exact": _Kind("", _exact),
    "short": _Kind("Reply with the answer only, in a few words.", is_short),
    "regex": _Kind("", _regex),
    "words": _Kind("", is_form),
    "json": _Kind("", is_json),
    "code": _Kind("Reply with the Python function only, in one code block.", passes_tests),
    "compare": _Kind("Reply with the number only.", _compare),
    "output": _Kind("Give only the completed assertion.", _output),
    "plan": _Kind("", _plan),
}
FROM_PROMPT: Final = frozenset({"compare", "output", "plan"})
