"""Where the prompts go, and where that loses."""

import streamlit as st

from pages.common import cached, look
from pages.common.evidence import exhibit
from pages.common.evidence.exhibit import View
from routing.figures.evidence import flow, latent, verdict
from routing.telling import percent


def flows(view: View) -> None:
    """Shares with the collapse warning, allocation, regret by domain, latent map."""
    shares(view)
    allocation(view)
    domains(view)
    latent_map(view)


def shares(view: View) -> None:
    """Share of prompts per expert."""
    exhibit.head(
        "Who gets the prompts?",
        "Share of the pool's prompts that each router sends to each expert when only quality counts; above 95 % to "
        "one expert it has collapsed (Multiple Minds, arXiv:2405.00467).",
    )
    frame = flow.shares(view.rows(drawn=True), view.titles, view.experts)
    if frame.empty:
        exhibit.nothing()
        return
    exhibit.chart(flow.shares_figure(frame), "shares")
    controls = {view.titles[name] for name in view.routers if view.systems.get(name) == "Controls"}
    if warning := verdict.collapse(flow.collapsed(frame[~frame["Router"].isin(controls)])):
        st.warning(warning, icon=":material/warning:")
    exhibit.table(frame, "shares", columns=exhibit.numbers(frame, "percent"))


def allocation(view: View) -> None:
    """Domain by chosen expert beside domain by best expert."""
    exhibit.head(
        "Does the default router choose the experts that are best?",
        "Share of a domain's prompts for which the default router chooses an expert, beside the share for which that "
        "expert is best on the outcomes, ties shared alike (allocation matrix of Tryage, arXiv:2308.11601).",
    )
    stored = (view.evidence.allocation or {}).get(view.pool)
    if not stored:
        exhibit.nothing()
        return
    frame = flow.allocation(stored, view.experts)
    exhibit.chart(flow.allocation_figure(frame, is_dark=look.is_dark()), "allocation")
    overlap = flow.agreement(frame)
    st.caption(
        f"The two agree on {percent(overlap)} of an average domain's prompts as shares; the split need not be the same."
    )
    small = flow.table_of_allocation(frame)
    exhibit.table(small, "allocation", columns=exhibit.numbers(small, "percent"))
    view.about("allocation")


def domains(view: View) -> None:
    """Regret by domain."""
    exhibit.head(
        "Where is the regret?",
        "Mean score lost to the oracle, which knows the outcomes, in each domain (prompts in brackets); the bar is "
        "what the best single expert of that domain loses (Tryage, arXiv:2308.11601).",
    )
    frame = flow.domains(view.rows(drawn=True), view.titles)
    if frame.empty:
        exhibit.nothing()
        return
    exhibit.chart(flow.domains_figure(frame, view.looks), "domains")
    columns = exhibit.numbers(frame, Prompts="localized")
    exhibit.table(frame, "domains", columns=columns)


def latent_map(view: View) -> None:
    """The two-dimensional view of what the router sees."""
    exhibit.head(
        "What does the router see?",
        "Held-out prompts placed by the two main directions of the router's features, so that near prompts look "
        "alike to it (latent map of Tryage, arXiv:2308.11601).",
    )
    frame = cached.latent(view.pool)
    if frame is None:
        exhibit.nothing()
        return
    colour = st.segmented_control(
        "Coloured by", latent.COLOURINGS, default="Domain", key="evidence_map_colour", required=True
    )
    exhibit.chart(latent.latent_figure(frame, colour or "Domain"), "map")
    exhibit.table(frame, "map", columns=exhibit.numbers(frame, "%.2f"))
