"""How a decision is shown: the pick, the reasons, the tables. Used by more than one page."""

import math

import streamlit as st

from pages.common import cards, controls, own
from routing import flags as flag_grammar
from routing import sensitive
from routing.errors import RoutingError
from routing.flips import Flip
from routing.objective import CONSTRAINTS
from routing.predictors import DEFAULT
from routing.report import SAY_LITTLE
from routing.router import Reading, Routed
from routing.telling import money


def reading_of(prompt: str, router: str = DEFAULT) -> Reading | None:
    """Read a prompt once per browser session, text and router; without one, say what to do."""
    if not prompt.strip():
        st.info(
            "Type a prompt above, or choose an example, to see what every expert is predicted to reach.",
            icon=":material/edit:",
        )
        return None
    kept: dict[str, tuple[str, Reading]] = st.session_state.setdefault("readings", {})
    if router not in kept or kept[router][0] != prompt:
        try:
            kept[router] = (prompt, cards.router(router).read(prompt))
        except RoutingError as problem:
            st.warning(str(problem))
            return None
    return kept[router][1]


def flags(reading: Reading) -> None:
    """Flags as chips, and every sentence about what was not followed."""
    if reading.flags:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.caption("From the prompt, in place of the sliders", width="content")
            for flag in reading.flags:
                st.badge(flag_text(flag), icon=":material/flag:", color="blue")
    for note in reading.warnings:
        st.caption(f":material/warning: {escape(note)}")
    if not reading.is_familiar:
        st.caption(f":material/help: {reading.unfamiliar_because} {SAY_LITTLE}")


def sensitive_hint(reading: Reading) -> None:
    """Suggest keeping a sensitive prompt on this machine, unless that is already so."""
    if st.session_state.get("sensitive_for") != reading.prompt:
        st.session_state["sensitive"] = sensitive.kinds_found(reading.prompt)
        st.session_state["sensitive_for"] = reading.prompt
    found: tuple[str, ...] = st.session_state["sensitive"]
    is_kept_here = any(f.kind == "limit" and f.constraint == "security" and f.value == 0 for f in reading.flags)
    if not found or is_kept_here or st.session_state.get("limit_security") == 0.0:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption(
            f":material/shield_lock: This prompt seems to hold {' and '.join(found)}. "
            "Consider only experts on this machine.",
            width="content",
        )
        st.button("Local only", key="local_only", type="tertiary", on_click=controls.set_limit, args=("security", 0.0))


def flag_text(flag: flag_grammar.Flag) -> str:
    """A flag as a chip says it."""
    if flag.kind == "weight":
        return f"{flag.constraint} weight {controls.exactly(flag.value)}"
    bound = "at least" if CONSTRAINTS[flag.constraint].is_floor else "at most"
    return f"{flag.constraint} {bound} {controls.limit_text(flag.constraint, flag.value)}"


def escape(text: str) -> str:
    """Text of unknown origin for a caption: shown as typed, never as markup."""
    return "".join("\\" + c if c in r"\`*_{}[]()#+-.!|<>$:~" else c for c in text)


def code(text: str) -> str:
    """Text of unknown origin as a word of code: no markup and no link."""
    return "`" + text.replace("`", "'") + "`"


def pick(routed: Routed) -> None:
    """The pick in one plain sentence."""
    decision, titles = routed.decision, own.titles()
    if decision.pick is None:
        if all(math.isnan(s) for s in decision.options.score):
            st.html('<p class="lead">None of these experts has a predicted score.</p>')
            st.caption("Their answers were never measured. Choose another pool, or compare them yourself.")
            return
        st.html('<p class="lead">No expert keeps every limit.</p>')
        remedy = "Lift or loosen a limit" if decision.preferences.limits else "Shorten the prompt"
        st.caption(f"{remedy}; the table below says for each expert what is in the way.")
        return
    i = decision.options.index(decision.pick)
    options = decision.options
    low, high = options.score_low[i], options.score_high[i]
    between = "" if math.isnan(low) else f" <span class='quiet'>(between {low:.2f} and {high:.2f})</span>"
    st.html(
        f'<p class="lead">Ask <b>{titles[decision.pick]}</b>: predicted score <b>{options.score[i]:.2f}</b>{between}, '
        f"predicted cost <b>{money(options.values['cost'][i])}</b>.</p>"
    )


def flip_line(routed: Routed) -> None:
    """The smallest change that would flip the pick, with a button that makes it."""
    if (rule := routed.decision.rule) is not None:
        st.caption(f"{rule.policy.title}: {rule.policy.about} Weights do not move its pick, limits do.")
        return
    flip = routed.decision.smallest_flip
    if flip is None:
        if routed.decision.pick is not None:
            st.caption("No single change of one weight or limit would flip the pick.")
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption(
            f"{flip_text(flip)} and **{own.titles()[flip.expert]}** is picked; {_gain(routed, flip)}.",
            width="content",
        )
        set_by_flag = any(f.kind == flip.kind and f.constraint == flip.constraint for f in routed.reading.flags)
        if not set_by_flag:
            st.button(
                "Apply", key="apply_flip", type="tertiary", icon=":material/swap_horiz:", on_click=_apply, args=(flip,)
            )


def flip_text(flip: Flip) -> str:
    """A flip as an instruction: what to change, from what to what."""
    if flip.kind == "weight":
        verb = "Raise" if flip.after > (flip.before or 0.0) else "Lower"
        before, after = controls.exactly(flip.before or 0.0), controls.exactly(flip.after)
        return f"{verb} the {flip.constraint} weight from {before} to {after}"
    after = controls.limit_text(flip.constraint, flip.after).replace("$", "\\$")
    if flip.before is None:
        bound = "at least" if CONSTRAINTS[flip.constraint].is_floor else "at most"
        return f"Limit {flip.constraint} to {bound} {after}"
    before = controls.limit_text(flip.constraint, flip.before).replace("$", "\\$")
    return f"Move the {flip.constraint} limit from {before} to {after}"


def _gain(routed: Routed, flip: Flip) -> str:
    options, now = routed.decision.options, routed.decision.pick
    there = options.score[options.index(flip.expert)]
    if now is None:
        return f"its predicted score is {there:.2f}"
    gain = there - options.score[options.index(now)]
    if abs(gain) < 0.005:
        return "its predicted score is about the same"
    return f"its predicted score is {abs(gain):.2f} {'higher' if gain > 0 else 'lower'}"


def _apply(flip: Flip) -> None:
    (controls.set_weight if flip.kind == "weight" else controls.set_limit)(flip.constraint, flip.after)


def apart(routed: Routed, axes: tuple[str, str]) -> None:
    """Experts that cannot be placed because a value on an axis is unknown."""
    options, titles = routed.decision.options, own.titles()
    for axis in axes:
        values = options.score if axis == "score" else options.values[axis]
        # One's own experts without a predicted score are named once, with what to do about it (tables.unpredicted).
        told = own.mine().added if axis == "score" else ()
        missing = [titles[n] for n, v in zip(options.experts, values, strict=True) if math.isnan(v) and n not in told]
        if missing:
            named = ", ".join(missing[:6]) + (f" and {len(missing) - 6} more" if len(missing) > 6 else "")
            st.caption(f"Not drawn, {axis} unknown: {named}.")


def footnote(routed: Routed) -> None:
    """How long it took and how much was read."""
    reading = routed.reading
    has_bars = not all(math.isnan(low) for low in routed.decision.options.score_low)
    bars = "Bars are 90 % intervals." if has_bars else "This router gives no intervals."
    st.caption(
        f"{reading.input_tokens:,} input tokens, as current models count them. Predicted in {reading.read_ms:.1f} ms, "
        f"decided in {routed.decide_ms:.1f} ms. {bars}"
    )


def flag_help() -> None:
    """The grammar of flags."""
    words = ", ".join(f"`{w}`" for w in flag_grammar.WORDS)
    st.markdown(
        f"""
Write flags anywhere in the prompt, in square brackets. They override the sliders for this prompt and are removed before
anything reads it. Brackets of which nothing is understood stay in the prompt as text, and so does everything in code,
between backticks or in a fenced block.

| write | means |
|---|---|
| `[Flag: cheap]` | a fair weight on its constraint. Words: {words}; the superlatives mean weight 10 |
| `[Flag: cost=0.4]` | this weight, 0 to 10, on {", ".join(CONSTRAINTS)} |
| `[Flag: max cost $0.002]` | a limit in real units; also `max latency 3s`, `max size 10B`, `max tokens 300` |
| `[Flag: min readability 60]` | reading ease is bounded from below |
| `[Flag: local only]`, `[Flag: open weights]` | security tier 0, or at most 1 |
| `[Flag: recent, cost=0.4]` | several at once; of two that contradict each other the last one counts |
"""
    )
