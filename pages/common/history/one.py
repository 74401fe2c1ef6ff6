"""One stored run, opened exactly as it was: answers, settings, predictions against measured, votes."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.common import (
    active,
    answers,
    asking,
    choosing,
    columns,
    controls,
    followup,
    judging,
    own,
    settings,
    show,
)
from pages.common.history import blind, listing
from routing.asking import Override, settings_from
from routing.errors import RoutingError
from routing.histories import kept_histories
from routing.recording import kept
from routing.schema import Answer
from routing.store import KeptAnswer, KeptRun

COMPARE = "pages/ask/compare.py"


def one(run_id: str) -> None:
    """A run with everything in it, and what may be done with it.

    Raises:
        StoreError: It is gone, or the database failed.
    """
    st.button(
        "All runs", key="back", icon=":material/arrow_back:", type="tertiary", on_click=listing.open_run, args=(None,)
    )
    with kept("The run"):
        run = asking.store().runs.open(run_id, asking.owner())
        turns = asking.store().runs.conversation(run.run.conversation, asking.owner())
    buttons(run, turns)
    with st.container(border=True):
        answers.text(run.run.prompt)
    about(run, len(turns))
    if run.is_hidden:
        blind.hidden(run)
        return
    if not run.is_finished and not listing.is_running(run.created):
        titles = own.titles()
        missing = ", ".join(titles.get(n, n) for n in run.missing) or "nobody"
        st.warning(f"Interrupted: the app ended before all answers were there. Missing: {missing}.")
    cards(run)
    for vote in run.votes:
        hidden = " Names were hidden." if vote.is_blind and vote.judge == "person" else ""
        st.caption(f":material/how_to_vote: {judging.outcome(vote)}{hidden}")
    texts = [(title_of(run, a), a.answer.text) for a in run.answers if a.answer.text]
    if run.run.repeats > 1:
        with st.expander("Repeats", icon=":material/repeat:"):
            followup.repeated((a.answer, a.check) for a in run.answers)
    if len(texts) > 1:
        with st.expander("Difference of two answers", icon=":material/difference:"):
            judging.two_texts(texts, key=f"kept_diff_{run.id}")


def buttons(run: KeptRun, turns: list[KeptRun]) -> None:
    """Ask again, the other turns, delete, take away."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button("Ask again", key="ask_again_go", type="primary", icon=":material/replay:"):
            ask_again(run, turns)
            st.switch_page(COMPARE)
        with st.popover("Delete", icon=":material/delete:"):
            st.caption("Its answers and votes are deleted too. What it cost stays in the ledger.")
            st.button("Delete this run", key="delete_go", type="primary", on_click=_delete, args=(run.id,))
        if not run.is_hidden:
            listing.export_buttons(lambda: [run], "run")
        for other in turns:
            if len(turns) > 1:
                st.button(
                    f"Turn {other.run.turn + 1}", key=f"turn_{other.id}", type="tertiary", disabled=other.id == run.id,
                    on_click=listing.open_run, args=(other.id,),
                )  # fmt: skip


def _delete(run_id: str) -> None:
    try:
        with kept("The deletion"):
            asking.store().runs.delete([run_id], asking.owner())
    except RoutingError as problem:
        st.toast(show.escape(str(problem)), icon=":material/error:")
        return
    asking.changed()
    listing.open_run(None)
    st.toast("The run is deleted.", icon=":material/delete:")


def about(run: KeptRun, n_turns: int) -> None:
    """When, whose domain, which router with which preferences, and how it was asked."""
    it, titles = run.run, own.titles()
    parts = [asking.moment(run.created), show.escape(it.domain) or "domain unstated", f"router {it.router}"]
    parts.append(f"the router picked {show.escape(titles.get(it.pick or '', it.pick or 'nobody'))}")
    parts += [f"turn {it.turn + 1} of {n_turns}"] if n_turns > 1 else []
    parts += [f"each asked {it.repeats} times"] if it.repeats > 1 else []
    with st.container(gap="xxsmall"):
        st.caption(" · ".join(parts))
        st.caption(" · ".join([*preferences(it.preferences), *settings.words(it.settings)]))


def preferences(kept_ones: Mapping[str, Any]) -> list[str]:
    """Weights and limits in words."""
    weights = [f"{name} weight {controls.exactly(value)}" for name, value in kept_ones.get("weights", {}).items()]
    limits = [
        f"{name} limit {controls.limit_text(name, value)}".replace("$", "\\$")
        for name, value in kept_ones.get("limits", {}).items()
    ]
    return [*weights, *limits]


def cards(run: KeptRun) -> None:
    """The answers as they were shown."""
    if not run.answers:
        st.caption("No answer was complete.")
        return
    order = {name: i for i, name in enumerate(run.run.asked)}
    found: dict[tuple[str, int], list[KeptAnswer]] = {}
    for answer in sorted(run.answers, key=lambda a: (order.get(a.place[0], len(order)), a.repeat, a.id)):
        found.setdefault(answer.place, []).append(answer)
    stacks = list(found.values())
    per_row = columns.rows(len(stacks), run.run.repeats)
    for start in range(0, len(stacks), per_row):
        for place, stack in zip(st.columns(per_row), stacks[start : start + per_row], strict=False):
            with place, st.container(border=True, height="stretch"):
                card(run, stack[-1], tuple(before.answer for before in stack[:-1]))


def card(run: KeptRun, one_of: KeptAnswer, failed: tuple[Answer, ...]) -> None:
    """One kept answer, and those of its column that failed before it."""
    answer, titles = one_of.answer, own.titles()
    st.markdown(f"**{title_of(run, one_of)}**")
    answers.text(answer.text)
    answers.ending(answer)
    if answer.text or answer.error is None:
        told = run.run.predicted.get(answer.expert, {})
        answers.facts(
            answer, told, ease=one_of.reading_ease, check=one_of.check, wants_json=wants_json(run, one_of.place[0])
        )
    asked, pick = one_of.place[0], run.run.pick
    # Runs kept before columns were do not say for whom another stepped in.
    who = titles.get(asked, asked) if asked in run.run.asked else "another, which failed first"
    origin = answers.Origin(who, titles.get(pick, pick) if pick else "nobody", failed)
    answers.provenance(answer, origin)


def wants_json(run: KeptRun, expert: str) -> bool:
    """Whether an expert of the run was asked for JSON."""
    shared, own = settings_from(run.run.settings)
    mine = own.get(expert, Override()).is_json
    return shared.is_json if mine is None else mine


def title_of(run: KeptRun, one_of: KeptAnswer) -> str:
    """What a column was called."""
    name = own.titles().get(one_of.answer.expert, one_of.answer.expert)
    return name + (f", {one_of.repeat + 1} of {run.run.repeats}" if run.run.repeats > 1 else "")


def otherwise(run: KeptRun) -> str:
    """What cannot be asked as it was, as a sentence; empty where everything can."""
    titles, known = own.titles(), own.catalog().names
    gone = [titles.get(name, name) for name in run.run.asked if name not in known]
    found = [f"{', '.join(gone)} cannot be asked: hidden or removed."] if gone else []
    if run.run.router not in active.usable():
        found.append(f"The router {run.run.router} is not here any more, so another one decides.")
    return show.escape(" ".join(found))


def ask_again(run: KeptRun, turns: list[KeptRun]) -> None:
    """Set Compare as the run had it; asking then shows what changed."""
    it, state, catalog = run.run, st.session_state, own.catalog()
    pool = it.preferences.get("pool")
    controls.reset()
    for name, value in it.preferences.get("weights", {}).items():
        controls.set_weight(name, value)
    for name, value in it.preferences.get("limits", {}).items():
        controls.set_limit(name, value)
    state["pool"] = controls.ALL if pool is None else controls.OWN
    if pool is not None:
        state["own_pool"] = [n for n in pool if n in catalog.names]
    if it.router in active.usable():
        state["router"] = it.router
    state["prompt"], state["compare_blind"] = it.prompt, it.is_blind
    state["compare_experts"] = [n for n in it.asked if n in catalog.names]
    state["compare_by_hand"], state["compare_suggested"] = True, None
    settings.take_over(run)
    choosing.set_domain(it.domain, it.prompt)
    state["ask_again"], state["turns"], state["ask_again_note"] = run, [], otherwise(run)
    state["ask_again_histories"] = kept_histories([t for t in turns if t.run.turn < it.turn])
