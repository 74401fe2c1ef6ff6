"""Keys of one browser session: typed here, or found in secrets or the environment; never stored, never shown."""

import os
from collections.abc import Mapping

import streamlit as st

from pages.common import own, show
from pages.common.person import is_operator, secrets
from routing.addresses import SETTING, checked_address, private_allowed
from routing.errors import RoutingError
from routing.keys import ADDRESS_NAMES, KEY_NAMES, KeyRing, endpoint_key_name
from routing.own import addresses, compatible, priced, versions
from routing.schema import Expert

KEYS, ADDRESSES = "session_keys", "session_addresses"
SHARED_ADDRESSES = "addresses"
REJECTED = "addresses_that_want_a_key"


def ring() -> KeyRing:
    """The keys and own addresses that this browser session may use."""
    session: Mapping[str, str] = st.session_state.get(KEYS, {})
    found = secrets()
    shared = found.get(SHARED_ADDRESSES)
    # What whoever runs the app gave in secrets.toml is for everybody; an address typed here comes before it.
    given = {str(k): str(v) for k, v in shared.items()} if isinstance(shared, Mapping) else {}
    mine = own.mine().experts
    kept, typed = addresses(mine), st.session_state.get(ADDRESSES, {})
    # A kept address was typed by a visitor too, so no key but those typed here goes there, unless they run the app.
    foreign = {*typed} if is_operator() and private_allowed_here() else {*typed, *kept}
    return KeyRing(
        session=session,
        secrets=found,
        environ=os.environ,
        endpoints={**given, **kept, **typed},
        compatible={*typed, *compatible(mine), *(name for name in given if name not in kept)},
        versions=versions(mine),
        typed=frozenset(foreign),
        priced=priced(mine) - set(typed),
        allow_private=private_allowed_here(),
    )


def status_text(held: KeyRing, expert: Expert) -> str:
    """Whether an expert can be called, and what to add if not, in a few words."""
    status = held.status(expert)
    if status.is_usable:
        return status.text
    return f"add {' or '.join(status.names)}" if status.names else "no address known"


def private_allowed_here() -> bool:
    """On one's own machine yes; where the app serves a network only if whoever runs it says so."""
    setting = secrets().get(SETTING) or os.environ.get(SETTING)
    return private_allowed(setting, st.get_option("server.address"))


def form() -> None:
    """Fields for keys and own addresses; what is typed stays in this browser session.

    Each side is a form: outside one, a field hands over what was typed only when it is left, and a click that leaves
    the focus where it is would take an address without the key typed beside it.
    """
    with st.expander("Keys and own addresses", icon=":material/key:"):
        st.caption(
            "A key typed here lives in this browser session only. Keys in `.streamlit/secrets.toml` or in the "
            "environment are found by themselves. The expert on this machine needs none."
        )
        keys_column, address_column = st.columns(2, gap="large")
        with keys_column:
            with st.form("key_form", border=False, enter_to_submit=True):
                names = sorted({*(name for options in KEY_NAMES.values() for name in options), *ADDRESS_NAMES.values()})
                st.selectbox("Key for", names, key="key_name")
                st.text_input("Key", type="password", key="key_value", placeholder="Paste the key")
                st.form_submit_button("Use this key", key="key_use", on_click=_take_key)
            _listed(KEYS, "Key set for")
        with address_column:
            with st.form("address_form", border=False, enter_to_submit=True):
                experts = [e.name for e in own.catalog().experts if not e.is_local]
                st.selectbox("Own address for", experts, key="address_expert", format_func=lambda n: own.titles()[n])
                st.text_input("OpenAI-compatible address", key="address_value", placeholder="http://127.0.0.1:8000/v1")
                st.text_input("Its key, if it needs one", type="password", key="address_key")
                st.form_submit_button("Use this address", key="address_use", on_click=_take_address)
            if problem := st.session_state.pop("address_problem", None):
                st.warning(show.escape(problem))
            _listed(ADDRESSES, "Own address for")
            for name, address in addresses(own.mine().experts).items():
                st.caption(f"Own address for `{name}`: {show.code(address)}, kept with the expert on Experts.")
        if st.session_state.get(KEYS) or st.session_state.get(ADDRESSES):
            st.button(
                "Clear all", key="keys_clear", icon=":material/delete_sweep:", on_click=_clear,
                help="Forgets every key and address that was typed here.",
            )  # fmt: skip


def _listed(kind: str, text: str) -> None:
    for entry in sorted(st.session_state.get(kind, {})):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            shown = f": {st.session_state[kind][entry]}" if kind == ADDRESSES else ""
            st.caption(f"{text} `{entry}`{shown}", width="content")
            st.button("Forget", key=f"forget_{kind}_{entry}", type="tertiary", on_click=_forget, args=(kind, entry))


def _take_key() -> None:
    state = st.session_state
    if state["key_value"].strip():
        state[KEYS] = {**state.get(KEYS, {}), state["key_name"]: state["key_value"].strip()}
    state["key_value"] = ""


def _take_address() -> None:
    state = st.session_state
    try:
        address = checked_address(state["address_value"], allow_private=private_allowed_here())
    except RoutingError as problem:
        state["address_problem"] = str(problem)
        return
    state[ADDRESSES] = {**state.get(ADDRESSES, {}), state["address_expert"]: address}
    if state["address_key"].strip():
        name = endpoint_key_name(state["address_expert"])
        state[KEYS] = {**state.get(KEYS, {}), name: state["address_key"].strip()}
    state["address_value"] = state["address_key"] = ""


def _clear() -> None:
    """Forget all that was typed, in the fields too."""
    state = st.session_state
    for name in (KEYS, ADDRESSES, REJECTED, "address_problem"):
        state.pop(name, None)
    state["key_value"] = state["address_value"] = state["address_key"] = ""


def _forget(kind: str, entry: str) -> None:
    st.session_state[kind] = {k: v for k, v in st.session_state[kind].items() if k != entry}
