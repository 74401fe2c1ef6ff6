"""What every page that decides or asks shares: whose runs they are, the store, and what stored runs teach."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from pages.common import keys
from pages.common.person import owner, place, store
from routing.errors import RoutingError
from routing.insights import paces as paces_of
from routing.recording import kept
from routing.router import Reading, Routed, Router
from routing.schema import Pace, Preferences

__all__ = ["STARTED", "changed", "decided", "moment", "owner", "paces", "place", "shifts", "store", "taught"]

NEWEST: Final = 300  # runs that say how fast experts answer now
FRESH_S: Final = 60.0
STARTED: Final = datetime.now(UTC)  # a run of this process that is not finished is still being answered


@dataclass(frozen=True, slots=True)
class _Learned:
    """What the stored runs of this person say, and when they were read."""

    read_at: float
    paces: Mapping[str, Pace]
    shifts: Mapping[str, float]
    at_own_address: frozenset[str]


def changed() -> None:
    """Something was kept, judged, applied or deleted: what stored runs teach is read again."""
    st.session_state.pop("learned", None)


def paces() -> Mapping[str, Pace]:
    """How fast experts answered this person; nothing where the store fails."""
    return _learned().paces


def shifts() -> Mapping[str, float]:
    """What an applied adjustment adds to predicted scores, in log odds; nothing where none is."""
    return _learned().shifts


def _learned() -> _Learned:
    found: _Learned | None = st.session_state.get("learned")
    elsewhere = keys.ring().unpriced
    if found is None or found.at_own_address != elsewhere or time.monotonic() - found.read_at > FRESH_S:
        try:
            mine, here = owner(), store()
            with kept("What was measured"):
                runs = here.runs.all(mine, limit=NEWEST)
                measured, applied = paces_of(runs, elsewhere), here.adjustments.shifts(mine)
            found = _Learned(time.monotonic(), measured, applied, elsewhere)
        except RoutingError:  # Compare and History say what is wrong; a decision needs none of it
            found = _Learned(time.monotonic(), {}, {}, elsewhere)
        st.session_state["learned"] = found
    return found


def decided(router: Router, reading: Reading, wanted: Preferences) -> Routed:
    """Decide with the paces measured here and the adjustment that this person applied.

    Raises:
        PreferenceError: A weight or limit that cannot be used.
        CatalogError: The pool is empty or names an unknown expert.
    """
    return router.decide(reading, wanted, paces=paces(), shifts=shifts())


def taught(routed: Routed) -> str:
    """Which predictions rest on what was measured or judged here, as a sentence; empty where none does."""
    options = routed.decision.options
    shown = set(options.experts)
    lengths = dict(zip(options.experts, options.values["verbosity"], strict=True))
    known = {name: pace for name, pace in paces().items() if name in shown}
    measured = [pace.n for name, pace in known.items() if pace.latency_of(float(lengths[name])) is not None]
    parts = []
    if measured:
        answers = f"{sum(measured):,} answer{'s' if sum(measured) != 1 else ''}"
        parts.append(f"The latency of {len(measured)} of {len(shown)} experts comes from {answers} measured here.")
    if any(shift != 0 for name, shift in shifts().items() if name in shown):
        parts.append("Predicted scores hold an adjustment that you applied (History, Learning).")
    return " ".join(parts)


def moment(when: datetime) -> str:
    """A moment in the time zone of the browser; the store keeps universal time."""
    try:
        zone = ZoneInfo(str(st.context.timezone))
    except (ZoneInfoNotFoundError, ValueError):
        return f"{when:%d %b %Y, %H:%M} UTC"
    return f"{when.astimezone(zone):%d %b %Y, %H:%M}"
