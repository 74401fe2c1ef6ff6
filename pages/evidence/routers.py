"""How good are the routers, against random, best single and the oracle?"""

import streamlit as st

from pages.common import active, cached, controls, look, names, own, show
from pages.common.evidence import flows, limits, scores, trust
from pages.common.evidence.exhibit import View
from routing.errors import RoutingError
from routing.figures.evidence import board, verdict
from routing.figures.evidence.looks import looks
from routing.predictors import DEFAULT

BASELINE = "baseline"  # a step of the ladder, which every figure shows anyway
TABS = {
    "Leaderboard": scores.leaderboard,
    "Cost and quality": scores.cost_and_quality,
    "Calibration": trust.calibration,
    "Where prompts go": flows.flows,
    "Held-out": limits.held_out,
    "Controls and limits": limits.controls,
    "Difficulty and skills": trust.difficulty,
}


def page() -> None:
    """Which evidence there is, or a calm sentence where there is none."""
    look.apply()
    st.markdown("### How good are the routers, against random, best single and the oracle?")
    try:
        found = cached.evidence()
    except RoutingError as problem:
        st.info(str(problem), icon=":material/info:")
        return
    st.caption(
        f"Measured outcomes of the {found.split} split, {found.n_prompts:,} prompts that no router was trained on; "
        f"stored on {found.date} by `python -m routing report`."
    )
    if (force := active.now()).folder is not None:
        st.caption(
            f":material/info: These are the shipped routers. How {show.escape(force.name)} compares stands on Train."
        )
    live()


@st.fragment
def live() -> None:
    """Pool, routers, verdict and the open tab; runs alone when something moves."""
    view = choose()
    own = {row["router"]: row for row in view.rows()}
    if not own:
        st.info("No router was judged on this pool. Choose another.", icon=":material/info:")
        return
    default = own.get(DEFAULT) or next(iter(own.values()))
    st.html(f'<p class="lead">{verdict.lead(default, view.pools[view.pool], view.experts)}</p>')
    st.caption(verdict.support(default))
    if not view.routers:
        st.info("Choose at least one router.", icon=":material/info:")
        return
    # Only the open tab is drawn, so that the first view comes at once.
    for tab, draw in zip(st.tabs(list(TABS), key="evidence_tabs", on_change="rerun"), TABS.values(), strict=True):
        if tab.open:
            with tab:
                draw(view)


def choose() -> View:
    """Which pool and which routers to look at."""
    found = cached.evidence()
    pools = list(dict.fromkeys(row["pool"] for row in found.leaderboard))
    judged = {row["router"]: row for row in found.leaderboard}
    # Baselines that are no router of the app are named by the report.
    family = {**{name: row.get("system", "") for name, row in judged.items()}, **names.systems()}
    titles = {**{name: row.get("title", name) for name, row in judged.items()}, **names.titles()}
    options = [
        *(n for n in names.ordered() if n in judged),
        *(n for n in judged if n not in names.titles() and judged[n].get("kind") != BASELINE),
    ]
    left, right = st.columns([1, 3.4], gap="medium")
    with left:
        pool = st.selectbox("Pool", pools, key="evidence_pool", format_func=pool_title, persist_state="session")
    with right:
        routers = st.multiselect(
            "Routers drawn",
            options,
            default=board.leading(found.leaderboard, family),
            key="evidence_routers",
            format_func=lambda name: titles.get(name, name),
            persist_state="session",
        )
    return View(
        evidence=found,
        pool=pool,
        routers=tuple(routers),
        looks=looks(routers),
        titles=titles,
        systems=family,
        experts=own.titles(),
        pools={name: pool_title(name) for name in pools},
    )


def pool_title(name: str) -> str:
    """A pool by its name for people."""
    return controls.POOL_TITLES.get(name, name)


page()
