"""What did I run, spend and vote?"""

import streamlit as st

from pages.common import columns, look, show
from pages.common.history import insight, learning, listing, one
from routing.errors import RoutingError


def page() -> None:
    """Stored runs, and what they teach."""
    look.apply()
    columns.style()
    st.markdown("### What did I run, spend and vote?")
    parts = {
        "Runs": runs,
        "Predictions": insight.predictions,
        "Votes": insight.votes,
        "Spend": insight.spend,
        "Learning": learning.learning,
    }
    for tab, draw in zip(st.tabs(list(parts), key="history_tabs", on_change="rerun"), parts.values(), strict=True):
        # Only the open tab is drawn, so that the others cost nothing.
        if tab.open:
            with tab:
                try:
                    draw()
                except RoutingError as problem:
                    st.warning(show.escape(str(problem)), icon=":material/database_off:")


def runs() -> None:
    """The list, or the run that is open."""
    opened: str | None = st.session_state.get("history_open")
    if opened is None:
        listing.listing()
        return
    try:
        one.one(opened)
    except RoutingError as problem:
        st.session_state["history_open"] = None
        st.warning(show.escape(str(problem)))
        listing.listing()


page()
