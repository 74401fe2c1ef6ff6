"""Instruction cards: what each expert is good at, in sentences that a person may change for this browser session."""

import json
from dataclasses import replace

import streamlit as st

from pages.common import cached, own
from routing.encoder import OnnxEncoder
from routing.errors import RoutingError
from routing.predictors import PREDICTORS
from routing.predictors.glider import NAME as GLIDER
from routing.predictors.glider_cards import KEY_PHRASES, MOST_CARDS, MOST_CHARS, ExpertCards
from routing.predictors.glider_edit import with_cards
from routing.predictors.places import PLACES
from routing.predictors.stored import arrays_of
from routing.router import Router

OWN, KEPT = "own_cards", "own_router"
BY_YOU = "changed by you"
MADE = "Made from key phrases of the training tasks that it wins; neither a person nor a model wrote them."


def router(name: str) -> Router:
    """A router by name; a GLIDER-style one reads the cards as they were changed in this browser session."""
    shared = own.router(name)
    changed: dict[str, ExpertCards] = st.session_state.get(OWN, {})
    if not changed or not name.startswith(GLIDER) or not isinstance(shared.encoder, OnnxEncoder):
        return shared
    kept: dict[str, Router] = st.session_state.setdefault(KEPT, {})
    if name not in kept:
        encoder, card = shared.encoder, shared.encoder.card
        arrays = with_cards(
            card, arrays_of(card, GLIDER), {**cached.cards(), **changed}, lambda texts: encoder.encode(texts).vector
        )
        told = replace(card, methods={GLIDER: arrays, PLACES: arrays_of(card, PLACES)})
        kept[name] = shared.with_experts(shared.catalog, PREDICTORS[name].build(told))
    return kept[name]


def section(names: list[str]) -> None:
    """One expert's cards, to read and to change."""
    st.markdown("#### What is an expert good at?")
    try:
        stored = cached.cards()
    except RoutingError as problem:
        st.caption(f":material/info: {problem}")
        return
    known, titles = [name for name in names if name in stored], own.titles()
    if not known:
        st.caption("None of these experts has instruction cards.")
        return
    st.caption(
        "Instruction cards: sentences that the GLIDER-style router compares with what a prompt asks for (after GLIDER, "
        "arXiv:2410.07172)."
    )
    name = st.selectbox("Expert", known, key="cards_expert", format_func=lambda n: titles[n], width=320)
    changed: dict[str, ExpertCards] = st.session_state.setdefault(OWN, {})
    form(name, stored[name], changed)
    if changed:
        whole = {n: {"by": c.by, "cards": list(c.sentences)} for n, c in {**stored, **changed}.items()}
        st.download_button(
            "Download all cards",
            json.dumps({"experts": whole}, indent=1, ensure_ascii=False),
            "cards.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
            key="download_cards",
        )


def form(name: str, stored: ExpertCards, changed: dict[str, ExpertCards]) -> None:
    """The sentences of one expert, one a line, with who wrote them."""
    entry = changed.get(name, stored)
    who = MADE if entry.by == KEY_PHRASES else f"Written by: {entry.by}."
    if name in changed:
        who = "Changed by you; the GLIDER-style routers read it so until this browser session ends."
    with st.form(f"cards_form_{name}", border=False):
        text = st.text_area(
            "One sentence a line",
            "\n".join(entry.sentences),
            key=f"cards_text_{name}",
            height=170,
            help=f"At most {MOST_CARDS} sentences of at most {MOST_CHARS} characters.",
        )
        st.caption(who)
        use = st.form_submit_button("Use in this session", icon=":material/check:")
    if use and (problem := take(name, text, changed)):
        st.warning(problem)
    elif use:
        st.rerun()
    if name in changed and st.button("Back to the stored cards", key="cards_back", type="tertiary"):
        del changed[name]
        forget(name)
        st.rerun()


def take(name: str, text: str, changed: dict[str, ExpertCards]) -> str | None:
    """Take changed sentences over; a sentence that says what is wrong with them, or None."""
    sentences = tuple(line.strip() for line in text.splitlines() if line.strip())
    if len(sentences) > MOST_CARDS:
        return f"These are {len(sentences)} sentences; at most {MOST_CARDS} are read. Remove some."
    if too_long := next((s for s in sentences if len(s) > MOST_CHARS), None):
        return f"One sentence has {len(too_long)} characters; at most {MOST_CHARS} are read. Shorten it."
    changed[name] = ExpertCards(BY_YOU, sentences)
    for key in (KEPT, "readings"):
        st.session_state.pop(key, None)
    return None


def forget(name: str) -> None:
    """Show the stored sentences again, and read prompts anew."""
    for key in (KEPT, "readings", f"cards_text_{name}"):
        st.session_state.pop(key, None)
