"""Optional sign-in by OpenID Connect: where secrets configure it, nobody sees anything before they have signed in."""

import streamlit as st

from pages.common.person import AUTH, secrets


def is_needed() -> bool:
    """Whether whoever runs the app wants people to sign in, and this person has not."""
    return AUTH in secrets() and not _is_signed_in()


def _is_signed_in() -> bool:
    # Streamlit gives the attribute only where its own secrets configure sign-in.
    return bool(getattr(st.user, "is_logged_in", False))


def form() -> None:
    """The only thing to see before signing in."""
    st.markdown("### Thalamus")
    st.caption("Which language model should answer which prompt? Sign in to use it; your runs are yours alone.")
    st.button("Sign in", key="sign_in", type="primary", icon=":material/login:", on_click=st.login)


def out() -> None:
    """A way to sign out, in the sidebar, where somebody is signed in."""
    if AUTH in secrets() and _is_signed_in():
        with st.sidebar:
            st.caption(str(st.user.get("email") or st.user.get("name") or "Signed in"))
            st.button("Sign out", key="sign_out", type="tertiary", icon=":material/logout:", on_click=st.logout)
