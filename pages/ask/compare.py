"""What do they really answer, side by side?"""

from contextlib import suppress

import streamlit as st

from pages.common import (
    asking,
    cached,
    cards,
    choosing,
    columns,
    controls,
    conversation,
    followup,
    judging,
    keys,
    link,
    look,
    money,
    settings,
    show,
)
from pages.common.history import listing
from routing.asking import Plan
from routing.errors import RoutingError
from routing.predictors import DEFAULT
from routing.recording import kept
from routing.router import Reading, Routed


def page() -> None:
    """Choose experts, ask them, see the answers arrive, judge them, and go on."""
    look.apply()
    columns.style()
    cached.warm_up()
    st.markdown("### What do they really answer, side by side?")
    # In places of their own, so that a line that comes or goes above never moves the answers: Streamlit knows them by
    # their place, and would lose a click on them that is under way.
    above, below = st.container(), st.container()
    with above:
        reading = asked()
    with below:
        answered(reading)


def asked() -> Reading | None:
    """The prompt, and everything before the click; None where nothing can be asked."""
    prompt = controls.prompt_box()
    router = st.session_state.get("router", DEFAULT)
    reading = show.reading_of(prompt, router)
    if reading is None:
        keys.form()
        return None
    show.flags(reading)
    with st.expander("Pool, weights and limits", icon=":material/tune:"):
        wanted = controls.panel()
        link.share()
    show.sensitive_hint(reading)
    keys.form()
    try:
        routed = asking.decided(cards.router(router), reading, wanted)
    except RoutingError as problem:
        st.warning(str(problem))
        return None
    ask(reading, routed)
    return reading


def ask(reading: Reading, routed: Routed) -> None:
    """Whom to ask and how, what it will cost, and the button."""
    turn = conversation.last()
    busy = turn is not None and turn.comparison.is_running
    left, right = st.columns([4, 1])
    with left:
        chosen = choosing.experts(routed)
    with right:
        domain = choosing.domain()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        first = st.container(width="content")
        st.button(
            "Stop all", key="compare_stop", icon=":material/stop:", disabled=not busy,
            on_click=turn.comparison.stop if turn is not None else None,
        )  # fmt: skip
        manner, own = settings.popover(chosen)
        money.popover()
        is_blind = st.toggle("Blind", key="compare_blind", persist_state="session", help="Hide names until you vote.")
    plan, cost = choosing.planned(reading, routed, chosen, manner, own)
    with st.container(gap="xxsmall"):  # why Ask is off stands next to it
        is_blocked = choosing.is_too_far(routed, plan.experts) or not money.is_confirmed(cost)
        told(reading, routed, plan, money.sentence(cost, len(chosen)))
    off = busy or not chosen or is_blocked
    is_clicked = first.button("Ask", key="compare_ask", type="primary", icon=":material/send:", disabled=off)
    if off or not is_clicked:  # a second click may come before the browser shows that the first one counted
        return
    try:
        conversation.ask(plan, routed, cost, domain=domain, is_blind=is_blind)
    except RoutingError as problem:
        st.warning(show.escape(str(problem)), icon=":material/account_balance_wallet:")
    else:
        st.rerun()


def told(reading: Reading, routed: Routed, plan: Plan, price: str) -> None:
    """What the click will do: the price, how and where experts are asked, and what the predictions rest on."""
    st.caption(price)
    choosing.manner_line(plan)
    choosing.fallback_line(plan)
    choosing.address_line(plan)
    if learnt := asking.taught(routed):
        st.caption(f":material/timer: {learnt}")
    if (before := conversation.asked_again(reading.prompt)) is not None:
        st.caption(f":material/replay: As asked on {asking.moment(before.created)}. Ask to see what changed.")
        if note := st.session_state.get("ask_again_note"):
            st.caption(f":material/warning: {note}")


def answered(reading: Reading | None) -> None:
    """The turns so far, and what can be done with the last; they stay when the prompt above goes."""
    turn = conversation.last()
    if turn is None:
        nothing_yet(reading)
        return
    if turn.number == 0 and (reading is None or turn.prompt != reading.prompt):
        asked_before = " ".join(turn.prompt.split())[: columns.ENOUGH]
        st.caption(f":material/history: These are answers to another prompt: {show.escape(asked_before)}")
    columns.earlier(conversation.turns()[:-1])
    if turn.number > 0:
        st.markdown(f"**Turn {turn.number + 1}:** {show.escape(turn.prompt[: columns.ENOUGH])}")
    columns.live(turn)
    if turn.trouble:
        st.caption(f":material/warning: {show.escape(turn.trouble)}")
    if turn.comparison.is_running:
        return
    judging.votes(turn)
    if not turn.is_hidden:
        followup.go_on(turn)
        followup.more(turn)


def nothing_yet(reading: Reading | None) -> None:
    """Where answers will appear, and the way to those asked last: a page that is loaded anew has none."""
    if reading is not None:
        whom = "" if st.session_state.get("compare_experts") else "Choose under Experts whom to ask. "
        hint = f"{whom}Answers appear here, side by side. The expert on this machine needs no key."
        st.info(hint, icon=":material/forum:")
    with suppress(RoutingError), kept("The last run"):
        for last in asking.store().runs.find(asking.owner(), limit=1):
            said = f"Last answers, {asking.moment(last.created)}"
            why = "Loading the page anew takes answers off it; History keeps them."
            if st.button(said, key="compare_last", type="tertiary", icon=":material/history:", help=why):
                listing.open_run(last.id)
                st.switch_page("pages/evidence/history.py")


page()
