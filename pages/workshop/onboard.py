"""How good is a new expert here?"""

import streamlit as st

from pages.common import keys, look, own, person, show
from pages.common.workshop import onboard_add, onboard_figures, onboard_probe, onboard_result
from routing.collecting.learning import is_learned, learn
from routing.onboarding.skill import Skill
from routing.recording import kept
from routing.schema import Expert

NEW = None
TABS = ["By probe", "By published figures", "How well does this work?"]


def page() -> None:
    """Choose or add an expert, learn about it in one of two ways, and see where it stands."""
    look.apply()
    st.markdown("### How good is a new expert here?")
    st.caption(
        "The router knows the experts whose outcomes it was trained on. Ask another one a few dozen prompts with known "
        "answers, or give its published results, and its score is predicted for every prompt too."
    )
    expert = chosen()
    if expert is None:
        onboard_add.form()
        st.markdown("#### How well does this work?")
        onboard_result.curves()
        return
    skill = skill_of(expert)
    head(expert, skill)
    probe, figures, trust = st.tabs(TABS, key="onboard_tabs", on_change="rerun")
    for tab, draw in ((probe, onboard_probe.probing), (figures, onboard_figures.figures)):
        if tab.open:
            with tab:
                draw(expert)
    if trust.open:
        with trust:
            onboard_result.curves()
    if skill is not None and not trust.open:
        onboard_result.standing(expert, skill)


def chosen() -> Expert | None:
    """The expert to learn about; None to add one. Those that the router was trained on need no onboarding."""
    catalog, titles = own.catalog(), own.titles()
    trained = set(onboard_result.probes().basis.experts)
    names = [*sorted(own.mine().added & set(catalog.names)), *(n for n in catalog.names if n not in trained)]
    names = list(dict.fromkeys(n for n in names if n not in trained))
    if (added := st.session_state.pop("onboard_next", None)) in names:
        st.session_state[onboard_add.CHOSEN] = added
    if onboard_add.CHOSEN not in st.session_state:  # opened anew: what is still being asked is shown first
        st.session_state[onboard_add.CHOSEN] = onboard_probe.asked_now()
    if st.session_state.get(onboard_add.CHOSEN) not in names:
        st.session_state.pop(onboard_add.CHOSEN, None)
    name = st.selectbox(
        "Expert", [NEW, *names], key=onboard_add.CHOSEN, width=420, persist_state="session",
        format_func=lambda n: "Add a new one" if n is None else titles[n],
    )  # fmt: skip
    return None if name is None else catalog[name]


def skill_of(expert: Expert) -> Skill | None:
    """What was learned about an expert, learned anew where more is known of it, or where another router is in force."""
    mine = own.mine().by_name.get(expert.name)
    skill = None if mine is None or mine.skill is None else Skill.from_json(mine.skill)
    probes, store, owner = onboard_result.probes(), person.store(), person.owner()
    if not onboard_probe.is_asked(expert):
        with kept("What was learned"):
            if not is_learned(store, owner, expert.name, probes, skill):
                skill = learn(store, owner, expert.name, probes)
                own.changed()
    if skill is not None and skill.graph_sha256 != probes.basis.graph_sha256:
        st.caption(":material/warning: What was learned belongs to another router. Ask it probes, or type figures.")
        return None
    return skill


def head(expert: Expert, skill: Skill | None) -> None:
    """Who it is, whether it can be called, and how it was learned."""
    ring = keys.ring()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(onboard_result.badge(skill), icon=":material/science:", color="gray" if skill is None else "blue")
        where = ring.endpoints.get(expert.name) or expert.litellm or "no address"
        st.caption(f"{show.code(where)}, {show.escape(keys.status_text(ring, expert))}", width="content")
    if not ring.status(expert).is_usable:
        keys.form()


page()
