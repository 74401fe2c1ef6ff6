"""What exactly do we run, and what changed?"""

import streamlit as st

from pages.common import asking, look, own, policies, show
from pages.common.policies_library import library
from routing.errors import RoutingError
from routing.objective import CONSTRAINTS
from routing.policy_file import MOST_FALLBACKS, USUAL_FALLBACKS, Flags, PolicyFile
from routing.policy_file.reading import LONGEST_NAME, LONGEST_NOTE, parse
from routing.recording import kept

ROUTE = "pages/ask/route.py"


def page() -> None:
    """Save the present settings on the left; versions, differences and loading on the right."""
    look.apply()
    st.markdown("### What exactly do we run, and what changed?")
    try:
        with kept("The policy files"):
            listed = policies.files().names(asking.owner())
        left, right = st.columns([1, 2.2], gap="large")
        known = [one.name for one in listed]
        with left:
            now = saving(known)
            upload()
        with right:
            library(known, now)
    except RoutingError as problem:
        st.warning(show.escape(str(problem)), icon=":material/database_off:")


def saving(known: list[str]) -> PolicyFile:
    """The present settings, to be saved as a version."""
    st.markdown("#### Present settings")
    state = st.session_state
    if not state.get("policy_new_name") and known:
        state["policy_new_name"] = state.get(policies.CHOSEN, known[0])
    name = st.text_input("Name", key="policy_new_name", max_chars=LONGEST_NAME, placeholder="Team default")
    flags = flags_chooser()
    fallbacks = fallbacks_chooser()
    note = st.text_input("Note", key="policy_note", max_chars=LONGEST_NOTE, placeholder="Why this version")
    policy = policies.captured(name or "Unnamed", flags, fallbacks, note)
    facts(policy)
    st.button(
        "Save version", key="policy_save", type="primary", icon=":material/save:", width="stretch",
        disabled=not name.strip(), on_click=policies.keep, args=(policy,),
    )  # fmt: skip
    if not name.strip():
        st.caption("Give it a name to save it.")
    st.page_link(ROUTE, label="Change them on Route", icon=":material/tune:")
    return policy


def flags_chooser() -> Flags:
    """Which constraints a flag in a prompt may set."""
    st.session_state.setdefault("policy_flags", policies.ALL)
    chosen = st.segmented_control(
        "Flags that count", [policies.ALL, policies.SOME, policies.NONE], key="policy_flags", persist_state="session",
        help="Flags in a prompt override weights and limits. Those that do not count are reported, never followed.",
    )  # fmt: skip
    if chosen == policies.NONE:
        return ()
    if chosen != policies.SOME:
        return None
    some = st.multiselect(
        "Constraints", list(CONSTRAINTS), key="policy_flag_names", persist_state="session",
        format_func=lambda c: CONSTRAINTS[c].title,
        placeholder="Choose those a flag may set",
    )  # fmt: skip
    return tuple(name for name in CONSTRAINTS if name in some)


def fallbacks_chooser() -> int | tuple[str, ...]:
    """How many of the next best experts take over when the pick fails, or which ones."""
    pool = policies.present().pool or own.catalog().names
    state = st.session_state
    state["policy_fallback_names"] = [name for name in state.get("policy_fallback_names", []) if name in pool]
    named = st.multiselect(
        "Fallbacks in this order", pool, key="policy_fallback_names", persist_state="session",
        format_func=lambda n: own.titles()[n], max_selections=MOST_FALLBACKS, placeholder="The next best experts",
    )  # fmt: skip
    state.setdefault("policy_fallbacks", USUAL_FALLBACKS)
    count = st.number_input(
        "How many take over", 0, MOST_FALLBACKS, key="policy_fallbacks", disabled=bool(named), persist_state="session",
        help="So many of the next best experts are asked, one after the other, when the pick fails.",
    )  # fmt: skip
    return tuple(named) or int(count)


def facts(policy: PolicyFile) -> None:
    """A policy file in five short lines."""
    rows = {
        "Router": policies.router_text(policy, policies.routers_here()),
        "Pool": policies.pool_text(policy),
        "Weights": policies.weights_text(policy),
        "Limits": policies.limits_text(policy),
    }
    if policy.own:
        rows["Facts of your own experts"] = ", ".join(one.name for one in policy.own)
    st.caption("  \n".join(f"**{key}** {show.escape(value)}" for key, value in rows.items()))


def upload() -> None:
    """A policy file from elsewhere, looked at before it is kept."""
    with st.expander("Upload a policy file", icon=":material/upload_file:"):
        given = st.file_uploader("JSON or YAML", ["json", "yaml", "yml"], key="policy_upload")
        if given is None:
            return
        try:
            policy = parse(given.getvalue())
            st.markdown(f"**{show.escape(policy.name)}**")
            facts(policy)
            if note := policies.problem(policy):
                st.caption(f":material/warning: {show.escape(note)}")
        except RoutingError as problem:
            st.warning(show.escape(str(problem)))
            return
        st.button("Keep as a version", key="policy_keep", on_click=policies.keep, args=(policy,))


page()
