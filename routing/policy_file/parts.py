"""What every strict reader of a policy file needs: plain data without tricks, and one sentence for every refusal."""

import difflib
import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from routing import plain_yaml
from routing.errors import PolicyFileError

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def loaded(text: str) -> object:
    """The plain data of a text; one that begins with a brace is JSON. Raises PolicyFileError, as all of these do."""
    try:
        if text.lstrip().startswith("{"):
            return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
        return plain_yaml.read(text)
    except (ValueError, RecursionError) as problem:
        where = " ".join(str(problem).split())[:160] or type(problem).__name__
        raise PolicyFileError(
            f"The policy file is neither JSON nor YAML ({where}). Mend it, or export it anew."
        ) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is no number")


def mapping(value: object, what: str) -> dict[str, Any]:
    """Keys with values, the keys text."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise PolicyFileError(f"{what} is {shown(value)}; it must be keys with values. Export one to see the form.")
    return value


def only_known(told: Mapping[str, Any], known: Iterable[str], what: str) -> None:
    """Refuse a key that nobody knows, with the nearest known one."""
    options = list(known)
    for key in told:
        if key not in options:
            close = difflib.get_close_matches(key.lower(), options, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise PolicyFileError(f"{what} has no key {key[:60]!r}.{hint} Known: {', '.join(options)}.")


def has_all(told: Mapping[str, Any], needed: Iterable[str], what: str) -> None:
    """Refuse where a needed key is missing or empty."""
    missing = [key for key in needed if told.get(key) is None]
    if missing:
        raise PolicyFileError(f"{what} lacks {missing[0]!r}. Needed are {', '.join(needed)}.")


def line(value: object, what: str, most: int) -> str:
    """One line of text, without blanks at its ends."""
    if not isinstance(value, str) or not 0 < len(value.strip()) <= most or not value.strip().isprintable():
        raise PolicyFileError(f"{what} is {shown(value)}; allowed is one line of 1 to {most} characters.")
    return value.strip()


def hash_of(value: object, what: str) -> str:
    """A SHA-256 in lower case."""
    if not isinstance(value, str) or not _SHA256.fullmatch(value.lower()):
        raise PolicyFileError(f"{what} is {shown(value)}; it is a SHA-256, 64 hexadecimal digits.")
    return value.lower()


def hash_or_none(value: object, what: str) -> str | None:
    """A SHA-256, or None."""
    return None if value is None else hash_of(value, what)


def day(value: object, what: str) -> date:
    """A day; a moment is none."""
    if type(value) is date:  # YAML reads a day as one
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise PolicyFileError(f"{what} is {shown(value)}; write a day such as 2026-05-31.") from None


def shown(value: object) -> str:
    """A value as a sentence quotes it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def is_finite(value: float) -> bool:
    """Whether a number fits a float."""
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond any float
        return False
