"""Onboarding by probe: what it costs, asking with a running estimate, and stopping and going on."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd
import streamlit as st

from pages.common import keys, money, own, person, show
from pages.common.workshop import onboard_result
from routing import bounded
from routing.collecting import Collection, Desk, Manner
from routing.collecting.learning import JOB, figures_of, learn
from routing.collecting.probe import DOMAINS, FEWEST, USUAL, Adaptive, Course, task_of
from routing.collecting.tasks import SETTINGS, bill
from routing.collecting.under_way import under_way
from routing.errors import RoutingError
from routing.figures import CONFIG, onboarding
from routing.recording import kept
from routing.schema import Expert
from routing.store.outcomes import Collected

REDRAW_S: Final = 0.7
RUN: Final = "onboard_runs"
SHOWN: Final = 400  # characters of an answer in the table


@dataclass
class Asking:
    """Probes being asked, and what they say so far."""

    expert: Expert
    count: int
    collection: Collection
    course: Course
    is_kept: bool = False


def _runs() -> dict[str, Asking]:
    """What was asked in this browser session, and what a session of this person that is gone still asks, by expert."""
    runs: dict[str, Asking] = st.session_state.setdefault(RUN, {})
    with suppress(RoutingError), kept("What is being asked"):  # what cannot do without the database says so itself
        store, owner = person.store(), person.owner()
        for name, collection in under_way(store, owner, JOB).items():
            mine = runs.get(name)
            if mine is None or (mine.is_kept and mine.collection is not collection):
                expert, queue = next((e, q) for e, q in collection.queues.items() if e.name == name)
                count = queue.count if isinstance(queue, Adaptive) else 0
                course = Course(onboard_result.probes(), figures_of(store, owner, name))
                runs[name] = Asking(expert, count, collection, course)
    return runs


def asked_now() -> str | None:
    """Name of an expert that is being asked probes; None where none is."""
    return next((name for name, run in _runs().items() if run.collection.is_running), None)


def is_asked(expert: Expert) -> bool:
    """Whether probes of an expert are being asked, in this browser session or since an earlier one."""
    return (run := _runs().get(expert.name)) is not None and not run.is_kept


def probing(expert: Expert) -> None:
    """Ask an expert probes, or see how far that is."""
    asked = _runs().get(expert.name)
    others = [run.expert.title for run in _runs().values() if run is not asked and run.collection.is_running]
    if others:
        st.caption(f":material/hourglass_top: Being asked meanwhile: {show.escape(', '.join(others))}.")
    if asked is not None and not asked.is_kept:
        st.fragment(_watch, run_every=REDRAW_S)(asked)
        return
    try:
        with kept("Earlier outcomes"):
            done = person.store().outcomes.all(person.owner(), JOB, expert.name)
    except RoutingError as problem:
        st.warning(show.escape(str(problem)), icon=":material/database_off:")
        return
    if asked is not None and (trouble := asked.collection.problems):
        st.warning(show.escape(next(iter(trouble.values()))), icon=":material/error:")
    _offer(expert, done)
    if note := done.note("outcome"):
        st.caption(f":material/broken_image: {note}")
    answers(done)


def _offer(expert: Expert, done: tuple[Collected, ...]) -> None:
    """How many, what they cost, and the button."""
    scored = sum(o.score is not None for o in done)
    probes = onboard_result.probes().probes
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        usual = min(len(probes), max(USUAL, scored if scored >= USUAL else 0) + (USUAL if scored >= USUAL else 0))
        count = int(
            st.number_input(
                "Probes in all", FEWEST, len(probes), usual, 10, key=f"onboard_count_{scored}", width=150,
                help="Each is chosen by what the answers so far leave open. More probes, narrower intervals.",
            )
        )  # fmt: skip
        longest = int(
            st.number_input(
                "Longest answer (tokens)", 64, 32_000, 256 if expert.is_local else 1024, 64, width=190,
                key=f"onboard_longest_{expert.is_local}",
                help="An expert that thinks at length before it answers needs more; an answer cut short is wrong.",
            )
        )  # fmt: skip
        money.popover()
    settings, ring = replace(SETTINGS, max_tokens=longest), keys.ring()
    with_code = _may_run_code(sum(p.check.runs_code for p in probes))
    answered = {o.prompt_id for o in done if o.score is not None}
    tasks = [
        task_of(p) for p in probes if p.prompt_id not in answered and (with_code or not p.check.runs_code)
    ]  # fmt: skip
    left = min(max(0, count - scored), len(tasks))
    cost = None if expert.name in ring.unpriced else bill(expert, tasks, left, settings)
    status = ring.status(expert)
    st.caption(_cost_line(expert, left, cost))
    is_accepted = cost is not None or st.checkbox("Ask at an unknown price", key="onboard_unknown")
    if not status.is_usable:
        st.caption(f":material/key_off: {show.escape(status.text)}")
    with st.container(horizontal=True, gap="small"):
        label = f"Go on with {left} probes" if scored else f"Ask {left} probes"
        is_off = not status.is_usable or not is_accepted or left == 0
        if st.button(label, key="onboard_go", type="primary", icon=":material/play_arrow:", disabled=is_off):
            _begin(expert, scored + left, Manner(settings, unpriced=ring.unpriced, with_code=with_code), done)
        if done:
            st.button(
                "Forget these outcomes", key="onboard_forget", type="tertiary", icon=":material/delete:",
                on_click=_forget, args=(expert.name,),
            )  # fmt: skip


def _may_run_code(count: int) -> bool:
    """Whether probes about code are asked: where the kernel holds such code, else only if the person allows it."""
    if bounded.is_filtered():
        return True
    st.caption(f":material/gpp_maybe: {bounded.UNHELD} The {count} probes about code are left out unless you allow it.")
    return st.checkbox("Run code that the expert writes all the same", key="onboard_code")


def _cost_line(expert: Expert, left: int, cost: tuple[float, float] | None) -> str:
    if left == 0:
        return "All of these are answered. Raise the number to ask more."
    if expert.is_local:
        return f"{left} probes on this machine cost nothing and take about {max(1, round(left * 1.9 / 60))} min."
    if cost is None:
        return f"{left} probes at a price that nobody here knows; state it on the Experts page, or accept that."
    return f"{left} probes: expected **{money.dollars(cost[0])}**, at most {money.dollars(cost[1])}."


def _begin(expert: Expert, count: int, manner: Manner, done: tuple[Collected, ...]) -> None:
    if is_asked(expert):  # another tab was faster
        st.rerun()
    try:
        desk = Desk(person.store(), person.place(), JOB, money.budget_usd())
        with kept("Outcomes"):
            desk.store.outcomes.check_room(desk.place.owner, count)
            figures = figures_of(desk.store, desk.place.owner, expert.name)
        queue = Adaptive(onboard_result.probes(), count, figures, with_code=manner.with_code)
        collection = Collection({expert: queue}, keys.ring(), desk, manner, done=done)
    except RoutingError as problem:
        st.warning(show.escape(str(problem)), icon=":material/error:")
        return
    _runs()[expert.name] = Asking(expert, count, collection, Course(onboard_result.probes(), figures))
    st.rerun()


def _forget(name: str) -> None:
    """Delete what was asked of an expert, and what was learned from that."""
    try:
        with kept("The outcomes"):
            person.store().outcomes.forget(person.owner(), JOB, name)
            learn(person.store(), person.owner(), name, onboard_result.probes())
    except RoutingError as problem:
        st.toast(show.escape(str(problem)), icon=":material/error:")
    _runs().pop(name, None)
    own.changed()


def _watch(asked: Asking) -> None:
    """The estimate as it narrows; keeps it when the last probe is answered."""
    is_over = not asked.collection.is_running
    found = asked.collection.outcomes()
    course = asked.course.follow(found)
    now, scored = course[-1], len(course) - 1
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        note = asked.collection.note
        st.progress(min(1.0, scored / asked.count), f"{scored} of {asked.count} probes answered. {note}".strip())
        st.button("Stop", key="onboard_stop", icon=":material/stop:", on_click=asked.collection.stop)
    st.caption("You may leave this page; asking goes on while the app runs.")
    score, interval, right = st.columns(3)
    score.metric("Mean predicted score", f"{now.score:.2f}")
    interval.metric("90 % interval", f"{now.low:.2f} to {now.high:.2f}")
    right.metric("Answered right", f"{sum(o.score or 0 for o in found):g} of {scored}")
    st.plotly_chart(onboarding.narrowing(course, asked.count), config=CONFIG, key="onboard_narrowing")
    answers(found)
    if is_over and not asked.is_kept:
        asked.is_kept = True
        keep(asked)
        st.rerun()


def keep(asked: Asking) -> None:
    """Keep what the outcomes say of the expert."""
    try:
        with kept("What was learned"):
            learn(person.store(), person.owner(), asked.expert.name, onboard_result.probes())
    except RoutingError as problem:
        st.toast(show.escape(str(problem)), icon=":material/error:")
    own.changed()


def answers(found: tuple[Collected, ...]) -> None:
    """Every answer so far, newest first, and whether it was right."""
    if not found:
        return
    known = {p.prompt_id: p for p in onboard_result.probes().probes}
    failed = sum(o.score is None for o in found)
    label = f"Answers: {len(found) - failed}" + (f", failed calls: {failed}" if failed else "")
    with st.expander(label, icon=":material/fact_check:", key="onboard_answers"):
        st.dataframe(
            pd.DataFrame(
                {
                    "Right": {1.0: "yes", 0.0: "no", None: "failed"}.get(o.score, "partly"),
                    "Domain": DOMAINS.get(known[o.prompt_id].domain, ""),
                    "Probe": known[o.prompt_id].prompt[:SHOWN],
                    "Answer": o.answer[:SHOWN] or (o.error or "")[:SHOWN],
                    "Tokens": o.output_tokens,
                    "Seconds": o.latency_s,
                }
                for o in reversed(found)
                if o.prompt_id in known
            ),
            hide_index=True, height=260, key="onboard_table",
            column_config={"Tokens": st.column_config.NumberColumn(format="localized", width="small"),
                           "Seconds": st.column_config.NumberColumn(format="%.1f", width="small"),
                           "Right": st.column_config.TextColumn(width="small"),
                           "Domain": st.column_config.TextColumn(width="small")},
        )  # fmt: skip
        st.caption(
            "Probes ask for short answers, which tells nothing of the length of others: the cost on Route assumes the "
            "mean length predicted for the experts that were measured."
        )
