"""What a small Python function returns: the right answer of a code-reading probe, found by running it, bounded."""

import ast
import re

from routing.bounded import evaluate
from routing.errors import DataError

_BLOCK = re.compile(r"\[PYTHON\]\s*(.*?)\s*assert (f\(.*\)) == \?\?\s*\[/PYTHON\]", re.DOTALL)
_LITERAL = re.compile(r"==\s*(.+)$", re.MULTILINE)
_FENCE = re.compile(r"```(?:python)?(.*?)```", re.DOTALL)
_LONGEST_LITERAL = 2_000


def returned_value(prompt: str) -> object:
    """Run the function of a code-reading prompt on its input, in a bounded process.

    Raises:
        DataError: The prompt holds no such function, or it does not return a plain value.
    """
    found = _BLOCK.search(prompt)
    if found is None:
        raise DataError("The prompt holds no Python function with an assertion to complete: leave it out.")
    code, call = found.groups()
    ran = evaluate(code, "f", call)
    if ran.error or not ran.results:
        raise DataError(f"The function of the prompt gave no plain value ({ran.error}).")
    try:
        value: object = ast.literal_eval(str(ran.results[0].get("repr", "")))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise DataError(f"The function of the prompt gave no plain value ({type(error).__name__}).") from error
    return value


def stated_value(answer: str) -> object:
    """The literal that an answer states; the answer's text itself if it states none."""
    text = next((m for m in reversed(_FENCE.findall(answer)) if m.strip()), answer)
    candidates = [m.strip() for m in reversed(_LITERAL.findall(text))]
    candidates += [line.strip() for line in reversed(text.splitlines()) if line.strip()]
    for candidate in candidates:
        for literal in (candidate, candidate.strip("`. ")):
            if len(literal) > _LONGEST_LITERAL:
                continue
            try:
                value: object = ast.literal_eval(literal)
            except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                continue  # {[1]: 2} is an expression and no value: a TypeError
            return value
    return answer


def same(stated: object, right: object) -> bool:
    """Whether two values are equal and of one type: ``1`` is not ``True``."""
    return type(stated) is type(right) and stated == right
