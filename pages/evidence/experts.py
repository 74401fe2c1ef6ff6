"""What are the experts, what do they cost, and how well are they known?"""

from typing import Any

import pandas as pd
import streamlit as st

from pages.common import cached, cards, keys, look, own
from pages.common.download import csv_button
from routing.catalog import SECURITY_TIERS
from routing.errors import RoutingError
from routing.figures.evidence import items
from routing.keys import KeyStatus


def page() -> None:
    """The catalogue as a table, with a filter, and what each expert's score rests on."""
    look.apply()
    st.markdown("### What are the experts, and how well are they known?")
    frame = table()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input("Find", key="experts_find", placeholder="Name or provider", width=240)
        tiers = st.pills(
            "Security tier",
            list(SECURITY_TIERS),
            selection_mode="multi",
            key="experts_tiers",
            help="; ".join(f"{t}: {text}" for t, text in SECURITY_TIERS.items()),
        )
        usable = st.toggle("Only with a key", key="experts_usable")
    shown = frame[_matches(frame, words, tiers, usable)]
    if shown.empty:
        st.info("No expert matches. Clear the search or the filters.", icon=":material/search_off:")
        return
    priced = int(shown["In ($/M)"].notna().sum())
    st.caption(f"{len(shown)} of {len(frame)} experts, {priced} with a known price. Unknown is unknown, never zero.")
    st.dataframe(
        shown, hide_index=True, height=560, column_config=_columns(), placeholder="unknown", key="experts_table"
    )
    csv_button(shown, "thalamus-catalogue.csv", key="download_catalogue")
    known(shown)
    cards.section(list(shown["_name"]))
    skills(list(shown["_name"]))


def table() -> pd.DataFrame:
    """One row an expert: facts, price with source and date, outcome counts, key status."""
    card, ring = cached.card(), keys.ring()
    rows = []
    for e in own.catalog().experts:
        counts = card["outcomes_by_domain"].get(e.name) or {}
        status = ring.status(e)
        rows.append(
            {
                "Expert": e.title,
                "Provider": e.provider,
                "Outcomes": sum(counts.values()),
                "Mean score": card["mean_score"].get(e.name),
                "Size (B)": e.params_b,
                "Active (B)": e.active_b,
                "Released": e.released,
                "Open weights": {True: "yes", False: "no", None: None}[e.open_weights],
                "Licence": e.licence,
                "Context": e.context_tokens,
                "In ($/M)": e.price_in_usd_per_mtok,
                "Out ($/M)": e.price_out_usd_per_mtok,
                "Price source": e.price_source,
                "Price date": e.price_date,
                "Tier": e.security_tier,
                "Key": _key_text(status),
                "LiteLLM name": e.litellm,
                "_usable": status.is_usable,
                "_name": e.name,
            }
        )
    return pd.DataFrame(rows)


def _key_text(status: KeyStatus) -> str:
    if status.is_usable:
        return status.text
    return f"add {' or '.join(status.names)}" if status.names else "no address known"


def _matches(frame: pd.DataFrame, words: str, tiers: list[int], usable: bool) -> "pd.Series[bool]":
    text = (frame["Expert"] + " " + frame["Provider"] + " " + frame["_name"]).str.lower()
    keep = text.str.contains(words.strip().lower(), regex=False)
    if tiers:
        keep &= frame["Tier"].isin(tiers)
    if usable:
        keep &= frame["_usable"]
    return keep


def _columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "Expert": st.column_config.TextColumn(pinned=True),
        "Outcomes": number(format="localized", help="Measured answers that the router was trained on"),
        "Mean score": number(format="%.2f", help="Over its own training prompts: compare only within a source"),
        "Context": number("Context (tokens)", format="localized"),
        "_usable": None,
        "_name": None,
    }


def known(shown: pd.DataFrame) -> None:
    """Outcome counts per domain: how much each prediction rests on."""
    card = cached.card()
    st.markdown("#### Outcomes per domain")
    st.caption("Where an expert has none, its predicted score on that domain is an extrapolation.")
    counts = {row["Expert"]: card["outcomes_by_domain"].get(row["_name"]) or {} for _, row in shown.iterrows()}
    frame = pd.DataFrame(counts).T
    if frame.empty:
        st.caption("None of these experts has outcomes.")
        return
    frame = frame.reindex(columns=sorted(frame.columns)).rename_axis("Expert").reset_index()
    st.dataframe(frame, hide_index=True, height=420, placeholder="none", key="experts_domains")


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
    config = {c: st.column_config.NumberColumn(format="%+.2f") for c in frame.columns if c != "Expert"}
    st.dataframe(
        frame, hide_index=True, height=360, column_config=config, placeholder="not measured", key="experts_skills"
    )
    csv_button(frame, "thalamus-skills.csv", key="download_skills")


page()
