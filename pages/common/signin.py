"""Optional sign-in by OpenID Connect: where secrets configure it, nobody sees anything before they have signed in."""

from typing import Final

import streamlit as st

from pages.common import person, show
from pages.common.person import AUTH, secrets
from routing.errors import RoutingError
from routing.ownership import take_over
from routing.recording import kept

ARRIVED: Final = "arrived"


def is_needed() -> bool:
    """Whether whoever runs the app wants people to sign in, and this person has not."""
    return AUTH in secrets() and not person.is_signed_in()


def form() -> None:
    """The only thing to see before signing in."""
    st.markdown("### Thalamus")
    st.caption("Which language model should answer which prompt? Sign in to use it; your runs are yours alone.")
    if getattr(st.user, "is_logged_in", False):
        st.error("Your sign-in provider does not say who you are (iss and sub), so nothing can be kept for you.")
        st.button("Sign out", key="sign_out", on_click=st.logout)
        return
    st.button("Sign in", key="sign_in", type="primary", icon=":material/login:", on_click=st.login)


def out() -> None:
    """A way to sign out, in the sidebar, where somebody is signed in."""
    if AUTH not in secrets():
        return
    arrive()
    who = person.signed_in()
    with st.sidebar:
        st.caption(show.escape(who.email or str(st.user.get("name") or who.subject)))
        st.button("Sign out", key="sign_out", type="tertiary", icon=":material/logout:", on_click=st.logout)


def arrive() -> None:
    """Once a browser session: remember who signed in, and give them what was kept under their verified e-mail."""
    who = person.signed_in()
    if st.session_state.get(ARRIVED) == who.owner:
        return
    try:
        with kept("Who signed in"):
            store = person.store()
            store.people.seen(who)
            taken = take_over(store, who.email, who) if who.email else 0
    except RoutingError:  # every page that needs the database says what is wrong; the next draw tries again
        return
    st.session_state[ARRIVED] = who.owner
    if taken:
        st.toast(f"What was kept under {show.escape(who.email)} is yours: {taken:,} entries.", icon=":material/person:")
