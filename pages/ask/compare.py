"""What do they really answer, side by side?"""

import streamlit as st

from pages.common import answers, cached, controls, keys, link, look, show
from routing import figures
from routing.answer import same_request
from routing.answer_client import Settings
from routing.catalog import beyond_tier
from routing.comparison import Comparison
from routing.errors import RoutingError
from routing.router import Reading, Routed

MOST = 6
REDRAW_S = 0.4


def page() -> None:
    """Choose experts, ask them, see the answers arrive, and see what the predictions were worth."""
    look.apply()
    cached.warm_up()
    st.markdown("### What do they really answer, side by side?")
    reading = show.reading_of(controls.prompt_box())
    if reading is None:
        keys.form()
        return
    show.flags(reading)
    with st.expander("Pool, weights and limits", icon=":material/tune:"):
        wanted = controls.panel()
        link.share()
    show.sensitive_hint(reading)
    keys.form()
    try:
        routed = cached.router().decide(reading, wanted, paces=answers.paces())
    except RoutingError as problem:
        st.warning(str(problem))
        return
    chosen = chooser(routed)
    ask(reading, routed, chosen)
    run: Comparison | None = st.session_state.get("comparison")
    if run is None:
        st.info("Choose up to six experts and ask them. The one on this machine needs no key.", icon=":material/forum:")
        return
    if run.prompt != reading.prompt:
        st.caption(":material/history: These answers belong to the prompt asked before. Ask again for the one above.")
    # In a container of its own, so that a late redraw never touches what follows.
    with st.container():
        st.fragment(watch, run_every=REDRAW_S if run.is_running else None)(run)
    if not run.is_running and run.prompt == reading.prompt:
        arrows(st.session_state["compared"], run)


def chooser(routed: Routed) -> list[str]:
    """Up to six experts; the pick and its runner-ups are preselected, with one that runs here if a key is missing."""
    decision, ring, catalog = routed.decision, keys.ring(), cached.catalog()
    suggested = list(decision.order[:3])
    if not all(ring.status(catalog[name]).is_usable for name in suggested):
        here = [e.name for e in catalog.experts if e.is_local and answers.is_installed(e)]
        suggested += [name for name in here if name in decision.options.experts and name not in suggested]
    # A new prompt or new sliders bring a new suggestion; a choice made by hand stays.
    if st.session_state.get("compare_suggested") != suggested and not st.session_state.get("compare_by_hand"):
        st.session_state["compare_experts"] = suggested
        st.session_state["compare_suggested"] = suggested
    known = set(decision.options.experts)
    if not known & set(st.session_state.get("compare_experts", [])):
        st.session_state["compare_by_hand"] = False
        st.session_state["compare_experts"] = suggested
    st.session_state["compare_experts"] = [n for n in st.session_state.get("compare_experts", []) if n in known]
    chosen: list[str] = st.multiselect(
        "Experts",
        decision.options.experts,
        key="compare_experts",
        format_func=lambda n: cached.titles()[n],
        max_selections=MOST,
        placeholder="Choose up to six",
        on_change=_by_hand,
        persist_state="session",
    )
    return chosen


def _by_hand() -> None:
    st.session_state["compare_by_hand"] = bool(st.session_state["compare_experts"])


def ask(reading: Reading, routed: Routed, chosen: list[str]) -> None:
    """The button, what it will cost, and how to answer."""
    run: Comparison | None = st.session_state.get("comparison")
    busy = run is not None and run.is_running
    tier = routed.decision.preferences.limits.get("security", 3.0)
    far = beyond_tier((cached.catalog()[name] for name in chosen), tier)
    if far:
        names = ", ".join(e.title for e in far)
        st.warning(
            f"This prompt is limited to security tier {tier:g}, and {names} is beyond it. Remove it, or the limit."
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        go = st.button(
            "Ask", key="compare_ask", type="primary", icon=":material/send:", disabled=busy or not chosen or bool(far)
        )
        if st.button("Stop all", key="compare_stop", icon=":material/stop:", disabled=not busy) and run is not None:
            run.stop()
        with st.popover("Settings", icon=":material/settings:"):
            longest, temperature, timeout = settings_form()
        answers.expected_cost(routed, chosen, longest)
    if go:
        settings = Settings(max_tokens=longest, temperature=temperature, timeout_s=timeout)
        experts = [cached.catalog()[name] for name in chosen]
        st.session_state["comparison"] = Comparison(same_request(experts, reading.prompt, settings), keys.ring())
        st.session_state["compared"] = routed
        st.rerun()


def settings_form() -> tuple[int, float, float]:
    """Longest answer in tokens, temperature, and seconds allowed; kept across pages."""
    longest = st.number_input(
        "Longest answer (tokens)", 16, 8192, 512, 16, key="compare_tokens", persist_state="session"
    )
    temperature = st.slider("Temperature", 0.0, 2.0, 0.0, 0.1, key="compare_temperature", persist_state="session")
    timeout = st.number_input("Time allowed (seconds)", 5, 600, 60, 5, key="compare_timeout", persist_state="session")
    return int(longest), temperature, float(timeout)


def watch(run: Comparison) -> None:
    """The columns, drawn again while answers arrive."""
    routed: Routed = st.session_state["compared"]
    was_running = run.is_running
    columns = run.columns()
    per_row = len(columns) if len(columns) <= 3 else 2 if len(columns) == 4 else 3
    for start in range(0, len(columns), per_row):
        row = columns[start : start + per_row]
        for place, column in zip(st.columns(per_row), row, strict=False):
            with place:
                answers.card(column, routed, on_stop=run.stop)
    if not was_running and st.session_state.get("compare_drawn") is not run:
        st.session_state["compare_drawn"] = run
        answers.remember_seconds(columns)
        st.rerun()


def arrows(routed: Routed, run: Comparison) -> None:
    """Predicted against measured, on the front."""
    measured = answers.measured(run.columns())
    if not measured:
        return
    st.markdown("#### What the predictions were worth")
    axes = ["latency", "verbosity", "cost"]
    drawable = [a for a in axes if answers.has_arrow(routed, measured, a)]
    axis = st.segmented_control(
        "Axis", axes, default=(drawable or axes)[0], key="compare_axis", label_visibility="collapsed"
    )
    x, y = figures.Axis(axis or axes[0], is_log=True), figures.Axis("score")
    figure = figures.front(routed.decision, cached.titles(), x, y, measured)
    st.plotly_chart(figure, key="compare_front", config=figures.CONFIG)
    if x.name in drawable:
        st.caption(f"Arrows lead from the predicted to the measured {x.name}. Asking once does not measure a score.")
    else:
        st.caption(f"No arrow: the predicted or the measured {x.name} of these answers is unknown or zero.")
    answers.table(run.columns(), run.prompt)


page()
