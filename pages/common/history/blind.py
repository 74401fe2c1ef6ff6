"""A stored run whose names are hidden: its answers as Compare shows them, and the vote that nobody gave yet."""

import streamlit as st

from pages.common import answers, asking, columns, conversation, show
from routing.asking import blind_order, column_of
from routing.errors import RoutingError
from routing.recording import kept
from routing.store import KeptAnswer, KeptRun, Vote
from routing.store.records import PERSON, Verdict


def hidden(run: KeptRun) -> None:
    """The answers of a blind run under their letters, and what ends the hiding: a vote, or the wish to see names."""
    st.caption(":material/visibility_off: Asked with names hidden, and nobody has voted yet.")
    asked = [column_of(name, i) for name in run.run.asked for i in range(run.run.repeats)]
    order = blind_order(asked, run.id)
    last = {column_of(*a.place): a for a in sorted(run.answers, key=lambda a: a.id)}
    per_row = columns.rows(len(order), run.run.repeats)
    for start in range(0, len(order), per_row):
        for place, (i, key) in zip(st.columns(per_row), list(enumerate(order))[start : start + per_row], strict=False):
            with place, st.container(border=True, height="stretch"):
                st.markdown(f"**{conversation.letter(i)}**")
                if (found := last.get(key)) is None:
                    st.caption("There is no answer.")
                    continue
                answers.text(found.answer.text)
                answers.hidden_ending(found.answer)
    given = [(conversation.letter(i), last[key]) for i, key in enumerate(order) if key in last and has_text(last[key])]
    votes(run, given)


def has_text(found: KeptAnswer) -> bool:
    """Whether there is something to vote on."""
    return bool(found.answer.text.strip())


def votes(run: KeptRun, given: list[tuple[str, KeptAnswer]]) -> None:
    """The vote, as on Compare."""
    experts = tuple(dict.fromkeys(found.answer.expert for _, found in given))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if len(experts) > 1 and run.is_finished:
            st.markdown("**Which is best?**", width="content")
            for label, found in given:
                _button(run, label, Vote(PERSON, "win", found.answer.expert, experts, True), label)
            bad = "Both bad" if len(given) == 2 else "All bad"
            verdicts: tuple[tuple[str, Verdict], ...] = (("Tie", "tie"), (bad, "both bad"))
            for label, verdict in verdicts:
                _button(run, label, Vote(PERSON, verdict, None, experts, True), verdict)
        st.button(
            "Show the names", key="kept_reveal", type="tertiary", icon=":material/visibility:", on_click=_reveal,
            args=(run.id,), help="Without a vote.",
        )  # fmt: skip


def _button(run: KeptRun, label: str, vote: Vote, key: str) -> None:
    st.button(label, key=f"kept_vote_{key}", on_click=_vote, args=(run.id, vote))


def _vote(run_id: str, vote: Vote) -> None:
    try:
        with kept("The vote"):
            asking.store().votes.add(run_id, vote)
    except RoutingError as problem:
        st.toast(show.escape(str(problem)), icon=":material/error:")
        return
    conversation.voted(run_id, vote)
    asking.changed()


def _reveal(run_id: str) -> None:
    try:
        conversation.revealed(run_id)
    except RoutingError as problem:
        st.toast(show.escape(str(problem)), icon=":material/error:")
