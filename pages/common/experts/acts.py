"""What a click on the Experts page does: show another part of the page, or keep something about an expert."""

from collections.abc import Callable
from functools import partial
from typing import Final

import streamlit as st

from pages.common import own, person, show
from routing.errors import CatalogError, RoutingError
from routing.own import OwnExpert
from routing.recording import kept
from routing.store.experts import OwnExperts

PART, OPEN, START = "experts_part", "experts_open", "experts_start"
LIST: Final = "list"


def go(part: str, name: str | None = None) -> None:
    """Show a part of the page, about one expert where a name is given; for callbacks."""
    st.session_state[PART], st.session_state[OPEN] = part, name
    if part != "form":
        st.session_state.pop(START, None)


def part() -> tuple[str, str | None]:
    """The part of the page to show, and whom it is about."""
    return st.session_state.get(PART, LIST), st.session_state.get(OPEN)


def start_from(one: OwnExpert) -> None:
    """Open the form for a new expert with these facts; for callbacks."""
    go("form")
    st.session_state[START] = one


def back(name: str | None = None) -> None:
    """A button to the list, or to one expert."""
    label, target = ("All experts", LIST) if name is None else (own.titles()[name], "one")
    st.button(
        label, key="experts_back", icon=":material/arrow_back:", type="tertiary", on_click=go, args=(target, name)
    )


def keep(write: Callable[[OwnExperts, str], None], done: str) -> bool:
    """Keep a change, and say so or why not."""
    try:
        with kept("The expert"):
            write(person.store().experts, person.owner())
    except RoutingError as problem:
        st.toast(show.escape(str(problem)), icon=":material/error:")
        return False
    own.changed()
    st.toast(done, icon=":material/check:")
    return True


def save(one: OwnExpert, done: str) -> bool:
    """Keep a checked expert."""
    return keep(lambda experts, owner: experts.save(one, owner), done)


def hide(name: str) -> None:
    """Let an expert take part nowhere; for callbacks."""
    if set(own.catalog().names) <= {name}:
        st.toast(str(CatalogError("One expert must stay. Show another before you hide this one.")))
        return
    title = show.escape(own.titles()[name])
    if keep(lambda experts, owner: experts.hide(name, owner), f"{title} is hidden."):
        go("one", name)


def unhide(name: str) -> None:
    """Let a hidden expert take part again; for callbacks."""
    title = show.escape(own.titles()[name])
    keep(lambda experts, owner: experts.show(name, owner), f"{title} takes part again.")


def remove(name: str) -> None:
    """Forget what is kept about an expert; for callbacks."""
    title, is_added = show.escape(own.titles()[name]), name in own.mine().added
    done = f"{title} is removed." if is_added else f"{title} is as shipped again."
    if keep(partial(_remove, name), done):
        go(*((LIST, None) if is_added else ("one", name)))


def _remove(name: str, experts: OwnExperts, owner: str) -> None:
    experts.remove(name, owner)
