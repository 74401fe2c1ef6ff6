"""Time to look for personal data in hostile text: how it grows with the length, and against as much prose."""

import time
from collections.abc import Mapping
from typing import Final

from routing import sensitive

Row = tuple[str, str, str]
LENGTHS: Final = (50_000, 100_000, 200_000)
PROSE: Final = "The quick brown fox jumps over 13 lazy dogs, and nobody knows why. "
ATTACKS: Final[Mapping[str, str]] = {
    **{unit: unit for unit in ("`", "@", "7", "a.", "-", "[", '"', "/", "=", "1/", " ", "\n", "ก", "😀", "\u0301")},
    **{unit: unit for unit in ("sk-", "eyJ", "eyJ.", "//", "://a:", "a@a.", "a@", "1-", "Ab ", "password is ", "//a/")},
    **{unit: unit for unit in ("awskey", "4111-", "born 1/1/1990 Aa Aa ", "DOB ", "NHS ", "xoxb-1-", "_authToken=")},
    "64 before each @": "`" * 64 + "@",
    "255 after each @": "a@" + "b." * 127,
    "MRN and spaces": "MRN" + " " * 2_000,
    "password and spaces": "password" + " " * 2_000,
    "date of birth and spaces": "date" + " " * 500 + "of" + " " * 500,
    "eyJ once": "eyJ" + "a" * 3_000,
    "npm and spaces": "_authToken=" + " " * 3_000,
}


def seconds(text: str) -> float:
    """Processor time of looking through a text, the least of three."""
    sensitive.find("")
    times = []
    for _ in range(3):
        started = time.process_time()
        sensitive.find(text)
        times.append(time.process_time() - started)
    return min(times)


def growth(unit: str) -> tuple[float, ...]:
    """Seconds for every length of ``LENGTHS``."""
    return tuple(seconds((unit * (length // len(unit) + 1))[:length]) for length in LENGTHS)


def rows() -> list[Row]:
    """The hostile text that takes longest, and the one whose time grows most."""
    prose = growth(PROSE)[-1]
    found = {name: growth(unit) for name, unit in ATTACKS.items()}
    slowest = max(found, key=lambda name: found[name][-1])
    steepest = max(found, key=lambda name: found[name][-1] / max(found[name][0], 1e-3))
    return [
        (
            f"Personal data in 200,000 hostile characters ({slowest!r} is slowest of {len(found)}), against prose",
            f"{found[slowest][-1] / prose:.1f} times",
            f"{found[slowest][-1] * 1e3:.0f} ms",
        ),
        (
            f"Personal data: time for four times the length ({steepest!r} grows most)",
            f"{found[steepest][-1] / max(found[steepest][0], 1e-3):.1f} times",
            f"{found[steepest][-1] * 1e3:.0f} ms",
        ),
    ]


if __name__ == "__main__":
    for name, unit in {"prose": PROSE, **ATTACKS}.items():
        print(f"{name!r:32}", *(f"{s * 1e3:8.1f} ms" for s in growth(unit)))
