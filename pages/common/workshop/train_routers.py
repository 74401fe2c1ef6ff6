"""The routers that this person keeps, which of them is in force, and bringing one in."""

import streamlit as st

from pages.common import active, asking, own, person, show
from pages.common.workshop import train_verdict
from pages.common.workshop.train_wait import waiting
from routing.errors import RoutingError
from routing.recording import kept
from routing.store.routers import OwnRouter
from routing.workshop import archive, job, places
from routing.workshop.bounds import MOST_ROUTERS, MOST_ROUTERS_MB, MOST_ZIP_MB
from routing.workshop.verdict import BROUGHT_IN, verdict


def kept_routers() -> None:
    """All of them, and a place to bring one in."""
    st.markdown("#### Your routers")
    owner = person.owner()
    with kept("Your routers"):
        mine = person.store().routers.all(owner)
    used = sum(places.size_mb(one) for one in places.kept(owner))
    force = active.now()
    st.caption(
        f":material/alt_route: In force: {show.escape(force.name) if force.folder else 'the shipped router'}. "
        f"{len(mine)} of at most {MOST_ROUTERS} routers, {used:,.0f} of {MOST_ROUTERS_MB} MB."
    )
    if note := mine.note("router"):
        st.caption(f":material/broken_image: {note}")
    newest = job.now(owner)
    for one in mine:
        # The router that was just trained has its verdict and buttons above.
        if newest is None or newest.status != "done" or newest.router_id != one.folder:
            row(one)
    bring_in()


def row(one: OwnRouter) -> None:
    """One router with its verdict, its measures folded away."""
    with st.container(border=True, key=f"kept_router_{one.id}"):
        st.markdown(f"**{show.escape(one.name)}**")
        st.caption(f"{asking.moment(one.created)}. {show.escape(verdict(one.measures, own.titles()).text)}")
        train_verdict.acts(one, str(one.id))
        if "own" in one.measures:
            with st.expander("Measures"):
                train_verdict.table(one)


def bring_in() -> None:
    """A router exported elsewhere; refused in one sentence where anything does not match."""
    with st.expander("Bring a router in"):
        given = st.file_uploader(
            f"A zip that this page exported, up to {MOST_ZIP_MB} MB", type=["zip"], max_upload_size=MOST_ZIP_MB,
            key="train_zip",
        )  # fmt: skip
        if given is not None and st.session_state.get("train_zip_taken") != given.file_id:
            st.session_state["train_zip_taken"] = given.file_id
            st.session_state["train_zip_said"] = _take(given.getvalue())
            st.rerun()
    # Below the expander, which may fold when the list above it grows.
    if given is not None and (said := st.session_state.get("train_zip_said")):
        is_taken, text = said
        (st.success if is_taken else st.error)(show.escape(text))


def _take(content: bytes) -> tuple[bool, str]:
    owner = person.owner()
    try:
        with st.spinner("Checking graph, card and sample"):
            router_id, card = archive.bring_in(owner, content, tell=waiting())
        try:
            with kept("The router"):
                person.store().routers.add(
                    owner, name=str(card["name"]), folder=router_id, graph_sha256=str(card["graph_sha256"]),
                    measures={BROUGHT_IN: True},
                )  # fmt: skip
        except RoutingError:
            places.remove(places.folder(owner, router_id))  # else it would take room and be in no list
            raise
    except RoutingError as problem:
        return False, str(problem)
    return True, f"{card['name']} is kept; it predicts {len(card['experts'])} experts."
