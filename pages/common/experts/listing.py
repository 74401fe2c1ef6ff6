"""The catalogue as a table, with a search and filters; choosing a row opens an expert."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Literal

import pandas as pd
import streamlit as st

from pages.common import active, cached, keys, own, show
from pages.common.download import csv_button
from pages.common.experts import acts
from routing.catalog import SECURITY_TIERS
from routing.catalog_check import price_map_source
from routing.errors import RoutingError
from routing.own.ageing import OLD_DAYS, PriceNote, price_notes

YOURS, CHANGED, HIDDEN, OLD, OTHERWISE, UNPREDICTED = (
    *("yours", "changed", "hidden", "old price", "LiteLLM differs", "no predictions yet"),
)
PROBED, FIGURED = "from probes", "from published figures"
Colour = Literal["blue", "gray", "orange", "violet"]
MARKS: Final[Mapping[str, Colour]] = {
    YOURS: "blue", CHANGED: "blue", HIDDEN: "gray", OLD: "orange", OTHERWISE: "orange", UNPREDICTED: "violet",
    PROBED: "violet", FIGURED: "violet",
}  # fmt: skip
_ROOM: Final = 85  # pixels of a column of figures that holds the word unknown


def listing() -> pd.DataFrame:
    """The table as filtered; empty where nothing matches."""
    frame = table()
    shown = frame[_kept(frame, *filters())]
    if problem := own.mine().problem:
        st.warning(show.escape(problem), icon=":material/database_off:")
    elif damage := own.mine().damage:
        st.caption(f":material/broken_image: {damage}")
    elif not own.mine().experts:
        st.caption(
            ":material/add_circle: None of them is yours yet. Add today's experts, from lists of thousands or with an "
            "address of your own, or choose a row to change or hide what is here."
        )
    if shown.empty:
        st.info("No expert matches. Clear the search or the filters.", icon=":material/search_off:")
        return shown
    priced = int(shown["In ($/M)"].notna().sum())
    old = sum(OLD in marks for marks in shown["Notes"])
    st.caption(
        f"{len(shown)} of {len(frame)} experts, {priced} with a known price, {old} of them older than {OLD_DAYS} days. "
        "Unknown is unknown, never zero. Choose a row to see every fact with its source, and to change or hide it."
    )
    st.dataframe(
        shown, hide_index=True, height=520, column_config=_columns(), placeholder="unknown", key="experts_table",
        selection_mode="single-row", on_select=partial(_open, tuple(shown["_name"])),
    )  # fmt: skip
    csv_button(shown.assign(Notes=shown["Notes"].map("; ".join)), "thalamus-catalogue.csv", key="download_catalogue")
    return shown


def _open(names: tuple[str, ...]) -> None:
    rows = st.session_state["experts_table"]["selection"]["rows"]
    if rows:
        acts.go("one", names[rows[0]])


def filters() -> tuple[str, list[int], bool, bool]:
    """Words, tiers, whether a key is needed, whether hidden experts are listed; and the ways to other parts."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Find", key="experts_find", placeholder="Name or provider", width=200, persist_state="session"
        )
        tiers = st.pills(
            "Security tier", list(SECURITY_TIERS), selection_mode="multi", key="experts_tiers",
            help="; ".join(f"{t}: {text}" for t, text in SECURITY_TIERS.items()), persist_state="session",
        )  # fmt: skip
        usable = st.toggle("Only with a key", key="experts_usable", persist_state="session")
        hidden = True
        if any(one.is_hidden for one in own.mine().experts):
            hidden = st.toggle("Hidden too", value=True, key="experts_hidden", persist_state="session")
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Add an expert", key="experts_add", type="primary", icon=":material/add:", on_click=acts.go, args=("start",)
        )
        st.button(
            "Import or export", key="experts_exchange", icon=":material/swap_vert:", on_click=acts.go,
            args=("exchange",),
        )  # fmt: skip
    return words or "", tiers, usable, hidden


def notes() -> dict[str, PriceNote]:
    """What is to be said of prices, by expert; nothing where LiteLLM's map is missing."""
    everyone = own.mine().everyone
    try:
        return price_notes(everyone.experts, today=everyone.today, elsewhere=keys.ring().endpoints)
    except RoutingError:
        return {}


def marks_of(name: str, note: PriceNote | None, known: frozenset[str]) -> list[str]:
    """What sets an expert apart, in a word or two each."""
    mine = own.mine()
    kept, skill = mine.by_name.get(name), own.learned().get(name)
    found = {
        YOURS: name in mine.added,
        CHANGED: kept is not None and name not in mine.added and bool(kept.facts or kept.address),
        HIDDEN: kept is not None and kept.is_hidden,
        OLD: note is not None and note.is_old,
        OTHERWISE: note is not None and note.listed is not None,
        UNPREDICTED: name not in known,
        PROBED: skill is not None and skill.n_probes > 0,
        FIGURED: skill is not None and skill.n_figures > 0,
    }
    return [mark for mark, is_so in found.items() if is_so]


def table() -> pd.DataFrame:
    """One row an expert: marks, facts, price with source and date, outcome counts, key status; one's own first."""
    card, ring, priced, known = cached.card(active.folder()), keys.ring(), notes(), own.predicted()
    rows = []
    mine = own.mine()
    for e in sorted(mine.everyone.experts, key=lambda e: e.name not in mine.added):
        counts = card["outcomes_by_domain"].get(e.name) or {}
        rows.append(
            {
                "Expert": e.title,
                "Notes": marks_of(e.name, priced.get(e.name), known),
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
                "Key": keys.status_text(ring, e),
                "LiteLLM name": e.litellm,
                "_usable": ring.status(e).is_usable,
                "_name": e.name,
            }
        )
    return pd.DataFrame(rows)


def _kept(frame: pd.DataFrame, words: str, tiers: list[int], usable: bool, hidden: bool) -> "pd.Series[bool]":
    text = (frame["Expert"] + " " + frame["Provider"] + " " + frame["_name"]).str.lower()
    keep = text.str.contains(words.strip().lower(), regex=False)
    if tiers:
        keep &= frame["Tier"].isin(tiers)
    if usable:
        keep &= frame["_usable"]
    if not hidden:
        keep &= ~frame["Notes"].map(lambda marks: HIDDEN in marks)
    return keep


def _columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "Expert": st.column_config.TextColumn(pinned=True),
        "Notes": st.column_config.MultiselectColumn(
            options=list(MARKS), color=list(MARKS.values()), width=315,
            help=f"Old price: stated more than {OLD_DAYS} days ago. LiteLLM differs: {price_map_source()} lists "
            "another price. No predictions yet: onboard it to get some. From probes, from published figures: it was.",
        ),
        "Outcomes": number(format="localized", help="Measured answers that the router was trained on"),
        "Provider": st.column_config.TextColumn(width=105),
        **{name: number(width=_ROOM) for name in ("Size (B)", "Active (B)", "In ($/M)", "Out ($/M)")},
        "Mean score": number(format="%.2f", help="Over its own training prompts: compare only within a source"),
        "Context": number("Context (tokens)", format="localized"),
        "_usable": None,
        "_name": None,
    }  # fmt: skip
