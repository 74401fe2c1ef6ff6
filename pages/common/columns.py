"""The columns of a comparison: cards that fill while answers arrive, and what may be done with each."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from pages.common import answers, asking, choosing, conversation, keys, own, show
from pages.common.conversation import Turn
from routing.answer.text import reading_ease
from routing.comparison import Column
from routing.errors import RoutingError
from routing.schema import Answer

REDRAW_S: Final = 0.4
AGAIN: Final = "asked_again_alone"
ENOUGH: Final = 200  # characters of an earlier prompt in its heading


_CSS = """
<style>
.diff { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .92rem; line-height: 1.55; max-height: 420px;
  overflow-y: auto; }
[class*="st-key-open_"] button { min-height: 1.5rem; padding-block: 0; justify-content: flex-start; text-align: left; }
[class*="st-key-open_"] button p { text-align: left; }
.diff del { background: color-mix(in srgb, #D55E00 18%, transparent); }
.st-key-compare_experts [data-testid=stMultiSelectTagsContainer] { flex-wrap: wrap; height: auto; row-gap: .25rem;
  padding-block: .3rem; }
.st-key-compare_experts [data-testid=stMultiSelectTagsContainer] input { flex: 1 1 2rem; min-width: 2rem; width: 2rem; }
.st-key-compare_experts [role=group]:has(> [data-testid=stMultiSelectTagsContainer]),
  .st-key-compare_experts .react-aria-ComboBox { height: auto; max-height: none; }
.facts td + td, .facts th + th { padding-left: .6rem; }
.diff ins { background: color-mix(in srgb, #0072B2 18%, transparent); text-underline-offset: .2em; }
</style>
"""


def style() -> None:
    """The rules of appearance of answers."""
    st.html(_CSS)


def rows(n_columns: int, repeats: int = 1) -> int:
    """How many columns stand beside each other; repeats of an expert stay in one row where they fit."""
    if 1 < repeats <= 4 and n_columns > 3:
        return repeats
    return n_columns if n_columns <= 3 else 2 if n_columns == 4 else 3


def live(turn: Turn) -> None:
    """The columns of the last turn, drawn again while answers arrive."""
    # In a container of its own, so that a late redraw never touches what follows.
    with st.container(key="answers"):
        st.fragment(_watch, run_every=REDRAW_S if turn.comparison.is_running else None)(turn)


def _watch(turn: Turn) -> None:
    if st.session_state.pop(AGAIN, False):  # the rest of the page follows a retry
        st.rerun()
    was_running = turn.comparison.is_running
    found = turn.columns()
    per_row = rows(len(found), turn.plan.repeats)
    for start in range(0, len(found), per_row):
        for place, column in zip(st.columns(per_row), found[start : start + per_row], strict=False):
            with place:
                card(turn, column)
    if not was_running and st.session_state.get("drawn") is not turn.comparison:
        st.session_state["drawn"] = turn.comparison
        asking.changed()
        st.rerun()


def card(turn: Turn, column: Column) -> None:
    """One answer so far, and under it what is known about it."""
    answer, place = column.answer, turn.shown.index(column.key)
    with st.container(border=True, height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{turn.name(column)}**", width="stretch")
            if answer is None:
                st.button(
                    "Stop", key=f"stop_{place}", icon=":material/stop:", type="tertiary",
                    on_click=turn.comparison.stop, args=(column.key,),
                )  # fmt: skip
            else:
                st.button(
                    "Retry", key=f"retry_{place}", icon=":material/refresh:", type="tertiary",
                    on_click=_retry, args=(turn, column),
                )  # fmt: skip
        if (problem := st.session_state.pop(f"refused_{place}", None)) is not None:
            st.warning(show.escape(problem))
        if answer is None and not column.text:
            note = "" if turn.is_hidden else show.escape(column.note)
            # How far it is would tell that an expert on this machine is starting.
            st.progress(0.0 if turn.is_hidden else column.share, note or "Waiting for the first token")
        answers.text(column.text, is_growing=answer is None)
        if answer is None:
            _stepped_in(turn, column)
        else:
            _under(turn, column, answer)


def _retry(turn: Turn, column: Column) -> None:
    """A callback, since a click must count also while the page is being drawn anew."""
    st.session_state[AGAIN] = True
    refused = f"refused_{turn.shown.index(column.key)}"
    if not (status := keys.ring().status(column.asked)).is_usable:  # what is there must not go for nothing
        st.session_state[refused] = "Why is shown with the names." if turn.is_hidden else status.text
        return
    try:
        alone = replace(turn.plan, experts=(column.asked,))
        conversation.retry(turn, column.key, choosing.cost_of(alone, turn.routed))
    except RoutingError as problem:
        st.session_state[refused] = str(problem)
    else:
        st.session_state.pop("drawn", None)


def _stepped_in(turn: Turn, column: Column) -> None:
    if column.expert is not column.asked and not turn.is_hidden:
        st.caption(f":material/swap_horiz: In place of {show.escape(column.asked.title)}, which failed.")


def _under(turn: Turn, column: Column, answer: Answer) -> None:
    if turn.is_hidden:
        answers.hidden_ending(answer)
        return
    answers.ending(answer)
    titles = own.titles()
    pick = turn.routed.decision.pick
    if answer.text or answer.error is None:
        told = turn.predicted(answer.expert)
        answers.facts(
            answer, told, ease=reading_ease(answer.text), check=turn.checks.get(column.key),
            wants_json=turn.plan.settings_of(column.asked.name).is_json,
        )  # fmt: skip
    picked = "nobody" if pick is None else titles.get(pick, pick)
    asked = titles.get(column.asked.name, column.asked.title)
    answers.provenance(answer, answers.Origin(asked, picked, column.failed))


def earlier(turns: Sequence[Turn]) -> None:
    """Turns before the last, folded."""
    for turn in turns:
        asked = " ".join(turn.prompt.split())
        heading = asked if len(asked) <= ENOUGH else asked[:ENOUGH] + " …"
        with st.expander(f"Turn {turn.number + 1}: {show.escape(heading)}"):
            found = turn.columns()
            for place, column in zip(st.columns(rows(len(found), turn.plan.repeats)) * len(found), found, strict=False):
                with place, st.container(border=True, height="stretch"):
                    st.markdown(f"**{turn.name(column)}**")
                    answers.text(column.text or "*No answer*")
