"""Whether an answer has the form asked for: words that must or must not be there, counts, letters, a JSON schema."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from routing.checks.read import plain, stated_json
from routing.errors import PreferenceError

LONGEST_SCHEMA: Final = 5_000
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SENTENCE = re.compile(r"(?<![.!?])[.!?]++[\"'”’)\]*_`]*+(?:\s|$)")


def is_form(expected: Any, prompt: str, answer: str) -> bool:  # noqa: ANN401 - JSON is anything
    """Whether an answer keeps every rule.

    Args:
        expected: Rules by name. ``all``, ``none``: texts that must, must not occur (case ignored); ``any``: lists of
            texts of each of which one must; ``words``, ``lines``, ``sentences``, ``paragraphs``, ``characters``:
            allowed count or [least, most]; ``each``: sentences in every paragraph; ``without``: letters that must not
            occur; ``starts``, ``ends``: how it begins and ends; ``case``: "upper" or "lower"; ``order``: texts that
            must come in this order; ``once``: texts that must occur once; ``unique``: no line twice. A text, or a list
            of texts, stands for ``all``.
        prompt: Not needed.
        answer: What was said.

    Raises:
        PreferenceError: A rule is not known.
    """
    rules = expected if isinstance(expected, Mapping) else {"all": _listed(expected)}
    unknown = [name for name in rules if name not in _RULES]
    if unknown:
        raise PreferenceError(f"The rule is {unknown[0]!r}; allowed are {', '.join(_RULES)}.")
    told = answer.strip()
    return bool(told) and all(_RULES[name](value, told) for name, value in rules.items())


def is_json(expected: Any, prompt: str, answer: str) -> bool:  # noqa: ANN401
    """Whether an answer holds a JSON value that a schema allows.

    Raises:
        PreferenceError: The schema is none, or refers to something outside itself.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    if not isinstance(expected, Mapping) or len(str(expected)) > LONGEST_SCHEMA or "$ref" in str(expected):
        raise PreferenceError(f"The JSON schema must be an object of at most {LONGEST_SCHEMA} characters without $ref.")
    try:
        Draft202012Validator.check_schema(dict(expected))
        value = stated_json(answer)
        return bool(Draft202012Validator(dict(expected)).is_valid(value))
    except SchemaError as problem:
        raise PreferenceError(f"That is not a JSON schema ({problem.message[:120]}). Mend it.") from None
    except (ValueError, RecursionError):
        return False


def _listed(value: Any) -> list[str]:  # noqa: ANN401
    found = value if isinstance(value, list | tuple) else str(value).split(",")
    return [str(one).strip() for one in found if str(one).strip()]


def _holds(text: str, answer: str) -> bool:
    return bool(_places(text, answer))


def _places(text: str, answer: str) -> list[int]:
    """Where a text occurs, as whole words where it begins and ends with letters or digits."""
    folded, wanted = plain(answer), plain(text)
    before = r"(?<!\w)" if wanted[:1].isalnum() and wanted.isascii() else ""
    after = r"(?!\w)" if wanted[-1:].isalnum() and wanted.isascii() else ""
    return [m.start() for m in re.finditer(before + re.escape(wanted) + after, folded)] if wanted else []


def _is_within(count: int, allowed: Any) -> bool:  # noqa: ANN401
    least, most = allowed if isinstance(allowed, list | tuple) else (allowed, allowed)
    return int(least) <= count <= int(most)


def _in_order(texts: list[str], answer: str) -> bool:
    place = -1
    for text in texts:
        place = next((found for found in _places(text, answer) if found > place), -1)
        if place < 0:
            return False
    return True


def _sentences(text: str) -> int:
    """Sentences, the last of which may lack its full stop."""
    ends = list(_SENTENCE.finditer(text))
    return len(ends) + bool(_WORD.search(text[ends[-1].end() if ends else 0 :]))


def _paragraphs(answer: str) -> list[str]:
    return [paragraph for paragraph in re.split(r"\n\s*\n", answer) if paragraph.strip()]


def _lines(answer: str) -> list[str]:
    return [line.strip() for line in answer.splitlines() if line.strip()]


_RULES: Final[dict[str, Callable[[Any, str], bool]]] = {
    "all": lambda texts, a: all(_holds(text, a) for text in _listed(texts)),
    "any": lambda lists, a: all(any(_holds(text, a) for text in _listed(texts)) for texts in lists),
    "none": lambda texts, a: not any(_holds(text, a) for text in _listed(texts)),
    "words": lambda allowed, a: _is_within(len(_WORD.findall(a)), allowed),
    "lines": lambda allowed, a: _is_within(len(_lines(a)), allowed),
    "sentences": lambda allowed, a: _is_within(_sentences(a), allowed),
    "paragraphs": lambda allowed, a: _is_within(len(_paragraphs(a)), allowed),
    "each": lambda allowed, a: all(_is_within(_sentences(p), allowed) for p in _paragraphs(a)),
    "characters": lambda allowed, a: _is_within(len(a), allowed),
    "without": lambda letters, a: not set(str(letters).casefold()) & set(a.casefold()),
    "starts": lambda text, a: a.casefold().startswith(str(text).casefold()),
    "ends": lambda text, a: re.search(rf"(?<!\w){re.escape(plain(str(text)))}$", plain(a)) is not None,
    "case": lambda case, a: a.isupper() if case == "upper" else a.islower(),
    "order": lambda texts, a: _in_order(_listed(texts), a),
    "once": lambda texts, a: all(len(_places(text, a)) == 1 for text in _listed(texts)),
    "unique": lambda _, a: len({line.casefold() for line in _lines(a)}) == len(_lines(a)),
}
