"""Leaderboard, and quality against cost."""

import math
from typing import Any

import streamlit as st

from pages.common import cached
from pages.common.evidence import exhibit
from pages.common.evidence.exhibit import View
from routing.figures.evidence import board, curves

SIGNED = "%+.3f"


def leaderboard(view: View) -> None:
    """The ladder as a figure, every router as a table."""
    rows = view.rows()
    frame = board.leaderboard(rows, view.titles, view.systems)
    exhibit.head(
        "Mean score on the ladder from random to the oracle",
        "Mean measured score of the expert that each router picks when only quality counts (every lambda 0), with its "
        "95 % bootstrap interval; filled where it differs from the best single expert's by more than chance "
        "(ladder after arXiv:2403.12031).",
    )
    exhibit.chart(board.ladder(frame, rows[0], view.looks), "ladder")
    exhibit.table(board.ladder_table(rows[0], view.experts), "ladder", label="Table of the ladder")
    st.markdown("#### Every router on this pool")
    exhibit.open_table(frame, "leaderboard", columns=_columns(), height=min(560, 38 + 35 * len(frame)))
    asked(view)


def asked(view: View) -> None:
    """An LLM asked to choose; nothing where none really ran."""
    frame = board.asked(cached.chooser(), view.pool, view.experts)
    if frame.empty:
        return
    exhibit.head(
        "And an LLM that is asked to choose?",
        "Mean score of the experts that an LLM names when it is shown the prompt and a description of each expert; a "
        "reply that names none counts as a random expert (baseline of Tryage, arXiv:2308.11601).",
    )
    shares = dict.fromkeys(("Optimal,_strict", "Optimal,_with_ties", "Named_an_expert"), "percent")
    columns = exhibit.numbers(frame, Prompts="localized", Seconds_a_call="%.1f", **shares)
    exhibit.open_table(frame, "asked", columns=columns)


def _columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    ends = [f"{what} {end}" for what in ("Score", "Difference", "AIQ") for end in ("low", "high")]
    return {
        **dict.fromkeys(ends),  # in the download; on screen the intervals stand as text
        "Router": st.column_config.TextColumn(pinned=True),
        "Mean score": number(format="%.3f", help="When only quality counts; 95 % interval beside it"),
        **{name: number(format="%.3f") for name in ("Regret", "Brier", "APGR")},
        "Against best single": number(
            format=SIGNED, help="Mean score minus the best single expert's, paired by prompt"
        ),
        "p": number(format="%.3f", help="Of the difference from the best single expert being chance"),
        "Gap closed": number(format="percent", help="(router - best single) / (oracle - best single)"),
        "Optimal, strict": number(format="percent", help="Picks the one best expert, where there is one"),
        "Optimal, with ties": number(format="percent", help="Nobody scored more than the pick"),
        "AIQ above mix": number(format=SIGNED, help="Area under the cost-quality hull above that of a random mix"),
        "AIQ above prompt-blind": number(format=SIGNED, help="What reading the prompt adds"),
        **{f"Best of first {n}": number(format="%.3f", help=f"The better of its {n} first choices") for n in (2, 3)},
        "Calls": number(format="%.2f", help="Experts asked a prompt, the router's own calls not counted"),
        "Cost at 99 %": number(format="percent", help="Of the best single expert's cost, at 99 % of its score"),
        "Calibration error": number(format="%.3f", help="Over 10 bins of equal count"),
        "Rank correlation": number(format="%.2f", help="Of predicted and measured scores within a prompt"),
        "Coverage of 90 % intervals": number(format="percent"),
        "ms a prompt": number(format="%.1f"),
    }


def cost_and_quality(view: View) -> None:
    """Curves and their areas; for a pair the deferral curve; what routing takes."""
    drawn = view.rows(drawn=True)
    frame = curves.cost_quality(drawn, view.facts(), view.titles, view.experts)
    exhibit.head(
        "Quality against cost",
        "Mean measured score against mean cost as the cost weight sweeps; the thick line is the static mix, the best "
        "that a random mix of single experts reaches, and AIQ is the mean height of a curve between the cheapest and "
        "the dearest expert's cost (arXiv:2403.12031).",
    )
    if frame.empty:
        exhibit.nothing("What these routers cost is not known.")
    else:
        is_log = st.toggle("Log scale", value=True, key="evidence_cost_log")
        exhibit.chart(curves.cost_quality_figure(frame, view.looks, is_log=is_log), "cost_quality")
        exhibit.table(frame, "cost_quality", columns=exhibit.numbers(frame, **{"Mean_cost_($)": "%.6f"}))
        areas = curves.aiq(drawn, view.titles)
        forms = {f"Cost_at_{x}_%": "percent" for x in ("100", "99", "95")}
        st.caption("Areas, and the cost of a given share of the best single expert's score as a share of its cost.")
        exhibit.open_table(
            areas, "aiq", columns=exhibit.numbers(areas, **forms, **{"Static_mix,_cost_at_99_%": "percent"})
        )
    deferral(view)
    latency(view)


def deferral(view: View) -> None:
    """The curve of a pool of two; nothing for others."""
    if len(view.rows()[0].get("experts", ())) != 2:
        return
    stored = view.evidence.deferral or {}
    frame = curves.deferral(stored, view.routers, view.titles)
    exhibit.head(
        "How much of the gap is recovered by how many strong calls?",
        "Performance gap recovered between the weak and the strong expert against the share of prompts sent to the "
        "strong one; the number in the legend is its mean, APGR (RouteLLM, arXiv:2406.18665).",
    )
    if frame.empty:
        exhibit.nothing()
        return
    areas = {name: stored[name].get("apgr") or math.nan for name in view.routers if name in stored}
    exhibit.chart(curves.deferral_figure(frame, areas, view.looks), "deferral")
    exhibit.table(frame, "deferral", columns=exhibit.numbers(frame, "percent"))


def latency(view: View) -> None:
    """What the router itself takes."""
    exhibit.head(
        "What does routing itself take?",
        f"Milliseconds from text to predicted scores, one prompt at a time, measured on {view.evidence.machine} "
        "(ours; Multiple Minds, arXiv:2405.00467, leaves the router's own time out).",
    )
    stored = {n: v for n, v in (view.evidence.latency or {}).items() if n in view.routers}
    if not stored:
        exhibit.nothing()
        return
    frame = curves.latency(stored, view.titles)
    exhibit.chart(curves.latency_figure(frame), "latency")
    exhibit.table(frame, "latency", columns=exhibit.numbers(frame, "%.1f"))
    view.about("latency")
