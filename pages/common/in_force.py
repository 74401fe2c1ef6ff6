"""Which router decides, said on every page where it is not the shipped one, and the way back."""

import streamlit as st

from pages.common import active, person, show
from routing.errors import RoutingError
from routing.recording import kept


def notice() -> None:
    """The router in force and a button to the shipped one; nothing where the shipped one is in force."""
    force = active.now()
    if force.folder is None and not force.problem:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="in_force"):
        if force.folder is None:
            said = f"The shipped router decides. {show.escape(force.problem)}"
            st.caption(f":material/warning: {said}", width="content")
        else:
            st.badge(show.escape(force.name), icon=":material/model_training:", color="violet")
            st.caption("A router of your own decides.", width="content")
        if force.name:
            st.button(
                "Back to the shipped router" if force.folder else "Keep the shipped router", key="in_force_back",
                type="tertiary", icon=":material/undo:", on_click=put, args=(None,),
            )  # fmt: skip


def put(router_id: int | None) -> None:
    """Make a router the one that every page asks, None for the shipped one; for callbacks."""
    try:
        with kept("Which router is in force"):
            person.store().routers.activate(person.owner(), router_id)
    except RoutingError as problem:
        st.toast(show.escape(str(problem)), icon=":material/error:")
    active.changed()
