"""Before the click on Compare: which experts, whose domain, what it costs, and whether it is allowed."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from pages.common import answers, cached, conversation, keys, own, show
from pages.common.settings import Manner, words
from routing.asking import Estimate, Override, Plan, estimate, fallbacks
from routing.catalog import beyond_tier
from routing.router import Reading, Routed
from routing.schema import Expert

MOST: Final = 6
UNSTATED: Final = ""
LONGEST_DOMAIN: Final = 60


def experts(routed: Routed) -> list[str]:
    """Up to six experts; the pick and its runner-ups are preselected, with one that runs here if a key is missing.

    Where nothing is predicted of a whole pool, its first three that can be called are.
    """
    decision, ring, catalog = routed.decision, keys.ring(), own.catalog()
    suggested = list(decision.order[:3])
    if all(math.isnan(score) for score in decision.options.score):
        suggested = [name for name in decision.options.experts if is_usable(catalog[name])][:3]
    if not all(ring.status(catalog[name]).is_usable for name in suggested):
        here = [e.name for e in catalog.experts if e.is_local and answers.is_installed(e)]
        suggested += [name for name in here if name in decision.options.experts and name not in suggested]
    # A new prompt or new sliders bring a new suggestion; a choice made by hand stays.
    if st.session_state.get("compare_suggested") != suggested and not st.session_state.get("compare_by_hand"):
        st.session_state["compare_experts"] = suggested
        st.session_state["compare_suggested"] = suggested
    known = set(decision.options.experts)
    if not known & set(st.session_state.get("compare_experts", [])):
        st.session_state["compare_by_hand"] = False
        st.session_state["compare_experts"] = suggested
    st.session_state["compare_experts"] = [n for n in st.session_state.get("compare_experts", []) if n in known]
    chosen: list[str] = st.multiselect(
        "Experts",
        decision.options.experts,
        key="compare_experts",
        format_func=lambda n: own.titles()[n],
        max_selections=MOST,
        placeholder="Choose up to six",
        on_change=_by_hand,
        persist_state="session",
    )
    return chosen


def _by_hand() -> None:
    st.session_state["compare_by_hand"] = bool(st.session_state["compare_experts"])


def domain() -> str:
    """The prompt's domain, for votes by domain; an example brings its own."""
    examples, prompt, state = cached.examples(), st.session_state.get("prompt", ""), st.session_state
    state.setdefault("compare_domain", UNSTATED)
    if state.get("domain_of") != prompt:
        found = next((name for name, texts in examples.items() if prompt in texts), UNSTATED)
        if found or state.get("domain_is_found"):
            state["compare_domain"] = found
        state["domain_of"], state["domain_is_found"] = prompt, bool(found)
    options = [UNSTATED, *dict.fromkeys([*examples, *filter(None, [state["compare_domain"]])])]
    chosen: str = st.selectbox(
        "Domain", options, key="compare_domain", format_func=lambda d: d or "unstated", persist_state="session",
        help="Votes are added up by domain. Type one of your own if none fits.", accept_new_options=True,
    )  # fmt: skip
    return chosen[:LONGEST_DOMAIN]


def set_domain(name: str, prompt: str) -> None:
    """The domain of a prompt that somebody set; for callbacks."""
    st.session_state["compare_domain"] = name
    st.session_state["domain_of"], st.session_state["domain_is_found"] = prompt, False


def planned(
    reading: Reading, routed: Routed, chosen: Sequence[str], manner: Manner, overrides: Mapping[str, Override]
) -> tuple[Plan, Estimate]:
    """Who is asked what, who takes over, and what that costs."""
    catalog = own.catalog()
    names = fallbacks(routed.decision, chosen, lambda n: is_usable(catalog[n])) if manner.has_fallbacks else ()
    told = st.session_state.get("ask_again_histories", {}) if conversation.asked_again(reading.prompt) else {}
    plan = Plan(
        reading.prompt, tuple(catalog[n] for n in chosen), manner.settings, overrides, manner.repeats,
        tuple(catalog[n] for n in names), told,
    )  # fmt: skip
    return plan, cost_of(plan, routed)


def cost_of(plan: Plan, routed: Routed) -> Estimate:
    """What a plan costs with the keys and addresses of this browser session."""
    usable = [e.name for e in (*plan.experts, *plan.fallbacks) if is_usable(e)]
    return estimate(plan, routed, usable, keys.ring().unpriced)


def is_usable(expert: Expert) -> bool:
    """Whether an expert can be called now; one that was hidden since it was asked may be asked again."""
    ring = keys.ring()
    if expert.is_local and expert.name not in ring.endpoints:
        return answers.is_installed(expert)
    return ring.status(expert).is_usable


def manner_line(plan: Plan) -> None:
    """How long each is waited for, how often it is tried again, and how it is asked."""
    told = plan.as_json() | {"system": "", "fallbacks": []}  # the one is long, the others have a line of their own
    st.caption(f":material/settings: Each: {', '.join(words(told))}.")


def fallback_line(plan: Plan) -> None:
    """Who takes over, in their order."""
    if plan.fallbacks:
        order = ", then ".join(e.title for e in plan.fallbacks)
        st.caption(f":material/alt_route: If one fails before it wrote anything, {order} takes over.")


def address_line(plan: Plan) -> None:
    """Which of the experts are asked at an own address, and where that leads."""
    endpoints = keys.ring().endpoints
    at: dict[str, list[str]] = {}
    for expert in (*plan.experts, *plan.fallbacks):
        if expert.name in endpoints:
            at.setdefault(endpoints[expert.name], []).append(show.escape(expert.title))
    told = [f"{', '.join(titles)} at {show.code(address)}" for address, titles in at.items()]
    if told:
        st.caption(f":material/dns: Asked at an own address: {'; '.join(told)}")


def is_too_far(routed: Routed, asked: Sequence[Expert]) -> bool:
    """Whether an expert is beyond the security limit of the prompt; says so."""
    tier = routed.decision.preferences.limits.get("security", 3.0)
    far = beyond_tier(asked, tier)
    if far:
        names = ", ".join(e.title for e in far)
        st.warning(
            f"This prompt is limited to security tier {tier:g}, and {names} is beyond it. Remove it, or the limit."
        )
    return bool(far)
