"""Which router is in force for this person: one they trained or imported, else the shipped one."""

import time
from dataclasses import dataclass
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
DERIVED: Final = ("own_experts", "own_routers", "own_router", "readings", "every_reading", "compare_suggested")


@dataclass(frozen=True, slots=True)
class Active:
    """The router in force and when that was read; ``folder`` is None for the shipped one."""

    read_at: float
    folder: Path | None
    name: str


def now() -> Active:
    """What is in force, read at most once a minute; the shipped router where the store fails or files are gone."""
    found: Active | None = st.session_state.get(KEPT)
    if found is None or time.monotonic() - found.read_at > FRESH_S:
        fresh = _read()
        if found is not None and fresh.folder != found.folder:
            _forget_derived(fresh)
        st.session_state[KEPT] = found = fresh
    return found


def _read() -> Active:
    try:
        with kept("Which router is in force"):
            mine = person.store().routers.active(person.owner())
        if mine is not None and (folder := places.folder(person.owner(), mine.folder)).is_dir():
            return Active(time.monotonic(), folder, mine.name)
    except RoutingError:  # the Train page says it; the shipped router needs no store
        pass
    return Active(time.monotonic(), None, "")


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
