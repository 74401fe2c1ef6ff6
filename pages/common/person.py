"""Who is at the browser, what whoever runs the app configured, and the database that keeps what is this person's."""

import secrets as randomness
import time
from typing import Final

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from pages.common import cached
from routing.errors import StoreError
from routing.store import Place, Store
from routing.store.engine import default_url

AUTH: Final = "auth"
AGAIN_S: Final = 30.0  # a database that could not be opened is tried again after this
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def owner() -> str:
    """The e-mail of the signed-in person; empty where nobody signs in."""
    if not getattr(st.user, "is_logged_in", False):
        return ""
    return str(st.user.get("email") or st.user.get("sub") or "")


def place() -> Place:
    """Whose runs, and the random name of this browser session."""
    return Place(owner(), st.session_state.setdefault("browser", randomness.token_hex(12)))


def secrets() -> dict[str, object]:
    """What ``.streamlit/secrets.toml`` holds; nothing where there is none."""
    try:
        return dict(st.secrets.to_dict())
    except StreamlitSecretNotFoundError:
        return {}


def is_operator() -> bool:
    """Whether this person surely runs the app: it serves its own machine only, and nobody signs in."""
    return AUTH not in secrets() and st.get_option("server.address") in LOOPBACK


def store() -> Store:
    """The open database.

    Raises:
        StoreError: It cannot be used.
    """
    failed: tuple[float, str] | None = st.session_state.get("store_failed")
    if failed is not None and time.monotonic() - failed[0] < AGAIN_S:
        raise StoreError(failed[1])
    try:
        return cached.store(default_url(secrets()))
    except StoreError as problem:
        st.session_state["store_failed"] = (time.monotonic(), str(problem))
        raise
