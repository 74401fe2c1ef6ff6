"""What a page says while an upload waits for others."""

import streamlit as st

from pages.common import person, show
from routing.workshop import uploads
from routing.workshop.children import Tell


def waiting(*mine: str) -> Tell:
    """A place on the page that says that something waits, and for which upload of this person if for one.

    Args:
        mine: Names of the files that wait here.
    """
    note, owner, here = st.empty(), person.owner(), " and ".join(mine)

    def tell(said: str) -> None:
        others = uploads.coming(owner)
        if here in others:
            others.remove(here)
        which = f" Yours among those read or waiting: {', '.join(others)}." if others else ""
        if said:
            note.caption(f":material/hourglass_top: {show.escape(said + which)}")
        else:
            note.empty()

    return tell
