"""What follows the answers: predictions against what was measured, what asking again changed, and the next turn."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from pages.common import answers, asking, cards, choosing, conversation, judging, money, own, show
from pages.common.conversation import Turn
from pages.common.download import csv_button
from routing import figures
from routing.asking import Plan
from routing.difference import changes
from routing.errors import RoutingError
from routing.repeats import repeats
from routing.router import Routed
from routing.schema import Answer

AXES = ("latency", "verbosity", "cost")


def more(turn: Turn) -> None:
    """Everything below the answers, once names may be seen."""
    names = ["Predicted and measured", "Difference", "Checks", "Judge", "All figures", "As written"]
    if turn.plan.repeats > 1:
        names.insert(1, "Repeats")
    if turn.before is not None:
        names.insert(0, "What changed")
    draw = {
        "Repeats": lambda shown: repeated([(c.answer, shown.checks.get(c.key)) for c in shown.columns() if c.answer]),
        "What changed": changed, "Predicted and measured": arrows, "Difference": judging.compared,
        "Checks": judging.checks, "Judge": judging.judge, "All figures": table,
        "As written": judging.as_written,
    }  # fmt: skip
    for tab, name in zip(st.tabs(names, key=f"compare_tabs_{len(names)}", on_change="rerun"), names, strict=True):
        if tab.open:
            with tab:
                draw[name](turn)


def arrows(turn: Turn) -> None:
    """Predicted against measured, on the front."""
    routed = turn.routed
    found = answers.measured([c.answer for c in turn.columns() if c.answer is not None])
    if not found:
        st.caption("No answer is complete, so there is nothing to measure.")
        return
    drawable = [a for a in AXES if answers.has_arrow(routed, found, a)]
    axis = st.segmented_control(
        "Axis", AXES, default=(drawable or AXES)[0], key="compare_axis", label_visibility="collapsed"
    )
    x, y = figures.Axis(axis or AXES[0], is_log=True), figures.Axis("score")
    titles = {name: name for name in routed.decision.options.experts} | dict(own.titles())
    figure = figures.front(routed.decision, titles, x, y, found)
    st.plotly_chart(figure, key="compare_front", config=figures.CONFIG)
    if x.name in drawable:
        st.caption(f"Arrows lead from the predicted to the measured {x.name}. Asking once does not measure a score.")
    else:
        st.caption(f"No arrow: the predicted or the measured {x.name} of these answers is unknown or zero.")


def repeated(found: Iterable[tuple[Answer, tuple[str, str, bool] | None]]) -> None:
    """How much the answers of one expert to the same prompt differ."""
    titles = own.titles()
    rows = [
        {
            "Expert": titles.get(r.expert, r.expert),
            "Complete": f"{r.n_complete} of {r.n}",
            "Different texts": r.n_texts,
            "Words in common": r.in_common,
            "Latency (s)": r.latency_s.mean,
            "± (s)": r.latency_s.deviation,
            "Tokens out": r.output_tokens.mean,
            "± tokens": r.output_tokens.deviation,
            "Cost ($)": r.cost_usd.mean,
            "± ($)": r.cost_usd.deviation,
            "Checks passed": r.passed,
        }
        for r in repeats((answer, None if check is None else check[2]) for answer, check in found)
    ]
    formats = {"(s)": "%.2f", "tokens": "%.0f", "out": "%.0f", "($)": "%.6f"}
    config: dict[str, Any] = {
        name: st.column_config.NumberColumn(format=formats[name.rsplit(" ", 1)[-1]])
        for name in ("Latency (s)", "± (s)", "Tokens out", "± tokens", "Cost ($)", "± ($)")
    }
    for name in ("Words in common", "Checks passed"):
        config[name] = st.column_config.ProgressColumn(min_value=0, max_value=1, format="percent")
    frame = pd.DataFrame(rows)
    empty = [name for name in frame.columns[5:] if name != "Cost ($)" and frame[name].isna().all()]
    st.dataframe(frame.drop(columns=empty), hide_index=True, column_config=config, placeholder="unknown")
    st.caption("Means over complete answers, and after ± their standard deviation.")


def table(turn: Turn) -> None:
    """Every answer as a row, with a download."""
    rows = [
        {
            "Expert": turn.name(c),
            "First token (s)": c.answer.time_to_first_token_s,
            "Latency (s)": c.answer.latency_s if c.answer.text else None,
            "Tokens in": c.answer.input_tokens,
            "Tokens out": c.answer.output_tokens,
            "Cost ($)": c.answer.cost_usd,
            "Served": c.answer.served,
            "Retries": c.answer.retries,
            "Finish": c.answer.finish_reason or "none",
            "Problem": "" if c.answer.error is None else str(c.answer.error),
            "Answer": c.answer.text,
        }
        for c in turn.columns()
        if c.answer is not None
    ]
    frame = pd.DataFrame(rows)
    config = {
        "First token (s)": st.column_config.NumberColumn(format="%.2f"),
        "Latency (s)": st.column_config.NumberColumn(format="%.2f"),
        "Cost ($)": st.column_config.NumberColumn(format="%.6f"),
    }
    st.dataframe(frame.drop(columns="Answer"), hide_index=True, column_config=config, placeholder="unknown")
    csv_button(
        frame.assign(Prompt=turn.prompt), "thalamus-answers.csv", key="download_answers",
        label="Download answers as CSV",
    )  # fmt: skip


def changed(turn: Turn) -> None:
    """What asking a stored run again changed."""
    before = turn.before
    if before is None:
        return
    titles = own.titles()
    found = changes(before, [(c.expert.name, c.repeat, c.answer) for c in turn.columns()])
    names = [
        titles.get(c.expert, c.expert) + (f", {c.repeat + 1}" if max(turn.plan.repeats, before.run.repeats) > 1 else "")
        for c in found
    ]
    rows = [
        {
            "Expert": name,
            "Same text": c.likeness,
            "Ended then": answers.ended(c.before),
            "Ended now": answers.ended(c.now),
            "Cost then ($)": c.before.cost_usd if c.before else None,
            "Cost now ($)": c.now.cost_usd if c.now else None,
            "Latency then (s)": c.before.latency_s if c.before else None,
            "Latency now (s)": c.now.latency_s if c.now else None,
            "Tokens then": c.before.output_tokens if c.before else None,
            "Tokens now": c.now.output_tokens if c.now else None,
        }
        for name, c in zip(names, found, strict=True)
    ]
    picks = [titles.get(n, n) if n else "nobody" for n in (before.run.pick, turn.routed.decision.pick)]
    routed = (
        f"The router picks {picks[1]} as then." if picks[0] == picks[1] else f"Picked {picks[0]} then, {picks[1]} now."
    )
    st.caption(show.escape(f"Against the run of {asking.moment(before.created)}. {routed}"))
    share = st.column_config.ProgressColumn(min_value=0, max_value=1, format="percent")
    shown = {"Same text": share, **{n: st.column_config.NumberColumn(format="%.5f") for n in rows[0] if "Cost" in n}}
    shown |= {n: st.column_config.NumberColumn(format="%.2f") for n in rows[0] if "Latency" in n}
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=shown, placeholder="unknown")
    both = [(n, c) for n, c in zip(names, found, strict=True) if c.before is not None and c.now is not None]
    if both:
        i = st.selectbox("Text of", range(len(both)), key="changed_which", format_func=lambda i: both[i][0])
        one = both[i][1]
        if one.before is not None and one.now is not None:
            judging.difference_of(one.before.text, one.now.text, "then", "now")


def go_on(turn: Turn) -> None:
    """The next prompt to the same experts, each with its own history; what it costs is said before the click."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = st.text_area(
            "Continue the conversation", key=f"continue_{turn.number}", height=68,
            placeholder="Ask the same experts something more",
        )  # fmt: skip
        is_clicked = st.button("Continue", key="continue_go", icon=":material/reply:")
    if not text.strip():
        return
    try:
        plan, routed = _next(turn, text)
        cost = choosing.cost_of(plan, routed)
        st.caption(money.sentence(cost, len(plan.experts)))
        if silent := ", ".join(dict.fromkeys(c.asked.title for c in turn.columns() if not c.text.strip())):
            st.caption(f"{show.escape(silent)} did not answer before, and gets both prompts at once.")
        # What was unknown before was accepted before; an own address may have come since.
        surprising = tuple(name for name in cost.unknown if name not in turn.cost.unknown)
        is_confirmed = money.is_confirmed(replace(cost, unknown=surprising), key="continue_unknown")
        if is_clicked and is_confirmed and not choosing.is_too_far(routed, plan.experts):
            conversation.ask(
                plan, routed, cost, domain=turn.domain, is_blind=turn.is_blind, earlier=conversation.turns()
            )
            st.rerun()
    except RoutingError as problem:
        st.warning(show.escape(str(problem)))


def _next(turn: Turn, text: str) -> tuple[Plan, Routed]:
    """The next turn, under the preferences of the first; flags in it count, for those who may take over too.

    Raises:
        RoutingError: The prompt or its flags cannot be used.
    """
    router = cards.router(turn.routed.router)
    routed = asking.decided(router, router.read(text), turn.routed.decision.preferences)
    told = conversation.histories(conversation.turns())
    allowed = tuple(e for e in turn.plan.fallbacks if e.name in routed.decision.order)
    return replace(turn.plan, prompt=routed.reading.prompt, histories=told, fallbacks=allowed), routed
