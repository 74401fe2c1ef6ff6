"""What onboarding learned: a new expert beside known ones, and how good onboarding is for known experts left out."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from pages.common import active, cached, own, show
from pages.common.download import csv_button
from routing.collecting.probe import ProbeSet
from routing.figures import CONFIG, onboarding
from routing.onboarding.skill import Skill
from routing.schema import Expert

MOST_NAMED = 3


def probes() -> ProbeSet:
    """The probes, as the router in force sees them.

    Raises:
        GraphError: It has no basis to onboard experts in.
    """
    return cached.probes(active.folder())


def badge(skill: Skill | None) -> str:
    """How an expert was learned, in a few words."""
    if skill is None:
        return "not onboarded yet"
    return f"from {skill.origin}, {skill.fitted:%d %b %Y}"


def standing(expert: Expert, skill: Skill) -> None:
    """Predicted scores per domain with intervals, beside experts that the router knows."""
    titles, found = own.titles(), probes().standings(skill)
    st.markdown(f"#### Where {show.escape(expert.title)} stands")
    st.caption(
        f"Marked **{badge(skill)}**. Mean predicted scores on the {found[0].n_prompts} probes, 90 % intervals; "
        "grey ticks are experts of the catalogue."
    )
    names = sorted(found[0].known, key=lambda name: titles.get(name, name))
    shown = st.multiselect(
        "Beside", names, onboarding.nearest(found, MOST_NAMED), key=f"onboard_beside_{expert.name}",
        max_selections=MOST_NAMED, format_func=lambda name: titles.get(name, name),
    )  # fmt: skip
    st.plotly_chart(onboarding.standings(found, expert.title, titles, shown), config=CONFIG, key="onboard_standing")
    frame = onboarding.table(found, expert.title, titles, shown)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.page_link("pages/ask/route.py", label="Route a prompt with it", icon=":material/alt_route:")
        csv_button(frame, "thalamus-onboarded.csv", key="onboard_download")


def curves() -> None:
    """How close onboarding comes to full training, by leaving known experts out."""
    found = cached.onboarding_curves()
    if not found.get("pools"):
        st.info("Not measured yet: python -m routing onboard --validate --data DIR --store", icon=":material/science:")
        return
    pools: Mapping[str, Any] = found["pools"]
    pool = st.segmented_control("Pool", list(pools), default=next(iter(pools)), key="onboard_pool", required=True)
    one = pools[str(pool)]
    st.caption(
        f"Every one of the {len(one['experts'])} experts of {pool} was left out in turn and onboarded from outcomes of "
        f"its own on {found['probes_from']} prompts, then judged on {one['n_prompts']:,} {found['split']} prompts "
        f"against the router that was trained on all its outcomes. Measured {found['date']}."
    )
    for place, measure in zip(st.columns(3), onboarding.MEASURES, strict=True):
        with place:
            title, about = onboarding.MEASURES[measure]
            st.markdown(f"**{title}**", help=about)
            st.plotly_chart(onboarding.curve(one["rows"], measure), config=CONFIG, key=f"onboard_curve_{measure}")
    names = {
        "learned_from": "Learned from", "count": "Number", "regret": "Regret gap",
        "regret_worst": "Of the worst expert",
        "brier": "Brier gap", "rank_correlation": "Rank correlation", "coverage": "90 % interval covers",
    }  # fmt: skip
    frame = pd.DataFrame(one["rows"])[list(names)].rename(columns=names)
    number = st.column_config.NumberColumn
    config = {
        **{n: number(format="%+.4f") for n in ("Regret gap", "Of the worst expert", "Brier gap")},
        "Rank correlation": number(format="%.3f"), "90 % interval covers": number(format="percent"),
    }  # fmt: skip
    st.dataframe(frame, hide_index=True, column_config=config, key="onboard_rows")
