"""The form in which an expert is added or changed."""

from dataclasses import replace
from datetime import date
from typing import Final

import streamlit as st

from pages.common import keys, own, show
from pages.common.experts import acts
from routing.catalog import SECURITY_TIERS
from routing.errors import RoutingError
from routing.own import TYPED, OwnExpert, Value
from routing.own.checks import LONGEST_ADDRESS, LONGEST_NAME, LONGEST_SOURCE, checked, checked_new, checked_sizes
from routing.own.provenance import restated
from routing.schema import Expert

NEW: Final = "my-expert"
_OPEN: Final = {True: "yes", False: "no", None: "unknown"}


def form(name: str | None) -> None:
    """Fields for every fact; without a name they are those of a new expert."""
    mine = own.mine()
    acts.back(name)
    base = mine.shipped[name] if name in mine.shipped.names else None
    if name is None:
        start: OwnExpert = st.session_state.get(acts.START) or OwnExpert("")
    else:
        start = mine.by_name.get(name, OwnExpert(name))
    before = start.over(base)
    st.markdown("#### Add an expert" if name is None else f"#### Change {show.escape(before.title)}")
    with st.form("expert_form", border=False):
        typed_name = name or st.text_input(
            "Name", start.name, key="expert_name", max_chars=LONGEST_NAME, placeholder=NEW,
            help="Identifies it in links, pools and on the command line. Letters, digits and . _ - : / @ +",
        )  # fmt: skip
        left, right = st.columns(2, gap="large")
        with left:
            values, address = who(before, start)
        with right:
            values |= numbers(before)
        source, day = said_by()
        is_sent = st.form_submit_button(
            "Add" if name is None else "Save", key="expert_save", type="primary", icon=":material/check:"
        )
    if is_sent:
        sent(replace(start, name=typed_name.strip(), address=address), base, values, (source, day), is_new=name is None)


def who(before: Expert, start: OwnExpert) -> tuple[dict[str, Value], str | None]:
    """What the expert is called, who serves it, and where."""
    text: dict[str, Value] = {
        "title": _text("Title for people", "title", before.title),
        "provider": _text("Provider", "provider", before.provider),
        "litellm": _text(
            "LiteLLM name", "litellm", before.litellm, hint="openai/gpt-4o-mini",
            about="provider/name. Behind an own address: openai/ and the name that the address serves.",
        ),
    }  # fmt: skip
    address = st.text_input(
        "Own address", start.address or "", key="expert_address", max_chars=LONGEST_ADDRESS,
        placeholder="http://127.0.0.1:8000/v1",
        help="Any OpenAI-compatible server. Empty where LiteLLM knows where to call. Its key, if it needs one, is "
        "typed on Compare.",
    )  # fmt: skip
    tier = st.selectbox(
        "Security tier", list(SECURITY_TIERS), before.security_tier, key="expert_tier",
        format_func=lambda t: f"{t}: {SECURITY_TIERS[t]}",
    )  # fmt: skip
    text["licence"] = _text("Licence", "licence", before.licence)
    return {**text, "security_tier": tier}, address.strip() or None


def numbers(before: Expert) -> dict[str, Value]:
    """Prices, sizes and days; an empty field is unknown."""
    one, two = st.columns(2)
    with one:
        found: dict[str, Value] = {
            "price_in_usd_per_mtok": _number("Price in (US$ per million tokens)", "in", before.price_in_usd_per_mtok),
            "price_cached_in_usd_per_mtok": _number(
                "Cached input (US$ per M)", "cached", before.price_cached_in_usd_per_mtok
            ),
            "params_b": _number("Size (B parameters)", "size", before.params_b),
        }
    with two:
        price_out = before.price_out_usd_per_mtok
        found["price_out_usd_per_mtok"] = _number("Price out (US$ per million tokens)", "out", price_out)
        found["context_tokens"] = st.number_input(
            "Context (tokens)", 1, None, before.context_tokens, 1024, key="expert_context", placeholder="unknown"
        )
        found["active_b"] = _number("Active size (B)", "active", before.active_b)
    found["released"] = st.date_input(
        "Released", before.released, date(2015, 1, 1), date.today(), key="expert_released", format="YYYY-MM-DD"
    )
    options = list(_OPEN)
    found["open_weights"] = st.selectbox(
        "Open weights", options, options.index(before.open_weights), key="expert_open", format_func=lambda o: _OPEN[o]
    )
    return found


def said_by() -> tuple[str, date]:
    """Source and day of whatever is changed."""
    left, right = st.columns(2, gap="large")
    source = left.text_input(
        "Source of what you change", TYPED, key="expert_source", max_chars=LONGEST_SOURCE,
        help="Facts that you leave as they are keep their own source and day.",
    )  # fmt: skip
    day = right.date_input("As of", date.today(), max_value=date.today(), key="expert_day", format="YYYY-MM-DD")
    return source.strip(), day or date.today()


def sent(
    start: OwnExpert, base: Expert | None, values: dict[str, Value], said: tuple[str, date], *, is_new: bool
) -> None:
    """Check and keep what was typed, or say what is wrong with it."""
    if is_new:
        values["title"] = values["title"] or start.name
    try:
        one = checked_sizes(checked(restated(start, base, values, *said), allow_private=keys.private_allowed_here()))
        if is_new:
            checked_new(one, own.mine().everyone.names)
    except RoutingError as problem:
        st.warning(show.escape(str(problem)), icon=":material/error:")
        return
    if acts.save(one, "Added. It takes part from now on." if is_new else "Saved."):
        acts.go("one", one.name)
        st.rerun()


def _text(label: str, key: str, value: str | None, *, hint: str = "", about: str | None = None) -> str | None:
    typed = st.text_input(label, value or "", key=f"expert_{key}", placeholder=hint, help=about)
    return typed.strip() or None


def _number(label: str, key: str, value: float | None) -> float | None:
    number: float | None = st.number_input(
        label, 0.0, None, None if value is None else float(value), format="%.6g", key=f"expert_{key}",
        placeholder="unknown",
    )  # fmt: skip
    return number
