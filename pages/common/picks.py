"""Every router on one prompt: who picks whom, under the weights, limits and pool in force."""

import pandas as pd
import streamlit as st

from pages.common import asking, names, own
from pages.common.download import csv_button
from routing.errors import RoutingError
from routing.router import Reading, Routed, Router
from routing.schema import Preferences
from routing.telling import money


def picks(prompt: str, wanted: Preferences, shown: Routed) -> None:
    """A table of all routers' picks, and how many agree with the one shown."""
    try:
        frame = table(prompt, wanted)
    except RoutingError as problem:
        st.caption(f":material/info: {problem}")
        return
    pick = shown.decision.pick
    agree = int((frame["_pick"] == pick).sum()) if pick else 0
    st.caption(
        f"{agree} of {len(frame)} routers pick {own.titles().get(pick or '', 'nobody')} for this prompt. "
        "Methods follow the weights and limits on the left; policies pick by rules of their own, within the limits."
    )
    number = st.column_config.NumberColumn
    config = {
        "Router": st.column_config.TextColumn(pinned=True),
        "Predicted score": number(format="%.2f", help="Of its own pick, by its own prediction"),
        "What it does": st.column_config.TextColumn(width="large"),
        **{hidden: None for hidden in frame.columns if hidden.startswith("_")},
    }
    st.dataframe(frame, hide_index=True, height=420, column_config=config, placeholder="none", key="picks")
    csv_button(frame, "thalamus-picks.csv", key="download_picks")


def readings(prompt: str) -> dict[str, tuple[Router, Reading]]:
    """Every router with its reading, read once per browser session and prompt: a slider then only decides anew."""
    kept: tuple[str, dict[str, tuple[Router, Reading]]] | None = st.session_state.get("every_reading")
    if kept is None or kept[0] != prompt:
        with st.spinner("Asking every router"):
            kept = prompt, {name: (router, router.read(prompt)) for name, router in own.routers().items()}
        st.session_state["every_reading"] = kept
    return kept[1]


def table(prompt: str, wanted: Preferences) -> pd.DataFrame:
    """One row a router, in the order of the registry."""
    titles, called, family = own.titles(), names.titles(), names.systems()
    rows = []
    for name, (router, reading) in readings(prompt).items():
        decision = asking.decided(router, reading, wanted).decision
        first, second = (*decision.order, "", "")[:2]
        at = decision.options.index(first) if first else 0
        rows.append(
            {
                **{"_name": name, "_pick": first, "System": family[name], "Router": called[name]},
                **{"Pick": titles.get(first), "Backup": titles.get(second)},
                "Predicted score": decision.options.score[at] if first else None,
                "Predicted cost": money(float(decision.options.values["cost"][at])) if first else None,
                "What it does": names.about(name),
            }
        )
    return pd.DataFrame(rows)
