"""Published benchmark results as people have them: pasted from a table, a CSV file or typed, to checked figures."""

import difflib
import re
from collections.abc import Collection
from typing import Final

from routing.errors import DataError
from routing.onboarding.benchmarks import Figure
from routing.onboarding.fit import FIGURE_NOISE

MOST_LINES: Final = 200
LONGEST: Final = 20_000  # characters
_NUMBER = re.compile(r"^[±~≈]?\s*(-?\d+(?:[.,]\d+)?)\s*(%?)\s*(?:±.*)?$")
_PARTS = re.compile(r"\s*[\t|;]\s*|,(?!\d)\s*|(?<=[A-Za-z)])\s*,\s*|\s{2,}|\s*[:=]\s*")
_SPACED = re.compile(r"^(.*\S)\s+(-?\d+(?:[.,]\d+)?\s*%?)$")
_RULE = re.compile(r"^[\s|:+\-=]*$")
_HEADING = re.compile(r"^(benchmark|eval|evaluation|test|metric|name|dataset)s?$", re.IGNORECASE)
_ALIASES: Final = {
    "math 5": "math level 5",
    "math l5": "math level 5",
    "lcb": "livecodebench",
    "arc c": "arc challenge",
}


def parse_figures(text: str, known: Collection[str]) -> list[Figure]:
    """One figure a line: a benchmark's name, then its mean score, as 0.725, 72.5 or 72.5 %.

    Columns may be parted by tabs, commas, semicolons, bars or two spaces; heading and rule of a table are left out.

    Args:
        text: As pasted or read from a file.
        known: Names of the benchmarks that can be used.

    Raises:
        DataError: A line cannot be read; the message names it.
    """
    if len(text) > LONGEST:
        raise DataError(f"The text has {len(text):,} characters; at most {LONGEST:,} are read. Paste the table only.")
    found: dict[str, Figure] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or _RULE.match(line):
            continue
        if number > MOST_LINES:
            raise DataError(f"The text has more than {MOST_LINES} lines. Paste the table only.")
        name, value = _split(line, number)
        if _HEADING.match(name):
            continue
        benchmark = match(name, known, number)
        if benchmark in found:
            raise DataError(f"Line {number}: {benchmark} is there twice. Keep one of its figures.")
        found[benchmark] = Figure(benchmark, share_of(value, number), FIGURE_NOISE)
    if not found:
        raise DataError("There is no figure. Write one benchmark a line, for example: GSM8K 92.3 %")
    return list(found.values())


def _split(line: str, number: int) -> tuple[str, str]:
    parts = [part for part in _PARTS.split(line.strip().strip("|").strip()) if part and part.strip()]
    if len(parts) == 1 and (spaced := _SPACED.match(parts[0])):
        parts = [spaced[1], spaced[2]]
    if len(parts) < 2:
        if _HEADING.match(parts[0] if parts else ""):
            return parts[0], ""
        raise DataError(f"Line {number}: {line.strip()[:60]!r} has no figure. Write a name and a number, GSM8K 92.3 %")
    name = parts[0].strip("*_` ")
    values = [part.strip("*_` ") for part in parts[1:]]
    numbers = [value for value in values if _NUMBER.match(value)]
    if len(numbers) > 1:
        raise DataError(f"Line {number}: {name[:40]!r} has {len(numbers)} figures. Keep the column of one expert.")
    return name, (numbers or values)[0]


def share_of(value: str, number: int) -> float:
    """A figure as a share in [0, 1]; above 1 it is taken as a percentage.

    >>> share_of("72.5", 1), share_of("0.5 %", 1), share_of("0,725", 1)
    (0.725, 0.005, 0.725)

    Raises:
        DataError: It is no number from 0 to 100.
    """
    read = _NUMBER.match(value.strip())
    amount = float(read[1].replace(",", ".")) if read else -1.0
    share = amount / 100 if read and (read[2] or amount > 1) else amount
    if not 0 <= share <= 1:
        raise DataError(f"Line {number}: {value[:30]!r} is no score; write 0.725, 72.5 or 72.5 %, from 0 to 100 %.")
    return round(share, 6)


def match(name: str, known: Collection[str], number: int) -> str:
    """The benchmark meant by a name, whatever its spelling.

    Raises:
        DataError: None is; the nearest names are suggested.
    """
    plain = {_plain(one): one for one in known}
    wanted = _plain(name)
    if wanted in plain:
        return plain[wanted]
    close = difflib.get_close_matches(wanted, plain, n=3, cutoff=0.6)
    hint = f" Did you mean {' or '.join(plain[one] for one in close)}?" if close else ""
    raise DataError(f"Line {number}: no benchmark is called {name[:60]!r}.{hint} Leave out what is not in the list.")


def _plain(name: str) -> str:
    words = " ".join(re.findall(r"[a-z0-9]+", name.casefold().replace("(", " ")))
    words = re.sub(r"\b(\d+) ?shot\b|\b(cot|pass 1|em|accuracy|acc)\b", " ", words)
    words = " ".join(words.split())
    return _ALIASES.get(words, words).replace(" ", "")
