"""Learning from votes and checks, reviewably: a proposal, what it would change, and a click to apply or undo it."""

import math

import pandas as pd
import streamlit as st

from pages.common import asking, own, show
from pages.common.history.insight import all_runs, damaged
from routing.adjustment import propose, shifted
from routing.errors import RoutingError
from routing.recording import kept
from routing.store.adjustments import Applied
from routing.store.records import FEWEST, Proposal


def learning() -> None:
    """Propose a shift of every expert's predicted score from votes and checks; nothing applies itself."""
    st.caption(
        "Votes and checks say where predicted scores are too high or too low. A proposal shifts each expert's score; "
        "it is fitted on two runs in three and judged on the third, and nothing changes before you apply it."
    )
    with kept("The adjustments"):
        applied = asking.store().adjustments.all(asking.owner())
    damaged(applied.note("adjustment"))
    active = next((a for a in applied if a.is_active), None)
    in_force(active)
    if st.button("Propose from votes and checks", key="propose", icon=":material/model_training:"):
        st.session_state["proposal"] = propose(all_runs(), active.proposal.shifts if active else None)
    proposal: Proposal | None = st.session_state.get("proposal")
    if proposal is not None:
        proposed(proposal)


def in_force(active: Applied | None) -> None:
    """What is applied now, with a button that takes it back."""
    if active is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f":material/check: Applied on {asking.moment(active.created)}.", width="content")
        st.button("Undo", key="undo", icon=":material/undo:", type="tertiary", on_click=_change, args=(None,))


def proposed(proposal: Proposal) -> None:
    """What a proposal would change, and whether it may be applied."""
    if not proposal.shifts:
        st.info(
            f"No vote and no check yet. At least {FEWEST} on either side are needed.", icon=":material/how_to_vote:"
        )
        return
    before, after, used = st.columns(3)
    before.metric("Held-out loss now", _loss(proposal.loss_before))
    change = proposal.loss_after - proposal.loss_before
    after.metric(
        "Held-out loss with the shifts", _loss(proposal.loss_after),
        delta=None if math.isnan(change) else f"{change:+.4f}", delta_color="inverse",
    )  # fmt: skip
    used.metric("Judgements fitted on, held out", f"{proposal.n_used}, {proposal.n_held_out}")
    titles = own.titles()
    frame = pd.DataFrame(
        {
            "Expert": titles.get(name, name),
            "Shift (log odds)": shift,
            "A score of 0.50 becomes": shifted(0.5, shift),
        }
        for name, shift in sorted(proposal.shifts.items(), key=lambda pair: -abs(pair[1]))
    )
    numbers = {
        "Shift (log odds)": st.column_config.NumberColumn(format="%+.3f"),
        "A score of 0.50 becomes": st.column_config.NumberColumn(format="%.2f"),
    }
    st.dataframe(frame, hide_index=True, column_config=numbers)
    st.button(
        "Apply", key="apply", type="primary", icon=":material/check:", disabled=not proposal.is_better,
        on_click=_change, args=(proposal,),
    )  # fmt: skip
    if not proposal.is_enough:
        st.caption(f"At least {FEWEST} judgements on either side are needed. Vote or check more.")
    elif not proposal.is_better:
        st.caption("It is not better on the held-out runs, so it cannot be applied.")


def _change(proposal: Proposal | None) -> None:
    """Apply a proposal, or undo the active one where there is none."""
    try:
        with kept("The adjustment"):
            if proposal is None:
                asking.store().adjustments.undo(asking.owner())
            else:
                asking.store().adjustments.apply(proposal, asking.owner())
    except RoutingError as problem:
        st.toast(show.escape(str(problem)), icon=":material/error:")
        return
    st.session_state.pop("proposal", None)
    asking.changed()


def _loss(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.4f}"
