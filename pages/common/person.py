"""Who is at the browser, what whoever runs the app configured, and the database that keeps what is this person's."""

import secrets as randomness
from typing import Final

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from pages.common import cached
from routing.errors import StoreError
from routing.store import Person, Place, Store
from routing.store.engine import default_url

AUTH: Final = "auth"
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def is_signed_in() -> bool:
    """Whether somebody signed in, and their provider said who."""
    # Streamlit gives the attribute only where its own secrets configure sign-in.
    return bool(getattr(st.user, "is_logged_in", False)) and bool(_claim("iss") and _claim("sub"))


def signed_in() -> Person:
    """Who signed in; their e-mail only where the provider says that it has verified it."""
    # The standard says true; some providers write "true".
    is_verified = st.user.get("email_verified") is True or st.user.get("email_verified") == "true"
    email = _claim("email") if is_verified else ""
    # Nothing that looks like an owner counts as an address.
    return Person(_claim("iss"), _claim("sub"), email if "@" in email and not email.startswith("[") else "")


def _claim(name: str) -> str:
    value = st.user.get(name)
    return value if isinstance(value, str) else ""


def owner() -> str:
    """Under which name this person's things are kept; empty where nobody signs in.

    Raises:
        StoreError: People sign in here, and this person signed out in another tab.
    """
    if is_signed_in():
        return signed_in().owner
    if AUTH in secrets():
        raise StoreError("You are signed out. Load the page anew and sign in.")
    return ""


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
    return cached.store(default_url(secrets()))
