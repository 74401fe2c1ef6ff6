"""What stored runs say: how far predictions were off, how fast experts are, how strong votes say they are, spend."""

from typing import Final

import pandas as pd
import streamlit as st

from pages.common import asking, keys, money, own
from pages.common.download import csv_button
from routing import figures
from routing.figures.strengths import strengths
from routing.insights import errors, paces
from routing.recording import kept
from routing.spending import account_of, total_of
from routing.store import KeptRun
from routing.store.damage import Found
from routing.store.records import PERSON
from routing.strengths import by_domain

QUANTITIES: Final = {
    "cost_usd": "Cost ($)",
    "latency_s": "Latency (s)",
    "output_tokens": "Output tokens",
    "reading_ease": "Reading ease",
    "score": "Score",
}
_NUMBER: Final = "%.4g"


def all_runs() -> Found[KeptRun]:
    """Every stored run of this person, newest first.

    Raises:
        StoreError: The database failed.
    """
    with kept("The history"):
        return asking.store().runs.all(asking.owner())


def damaged(note: str) -> None:
    """What could not be read and is left out, where there is such."""
    if note:
        st.caption(f":material/broken_image: {note}")


def predictions() -> None:
    """Running error of the predictions, and measured paces; of runs whose names are hidden they would tell them."""
    runs, titles = [run for run in all_runs() if not run.is_hidden], own.titles()
    if not errors(runs):
        st.info("Complete answers on Compare show here how far their predictions were off.", icon=":material/rule:")
        return
    st.markdown("##### How far predictions were off")
    answered = sorted({a.answer.expert for run in runs for a in run.answers}, key=lambda n: titles.get(n, n))
    whose = st.selectbox(
        "Expert", [None, *answered], key="errors_of", format_func=lambda n: titles.get(n, n) if n else "all", width=320
    )
    found = errors(runs, whose)
    if not found:
        st.caption("No complete answer of it has a prediction.")
        return
    frame = pd.DataFrame(
        {
            "Quantity": QUANTITIES[e.quantity],
            "Answers": e.n,
            "Predicted, mean": e.mean_predicted,
            "Measured, mean": e.mean_measured,
            "Error, mean": e.mean_absolute,
            "Measured / predicted, median": e.median_ratio,
        }
        for e in found
    )
    numbers = {c: st.column_config.NumberColumn(format=_NUMBER) for c in frame.columns[2:]}
    st.dataframe(frame, hide_index=True, column_config=numbers, placeholder="not defined")
    st.caption(
        "A score counts as measured where a check passed (1) or failed (0), or by your vote: 1 for the winner, "
        "one half for a tie, else 0. That is rough."
    )
    csv_button(frame, "thalamus-errors.csv", key="csv_errors")
    st.markdown("##### How fast experts answer here")
    speeds(runs)


def speeds(runs: list[KeptRun]) -> None:
    """Measured pace of every expert; the latency limit and weight use these."""
    titles = own.titles()
    frame = pd.DataFrame(
        {
            "Expert": titles.get(p.expert, p.expert),
            "Answers": p.n,
            "First token (s)": p.first_token_s,
            "First token, p95": p.first_token_p95_s,
            "Tokens per second": p.tokens_per_s,
            "Tokens per second, p95": p.tokens_per_s_p95,
            "Latency (s)": p.latency_s,
            "Latency, p95": p.latency_p95_s,
        }
        for p in sorted(paces(runs, keys.ring().unpriced).values(), key=lambda p: p.latency_s)
    )
    numbers = {c: st.column_config.NumberColumn(format="%.2f") for c in frame.columns[2:]}
    st.dataframe(frame, hide_index=True, column_config=numbers, placeholder="unknown")
    st.caption(
        "Medians of complete answers; 95 % of them were at least as good as under p95. From five answers on, and five "
        "long ones where a longer one is expected, they take the place of the seconds in the logs of others. An own "
        "address and the provider's are kept apart: answers from where an expert is called now count."
    )


def votes() -> None:
    """Bradley-Terry strengths by domain."""
    runs, titles = all_runs(), own.titles()
    judges = sorted({v.judge for run in runs for v in run.votes}, key=lambda j: (j != PERSON, j))
    if not judges:
        st.info("Vote on Compare, with names hidden or not; strengths appear here.", icon=":material/how_to_vote:")
        return
    with st.container(horizontal=True):
        judge = st.selectbox(
            "Judged by", judges, key="votes_judge", format_func=lambda j: "People" if j == PERSON else titles.get(j, j),
            width=260,
        )  # fmt: skip
        found = by_domain(runs, judge=judge)
        names = sorted(found, key=lambda d: (d != "all", d))
        domain = st.selectbox("Domain", names, key="votes_domain", width=260)
    strong = found[domain]
    if not strong:
        st.caption("These votes name a single expert, so nobody is stronger than anybody.")
        return
    st.plotly_chart(strengths(strong, titles), key="votes_chart", config=figures.CONFIG)
    frame = pd.DataFrame(
        {
            "Expert": titles.get(s.expert, s.expert), "Strength": s.strength, "Low": s.low, "High": s.high,
            "Votes": s.n_votes, "Won": s.wins,
        }
        for s in strong
    )  # fmt: skip
    numbers = {c: st.column_config.NumberColumn(format="%.0f") for c in ("Strength", "Low", "High")}
    st.dataframe(frame, hide_index=True, column_config=numbers)
    st.caption(
        "Bradley-Terry strengths with 95 % intervals. Where intervals overlap, the votes do not tell who is better."
    )
    csv_button(frame, "thalamus-strengths.csv", key="csv_strengths")


def spend() -> None:
    """The ledger of this browser session, and what all stored answers cost."""
    found = money.lines()
    account = account_of(found, money.budget_usd())
    total = total_of(all_runs())
    spent, left, ever = st.columns(3)
    spent.metric("Spent in this browser session", money.dollars(account.spent_usd))
    left.metric("Left of its budget", "no budget" if account.left_usd is None else money.purse(account.left_usd))
    told = "The stored answer" if total.n_answers == 1 else f"All {total.n_answers:,} stored answers"
    ever.metric(told, money.dollars(total.cost_usd))
    if total.n_unknown:
        st.caption(f"Of unknown cost, and in no sum: {total.n_unknown:,} of the stored answers.")
    damaged(found.note("line of the ledger", "lines of the ledger"))
    if not found:
        st.caption("This browser session has called nobody yet.")
        return
    shown = money.named(found)
    money.ledger(shown, n_hidden=len(found) - len(shown))
    csv_button(money.frame(shown), "thalamus-ledger.csv", key="csv_ledger")
