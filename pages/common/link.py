"""Share links: weights, limits, pool and axes in the address; the prompt only when ticked; never a key."""

from collections.abc import Callable
from urllib.parse import urlencode

import streamlit as st

from pages.common import active, controls, own, show
from routing.objective import CONSTRAINTS, MAX_WEIGHT
from routing.predictors import DEFAULT

AXES = frozenset({*CONSTRAINTS, "score"})
CHOICES = {"axis_x": "cost", "axis_y": "score", "sweep_constraint": "cost", "router": DEFAULT}
SWITCHES = {"axis_log": True, "axis_reverse": False}
MAX_PROMPT = 4000


def take_over() -> None:
    """Take the state of a share link over, once per browser session; what cannot be read is said and skipped."""
    if st.session_state.get("link_taken"):
        return
    st.session_state["link_taken"] = True
    problems = [note for name, value in st.query_params.items() if (note := _take(name, value)) is not None]
    for note in problems:
        st.toast(show.escape(note), icon=":material/link_off:")


def _take(name: str, value: str) -> str | None:
    kind, _, constraint = name.partition("_")
    if name in SWITCHES:
        st.session_state[name] = value == "1"
        return None
    readers: dict[str, Callable[[], object]] = {
        "weight": lambda: _number(constraint, value, MAX_WEIGHT),
        "limit": lambda: _number(constraint, value, float("inf")),
        "axis": lambda: _one_of(value, AXES),
        "sweep": lambda: _one_of(value, frozenset(CONSTRAINTS)),
    }
    if name == "prompt":
        st.session_state["prompt"] = value[:MAX_PROMPT]
        return None
    if name in {"router", "pool"}:
        return _take_router(value) if name == "router" else _take_pool(value)
    if kind not in readers or (kind in {"axis", "sweep"} and name not in {"axis_x", "axis_y", "sweep_constraint"}):
        return None
    try:
        st.session_state[name] = readers[kind]()
    except ValueError:
        return f"The link says {name}={value[:40]}, which cannot be used, so it was left out."
    return None


def _number(constraint: str, value: str, most: float) -> float:
    if constraint not in CONSTRAINTS or not 0 <= float(value) <= most or float(value) == float("inf"):
        raise ValueError
    return float(value)


def _one_of(value: str, allowed: frozenset[str]) -> str:
    if value not in allowed:
        raise ValueError
    return value


def _take_router(value: str) -> str | None:
    if value not in active.usable():
        return f"The link names the router {value[:40]!r}, which is not known here, so the default is used."
    st.session_state["router"] = value
    return None


def _take_pool(value: str) -> str | None:
    if value in own.pools() or value == controls.ALL:
        st.session_state["pool"] = value
        return None
    names = [n for n in value.split(",") if n in own.catalog().names]
    if not names:
        return f"The link names the pool {value[:40]!r}, which is not known here, so all experts are shown."
    st.session_state["pool"], st.session_state["own_pool"] = controls.OWN, names
    lost = [n for n in value.split(",") if n not in names]
    return f"The link names {lost[0][:40]!r}, which is not known here, so it was left out." if lost else None


def query(*, with_prompt: bool) -> str:
    """The state of this browser session as a query string; defaults are left out."""
    state = st.session_state
    found: dict[str, str] = {}
    for name in CONSTRAINTS:
        if weight := state.get(f"weight_{name}"):
            found[f"weight_{name}"] = f"{weight!r}"
        if (limit := state.get(f"limit_{name}")) is not None:
            found[f"limit_{name}"] = f"{limit!r}"
    pool = state.get("pool", controls.ALL)
    if pool != controls.ALL:
        found["pool"] = ",".join(state.get("own_pool", [])) if pool == controls.OWN else pool
    found |= {key: str(int(state[key])) for key, usual in SWITCHES.items() if state.get(key, usual) != usual}
    found |= {key: state[key] for key, usual in CHOICES.items() if state.get(key, usual) != usual}
    if with_prompt and state.get("prompt"):
        found["prompt"] = state["prompt"][:MAX_PROMPT]
    return urlencode({k: v for k, v in found.items() if v})


def share() -> None:
    """A popover with the link to copy."""
    with st.popover("Share", icon=":material/link:", key="share", width="stretch"):
        st.caption("Opens this page with the same pool, weights, limits and axes. Keys are never in a link.")
        if active.folder() is not None:
            st.caption("Nor is your own router: whoever opens it sees what theirs decides. Export yours on Train.")
        with_prompt = st.checkbox("Include the prompt", key="share_prompt")
        if with_prompt and len(st.session_state.get("prompt", "")) > MAX_PROMPT:
            st.caption(f"Only the first {MAX_PROMPT:,} characters of the prompt fit into a link.")
        address = str(st.context.url or "").split("?")[0]
        st.code(f"{address}?{query(with_prompt=with_prompt)}", language=None, wrap_lines=True)
