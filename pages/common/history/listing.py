"""The list of stored runs: search, filters, pages, and taking them away."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import pandas as pd
import streamlit as st

from pages.common import asking, own, show
from pages.common.download import csv_bytes
from pages.common.history import insight
from pages.common.money import dollars
from routing.errors import RoutingError
from routing.exporting import json_lines, rows
from routing.recording import kept
from routing.store import KeptRun, Store, Summary

PAGE: Final = 25
LONGEST: Final = 110  # characters of a prompt in the list
LONGEST_SEARCH: Final = 200
MOST_EXPORTED: Final = 10_000
LEFT_OUT: Final = "Without blind runs that wait for their vote."


def listing() -> None:
    """Runs of this person, newest first."""
    store, owner = asking.store(), asking.owner()
    with kept("The list of runs"):
        search, domain, expert = filters(store, owner)
        count = store.runs.count(owner, search=search, domain=domain, expert=expert)
        if count == 0:
            is_filtered = bool(search or domain or expert)
            text = (
                "No run is like that. Search for less." if is_filtered else "Ask experts on Compare; runs appear here."
            )
            st.info(text, icon=":material/history:")
            return
        last = (count - 1) // PAGE
        number = min(st.session_state.get("history_page", 0), last)
        found = store.runs.find(
            owner, search=search, domain=domain, expert=expert, limit=PAGE, offset=number * PAGE
        )  # fmt: skip
    insight.damaged(found.note("run"))
    with st.container(gap="small", key="runs"):
        for summary in found:
            row(summary)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Newer", key="newer", icon=":material/chevron_left:", disabled=number == 0, on_click=_turn, args=(-1,)
        )
        st.button(
            "Older", key="older", icon=":material/chevron_right:", disabled=number == last, on_click=_turn, args=(1,)
        )
        first = number * PAGE + 1
        st.caption(f"{first:,} to {first + len(found) - 1:,} of {count:,}", width="stretch")
        exports(store, owner, (search, domain, expert), "found")
        delete_found(count, (search, domain, expert))


def filters(store: Store, owner: str) -> tuple[str, str, str]:
    """Text, domain and expert to look for; "" for any."""
    titles = own.titles()
    text, domains, experts = st.columns([2, 1, 1])
    search = text.text_input(
        "Search", key="history_search", placeholder="Words of a prompt or an answer", on_change=_first,
        persist_state="session", icon=":material/search:", max_chars=LONGEST_SEARCH,
    )  # fmt: skip
    domain = domains.selectbox(
        "Domain", ["", *store.runs.domains(owner)], key="history_domain", format_func=lambda d: d or "any",
        on_change=_first,
    )  # fmt: skip
    expert = experts.selectbox(
        "Expert", ["", *store.runs.experts(owner)], key="history_expert", on_change=_first,
        format_func=lambda n: titles.get(n, n) if n else "any",
    )  # fmt: skip
    return search or "", domain, expert


def _first() -> None:
    st.session_state["history_page"] = 0


def _turn(by: int) -> None:
    st.session_state["history_page"] = st.session_state.get("history_page", 0) + by


def row(summary: Summary) -> None:
    """One run of the list: its prompt opens it, the facts stand below."""
    text = " ".join(summary.prompt.split())
    shown = text if len(text) <= LONGEST else text[:LONGEST] + " …"
    with st.container(gap=None, key=f"run_{summary.id}"):
        st.button(show.escape(shown), key=f"open_{summary.id}", type="tertiary", on_click=open_run, args=(summary.id,))
        st.caption(facts(summary))


def facts(summary: Summary) -> str:
    """What a list says of a run, in one line."""
    titles = own.titles()
    asked = ", ".join(titles.get(n, n) for n in summary.asked)
    parts = [asking.moment(summary.created), show.escape(summary.domain) or "domain unstated", asked]
    if summary.cost_usd is not None or summary.is_finished:  # an answer that is still written has no cost yet
        parts.append("cost unknown" if summary.cost_usd is None else dollars(summary.cost_usd))
    if summary.winner is not None:
        parts.append(f"voted for {titles.get(summary.winner, summary.winner)}")
    if summary.n_failed:
        parts.append(f"{summary.n_failed} failed")
    if not summary.is_finished:
        parts.append(":orange[running]" if is_running(summary.created) else ":orange[interrupted]")
    return " · ".join(parts)


def is_running(created: datetime) -> bool:
    """Whether a run that is not finished is being answered still: its threads outlive the browser, not the app."""
    return created >= asking.STARTED


def open_run(run_id: str | None) -> None:
    """Open a run, or None to go back to the list; for callbacks."""
    st.session_state["history_open"] = run_id


def delete_found(count: int, looked_for: tuple[str, str, str]) -> None:
    """Everything found, on a second click."""
    what = f"{count:,} run{'s' if count != 1 else ''}"
    with st.popover("Delete", icon=":material/delete:"):
        st.caption(f"All {what} found, with answers and votes. What they cost stays in the ledger.")
        st.button(f"Delete {what}", key="delete_found", type="primary", on_click=_delete_found, args=looked_for)


def _delete_found(search: str, domain: str, expert: str) -> None:
    try:
        with kept("The deletion"):
            asking.store().runs.delete_found(asking.owner(), search=search, domain=domain, expert=expert)
    except RoutingError as problem:
        st.toast(show.escape(str(problem)), icon=":material/error:")
        return
    asking.changed()
    _first()


def exports(store: Store, owner: str, looked_for: tuple[str, str, str], name: str) -> None:
    """What was found and has names, as CSV with a row an answer and as JSONL with a line a run."""

    def found() -> list[KeptRun]:
        search, domain, expert = looked_for
        listed = store.runs.find(owner, search=search, domain=domain, expert=expert, limit=MOST_EXPORTED)
        wanted = {summary.id for summary in listed}
        everything = store.runs.all(owner, limit=MOST_EXPORTED)
        return [run for run in everything if run.id in wanted and not run.is_hidden]

    export_buttons(found, name, LEFT_OUT)


def export_buttons(found: Callable[[], list[KeptRun]], name: str, note: str | None = None) -> None:
    """Both downloads; made on the click."""
    st.download_button(
        "CSV", lambda: csv_bytes(pd.DataFrame(rows(found()))), f"thalamus-{name}.csv", "text/csv",
        icon=":material/download:", on_click="ignore", key=f"csv_{name}", help=note,
    )  # fmt: skip
    st.download_button(
        "JSONL", lambda: json_lines(found()).encode(), f"thalamus-{name}.jsonl", "application/x-ndjson",
        icon=":material/download:", on_click="ignore", key=f"jsonl_{name}", help=note,
    )  # fmt: skip
