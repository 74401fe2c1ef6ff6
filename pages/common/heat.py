"""The token heat map of the GLIDER-style router: which words of the prompt speak for an expert."""

from html import escape

import pandas as pd
import streamlit as st

from pages.common import asking, cached, cards, own
from pages.common.download import csv_button
from routing.errors import RoutingError
from routing.predictors.glider_heat import token_weights
from routing.schema import Preferences

NAME = "glider"
Words = tuple[tuple[str, float], ...]


def heat(prompt: str, wanted: Preferences) -> None:
    """Its first two choices, then the words coloured for an expert of choice."""
    try:
        router = cards.router(NAME)
        routed = asking.decided(router, router.read(prompt), wanted)
    except RoutingError as problem:
        st.caption(f":material/info: {problem}")
        return
    titles, order = own.titles(), routed.decision.order
    if not order:
        st.caption("No expert is feasible, so there is nothing to colour.")
        return
    backup = f", backup **{titles[order[1]]}**" if len(order) > 1 else ""
    st.caption(f"Top 2 of the GLIDER-style router: pick **{titles[order[0]]}**{backup}.")
    if changed := st.session_state.get(cards.OWN):
        st.caption(f"It reads your cards of {', '.join(titles[name] for name in changed)}.")
    reader = cached.token_reader()
    known = [name for name in order if name in reader.card.experts]
    if not known:
        st.caption("None of these experts was measured in training, so none has a gate.")
        return
    expert = st.selectbox("Coloured for", known, key="heat_expert", format_func=lambda n: titles[n], width=320)
    clean = routed.reading.prompt
    try:
        words = token_weights(clean, reader.encode([clean]), reader.card, expert)
    except RoutingError as problem:
        st.caption(f":material/info: {problem}")
        return
    if not any(weight for _, weight in words):
        st.caption(f"{titles[expert]} has no gate, since too few of its answers were measured.")
        return
    st.html(f'<div class="heat">{coloured(words)}</div>')
    total = sum(weight for _, weight in words)
    side = "above" if total >= 0 else "below"
    st.caption(
        f"All words together put {titles[expert]} {abs(total):.1f} standard deviations {side} its usual local score; "
        "blue words lift it more than the average word here, orange ones less. Token states of the encoder against a "
        "gate of the expert, after GLIDER (arXiv:2410.07172), which routes tokens to adapters where ours routes "
        "prompts to experts."
    )
    strongest(words)


def coloured(words: Words) -> str:
    """The words as HTML, each escaped, its background the stronger the further it is from the average word.

    >>> coloured((("<b>", 1.0), ("c", -1.0)))[:73]
    '<span class="for" style="--w:100%" title="+1.000">&lt;b&gt;</span> <span '
    """
    middle = sum(weight for _, weight in words) / max(1, len(words))
    most = max((abs(weight - middle) for _, weight in words), default=0.0) or 1.0
    spans = []
    for word, weight in words:
        kind, strength = "for" if weight >= middle else "against", abs(weight - middle) / most * 100
        style = f'class="{kind}" style="--w:{strength:.0f}%" title="{weight:+.3f}"'
        spans.append(f"<span {style}>{escape(word)}</span>")
    return " ".join(spans)


def strongest(words: Words) -> None:
    """The same as a table, the heaviest words first."""
    frame = pd.DataFrame(words, columns=["Word", "Weight"])
    frame = frame.loc[frame["Weight"].abs().sort_values(ascending=False, kind="stable").index]
    with st.expander("Table", icon=":material/table:"):
        config = {
            "Weight": st.column_config.NumberColumn(
                format="%+.3f", help="In standard deviations of the expert's local score over training prompts"
            )
        }
        st.dataframe(frame, hide_index=True, height=300, column_config=config, key="heat_table")
        csv_button(frame, "thalamus-words.csv", key="download_words")
