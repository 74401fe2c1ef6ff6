"""What a small Python function returns: the right answer of a code-reading probe, found by running it, bounded."""

import ast
import json
import re
import subprocess
import sys

from routing.errors import DataError

_BLOCK = re.compile(r"\[PYTHON\]\s*(.*?)\s*assert (f\(.*\)) == \?\?\s*\[/PYTHON\]", re.DOTALL)
_LITERAL = re.compile(r"==\s*(.+)$", re.MULTILINE)
_FENCE = re.compile(r"```(?:python)?\s*(.*?)```", re.DOTALL)
_TIMEOUT_S = 10.0
# The child limits itself before it reads anything: 2 s of processor, 512 MB, no files, no further processes.
_RUNNER = """
import json, resource, sys
for what, most in (("RLIMIT_CPU", 2), ("RLIMIT_AS", 1 << 29), ("RLIMIT_FSIZE", 0), ("RLIMIT_NOFILE", 8)):
    resource.setrlimit(getattr(resource, what), (most, most))
request = json.load(sys.stdin)
import builtins
safe = {name: getattr(builtins, name) for name in request["builtins"]}
space = {"__builtins__": safe}
exec(request["code"], space)
print(repr(eval(request["call"], space)))
"""
_BUILTINS = (
    "abs all any bin bool bytes callable chr dict divmod enumerate filter float format frozenset hash hex int "
    "isinstance issubclass iter len list map max min next object oct ord pow print range repr reversed round set "
    "slice sorted str sum tuple type zip ArithmeticError AttributeError Exception IndexError KeyError "
    "StopIteration TypeError ValueError ZeroDivisionError"
)


def returned_value(prompt: str) -> object:
    """Run the function of a code-reading prompt on its input.

    The function comes from outcome data, so it may not import, may not touch names with underscores at both ends,
    sees harmless built-ins only, and runs in a process of its own that is bounded and thrown away.

    Raises:
        DataError: The prompt holds no such function, it is not allowed, or it does not return a plain value.
    """
    found = _BLOCK.search(prompt)
    if found is None:
        raise DataError("The prompt holds no Python function with an assertion to complete: leave it out.")
    code, call = found.groups()
    _check(code)
    _check(call)
    request = {"code": code, "call": call, "builtins": _BUILTINS.split()}
    command = [sys.executable, "-I", "-S", "-c", _RUNNER]
    try:
        done = subprocess.run(  # noqa: S603 - fixed command
            command, input=json.dumps(request), capture_output=True, text=True, timeout=_TIMEOUT_S, env={}, check=True
        )
        value: object = ast.literal_eval(done.stdout.strip())
    except (subprocess.SubprocessError, ValueError, SyntaxError) as error:
        raise DataError(f"The function of the prompt gave no plain value ({type(error).__name__}).") from error
    return value


def stated_value(answer: str) -> object:
    """The literal that an answer states; the answer's text itself if it states none."""
    text = next((m for m in reversed(_FENCE.findall(answer)) if m.strip()), answer)
    candidates = [m.strip() for m in reversed(_LITERAL.findall(text))]
    candidates += [line.strip() for line in reversed(text.splitlines()) if line.strip()]
    for candidate in candidates:
        for literal in (candidate, candidate.strip("`. ")):
            try:
                value: object = ast.literal_eval(literal)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
            return value
    return answer


def same(stated: object, right: object) -> bool:
    """Whether two values are equal and of one type: ``1`` is not ``True``."""
    return type(stated) is type(right) and stated == right


def _check(code: str) -> None:
    try:
        nodes = list(ast.walk(ast.parse(code)))
    except SyntaxError as error:
        raise DataError("The function of the prompt is not Python.") from error
    for node in nodes:
        name = getattr(node, "attr", None) or getattr(node, "id", None) or ""
        if isinstance(node, ast.Import | ast.ImportFrom) or (isinstance(name, str) and name.startswith("__")):
            raise DataError("The function of the prompt imports or reaches into Python's insides: leave it out.")
