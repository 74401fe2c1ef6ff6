"""One expert: every fact with who states it and since when, and what may be done with it."""

from typing import Final

import pandas as pd
import streamlit as st

from pages.common import keys, own, show
from pages.common.experts import acts, listing
from routing.catalog import SECURITY_TIERS, fact_sources
from routing.own import OwnExpert, Value
from routing.own.ageing import PriceNote, taken_over
from routing.own.checks import SAID
from routing.own.provenance import stated

ONBOARD: Final = "pages/workshop/onboard.py"
WIDTHS: Final = {"Fact": st.column_config.TextColumn(width="small"), "Value": st.column_config.TextColumn(width=360)}


def one(name: str) -> None:
    """The expert, or the list where it is gone."""
    mine = own.mine()
    if name not in mine.everyone.names:
        acts.go(acts.LIST)
        st.rerun()
    acts.back()
    expert, kept = mine.everyone[name], mine.by_name.get(name, OwnExpert(name))
    note = listing.notes().get(name)
    marks = listing.marks_of(name, note, own.predicted())
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"#### {show.escape(expert.title)}", width="content")
        for mark in marks:
            st.badge(mark, color=listing.MARKS[mark])
    ring = keys.ring()
    address = ring.endpoints.get(name)
    where = [f"`{name}`", show.escape(expert.provider), keys.status_text(ring, expert)]
    st.caption(" · ".join([*where, *([f"own address {show.code(address)}"] if address else [])]))
    if note is not None:
        priced(name, kept, note)
    if listing.UNPREDICTED in marks:
        unpredicted(kept)
    st.dataframe(
        facts(name, kept), hide_index=True, placeholder="", key="expert_facts", height="content", column_config=WIDTHS
    )
    buttons(name, kept)


def priced(name: str, kept: OwnExpert, note: PriceNote) -> None:
    """What is to be said of the price, and a way to take LiteLLM's over."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f":material/schedule: {note.text}".replace("$", "\\$"), width="content")
        if note.listed is not None:
            st.button("Take it over", key="expert_take_over", type="tertiary", on_click=_take_over, args=(kept, note))


def _take_over(kept: OwnExpert, note: PriceNote) -> None:
    acts.save(taken_over(kept, note, own.mine().everyone.today), "The price is taken over.")


def unpredicted(kept: OwnExpert) -> None:
    """Why the expert is never picked, and what to do about it."""
    if kept.skill is None:
        why = "Nobody knows yet how well it answers, so it is never picked. Onboarding finds out."
    else:
        why = "It was onboarded for another router, so this one has no predicted score for it. Onboard it again."
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f":material/help: {why} Compare can ask it all the same.", width="content")
        st.page_link(ONBOARD, label="Onboard", icon=":material/person_add:")


def facts(name: str, kept: OwnExpert) -> pd.DataFrame:
    """Every fact, its source and its day."""
    shipped = own.mine().shipped
    base = shipped[name] if name in shipped.names else None
    return pd.DataFrame(
        {
            "Fact": SAID[fact.name].capitalize() if fact.name != "litellm" else SAID["litellm"],
            "Value": value_text(fact.name, fact.value),
            "Source": fact.source,
            "As of": None if fact.day is None else f"{fact.day:%d %b %Y}",
        }
        for fact in stated(base, kept, fact_sources().get(name, ("", None)))
    )


def value_text(name: str, value: Value) -> str:
    """A value with its unit."""
    if value is None:
        return "unknown"
    if name == "security_tier":
        return f"{value}: {SECURITY_TIERS[int(str(value))]}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.startswith("price_"):
        return f"${value:,.6g} per million tokens"
    unit = {"context_tokens": " tokens", "params_b": " billion parameters", "active_b": " billion parameters"}
    return f"{value:,.10g}{unit[name]}" if name in unit and isinstance(value, int | float) else str(value)


def buttons(name: str, kept: OwnExpert) -> None:
    """Change, hide or show, and forget what is kept."""
    is_added = name in own.mine().added
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Change", key="expert_change", type="primary", icon=":material/edit:", on_click=acts.go, args=("form", name)
        )
        if kept.is_hidden:
            st.button("Show again", key="expert_show", icon=":material/visibility:", on_click=acts.unhide, args=(name,))
        else:
            st.button(
                "Hide", key="expert_hide", icon=":material/visibility_off:", on_click=acts.hide, args=(name,),
                help="It takes part nowhere until you show it again.",
            )  # fmt: skip
        if kept.says_nothing:
            return
        with st.popover("Remove" if is_added else "As shipped", icon=":material/delete:"):
            st.caption(
                "Its facts and what onboarding learned are forgotten; what you asked it stays in History."
                if is_added
                else "Your changes, and what onboarding learned, are forgotten."
            )
            st.button(
                "Remove it" if is_added else "Take my changes back", key="expert_remove", type="primary",
                on_click=acts.remove, args=(name,),
            )  # fmt: skip
