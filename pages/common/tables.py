"""A decision as tables: every number of every expert, and what would flip the pick."""

import math
from typing import Any

import pandas as pd
import streamlit as st

from pages.common import keys, own
from pages.common.download import csv_button
from pages.common.show import escape, flip_text
from routing.objective import CONSTRAINTS
from routing.router import Routed

_ROOM = 85  # pixels of a column of figures that holds the word unknown


def numbers_table(routed: Routed) -> None:
    """Every number of every expert, sortable, with a download."""
    frame = numbers(routed)
    st.dataframe(frame, hide_index=True, height=420, column_config=_columns(), key="numbers", placeholder="unknown")
    csv_button(frame, "thalamus-experts.csv", key="download_numbers")


def numbers(routed: Routed) -> pd.DataFrame:
    """One row an expert, the pick first, then fallbacks, then the infeasible ones by score."""
    decision, titles, catalog = routed.decision, own.titles(), own.catalog()
    ring = keys.ring()
    options = decision.options
    place = {name: rank for rank, name in enumerate(decision.order)}
    rows = []
    for i, name in enumerate(options.experts):
        rank = place.get(name)
        state = "Picked" if rank == 0 else f"Fallback {rank}" if rank is not None else "Not feasible"
        rows.append(
            {
                "Expert": titles[name],
                "State": state,
                "Front": bool(decision.on_front[i]),
                "Score": options.score[i],
                "Low": options.score_low[i],
                "High": options.score_high[i],
                "Objective": decision.objective[i],
                **{CONSTRAINTS[c].title: options.values[c][i] for c in CONSTRAINTS},
                "Why": decision.reason(name).text,
                "Key": keys.status_text(ring, catalog[name]),
                "_order": (rank if rank is not None else len(place), -float(options.score[i])),
            }
        )
    rows.sort(key=lambda row: tuple(math.inf if math.isnan(v) else v for v in row["_order"]))
    return pd.DataFrame(rows).drop(columns="_order")


def unpredicted(routed: Routed) -> None:
    """Say which of the person's own experts have no predicted score, and what to do about it."""
    options, titles = routed.decision.options, own.titles()
    added = own.mine().added
    names = [titles[n] for n, s in zip(options.experts, options.score, strict=True) if n in added and math.isnan(s)]
    if names:
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        st.caption(
            f":material/help: No predicted score yet: {', '.join(names[:6])}{more}. Workshop, Onboard finds one; "
            "an expert without is never picked, but Compare can ask it."
        )


def onboarded(routed: Routed) -> None:
    """Say whose predictions come from onboarding, and from what."""
    titles, learned = own.titles(), own.learned()
    told = [f"{escape(titles[n])} from {learned[n].origin}" for n in routed.decision.options.experts if n in learned]
    if told:
        more = f" and {len(told) - 6} more" if len(told) > 6 else ""
        st.caption(f":material/science: Predicted by onboarding: {'; '.join(told[:6])}{more}.")


def _columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "Expert": st.column_config.TextColumn(width="medium", pinned=True),
        "Front": st.column_config.CheckboxColumn(
            help="No feasible expert beats it on the score and the active constraints"
        ),
        "Score": st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.2f", help="Predicted score"),
        **{name: number(format="%.2f", width=_ROOM) for name in ("Low", "High")},
        "Objective": number(format="%.3f"),
        "Cost": number("Cost ($)", format="%.6f", width=_ROOM),
        "Latency": number("Latency (s)", format="%.1f", width=_ROOM + 10),
        "Size": number("Size (B)", format="%.3g", width=_ROOM),
        "Recency": number("Age (days)", format="%d", width=_ROOM + 10),
        "Security": number(
            "Security tier", format="%d", help="0 this machine, 1 open weights, 2 no-training terms, 3 any"
        ),
        "Verbosity": number("Output tokens", format="%d"),
        "Readability": number(
            "Reading ease", format="%.0f", help="Flesch reading ease; unknown where no answer was measured"
        ),
        "Why": st.column_config.TextColumn(width="large"),
    }


def flip_table(routed: Routed) -> None:
    """For every other expert the smallest single change that would pick it."""
    if routed.decision.rule is not None:
        st.caption("A policy picks by a rule of its own, so no weight would flip it. Limits rule experts out.")
        return
    decision, titles = routed.decision, own.titles()
    rows = [
        {
            "Expert": titles[name],
            "Change": flip_text(flip).replace("\\$", "$"),
            "Size of change": flip.size,
            "Score": decision.options.score[decision.options.index(name)],
        }
        for name, flip in sorted(decision.flips.items(), key=lambda pair: pair[1].size)
    ]
    if not rows:
        st.caption("No single change of one weight or limit would flip the pick.")
        return
    others = len(decision.options.experts) - len(rows) - (decision.pick is not None)
    st.caption(
        f"Each change was applied and seen to flip the pick. For the other {others} experts no single change does."
    )
    config = {
        "Size of change": st.column_config.NumberColumn(
            format="%.3f",
            help="Weight: the change. Limit: share of its range. New limit: share of experts shut out",
        ),
        "Score": st.column_config.NumberColumn("Predicted score", format="%.2f"),
    }
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=config, key="flips")
