"""Judging answers: votes, blind or not, an expert as judge, checks, and the text of two answers compared."""

from collections.abc import Callable

import streamlit as st

from pages.common import answers, asking, choosing, conversation, keys, own, show
from pages.common.conversation import Turn
from pages.common.money import dollars
from routing.checks import LONGEST_PATTERN, CheckKind, passes
from routing.difference import as_html, difference, likeness
from routing.errors import RoutingError
from routing.judging import Judging, calls, cost_at_most
from routing.recording import kept
from routing.store import Vote
from routing.store.records import PERSON, Verdict
from routing.telling import percent

REDRAW_S = 0.5


def votes(turn: Turn) -> None:
    """Who is best, by a person; after a blind vote the names are revealed and the vote is final."""
    given = turn.answered()
    if turn.is_vote_gone and turn.vote is None:
        st.caption(":material/how_to_vote: An answer was asked again, so earlier votes on this turn no longer count.")
    if len(given) < 2:
        if turn.is_hidden and any(c.answer is not None for c in turn.columns()):
            _reveal_button(turn)
        return
    if turn.is_blind and turn.vote is not None:
        st.caption(f":material/how_to_vote: {outcome(turn.vote)} Names were hidden until this vote.")
        return
    columns = [column for column, _ in given]
    if turn.is_hidden:  # a button for each, since one for each expert would tell which answers are of the same
        columns = [c for c in turn.columns() if c.answer is not None and c.answer.text.strip()]
    titles = own.titles()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="votes"):
        st.markdown("**Which is best?**", width="content")
        for i, column in enumerate(columns):
            is_chosen = turn.vote is not None and turn.vote.winner == column.expert.name
            name = turn.name(column) if turn.is_hidden else titles.get(column.expert.name, column.expert.title)
            _vote_button(turn, name, f"vote_{i}", "win", column.expert.name, is_chosen)
        bad = "Both bad" if len(columns) == 2 else "All bad"
        for label, verdict in (("Tie", "tie"), (bad, "both bad")):
            is_chosen = turn.vote is not None and turn.vote.verdict == verdict
            _vote_button(turn, label, f"vote_{verdict}", "tie" if verdict == "tie" else "both bad", None, is_chosen)
        if turn.is_hidden:
            _reveal_button(turn)


def _vote_button(turn: Turn, label: str, key: str, verdict: Verdict, winner: str | None, is_chosen: bool) -> None:
    st.button(
        label.replace("$", "\\$"), key=key, type="primary" if is_chosen else "secondary", on_click=_vote,
        args=(turn, verdict, winner),
    )  # fmt: skip


def _vote(turn: Turn, verdict: Verdict, winner: str | None) -> None:
    experts = tuple(column.expert.name for column, _ in turn.answered())
    vote = Vote(PERSON, verdict, winner, experts, turn.is_hidden)
    turn.vote = vote
    if turn.recorder is None:
        return
    try:
        with kept("The vote"):
            asking.store().votes.add(turn.recorder.run_id, vote)
        asking.changed()
    except RoutingError as problem:
        turn.problem = str(problem)


def _reveal_button(turn: Turn) -> None:
    st.button(
        "Show the names", key="reveal", type="tertiary", icon=":material/visibility:", on_click=_reveal, args=(turn,),
        help="Without a vote.",
    )  # fmt: skip


def _reveal(turn: Turn) -> None:
    turn.is_blind = False
    if turn.recorder is None:
        return
    try:
        conversation.revealed(turn.recorder.run_id)
    except RoutingError as problem:
        turn.problem = str(problem)


def outcome(vote: Vote) -> str:
    """A vote as a sentence."""
    titles = own.titles()
    who = "You" if vote.judge == PERSON else titles.get(vote.judge, vote.judge)
    if vote.verdict == "win" and vote.winner is not None:
        return f"{who} voted for **{show.escape(titles.get(vote.winner, vote.winner))}**."
    return f"{who} called it a tie." if vote.verdict == "tie" else f"{who} found none of them good."


def checks(turn: Turn) -> None:
    """Does every answer hold what is expected?"""
    st.caption("An exact answer ignores case, spaces and punctuation; the last line alone may match too.")
    with st.form("check_form", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        kind: CheckKind = st.selectbox(
            "Check", ("exact", "regex"), key="check_kind", width=180,
            format_func=lambda k: "Exact answer" if k == "exact" else "Regular expression",
        )  # fmt: skip
        expected = st.text_input("Expected", key="check_expected", max_chars=LONGEST_PATTERN)
        if st.form_submit_button("Check", icon=":material/rule:"):
            try:
                check(turn, kind, expected)
            except RoutingError as problem:
                st.warning(show.escape(str(problem)))
            else:
                st.rerun()
    for column in turn.columns():
        if (found := turn.checks.get(column.key)) is not None:
            icon = ":material/check_circle:" if found[2] else ":material/cancel:"
            st.caption(f"{icon} {show.escape(turn.name(column))}: {'passed' if found[2] else 'failed'}")


def check(turn: Turn, kind: CheckKind, expected: str) -> None:
    """Check every answer and keep what was found.

    Raises:
        PreferenceError: Nothing is expected, or the pattern is not a regular expression.
        StoreError: The database failed.
    """
    found = [(c, c.answer) for c in turn.columns() if c.answer is not None and c.answer.text]
    results = {c.key: passes(kind, expected, answer.text) for c, answer in found}
    turn.checks = {key: (kind, expected, is_passed) for key, is_passed in results.items()}
    if turn.recorder is None:
        return
    with kept("The check"):
        store = asking.store()
        ids = {(a.answer.expert, a.repeat): a.id for a in store.runs.open(turn.recorder.run_id, asking.owner()).answers}
        for column, answer in found:
            if (answer_id := ids.get((answer.expert, column.repeat))) is not None:
                store.runs.check(answer_id, kind, expected, is_passed=results[column.key])
    asking.changed()


def judge(turn: Turn) -> None:
    """Let an expert judge every pair in both orders, in the background."""
    given = [answer for _, answer in turn.answered()]
    if len(given) < 2:
        st.caption("A judge needs two answers with text.")
        return
    catalog, ring, titles = own.catalog(), keys.ring(), own.titles()
    usable = [e.name for e in catalog.experts if ring.status(e).is_usable and not e.is_local]
    usable += [e.name for e in catalog.experts if e.is_local]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Judge", usable, key="judge_expert", format_func=lambda n: titles[n], width=280)
        is_unpriced = name in ring.unpriced
        most = None if is_unpriced else cost_at_most(turn.prompt, given, catalog[name])
        is_ready = True
        if most is None:
            is_ready = st.checkbox("Judge at an unknown price", key="judge_unknown")
        is_ready = is_ready and not choosing.is_too_far(turn.routed, [catalog[name]])
        is_busy = turn.judging is not None and turn.judging.is_running
        off = is_busy or not is_ready
        if st.button("Judge", key="judge_go", icon=":material/gavel:", disabled=off) and not off:
            try:
                bench = conversation.bench(turn, most)
                turn.judging = Judging(turn.prompt, given, catalog[name], ring, bench)
            except RoutingError as problem:
                st.warning(show.escape(str(problem)))
    price = "an unknown price" if most is None else f"at most {dollars(most)}"
    which = " Of repeats it reads the first with text." if turn.plan.repeats > 1 else ""
    st.caption(
        f"{calls(given)} calls, every pair in both orders, {price}. Answers are quoted to it, names are not.{which}"
    )
    if turn.judging is not None:
        st.fragment(_judged, run_every=REDRAW_S if turn.judging.is_running else None)(turn, turn.judging)


def _judged(turn: Turn, judging: Judging) -> None:
    if judging.is_running:
        done = len(judging.found)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.progress(done / judging.n_pairs, f"{judging.expert.title} has judged {done} of {judging.n_pairs} pairs.")
            st.button("Stop", key="judge_stop", icon=":material/stop:", type="tertiary", on_click=judging.stop)
        return
    titles = own.titles()
    if judging.problem is None and len(judging.found) < judging.n_pairs:
        st.caption(f"Ended after {len(judging.found)} of {judging.n_pairs} pairs, so this is no vote.")
    if judging.problem:
        st.warning(show.escape(judging.problem))
    for pair in judging.found:
        left, right = titles.get(pair.left, pair.left), titles.get(pair.right, pair.right)
        if pair.error is not None:
            said = show.escape(str(pair.error))
        elif pair.winner is not None:
            said = f"**{titles.get(pair.winner, pair.winner)}**, in both orders"
        else:
            said = "a tie" if pair.agrees else "no verdict: it contradicts itself when the order changes, or names none"
        st.markdown(f"{left} against {right}: {said}.")
    share, cost = judging.disagreement, judging.cost_usd
    spent = "unknown" if cost is None else dollars(cost)
    doubt = "" if share is None else f" It contradicted itself on {percent(share)} of the pairs."
    st.caption(f"Judged by {judging.expert.title}. Cost: {spent}.{doubt}")


def as_written(turn: Turn) -> None:
    """One answer letter for letter, with a button that copies it."""
    found = [(turn.name(c), c.answer.text) for c in turn.columns() if c.answer is not None and c.answer.text]
    if not found:
        st.caption("No answer has text.")
        return
    i = st.selectbox("Answer", range(len(found)), key="written_which", format_func=lambda i: found[i][0], width=280)
    with st.container(height=420 if len(found[i][1]) > answers.LONG else "content", border=False):
        st.code(found[i][1], language=None, wrap_lines=True)


def compared(turn: Turn) -> None:
    """The text of two answers, what differs marked."""
    found = [(c, c.answer) for c in turn.columns() if c.answer is not None and c.answer.text]
    two_texts([(turn.name(c), a.text) for c, a in found], key="diff")


def two_texts(texts: list[tuple[str, str]], *, key: str) -> None:
    """Choose two of several texts and see what differs."""
    if len(texts) < 2:
        st.caption("Two answers with text are needed.")
        return
    places = range(len(texts))
    label: Callable[[int], str] = lambda i: texts[i][0]  # noqa: E731 - passed twice
    with st.container(horizontal=True):
        left = st.selectbox("Left", places, 0, key=f"{key}_left", format_func=label)
        right = st.selectbox("Right", places, 1, key=f"{key}_right", format_func=label)
    difference_of(texts[left][1], texts[right][1], texts[left][0], texts[right][0])


def difference_of(left: str, right: str, left_name: str, right_name: str) -> None:
    """Two texts in one, what only one has marked."""
    share = likeness(left, right)
    st.html(f'<div class="diff">{as_html(difference(left, right))}</div>')
    st.caption(
        f"{percent(share)} of the characters are the same. Struck through: only {show.escape(left_name)}. "
        f"Underlined: only {show.escape(right_name)}."
    )
