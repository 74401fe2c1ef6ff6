"""What do I give up as a weight moves?"""

import numpy as np
import pandas as pd
import streamlit as st

from pages.common import active, cached, controls, link, look, own
from pages.common.download import csv_button
from routing import figures
from routing.errors import RoutingError
from routing.figures import LOG_AXES
from routing.objective import CONSTRAINTS, MAX_WEIGHT
from routing.sweep import Sweep, sweep
from routing.telling import money, percent


def page() -> None:
    """One weight swept over held-out prompts, and a way to take a weight over."""
    look.apply()
    st.markdown("### What do I give up as a weight moves?")
    live()


@st.fragment
def live() -> None:
    """Controls, curve and table; runs alone when something moves."""
    left, right = st.columns([1, 2.6], gap="large")
    with left:
        pool = controls.pool_chooser()
        name = st.selectbox(
            "Weight to sweep",
            list(CONSTRAINTS),
            key="sweep_constraint",
            format_func=lambda c: CONSTRAINTS[c].title,
            persist_state="session",
        )
    router, sample = own.router(), cached.sample(active.folder())
    try:
        catalog = router.catalog if pool is None else router.catalog.subset(pool)
        found = sweep(sample, catalog, router.scale(pool), name)
    except RoutingError as problem:
        right.warning(str(problem))
        return
    if found is None:
        right.info(
            f"Fewer than two experts of this pool have a known {name} and a predicted score. Choose another pool.",
            icon=":material/info:",
        )
        return
    with left:
        weight = taken_over(name)
        verdict(found, weight)
        link.share()
    with right:
        draw(found, weight)
    table(found)


def taken_over(name: str) -> float:
    """The weight in force, to type; a click on the curve sets it too."""
    key = f"front_weight_{name}"
    st.session_state[key] = float(st.session_state.get(f"weight_{name}", 0.0))
    return st.number_input(
        f"{CONSTRAINTS[name].title} weight in force",
        0.0,
        MAX_WEIGHT,
        step=0.01,
        format="%.4g",
        key=key,
        on_change=_take_typed,
        args=(name, key),
        help="Type a weight or click the curve. Route and Compare use it too.",
    )


def _take_typed(name: str, key: str) -> None:
    controls.set_weight(name, float(st.session_state[key]))


def draw(found: Sweep, weight: float) -> None:
    """The curve; clicking one of its points takes that weight over."""
    can_log = found.constraint in LOG_AXES and bool((found.single_value > 0).all())
    is_log = st.toggle("Log scale", value=can_log, key="sweep_log", disabled=not can_log) and can_log
    figure = figures.tradeoff(found, own.titles(), weight, is_log=is_log)
    st.plotly_chart(
        figure,
        key="sweep_chart",
        config=figures.CONFIG,
        on_select=lambda: _take_clicked(found.constraint),
        selection_mode="points",
    )
    kind = "measured scores" if found.is_measured else "predicted scores, since these experts share too few prompts"
    st.caption(
        f"{found.n_prompts:,} held-out prompts ({cached.sample(active.folder()).split} split), "
        f"{len(found.experts)} experts, {kind}. "
        f"Across: mean predicted {found.constraint} of the chosen experts. "
        "Click a point of the curve to take its weight over. Other weights and all limits are left out here."
    )


def _take_clicked(name: str) -> None:
    points = st.session_state["sweep_chart"]["selection"]["points"]
    weights = [p["customdata"] for p in points if "customdata" in p]
    if weights:
        first = weights[0]
        controls.set_weight(name, float(first[0] if isinstance(first, list) else first))


def verdict(found: Sweep, weight: float) -> None:
    """What the weight in force gives and takes, in plain sentences."""
    at = int(np.abs(found.weights - weight).argmin())
    best = int(found.single_score.argmax())
    titles = own.titles()
    score = "score" if found.is_measured else "predicted score"
    st.metric(
        f"Mean {score}",
        f"{found.score[at]:.3f}",
        f"{found.score[at] - found.single_score[best]:+.3f} vs best single",
        delta_color="off",
    )
    mean = float(found.value[at])
    value = money(mean) if found.constraint == "cost" else f"{mean:,.3g} {controls.UNIT[found.constraint]}"
    st.metric(f"Mean {found.constraint}", value)
    ratio = found.value[at] / found.single_value[best] if found.single_value[best] else np.nan
    beside = f", {percent(ratio)} of its {found.constraint}" if np.isfinite(ratio) else ""
    st.caption(f"Best single expert: {titles[found.experts[best]]}, {score} {found.single_score[best]:.3f}{beside}.")
    if found.is_measured and found.constraint == "cost" and not pays(found):
        st.caption(
            f":material/info: Routing does not pay on these {found.n_prompts:,} prompts: no weight beats the best "
            "random mix of single experts."
        )


def pays(found: Sweep) -> bool:
    """Whether some weight reaches a higher score than a random mix of single experts of the same mean value."""
    mixed = np.interp(found.value, *found.mix)
    return bool((found.score > mixed + 0.002).any())


def table(found: Sweep) -> None:
    """Where the prompts go at a handful of weights, with a download of all of them."""
    titles = own.titles()
    frame = pd.DataFrame({"Weight": found.weights, "Mean score": found.score, f"Mean {found.constraint}": found.value})
    shares = pd.DataFrame(found.shares, columns=[titles[e] for e in found.experts])
    used = shares.columns[shares.max() >= 0.01]
    whole = pd.concat([frame, shares[used]], axis=1)
    with st.expander("Table", icon=":material/table:"):
        shares_config = {n: st.column_config.NumberColumn(format="percent") for n in used}
        st.dataframe(whole, hide_index=True, height=360, column_config=shares_config)
        csv_button(whole, f"thalamus-sweep-{found.constraint}.csv", key="download_sweep")


page()
