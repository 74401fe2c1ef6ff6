"""Two policy files side by side: what differs, and what that does on held-out prompts."""

import math
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages.common import active, cached, own, policies, show
from routing.errors import RoutingError
from routing.policy_file import PolicyFile
from routing.policy_file.diff import UNKNOWN_EFFECT, Effect, changes, effect
from routing.store.policies import Kept
from routing.telling import money, percent

PRESENT = 0  # stands for the present settings among versions, which count from 1
MOST_MOVED = 8


def compare(versions: Sequence[Kept], now: PolicyFile) -> None:
    """Choose two, and see what lies between them.

    Args:
        versions: Of one name, newest first.
        now: The present settings under the same name.
    """
    st.markdown("#### What changed?")
    by_number = {one.version: one.policy for one in versions} | {PRESENT: now}
    options = [PRESENT, *[one.version for one in versions]]
    state = st.session_state
    if not {state.get("policy_before"), state.get("policy_after")} <= set(options):
        # Set rather than left to the boxes' defaults: the browser would keep the versions that it showed before.
        state["policy_before"], state["policy_after"] = telling(versions, now)
    left, right = st.columns(2)
    before = left.selectbox("From", options, key="policy_before", format_func=_label)
    after = right.selectbox("To", options, key="policy_after", format_func=_label)
    old, new = by_number[before], by_number[after]
    found = changes(old, new)
    if not found:
        st.caption(":material/check: Both say the same.")
        return
    frame = pd.DataFrame(
        {"Setting": c.setting, "From": c.before or "not set", "To": c.after or "not set"} for c in found
    )
    st.dataframe(frame, hide_index=True)
    try:
        did(_effect(old, new), has_own=bool(old.own or new.own))
    except RoutingError as problem:
        st.caption(f":material/info: {show.escape(str(problem))}")


def telling(versions: Sequence[Kept], now: PolicyFile) -> tuple[int, int]:
    """The pair to compare first: what is not saved yet; where all is saved, what the newest version changed."""
    newest = versions[0]
    if len(versions) > 1 and not changes(newest.policy, now):
        return versions[1].version, newest.version
    return newest.version, PRESENT


def _label(version: int) -> str:
    return "Present settings" if version == PRESENT else f"Version {version}"


def _effect(old: PolicyFile, new: PolicyFile) -> Effect | None:
    """Kept for this browser session, since it decides on every held-out prompt twice."""
    made: dict[tuple[str, str], Effect | None] = st.session_state.setdefault("policy_effects", {})
    pair = (old.sha256, new.sha256)
    if policies.problem(old) or policies.problem(new):
        return None
    if pair not in made:
        with st.spinner("Deciding on every held-out prompt under both"):
            found = effect(policies.ruling(old), policies.ruling(new), cached.sample(active.folder()))
        made.clear()  # a page shows one comparison at a time
        made[pair] = found
    return made[pair]


def did(found: Effect | None, *, has_own: bool) -> None:
    """What the change does to picks, all of it predicted."""
    if found is None:
        st.caption(f":material/info: What it does to picks is not known: {UNKNOWN_EFFECT}")
        return
    share, score, cost = st.columns(3)
    share.metric("Prompts with another pick", percent(found.share_changed, ".1f"))
    score.metric(
        "Mean predicted score", _score(found.score[1]), _delta(found.score, "{:+.3f}"), delta_color="normal"
    )  # fmt: skip
    cost.metric(
        "Mean predicted cost", money(found.cost_usd[1]).replace("$", "\\$"), ratio(found.cost_usd), delta_color="off"
    )
    apart = " Experts of your own have no predictions there, so they take no part." if has_own else ""
    split = cached.sample(active.folder()).split
    st.caption(f"{found.n_prompts:,} held-out prompts of the {split} split, without flags.{apart}")
    if any(found.share_unanswered):
        before, after = (percent(share, ".1f") for share in found.share_unanswered)
        st.caption(f":material/warning: Without a feasible expert: {before} before, {after} after.")
    if found.moved:
        titles = own.titles()
        rows = [
            {"From": titles.get(old or "", old or "nobody"), "To": titles.get(new or "", new or "nobody"), "Prompts": n}
            for old, new, n in found.moved[:MOST_MOVED]
        ]
        with st.expander("Which picks moved", icon=":material/swap_horiz:"):
            st.dataframe(pd.DataFrame(rows), hide_index=True)
            if len(found.moved) > MOST_MOVED:
                st.caption(f"And {len(found.moved) - MOST_MOVED} rarer moves.")


def _score(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.3f}"


def _delta(pair: tuple[float, float], form: str) -> str | None:
    change = pair[1] - pair[0]
    return None if math.isnan(change) or abs(change) < 0.0005 else form.format(change)


def ratio(pair: tuple[float, float]) -> str | None:
    """How the cost changed: as a share of what it was, or how many times it is where it at least doubled."""
    if not all(math.isfinite(v) for v in pair) or pair[0] <= 0 or abs(pair[1] / pair[0] - 1) < 0.0005:
        return None
    times = pair[1] / pair[0]
    before = money(pair[0]).replace("$", "\\$")
    return f"{percent(times - 1, '+.0f')} from {before}" if times < 2 else f"{times:,.3g} times {before}"
