"""How experts are asked: shared settings, and where one expert is asked otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from pages.common import own, show
from routing.answer.client import Settings
from routing.asking import Override, settings_from
from routing.local import SYSTEM_MESSAGE
from routing.store import KeptRun

LONGEST_SYSTEM: Final = 8000
MOST_REPEATS: Final = 5
OWN: Final = ("system", "temperature", "tokens", "json")
# A widget whose state a stored run may set must not name a value of its own too.
USUAL: Final = {
    "compare_system": SYSTEM_MESSAGE,
    "compare_temperature": 0.0,
    "compare_repeats": 1,
    "compare_tokens": 512,
    "compare_timeout": 60,
    "compare_retries": 1,
}


@dataclass(frozen=True, slots=True)
class Manner:
    """What the settings say: of the calls, how often, and whether others step in."""

    settings: Settings
    repeats: int
    has_fallbacks: bool


def popover(chosen: Sequence[str]) -> tuple[Manner, dict[str, Override]]:
    """What all share behind one button, what single experts have otherwise behind another."""
    with st.popover("Settings", icon=":material/settings:"):
        manner = shared()
    with st.popover("Per expert", icon=":material/person_edit:", disabled=not chosen):
        return manner, overrides(chosen)


def shared() -> Manner:
    """What all experts share; kept across pages."""
    for name, value in USUAL.items():
        st.session_state.setdefault(name, value)
    system = st.text_area(
        "System message", key="compare_system", height=80, max_chars=LONGEST_SYSTEM, persist_state="session"
    )
    left, right = st.columns(2)
    temperature = left.slider("Temperature", 0.0, 2.0, step=0.1, key="compare_temperature", persist_state="session")
    repeats = right.slider(
        "Times each is asked", 1, MOST_REPEATS, key="compare_repeats", persist_state="session",
        help="Answers of the same expert to the same prompt differ; asking again shows by how much.",
    )  # fmt: skip
    longest = left.number_input(
        "Longest answer (tokens)", 16, 8192, step=16, key="compare_tokens", persist_state="session"
    )
    timeout = right.number_input(
        "Time allowed (seconds)", 5, 600, step=5, key="compare_timeout", persist_state="session"
    )
    retries = left.number_input(
        "Retries", 0, 5, key="compare_retries", persist_state="session",
        help="After a failure that may pass, as long as no text has arrived.",
    )  # fmt: skip
    with right.container(gap="xsmall"):
        is_json = st.toggle("Ask for JSON", key="compare_json", persist_state="session")
        has_fallbacks = st.toggle(
            "Fallbacks", key="compare_fallbacks", persist_state="session",
            help="When an expert fails before it wrote anything, the next on the front takes over.",
        )  # fmt: skip
    settings = Settings(int(longest), temperature, float(timeout), int(retries), system.strip(), is_json)
    return Manner(settings, repeats, has_fallbacks)


def overrides(chosen: Sequence[str]) -> dict[str, Override]:
    """A small editor for one expert at a time; empty fields keep what is shared."""
    if not chosen:
        return {}
    titles = own.titles()
    marked = {n for n in chosen if _override(n) != Override()}
    name = st.selectbox(
        "Only for", [None, *chosen], key="compare_only_for",
        placeholder="Nobody, all share the settings",
        format_func=lambda n: "" if n is None else titles[n] + " *" * (n in marked),
    )  # fmt: skip
    if name is not None:
        _restored(name)
        st.text_area(
            "Its system message", key=f"own_system_{name}", height=68, max_chars=LONGEST_SYSTEM,
            placeholder="As shared", persist_state="session",
        )  # fmt: skip
        left, right = st.columns(2)
        left.number_input(
            "Its temperature", 0.0, 2.0, None, 0.1, key=f"own_temperature_{name}", placeholder="As shared",
            persist_state="session",
        )  # fmt: skip
        right.number_input(
            "Its longest answer", 16, 8192, None, 16, key=f"own_tokens_{name}", placeholder="As shared",
            persist_state="session",
        )  # fmt: skip
        st.segmented_control(
            "JSON from it", (True, False), key=f"own_json_{name}", persist_state="session",
            format_func=lambda wish: "Ask for it" if wish else "Do not", help="As shared where neither is chosen.",
        )  # fmt: skip
        _remember(name)
    return {n: found for n in chosen if (found := _override(n)) != Override()}


def _remember(name: str) -> None:
    """Fields that are not on the page lose their state, so what they say is kept beside them."""
    state = st.session_state
    system, temperature, tokens, is_json = (state.get(f"own_{kind}_{name}") for kind in OWN)
    own = Override((system or "").strip() or None, temperature, None if tokens is None else int(tokens), is_json)
    state["overrides"] = {**state.get("overrides", {}), name: own}


def _restored(name: str) -> None:
    own = _override(name)
    for kind, value in zip(OWN, (own.system or "", own.temperature, own.max_tokens, own.is_json), strict=True):
        st.session_state.setdefault(f"own_{kind}_{name}", value)


def _override(name: str) -> Override:
    kept: dict[str, Override] = st.session_state.get("overrides", {})
    return kept.get(name, Override())


def take_over(run: KeptRun) -> None:
    """Set every field as a stored run had it; for callbacks."""
    settings, own = settings_from(run.run.settings)
    state = st.session_state
    state["compare_system"], state["compare_temperature"] = settings.system, settings.temperature
    state["compare_tokens"], state["compare_timeout"] = settings.max_tokens, int(settings.timeout_s)
    state["compare_retries"], state["compare_json"] = settings.retries, settings.is_json
    state["compare_repeats"], state["compare_fallbacks"] = run.run.repeats, bool(run.run.settings.get("fallbacks"))
    for name in {*state.get("overrides", {}), *own}:
        for kind in OWN:
            state.pop(f"own_{kind}_{name}", None)
    state["overrides"], state["compare_only_for"] = own, None


def words(kept_ones: Mapping[str, Any]) -> list[str]:
    """How the experts were asked, in words."""
    found = [
        f"temperature {kept_ones.get('temperature', 0):g}",
        f"longest answer {kept_ones.get('max_tokens', 0):,} tokens",
        f"{kept_ones.get('timeout_s', 0):g} s allowed",
        f"retries allowed: {kept_ones.get('retries', 0)}",
    ]
    found += ["JSON asked for"] if kept_ones.get("is_json") else []
    titles = own.titles()
    if fallbacks := kept_ones.get("fallbacks"):
        found.append("fallbacks " + ", ".join(titles.get(n, n) for n in fallbacks))
    if overrides := kept_ones.get("overrides"):
        found.append("asked otherwise: " + ", ".join(titles.get(n, n) for n in overrides))
    if system := kept_ones.get("system"):
        found.append(f"system message: {show.escape(str(system))}")
    return found
