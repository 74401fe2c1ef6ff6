"""How an answer is shown: its text, how it ended, and what was measured beside what was predicted."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from pages.common import own, show
from routing.answer.text import is_json, safe_markdown
from routing.figures import Measured, money
from routing.insights import tokens_per_second
from routing.local import local_experts, weights_of
from routing.router import Routed
from routing.schema import Answer, Expert

LONG = 1200  # characters that still fit into a card without scrolling
Predicted = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Origin:
    """Who was asked for an answer, whom the router picked for the prompt, and who failed before; all for people."""

    asked: str
    pick: str
    failed: tuple[Answer, ...] = ()


def is_installed(expert: Expert) -> bool:
    """Whether the weights of a local expert are on this machine."""
    return local_experts().is_installed(weights_of(expert))


def text(written: str, *, height: int = 420, is_growing: bool = False) -> None:
    """An answer's words, harmless; a long one scrolls within its card, so that figures stay side by side."""
    if written:
        is_long = len(written) > LONG
        with st.container(height=height if is_long else "content", border=False):
            st.markdown(safe_markdown(written))
        if is_long and is_growing:  # what comes is below what shows; a text that moved could not be read
            st.caption(f"{len(written.split()):,} words so far")


def ending(answer: Answer) -> None:
    """How an answer ended, where it did not end well, and what else there is to know of it."""
    if answer.note:
        st.caption(f":material/info: {show.escape(answer.note[0].upper() + answer.note[1:])}.")
    if answer.error is not None:
        st.warning(show.escape(str(answer.error)), icon=":material/error:")
        if answer.text:
            st.caption(":material/content_cut: It broke off here; what arrived is kept, and incomplete.")
    elif not answer.is_complete:
        st.caption(f":material/content_cut: {_cut(answer)}")
    elif not answer.text.strip():
        st.caption("The answer is empty.")


def hidden_ending(answer: Answer) -> None:
    """The same without a word that could tell who it was."""
    why = "Why is shown with the names."
    if answer.error is not None and not answer.text:
        st.caption(f":material/error: This one failed. {why}")
    elif answer.error is not None or not answer.is_complete:
        st.caption(f":material/content_cut: This is a part of an answer. {why}")


def _cut(answer: Answer) -> str:
    """Why an answer that nothing went wrong with is only a part."""
    if answer.finish_reason == "length" and not answer.text.strip():
        return (
            "The longest answer allowed was used up before a word was written; reasoning counts too. Raise it under "
            "Settings."
        )
    why = {"length": "Cut at the longest answer allowed", "content_filter": "Ended by the provider's content filter"}
    return f"{why.get(answer.finish_reason or '', 'Stopped')}; this is a part."


def ended(answer: Answer | None) -> str:
    """How an answer ended, in a word for tables."""
    if answer is None:
        return "not asked"
    if answer.error is not None:
        return "broke off" if answer.text else "failed"
    if answer.is_complete:
        return "complete"
    return "cut" if answer.finish_reason in {"length", "content_filter"} else "stopped"


def facts(
    answer: Answer,
    told: Predicted,
    *,
    ease: float | None,
    check: tuple[str, str, bool] | None = None,
    wants_json: bool = False,
) -> None:
    """What was measured, beside what was predicted."""
    judged = "not checked" if check is None else ("check passed" if check[2] else "check failed")
    about = "" if answer.tokens_source.startswith("reported") else "about "
    rows = [
        ("First token", _number(answer.time_to_first_token_s, " s", 2), ""),
        ("Latency", _number(answer.latency_s, " s", 2), _number(told.get("latency_s"), " s", 2)),
        ("Tokens per second", _number(tokens_per_second(answer), "", 0), ""),
        ("Tokens in", about + _number(answer.input_tokens), ""),
        ("Tokens out", about + _number(answer.output_tokens), _number(told.get("output_tokens"))),
        ("Cost", money(_nan(answer.cost_usd)), money(_nan(told.get("cost_usd")))),
        ("Words", f"{len(answer.text.split()):,}", ""),
        ("Reading ease", _number(ease, missing="too short"), _number(told.get("reading_ease"))),
        ("Score", judged, _number(told.get("score"), "", 2)),
    ]
    if wants_json:  # not every provider can be asked for it, and LiteLLM leaves the wish out where one cannot
        rows.append(("JSON", "valid" if is_json(answer.text) else "not valid", ""))
    lines = "".join(f"<tr><td>{n}</td><td>{m}</td><td>{p}</td></tr>" for n, m, p in rows)
    st.html(f'<table class="facts"><tr><th></th><th>measured</th><th>predicted</th></tr>{lines}</table>')


def provenance(answer: Answer, origin: Origin) -> None:
    """Asked, picked, served, retries, the finish and where the cost comes from."""
    served = show.escape(answer.served or "unstated")
    is_pick = origin.pick == origin.asked
    pick = "the router's pick" if is_pick else f"while the router picked {show.escape(origin.pick)}"
    parts = [f"Asked {show.escape(origin.asked)}, {pick}", f"served {served}"]
    parts.append(f"{answer.retries} {'retry' if answer.retries == 1 else 'retries'}")
    parts.append(f"finish: {show.escape(answer.finish_reason or ('unstated' if answer.is_complete else 'none'))}")
    if (detail := answer.tokens_source.partition("(")[2]) != "":
        parts.append(f"tokens: {show.escape(detail.removesuffix(')'))}")
    source = answer.cost_source
    parts.append(show.escape(f"cost {source}" if source.startswith("unknown") else f"cost: {source}"))
    st.caption(" · ".join(parts))
    for failure in origin.failed:
        name = own.titles().get(failure.expert, failure.expert)
        st.caption(f":material/swap_horiz: {show.escape(name)} failed first: {show.escape(str(failure.error))}")


def measured(found: Sequence[Answer]) -> list[Measured]:
    """Measured axes of every complete answer."""
    return [
        Measured(
            answer.expert,
            {
                name: float(value)
                for name, value in (
                    ("cost", answer.cost_usd), ("latency", answer.latency_s), ("verbosity", answer.output_tokens)
                )
                if value is not None
            },
        )
        for answer in found
        if answer.error is None and answer.is_complete
    ]  # fmt: skip


def has_arrow(routed: Routed, found: Sequence[Measured], axis: str) -> bool:
    """Whether some answer has both a predicted and a measured value above zero on this axis."""
    options = routed.decision.options
    pairs = (
        (options.values[axis][options.index(m.expert)], m.values.get(axis, math.nan))
        for m in found
        if m.expert in options.experts
    )
    return any(predicted > 0 and actual > 0 and predicted != actual for predicted, actual in pairs)


def _nan(value: float | None) -> float:
    return math.nan if value is None else value


def _number(value: float | None, unit: str = "", digits: int = 0, missing: str = "unknown") -> str:
    return missing if value is None or not math.isfinite(value) else f"{value:,.{digits}f}{unit}"
