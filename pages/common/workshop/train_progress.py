"""A training while it runs, and what came of it; found again after a reload, since it lies in this person's folder."""

from datetime import timedelta
from typing import Final

import streamlit as st

from pages.common import person, show
from pages.common.workshop import train_verdict
from routing.recording import kept
from routing.workshop import job, state
from routing.workshop.state import State

EVERY: Final = timedelta(seconds=1)
ENDED: Final = {
    "failed": "did not finish.",
    "cancelled": "was cancelled.",
    "interrupted": "was interrupted: its process is gone. Start it again.",
}


def is_running() -> bool:
    """Whether a training of this person runs now."""
    now = job.now(person.owner())
    return now is not None and now.status == "running"


def progress() -> None:
    """The newest training, if it is worth a word."""
    now = job.now(person.owner())
    if now is None:
        return
    if now.status == "running":
        running()
    elif now.status == "done":
        finished(now)
    else:
        with st.container(horizontal=True, vertical_alignment="center"):
            said = f"The training of {now.name} {ENDED[now.status]} {now.problem}"
            icon = ":material/cancel:" if now.status == "cancelled" else ":material/error:"
            st.warning(show.escape(said), icon=icon)
            st.button("Dismiss", key="train_dismiss", type="tertiary", on_click=job.forget, args=(person.owner(),))


@st.fragment(run_every=EVERY)
def running() -> None:
    """Looks at the file of the training once a second; the page is drawn anew when it has ended."""
    now = job.now(person.owner())
    if now is None or now.status != "running":
        st.rerun()
    seconds = int((state.now() - now.started).total_seconds())
    st.markdown(f"#### Training {show.escape(now.name)}")
    st.progress(min(1.0, now.share), f"{show.escape(now.lines[-1])} ({seconds // 60}:{seconds % 60:02d})")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button("Cancel", key="train_cancel", icon=":material/stop:", on_click=job.cancel, args=(person.owner(),))
        st.caption("You may leave this page; the training goes on while the app runs.", width="content")
    with st.expander("What it says"):
        st.text("\n".join(now.lines))


def finished(now: State) -> None:
    """Keep the router in the list, once, and show how it compares."""
    owner = person.owner()
    with kept("The router"):
        store = person.store()
        store.routers.add(
            owner, name=now.name, folder=now.router_id, graph_sha256=now.graph_sha256, measures=now.measures
        )
        mine = next((one for one in store.routers.all(owner) if one.folder == now.router_id), None)
    if mine is None:
        return
    st.markdown(f"#### Trained: {show.escape(mine.name)}")
    train_verdict.show_verdict(mine)
    train_verdict.table(mine)
    train_verdict.acts(mine, "new")
