"""One piece of evidence as every tab shows it: title, definition in one sentence, figure, table, download."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.common.download import csv_button
from routing.evidence import Evidence
from routing.figures import CONFIG
from routing.figures.evidence.looks import Look

Columns = Mapping[str, Any]
NOTHING = "Not measured yet: `python -m routing report` writes it."


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at: the stored evidence, one pool, some routers, and everybody's names.

    Args:
        evidence: As it was read.
        pool: Name of the pool.
        routers: Names of the routers to draw.
        looks: Of those routers.
        titles: Name of each router for people.
        systems: Family of each router.
        experts: Name of each expert for people.
        pools: Name of each pool for people.
    """

    evidence: Evidence
    pool: str
    routers: tuple[str, ...]
    looks: Mapping[str, Look]
    titles: Mapping[str, str]
    systems: Mapping[str, str]
    experts: Mapping[str, str]
    pools: Mapping[str, str]

    def rows(self, *, drawn: bool = False) -> list[Mapping[str, Any]]:
        """Stored rows of the pool; with ``drawn`` those of the chosen routers in their order."""
        found = {row["router"]: row for row in self.evidence.leaderboard if row["pool"] == self.pool}
        return [found[name] for name in (self.routers if drawn else found) if name in found]

    def facts(self) -> Mapping[str, Any]:
        """What is stored about the pool itself."""
        found: Mapping[str, Any] = self.evidence.pools.get(self.pool) or {}
        return found

    def about(self, part: str) -> None:
        """Say what was done for a part of the evidence and what limits it, where that is stored."""
        if text := self.evidence.about.get(part):
            st.caption(f":material/info: {text}")


def head(title: str, definition: str) -> None:
    """A title and the definition of what follows, with its source."""
    st.markdown(f"#### {title}")
    st.caption(definition)


def chart(figure: go.Figure, key: str) -> None:
    """A figure as wide as its place."""
    st.plotly_chart(figure, key=f"evidence_{key}", config=CONFIG, width="stretch")


def table(frame: pd.DataFrame, key: str, *, columns: Columns | None = None, label: str = "Table") -> None:
    """The numbers behind a figure, folded away, with a download."""
    with st.expander(label, icon=":material/table:"):
        open_table(frame, key, columns=columns)


def open_table(frame: pd.DataFrame, key: str, *, columns: Columns | None = None, height: int | None = None) -> None:
    """The same, in sight."""
    hidden: dict[str, Any] = {c: None for c in frame.columns if str(c).startswith("_")}
    st.dataframe(
        frame,
        hide_index=True,
        height=height or "auto",
        column_config={**hidden, **(columns or {})},
        placeholder="none",
        key=f"evidence_table_{key}",
    )
    csv_button(frame, f"thalamus-{key.replace('_', '-')}.csv", key=f"download_evidence_{key}")


def nothing(text: str = NOTHING) -> None:
    """What stands where something was not measured."""
    st.caption(f":material/info: {text}")


def numbers(frame: pd.DataFrame, form: str = "%.3f", **others: str) -> dict[str, Any]:
    """One format for every column of numbers, others by name (spaces as underscores)."""
    given = {name.replace("_", " "): form for name, form in others.items()}
    chosen = [c for c in frame.select_dtypes("number").columns if not str(c).startswith("_")]
    return {c: st.column_config.NumberColumn(format=given.get(c, form)) for c in chosen}
