"""Widgets that several pages share: the prompt, the pool, weights and limits."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from pages.common import active, cached, names, own
from routing.objective import CONSTRAINTS
from routing.predictors import DEFAULT
from routing.schema import Preferences

ALL, OWN = "All experts", "My choice"
POOL_TITLES = {
    "frontier4": "Frontier, 4 experts",
    "knowledge10": "Knowledge, 10 experts",
    "clinical10": "Clinical, 10 experts",
    "open9": "Open weights, 9 experts",
    "strong-weak": "Strong and weak pair",
    "trained": "Experts it was trained on",
}
WEIGHTS = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0)
LIMITS: dict[str, tuple[float, ...]] = {
    "cost": tuple(m * 10.0**e for e in range(-5, 0) for m in (1, 2, 5)),
    "latency": (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0),
    "size": (1.0, 3.0, 8.0, 15.0, 35.0, 70.0, 150.0, 400.0, 700.0),
    "recency": (365.0, 540.0, 730.0, 900.0, 1095.0, 1460.0),
    "security": (0.0, 1.0, 2.0, 3.0),
    "verbosity": (20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0),
    "readability": (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0),
}
LIMIT_TITLES = {
    "cost": "Most cost per answer",
    "latency": "Most latency",
    "size": "Most parameters",
    "recency": "Most days since release",
    "security": "Highest security tier",
    "verbosity": "Most output tokens",
    "readability": "Least reading ease",
}
UNIT = {"latency": "s", "size": "B", "recency": "days", "security": "", "verbosity": "tokens", "readability": ""}


def prompt_box(*, height: int = 100) -> str:
    """The prompt, kept across pages, with examples to click.

    Returns:
        The text as typed, possibly empty.
    """
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption("Examples", width="content")
        for domain, texts in cached.examples().items():
            st.button(
                domain, key=f"example_{domain}", type="tertiary", on_click=_take_example, args=(domain, len(texts))
            )
    return st.text_area(
        "Prompt",
        key="prompt",
        height=height,
        placeholder="Type a prompt, or choose an example. Flags such as [Flag: cheap, max latency 5s] work too.",
        label_visibility="collapsed",
        persist_state="session",
    )


def _take_example(domain: str, count: int) -> None:
    turn = st.session_state.get(f"turn_{domain}", 0)
    st.session_state[f"turn_{domain}"] = (turn + 1) % count
    st.session_state["prompt"] = cached.examples()[domain][turn]


def pool_chooser() -> tuple[str, ...] | None:
    """Which experts are in question; None for all."""
    named = own.pools()
    options = [ALL, *named, OWN]
    if st.session_state.get("pool", ALL) not in options:
        st.session_state["pool"] = ALL
    chosen = st.selectbox(
        "Pool", options, key="pool", format_func=lambda p: POOL_TITLES.get(p, p), persist_state="session"
    )
    if chosen == ALL:
        return None
    if chosen in named:
        return tuple(named[chosen])
    known, titles, predicted = own.catalog().names, own.titles(), own.predicted()
    # A link or an earlier choice may name experts that are hidden or gone by now.
    chosen_before = st.session_state.get("own_pool", [])
    if lost := set(chosen_before) - set(known):
        st.session_state["own_pool"] = [n for n in chosen_before if n not in lost]
    picked = st.multiselect(
        "Experts",
        known,
        key="own_pool",
        format_func=lambda n: titles[n] if n in predicted else f"{titles[n]} (no predictions yet)",
        placeholder="Choose two or more",
        persist_state="session",
    )
    return tuple(picked) or None


def router_chooser() -> str:
    """Which router predicts or decides; the default unless somebody chooses."""
    return st.selectbox(
        "Router",
        active.usable(),
        key="router",
        format_func=names.grouped,
        persist_state="session",
        help="Every method and policy, judged on the Routers page. "
        + names.about(st.session_state.get("router", DEFAULT)),
    )


def panel() -> Preferences:
    """Pool, weights and limits as sliders; both ends of each are labelled."""
    pool = pool_chooser()
    weights_tab, limits_tab = st.tabs(["Weights", "Limits"])
    with weights_tab, st.container(gap="xxsmall", key="panel_weights"):
        weights = {name: _weight(name) for name in CONSTRAINTS}
    with limits_tab, st.container(gap="xxsmall", key="panel_limits"):
        limits = {name: _limit(name) for name in CONSTRAINTS}
    st.button("Reset", key="reset", icon=":material/restart_alt:", on_click=reset, width="stretch")
    return Preferences(
        weights={n: w for n, w in weights.items() if w > 0},
        limits={n: v for n, v in limits.items() if v is not None},
        pool=pool,
    )


def set_weight(name: str, value: float) -> None:
    """Move a weight's slider; for callbacks."""
    st.session_state[f"weight_{name}"] = value


def set_limit(name: str, value: float | None) -> None:
    """Move a limit's slider, None to lift the limit; for callbacks."""
    st.session_state[f"limit_{name}"] = value


def reset() -> None:
    """All weights to zero and all limits lifted."""
    for name in CONSTRAINTS:
        set_weight(name, 0.0)
        set_limit(name, None)


def _weight(name: str) -> float:
    constraint, key = CONSTRAINTS[name], f"weight_{name}"
    # A flip is exact, so its weight joins the steps of the slider.
    options = sorted({*WEIGHTS, float(st.session_state.get(key, 0.0))})
    value: float = st.select_slider(
        constraint.title,
        options,
        key=key,
        format_func=exactly,
        persist_state="session",
    )
    _ends(constraint.relaxed, constraint.strict)
    return value


def _limit(name: str) -> float | None:
    constraint, key = CONSTRAINTS[name], f"limit_{name}"
    current = st.session_state.get(key)
    steps = sorted({*LIMITS[name], *([] if current is None else [float(current)])})
    options: Sequence[float | None] = [None, *steps] if constraint.is_floor else [*steps, None]
    if key not in st.session_state:
        st.session_state[key] = None
    value: float | None = st.select_slider(
        LIMIT_TITLES[name],
        options,
        key=key,
        format_func=lambda v: "no limit" if v is None else limit_text(name, v),
        persist_state="session",
    )
    _ends(*(("No limit", "Strictest") if constraint.is_floor else ("Strictest", "No limit")))
    return value


def limit_text(name: str, value: float) -> str:
    """A limit with its unit."""
    if name == "cost":
        return f"${exactly(value)}"
    return f"{exactly(value)} {UNIT[name]}".strip()


def exactly(value: float) -> str:
    """The shortest text that reads back as the same number: two different settings never look alike."""
    return np.format_float_positional(value, trim="-")


def _ends(left: str, right: str) -> None:
    st.html(f'<div class="ends"><span>{left}</span><span>{right}</span></div>')
