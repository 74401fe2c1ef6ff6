"""Whether a function that an expert wrote passes hidden tests: it sees the inputs, never what is expected."""

import math
from collections.abc import Mapping
from typing import Any

from routing import bounded
from routing.checks.read import stated_code
from routing.errors import PreferenceError


def passes_tests(expected: Any, prompt: str, answer: str) -> bool:  # noqa: ANN401 - JSON is anything
    """Run the answer's function on every input, bounded, and compare here what it returns.

    Args:
        expected: ``function``, its name; ``calls``, a list of arguments for each test; ``results``, what they must
            return, as JSON knows it (a tuple is a list).
        prompt: Not needed.
        answer: What was said.

    Raises:
        PreferenceError: The tests are not tests.
    """
    is_whole = isinstance(expected, Mapping) and {"function", "calls", "results"} <= set(expected)
    if not is_whole or len(expected["calls"]) != len(expected["results"]):
        raise PreferenceError("Tests of code need function, calls and results, as many results as calls.")
    function = str(expected["function"])
    if not function.isidentifier():
        return False
    codes = [c for c in stated_code(answer, function) if function in c and len(c) <= bounded.LONGEST_CODE]
    if not codes:
        return False
    ran = bounded.call(codes, function, expected["calls"])
    if ran.error or len(ran.results) != len(expected["results"]):
        return False
    return all("value" in r and equal(r["value"], e) for r, e in zip(ran.results, expected["results"], strict=True))


def equal(found: Any, wanted: Any) -> bool:  # noqa: ANN401
    """Whether two JSON values are equal; numbers to 1e-6, and no number is a truth value.

    >>> equal([1, 2.0000000001], [1.0, 2]), equal(1, True), equal({"a": None}, {"a": None})
    (True, False, True)
    """
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    if isinstance(found, int) and isinstance(wanted, int):
        return found == wanted
    if isinstance(found, int | float) and isinstance(wanted, int | float):
        return math.isclose(found, wanted, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(equal, found, wanted))
    if isinstance(found, dict) and isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(equal(found[key], wanted[key]) for key in wanted)
    return type(found) is type(wanted) and bool(found == wanted)
