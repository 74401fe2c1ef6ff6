"""Which expert should answer this prompt, and why?"""

from collections.abc import Callable

import streamlit as st

from pages.common import active, asking, cards, controls, heat, link, look, own, picks, show, tables
from routing import figures
from routing.errors import RoutingError
from routing.objective import CONSTRAINTS
from routing.predictors import DEFAULT
from routing.router import Reading, Routed
from routing.schema import Preferences

AXES = ("cost", "latency", "size", "recency", "security", "verbosity", "readability", "score")


def page() -> None:
    """Prompt on top; everything that moves with a slider in one fragment below."""
    look.apply()
    st.markdown("### Which expert should answer this prompt?")
    prompt = controls.prompt_box()
    reading = show.reading_of(prompt)
    if reading is None:
        return
    show.flags(reading)
    live(prompt, reading)


@st.fragment
def live(prompt: str, usual: Reading) -> None:
    """Controls and all that depends on them; runs alone when a slider moves."""
    with st.container(key="live"):
        left, right = st.columns([1, 2.6], gap="large")
    with left:
        wanted = controls.panel()
        name = controls.router_chooser()
        link.share()
    with right:
        reading = usual if name == DEFAULT else show.reading_of(prompt, name)
    if reading is None:
        return
    try:
        routed = asking.decided(cards.router(name), reading, wanted)
    except RoutingError as problem:
        right.warning(str(problem))
        return
    with right:
        show.sensitive_hint(reading)
        show.pick(routed)
        show.flip_line(routed)
        chart(routed)
        show.footnote(routed)
        tables.unpredicted(routed)
        tables.onboarded(routed)
        if learnt := asking.taught(routed):
            st.caption(learnt)
    details(prompt, wanted, routed)


def chart(routed: Routed) -> None:
    """The front for this prompt, on axes of choice."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        x_name = st.selectbox("Across", AXES, key="axis_x", format_func=axis_title, persist_state="session", width=150)
        y_name = st.selectbox(
            "Up", AXES, index=len(AXES) - 1, key="axis_y", format_func=axis_title, persist_state="session", width=150
        )
        is_log = st.toggle("Log scale", value=True, key="axis_log", persist_state="session")
        is_reversed = st.toggle("Reverse", key="axis_reverse", persist_state="session")
    if x_name == y_name:
        st.caption("Both axes show the same thing. Choose two different ones.")
        return
    log_x, log_y = (is_log and name in figures.LOG_AXES for name in (x_name, y_name))
    x, y = figures.Axis(x_name, log_x, is_reversed), figures.Axis(y_name, log_y)
    if why := figures.nowhere(routed.decision, x, y, {name: axis_title(name) for name in AXES}):
        st.info(show.escape(why), icon=":material/info:")
        return
    figure = figures.front(routed.decision, own.titles(), x, y)
    st.plotly_chart(figure, key="route_front", config=figures.CONFIG, width="stretch")
    show.apart(routed, (x_name, y_name))


def axis_title(name: str) -> str:
    """An axis by its name for people."""
    return "Predicted score" if name == "score" else CONSTRAINTS[name].title


def details(prompt: str, wanted: Preferences, routed: Routed) -> None:
    """Everything behind the pick: all numbers, the objective, other routers, words, the flags that can be written."""
    tabs: dict[str, Callable[[], None]] = {
        "All experts": lambda: tables.numbers_table(routed),
        "Objective": lambda: objective_bars(routed),
        "What would flip it": lambda: tables.flip_table(routed),
        "Which router picks what": lambda: picks.picks(prompt, wanted, routed),
    }
    if heat.NAME in active.usable():
        tabs["Token heat map"] = lambda: heat.heat(prompt, wanted)
    tabs["Flags"] = show.flag_help
    # Only the open tab is drawn, so that a slider is answered at once.
    for tab, draw in zip(st.tabs(list(tabs), key="route_tabs", on_change="rerun"), tabs.values(), strict=True):
        if tab.open:
            with tab:
                draw()


def objective_bars(routed: Routed) -> None:
    """The objective taken apart, for the best experts."""
    if routed.decision.pick is None:
        st.caption("No expert is feasible, so there is no objective to compare.")
        return
    st.plotly_chart(figures.objective(routed.decision, own.titles()), key="route_objective", config=figures.CONFIG)


page()
