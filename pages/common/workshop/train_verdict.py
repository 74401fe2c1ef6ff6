"""How an own router compares, and what can be done with it."""

from typing import Any, Final

import pandas as pd
import streamlit as st

from pages.common import active, in_force, own, person, show
from routing.errors import RoutingError
from routing.predictors import DEFAULT, PROMPT_BLIND
from routing.recording import kept
from routing.store.routers import OwnRouter
from routing.workshop import archive, job, places
from routing.workshop.verdict import Kind, verdict

TONES: Final[dict[Kind, tuple[str, Any]]] = {
    "pays": (":material/thumb_up:", st.success),
    "saves": (":material/savings:", st.success),
    "does not pay": (":material/do_not_disturb_on:", st.info),
    "open": (":material/help:", st.info),
    "unmeasured": (":material/help:", st.info),
}
CALLED: Final = {
    DEFAULT: "This router", PROMPT_BLIND: "The same, prompts unread", "random expert": "An expert by lot",
    "best single": "Best expert alone", "dataset oracle": "Best expert per task, knowing outcomes",
    "oracle": "Best expert per prompt, knowing outcomes",
}  # fmt: skip
CURRENT: Final = "Router that was in force"


def show_verdict(mine: OwnRouter) -> None:
    """The verdict in one sentence."""
    found = verdict(mine.measures, own.titles())
    icon, tone = TONES[found.kind]
    tone(show.escape(found.text), icon=icon)


def table(mine: OwnRouter) -> None:
    """All rows, on the pool of its experts and on the one that the router then in force knew too."""
    for pool, title in (("own", "All its experts"), ("shared", "Experts that both routers know")):
        part = mine.measures.get(pool)
        if not part:
            continue
        rows = [_row(CALLED[name], row) for name, row in part["trained"].items()]
        rows[1:1] = [_row(CURRENT, row) for row in part.get("current", {}).values()]
        first = part["trained"][DEFAULT]
        known = own.titles()
        names = ", ".join(known.get(name, name) for name in first["experts"])
        st.caption(f"{title} ({show.escape(names)}), {first['n_prompts']:,} test prompts:")
        number = st.column_config.NumberColumn
        config = {
            "Mean score": number(format="%.3f"),
            "Above best alone": number(format="%+.3f"),
            "AIQ above mix": number(format="%.3f", help="Area of quality over cost above a mix of single experts"),
            "Cost at 99 %": number(format="percent", help="Of the best expert's cost, for 99 % of its score"),
        }
        st.dataframe(
            pd.DataFrame(rows).dropna(axis=1, how="all"), hide_index=True, column_config=config,
            key=f"train_measures_{mine.id}_{pool}", height="content",
            placeholder="",
        )  # fmt: skip
        if first["cost_at"] is None:
            st.caption(
                ":material/info: Costs cannot be compared: a price or the output tokens of an expert are unknown. Give "
                "prices on Experts, and a column of output tokens, before training."
            )


def _row(name: str, row: dict[str, Any]) -> dict[str, Any]:
    low, high = row["score_interval"]
    return {
        "Who decides": name,
        "Mean score": row["score"],
        "95 % interval": f"{low:.3f} to {high:.3f}",
        "Above best alone": row["above_best_single"],
        "AIQ above mix": row["aiq_above_static_mix"],
        "Cost at 99 %": (row["cost_at"] or {}).get("99"),
    }


def acts(mine: OwnRouter, key: str) -> None:
    """Put it in force or out of force, take it away, remove it."""
    owner = person.owner()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if mine.is_active:
            st.badge("In force", icon=":material/check:", color="green")
            st.button("Back to the shipped router", key=f"router_back_{key}", on_click=in_force.put, args=(None,))
        else:
            st.button(
                "Use this router", key=f"router_use_{key}", type="primary" if key == "new" else "secondary",
                icon=":material/check:", on_click=in_force.put, args=(mine.id,),
            )  # fmt: skip
        folder = places.folder(owner, mine.folder)
        st.download_button(
            "Download", lambda: archive.packed(folder), f"{mine.name.replace(' ', '-')}.zip", "application/zip",
            icon=":material/download:", on_click="ignore", key=f"router_take_{key}",
            help="Graph, router card, tokenizer, experts, pools and what onboarding rests on.",
        )  # fmt: skip
        with st.popover("Remove", icon=":material/delete:", type="tertiary", key=f"router_removing_{key}"):
            st.caption("Its files are deleted. Download it first to be able to bring it in again.")
            st.button(
                f"Delete {show.escape(mine.name)}", key=f"router_remove_{key}", type="primary", on_click=remove,
                args=(mine,),
            )  # fmt: skip


def remove(mine: OwnRouter) -> None:
    """Forget a router and delete its files; for callbacks."""
    owner = person.owner()
    newest = job.now(owner)
    if newest is not None and newest.router_id == mine.folder:
        job.forget(owner)  # else the page would find the finished training and list its router again
    try:
        with kept("The router"):
            places.remove(places.folder(owner, person.store().routers.remove(owner, mine.id)))
    except RoutingError as problem:
        st.toast(show.escape(str(problem)), icon=":material/error:")
    active.changed()
