"""Onboarding by published figures: pasted or typed, checked line by line, fitted and kept."""

import streamlit as st

from pages.common import own, person, show
from pages.common.workshop import onboard_result
from routing.collecting.figures import LONGEST, parse_figures
from routing.collecting.learning import figures_of, keep_figures, learn
from routing.errors import RoutingError
from routing.recording import kept
from routing.schema import Expert

EXAMPLE = "MMLU-Pro\t72.5 %\nMMLU-Pro law\t51.0 %\nGSM8K\t94.8 %\nLiveCodeBench\t38.2 %"
UNKNOWN = (
    "The router in force was trained on your own outcomes and knows no published benchmark, so figures say nothing "
    "here. Ask probes instead, or go back to the shipped router (at the top) and give them there."
)


def figures(expert: Expert) -> None:
    """A field to paste results into; what it says counts together with probes that were answered."""
    known = onboard_result.probes().basis.benchmarks
    if not known:
        st.info(UNKNOWN, icon=":material/info:")
        in_use(expert)
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        text = st.text_area(
            "Results, one benchmark a line", key="onboard_figures", height=230, max_chars=LONGEST, placeholder=EXAMPLE,
            help="Paste from a spreadsheet, a CSV file, a Markdown table or a model card: a name and a mean score, as "
            "0.725, 72.5 or 72.5 %.",
        )  # fmt: skip
        is_sent = st.button("Use these figures", key="onboard_figures_go", type="primary", icon=":material/check:")
    with right:
        st.caption(f"{len(known)} benchmarks are known, each by some of its prompts that the router was trained on.")
        rows = [{"Benchmark": name, "Prompts": one.n_prompts} for name, one in sorted(known.items())]
        st.dataframe(rows, hide_index=True, height=230, key="onboard_benchmarks")
    in_use(expert)
    st.caption(
        "Figures say less than probes: other prompts, other wording, often the best of several tries. Intervals are "
        "therefore wide, and every prediction is marked as from published figures."
    )
    if is_sent:
        _sent(expert, text)


def in_use(expert: Expert) -> None:
    """Figures that count now, what the fit made of them, and a button that forgets them."""
    try:
        with kept("The figures"):
            found = figures_of(person.store(), person.owner(), expert.name)
    except RoutingError as problem:
        st.warning(show.escape(str(problem)), icon=":material/database_off:")
        return
    if not found:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f":material/check: In use: {len(found)} figures.", width="content")
        st.button(
            "Forget", key="onboard_figures_forget", type="tertiary", icon=":material/delete:",
            on_click=_forget, args=(expert.name,),
        )  # fmt: skip
    skill = own.learned().get(expert.name)
    if skill is None:
        return
    published = {f.benchmark: f.score for f in found}
    rows = [
        {"Benchmark": s.title, "Published": published[s.domain], "Predicted mean": s.score, "Low": s.low,
         "High": s.high, "Prompts": s.n_prompts}
        for s in onboard_result.probes().told(skill, found)
    ]  # fmt: skip
    percent = st.column_config.NumberColumn(format="percent")
    st.dataframe(
        rows, hide_index=True, height="auto", key="onboard_figures_told",
        column_config=dict.fromkeys(("Published", "Predicted mean", "Low", "High"), percent),
    )  # fmt: skip
    st.caption(
        "The predicted mean over a benchmark's prompts follows its figure, drawn to what other figures, probes and "
        "known experts say: a figure far from all of these is believed in part."
    )


def _forget(name: str) -> None:
    try:
        probes = onboard_result.probes()
        with kept("The figures"):
            keep_figures(person.store(), person.owner(), name, ())
            learn(person.store(), person.owner(), name, probes)
    except RoutingError as problem:
        st.toast(show.escape(str(problem)), icon=":material/error:")
    own.changed()


def _sent(expert: Expert, text: str) -> None:
    probes = onboard_result.probes()
    try:
        found = parse_figures(text, probes.basis.benchmarks)
        with kept("The figures"):
            keep_figures(person.store(), person.owner(), expert.name, found)
            learn(person.store(), person.owner(), expert.name, probes)
    except RoutingError as problem:
        st.warning(show.escape(str(problem)), icon=":material/error:")
        return
    own.changed()
    st.toast(f"{len(found)} figures are used.", icon=":material/check:")
    st.rerun()
