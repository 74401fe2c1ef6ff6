"""How measures are told in sentences: shares, and what the interval of a gain decides."""

import math
from typing import Final, Literal

import numpy as np

WORTH: Final = 0.01
"""A gain in mean score below which routing changes nothing that anybody would notice: one answer in a hundred."""
FEWEST_MORE: Final = 10

Told = Literal["gain", "none", "open"]


def money(cost_usd: float) -> str:
    """Dollars with as many digits as the amount needs; unknown stays unknown.

    >>> money(0.0012345), money(1234.5), money(float("nan"))
    ('$0.0012', '$1,234.50', 'unknown')
    """
    if not np.isfinite(cost_usd):
        return "unknown"
    if cost_usd == 0:
        return "$0"
    if cost_usd >= 1:
        return f"${cost_usd:,.2f}"
    return "$" + np.format_float_positional(cost_usd, precision=2, fractional=False, trim="-")


def percent(share: float, form: str = ".0f") -> str:
    """A share as prose writes it, 28 % for 0.28; the space never breaks a line."""
    return f"{share * 100:{form}}\u00a0%"


def told(low: float, high: float) -> Told:
    """What the interval of a gain says: a gain above 0, none that matters, or neither yet.

    Args:
        low: Lower end; NaN tells nothing.
        high: Upper end; a gain below ``WORTH`` does not matter.
    """
    if low > 0:
        return "gain"
    return "none" if high <= 0 or high < WORTH else "open"


def more_needed(count: int, gain: float, low: float, high: float) -> int:
    """About how many more prompts would decide an open question, if the gain stays as it is.

    An interval narrows with the square root of the number of prompts. It has decided when it lies above 0, or when its
    upper end lies below ``WORTH``, whichever comes first.

    Args:
        count: Prompts that the interval rests on.
        gain: The gain that was measured.
        low: Lower end of its interval.
        high: Upper end.

    >>> more_needed(100, 0.02, -0.02, 0.06)
    300
    """
    half = (high - low) / 2
    needed = count * (half / max(gain, WORTH - gain)) ** 2
    return max(FEWEST_MORE, int(float(f"{needed - count:.2g}"))) if math.isfinite(needed) else FEWEST_MORE
