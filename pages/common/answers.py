"""How answers are shown: one card an expert, with what was measured beside what was predicted."""

import math
import statistics
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from pages.common import cached, keys, show
from pages.common.download import csv_button
from routing.answer_text import reading_ease, safe_markdown
from routing.comparison import Column
from routing.figures import Measured, money
from routing.local import local_experts
from routing.router import Routed
from routing.schema import Answer, Expert, Pace

LONG = 1200  # characters that still fit into a card without scrolling


def is_installed(expert: Expert) -> bool:
    """Whether the weights of a local expert are on this machine."""
    return local_experts().is_installed(expert.name)


def expected_cost(routed: Routed, chosen: Sequence[str], longest: int) -> None:
    """What the click will cost: expected, and at most."""
    options, catalog = routed.decision.options, cached.catalog()
    ring = keys.ring()
    callable_now = [name for name in chosen if ring.status(catalog[name]).is_usable]
    if not callable_now:
        st.caption("None of these experts can be called yet." if chosen else "", width="content")
        return
    rows = [options.index(name) for name in callable_now]
    pool = catalog.subset(callable_now)
    # An own address has its own price, which nobody here knows.
    price_in, price_out = (
        np.where([n in ring.endpoints for n in callable_now], np.nan, p) for p in (pool.price_in, pool.price_out)
    )
    paid_in = price_in * routed.reading.input_tokens
    length = np.minimum(np.nan_to_num(options.values["verbosity"][rows], nan=float(longest)), longest)
    expected, most = paid_in + price_out * length, paid_in + price_out * longest
    unknown = int(np.isnan(most).sum())
    text = f"{len(callable_now)} of {len(chosen)} can be called: "
    if unknown == len(callable_now):
        text += "cost unknown"
    else:
        text += f"expected {money(float(np.nansum(expected)))}, at most about {money(float(np.nansum(most)))}"
        text += f", and {unknown} more at an unknown price" if unknown else ""
    st.caption(text.replace("$", "\\$") + ".", width="content")


def card(column: Column, routed: Routed, *, on_stop: Callable[[str], None]) -> None:
    """One expert's answer so far, and under it what is known about it."""
    name, answer = column.expert.name, column.answer
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{column.expert.title}**", width="stretch")
            if answer is None:
                st.button(
                    "Stop", key=f"stop_{name}", icon=":material/stop:", type="tertiary", on_click=on_stop, args=(name,)
                )
        if answer is None and not column.text:
            st.progress(column.share, show.escape(column.note) or "Waiting for the first token")
        if column.text:
            # A long answer scrolls within its card, so that the figures below stay side by side.
            with st.container(height=420 if len(column.text) > LONG else "content", border=False):
                st.markdown(safe_markdown(column.text))
        if answer is None:
            return
        _ending(answer)
        if answer.error is None or answer.text:
            _facts(answer, routed)


def _ending(answer: Answer) -> None:
    if answer.error is not None:
        st.warning(show.escape(str(answer.error)), icon=":material/error:")
    elif not answer.is_complete:
        cut = answer.finish_reason == "length"
        st.caption(
            f":material/content_cut: {'Cut at the longest answer allowed' if cut else 'Stopped'}; this is a part."
        )
    elif not answer.text.strip():
        st.caption("The answer is empty.")


def _facts(answer: Answer, routed: Routed) -> None:
    options = routed.decision.options
    i = options.index(answer.expert)
    ease = reading_ease(answer.text)
    rows = (
        ("First token", _seconds(answer.time_to_first_token_s), ""),
        ("Latency", _seconds(answer.latency_s), _seconds(options.values["latency"][i])),
        ("Output tokens", _count(answer.output_tokens), _count(options.values["verbosity"][i])),
        ("Cost", money(_nan(answer.cost_usd)), money(float(options.values["cost"][i]))),
        ("Reading ease", _count(ease), _count(options.values["readability"][i])),
        ("Score", "not judged", f"{options.score[i]:.2f}" if np.isfinite(options.score[i]) else "unknown"),
    )
    lines = "".join(f"<tr><td>{n}</td><td>{m}</td><td>{p}</td></tr>" for n, m, p in rows)
    st.html(f'<table class="facts"><tr><th></th><th>measured</th><th>predicted</th></tr>{lines}</table>')
    retries = f", {answer.retries} retries" if answer.retries else ""
    served = show.escape(answer.served or "a name it did not state")
    st.caption(f"Asked {answer.expert}, served by {served}{retries}. Cost: {answer.cost_source}.")


def measured(columns: Sequence[Column]) -> list[Measured]:
    """Measured axes of every complete answer."""
    found = []
    for column in columns:
        answer = column.answer
        if answer is None or answer.error is not None or not answer.is_complete:
            continue
        axes = {"cost": answer.cost_usd, "latency": answer.latency_s, "verbosity": answer.output_tokens}
        found.append(Measured(answer.expert, {n: float(v) for n, v in axes.items() if v is not None}))
    return found


def remember_seconds(columns: Sequence[Column]) -> None:
    """Keep, for this browser session, how long complete answers took."""
    kept: dict[str, tuple[float, ...]] = dict(st.session_state.get("seconds", {}))
    for column in columns:
        answer = column.answer
        if answer is not None and answer.error is None and answer.is_complete:
            kept[answer.expert] = (*kept.get(answer.expert, ()), answer.latency_s)
    st.session_state["seconds"] = kept


def paces() -> dict[str, Pace]:
    """How fast experts answered in this browser session."""
    kept: dict[str, tuple[float, ...]] = st.session_state.get("seconds", {})
    return {
        name: Pace(name, len(times), None, None, None, statistics.median(times), max(times))
        for name, times in kept.items()
    }


def has_arrow(routed: Routed, found: Sequence[Measured], axis: str) -> bool:
    """Whether some answer has both a predicted and a measured value above zero on this axis."""
    options = routed.decision.options
    pairs = ((options.values[axis][options.index(m.expert)], m.values.get(axis, math.nan)) for m in found)
    return any(predicted > 0 and actual > 0 and predicted != actual for predicted, actual in pairs)


def table(columns: Sequence[Column], prompt: str) -> None:
    """Every answer as a row, with a download."""
    titles = cached.titles()
    rows = [
        {
            "Expert": titles[a.expert],
            "First token (s)": a.time_to_first_token_s,
            "Latency (s)": a.latency_s if a.text else None,
            "Input tokens": a.input_tokens,
            "Output tokens": a.output_tokens,
            "Cost ($)": a.cost_usd,
            "Served": a.served,
            "Finish": a.finish_reason,
            "Problem": None if a.error is None else str(a.error),
            "Answer": a.text,
        }
        for a in (c.answer for c in columns)
        if a is not None
    ]
    frame = pd.DataFrame(rows)
    config = {
        "Latency (s)": st.column_config.NumberColumn(format="%.2f"),
        "Cost ($)": st.column_config.NumberColumn(format="%.6f"),
    }
    st.dataframe(frame.drop(columns="Answer"), hide_index=True, column_config=config, placeholder="unknown")
    csv_button(
        frame.assign(Prompt=prompt), "thalamus-answers.csv", key="download_answers", label="Download answers as CSV"
    )


def _nan(value: float | None) -> float:
    return math.nan if value is None else value


def _seconds(value: float | None) -> str:
    return "unknown" if value is None or not math.isfinite(value) else f"{value:.2f} s"


def _count(value: float | None) -> str:
    return "unknown" if value is None or not math.isfinite(value) else f"{value:,.0f}"
