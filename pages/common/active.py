"""Which router is in force for this person: one they trained or imported, else the shipped one."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import streamlit as st

from pages.common import cached, names, person
from routing.errors import RoutingError
from routing.predictors import DEFAULT
from routing.recording import kept
from routing.workshop import places

FRESH_S: Final = 60.0  # another tab's change is seen after this
KEPT: Final = "active_router"
# Made by the router that was in force before.
DERIVED: Final = (
    *("own_experts", "own_routers", "own_router", "readings", "every_reading", "compare_suggested"),
    "policy_effects",
)


@dataclass(frozen=True, slots=True)
class Active:
    """The router in force and when that was read.

    Args:
        read_at: By the monotonic clock, in seconds.
        folder: Where its files lie; None for the shipped one.
        name: What its person calls it, also where its files are gone; empty for the shipped one.
        problem: Why the shipped router decides although another may be in force; empty where it is meant to.
    """

    read_at: float
    folder: Path | None
    name: str
    problem: str = ""


def now() -> Active:
    """What is in force, read at most once a minute; the shipped router where the store fails or files are gone."""
    found: Active | None = st.session_state.get(KEPT)
    if found is None or time.monotonic() - found.read_at > FRESH_S:
        fresh = _read(found)
        if found is not None and fresh.folder != found.folder:
            _forget_derived(fresh)
        st.session_state[KEPT] = found = fresh
    return found


def _read(before: Active | None) -> Active:
    """A database that fails for a moment changes nothing, once it was read."""
    try:
        with kept("Which router is in force"):
            mine = person.store().routers.active(person.owner())
    except RoutingError as problem:  # the shipped router needs no store
        if before is not None and not before.problem:
            return replace(before, read_at=time.monotonic())
        return Active(time.monotonic(), None, "", str(problem))
    if mine is None:
        return Active(time.monotonic(), None, "")
    if (folder := places.folder(person.owner(), mine.folder)).is_dir():
        return Active(time.monotonic(), folder, mine.name)
    return Active(time.monotonic(), None, mine.name, f"The files of {mine.name} are gone.")


def folder() -> Path | None:
    """Folder of the router in force; None for the shipped one."""
    return now().folder


def usable() -> list[str]:
    """Methods and policies that the router in force has, in the order of lists."""
    offered = cached.methods(folder())
    return [name for name in names.usable() if name in offered]


def changed() -> None:
    """Another router is in force: read it, and make anew what rests on it."""
    st.session_state.pop(KEPT, None)
    _forget_derived(now())


def _forget_derived(fresh: Active) -> None:
    for key in DERIVED:
        st.session_state.pop(key, None)
    if st.session_state.get("router") not in cached.methods(fresh.folder):
        st.session_state["router"] = DEFAULT
    if st.session_state.get("pool") not in cached.pools(fresh.folder):
        st.session_state.pop("pool", None)
