"""Kept policy files: their versions, and what may be done with each."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from pages.common import asking, in_force, policies, policies_experts, show
from pages.common.policies_compare import compare
from routing.policy_file import PolicyFile, file_name, text
from routing.recording import kept
from routing.store.policies import Kept


def library(known: list[str], now: PolicyFile) -> None:
    """Kept policy files: choose one, see its versions, take one up again.

    Args:
        known: Names, the one changed last first.
        now: The present settings.
    """
    st.markdown("#### Kept policy files")
    if not known:
        st.info(
            "No policy file is kept yet. Save the present settings, or upload a file.", icon=":material/description:"
        )
        return
    if st.session_state.get(policies.CHOSEN) not in known:
        st.session_state[policies.CHOSEN] = known[0]
    name = st.selectbox("Policy file", known, key=policies.CHOSEN, on_change=policies.name_chosen)
    with kept("The versions"):
        versions = policies.files().versions(name, asking.owner())
    if not versions:
        st.warning("No version of it can be read by this version of the app. Update, or delete it.")
        return
    if note := versions.note("version"):
        st.caption(f":material/broken_image: {note}")
    table(versions)
    actions(name, versions)
    compare(
        versions, replace(now, name=name, note=now.note or versions[0].policy.note, rebound=versions[0].policy.rebound)
    )


def table(versions: Sequence[Kept]) -> None:
    """Every version on a line."""
    here = policies.routers_here()
    frame = pd.DataFrame(
        {
            "Version": one.version,
            "Saved": asking.moment(one.created),
            "Note": one.policy.note,
            "Weights": policies.weights_text(one.policy),
            "Limits": policies.limits_text(one.policy),
            "Pool": policies.pool_text(one.policy),
            "Flags": policies.flags_text(one.policy),
            "Fallbacks": policies.fallbacks_text(one.policy),
            "Router": policies.router_text(one.policy, here),
        }
        for one in versions
    )
    st.dataframe(frame, hide_index=True, height="auto" if len(versions) < 7 else 250)


def actions(name: str, versions: Sequence[Kept]) -> None:
    """What may be done with one version."""
    by_number = {one.version: one for one in versions}
    if st.session_state.get("policy_version") not in by_number:
        st.session_state["policy_version"] = versions[0].version
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.selectbox(
            "Version", list(by_number), key="policy_version", width=190,
            format_func=lambda v: policies.version_label(by_number[v]),
        )  # fmt: skip
        policy = by_number[chosen].policy
        note, lost = policies.problem(policy), policies.unknown(policy)
        st.button(
            "Load", key="policy_load", icon=":material/tune:", disabled=bool(note or lost),
            on_click=policies.load, args=(policy,),
            help="Sets router, pool, weights and limits on Route. Flags and fallbacks count where the file decides.",
        )  # fmt: skip
        st.download_button(
            "Download", text(policy), file_name(policy, chosen), "application/json", key="policy_download",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        with st.popover("Delete", icon=":material/delete:"):
            st.caption("A version that is deleted is gone; its number is not used again.")
            is_newest = chosen == versions[0].version
            st.button(
                f"Delete version {chosen}", key="policy_delete_one", disabled=is_newest, on_click=policies.delete,
                args=(name, chosen), help="The newest version stays as long as its policy file." if is_newest else None,
            )  # fmt: skip
            st.button(
                f"Delete all {len(versions)} versions", key="policy_delete_all", type="primary",
                on_click=policies.delete, args=(name, None),
            )  # fmt: skip
    remedies(policy, note, lost)


def remedies(policy: PolicyFile, note: str, lost: tuple[str, ...]) -> None:
    """What stands between a version and the sliders, and the click that mends it."""
    if note:
        st.warning(show.escape(note))
        with st.container(horizontal=True, gap="small"):
            if (other_router := policies.routers_here().get(policy.graph_sha256)) is not None:
                number, name = other_router
                st.button(
                    f"Put {show.escape(name)} in force", key="policy_router", type="primary",
                    icon=":material/model_training:", on_click=in_force.put, args=(number,),
                    help="The router that this version was made for.",
                )  # fmt: skip
            if policies.can_accept(policy):
                st.button(
                    "Accept this router", key="policy_accept", on_click=policies.accept, args=(policy,),
                    help="A new version says so.",
                )  # fmt: skip
    if not policies_experts.offers(policy) and lost:
        st.warning(f"Your catalogue lacks {show.escape(', '.join(lost))}. Add or show it on the Experts page.")
