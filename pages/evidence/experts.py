"""What are the experts, what do they cost, and how well are they known?"""

import pandas as pd
import streamlit as st

from pages.common import active, cached, cards, look, own
from pages.common.download import csv_button
from pages.common.experts import acts, exchange, form, listing, one, start
from routing.errors import RoutingError
from routing.figures.evidence import items


def page() -> None:
    """The catalogue as a table and what its scores rest on; or one expert, to see and to change."""
    look.apply()
    st.markdown("### What are the experts, and how well are they known?")
    part, name = acts.part()
    if part == "one" and name is not None:
        one.one(name)
    elif part == "form":
        form.form(name)
    elif part == "start":
        start.start()
    elif part == "exchange":
        exchange.exchange()
    else:
        everyone()


def everyone() -> None:
    """The table, and below it how well those shown are known."""
    shown = listing.listing()
    if shown.empty:
        return
    known(shown)
    cards.section(list(shown["_name"]))
    skills(list(shown["_name"]))


def known(shown: pd.DataFrame) -> None:
    """Outcome counts per domain: how much each prediction rests on."""
    card = cached.card(active.folder())
    st.markdown("#### Outcomes per domain")
    st.caption("Where an expert has none, its predicted score on that domain is an extrapolation.")
    counts = {row["Expert"]: card["outcomes_by_domain"].get(row["_name"]) or {} for _, row in shown.iterrows()}
    frame = pd.DataFrame(counts).T
    if frame.empty:
        st.caption("None of these experts has outcomes.")
        return
    frame = frame.reindex(columns=sorted(frame.columns)).rename_axis("Expert").reset_index()
    config = {c: st.column_config.NumberColumn(format="localized") for c in frame.columns if c != "Expert"}
    st.dataframe(frame, hide_index=True, height=420, column_config=config, placeholder="none", key="experts_domains")


def skills(names: list[str]) -> None:
    """What item response says of these experts, where it is stored."""
    try:
        stored = cached.evidence().mirt
    except RoutingError:
        return
    frame = items.skills({**stored, "experts": {n: v for n, v in stored.get("experts", {}).items() if n in names}}, {})
    if frame.empty:
        return
    frame["Expert"] = frame["Expert"].map(own.titles())
    st.markdown("#### How able are they, skill by skill?")
    st.caption(
        "Ability in an item response model (MIRT, arXiv:2506.01048), in logits above the mean of the experts "
        "measured; the Routers page draws it."
    )
    config = {c: st.column_config.NumberColumn(format="%+.2f", width=105) for c in frame.columns if c != "Expert"}
    st.dataframe(
        frame, hide_index=True, height=360, column_config=config, placeholder="not measured", key="experts_skills"
    )
    csv_button(frame, "thalamus-skills.csv", key="download_skills")


page()
