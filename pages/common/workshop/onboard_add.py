"""A new expert in three fields; all its other facts are on the Experts page."""

from dataclasses import replace
from datetime import date
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.common import answers, cached, keys, own, show
from pages.common.experts import acts
from routing.catalog import fact_sources
from routing.errors import RoutingError
from routing.own import TYPED, OwnExpert, Value
from routing.own.checks import LONGEST_ADDRESS, LONGEST_NAME, checked, checked_new
from routing.own.listings import as_listed
from routing.own.provenance import copied, restated
from routing.schema import Expert

HERE, PROVIDER, ADDRESS = "On this machine", "At a provider", "At an address of mine"
CHOSEN: Final = "onboard_expert"


def form() -> None:
    """Name, where it runs and its price; adding chooses it. What is on this machine is added by one click."""
    for expert in installed():
        _here(expert)
    with st.container(border=True):
        where = st.segmented_control(
            "Where does it run?", [HERE, PROVIDER, ADDRESS], default=HERE, key="onboard_where", required=True
        )
        with st.form("onboard_add", border=False):
            left, right = st.columns(2)
            name = left.text_input(
                "Name", key="onboard_name", max_chars=LONGEST_NAME, placeholder="my-expert",
                help="Identifies it in links and on the command line. Letters, digits and . _ - : / @ +",
            )  # fmt: skip
            with right:
                served, address = _served(where or HERE)
            prices = (0.0, 0.0) if where == HERE else (_price(left, "in"), _price(right, "out"))
            is_sent = st.form_submit_button("Add", key="onboard_add_go", type="primary", icon=":material/add:")
        _more(where or HERE)
    if is_sent:
        _sent(name.strip(), served, address, prices, is_here=where == HERE)


def _here(expert: Expert) -> None:
    """An expert on this machine under a free name of its own, to be asked probes as a new one would be."""
    taken = own.mine().everyone.names
    name = next(
        n for i in range(1, len(taken) + 3) if (n := f"my-{expert.name}" + (f"-{i}" if i > 1 else "")) not in taken
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(
            f"Add {show.escape(expert.title)}, on this machine",
            key=f"onboard_here_{expert.name}",
            icon=":material/memory:",
        ):
            _sent(name, expert.litellm, None, (0.0, 0.0), is_here=True)
        st.caption("No key and no cost; 30 probes take about a minute.", width="content")


def _more(where: str) -> None:
    """Where the other facts come from."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            "Prices and other facts that you leave out are taken from LiteLLM's list, where it has them."
            if where == PROVIDER
            else "Size, release, licence and the source of every fact can be stated later on the Experts page.",
            width="content",
        )
        if where == PROVIDER:
            st.page_link("pages/evidence/experts.py", label="Search the lists", icon=":material/search:")


def _price(place: DeltaGenerator, way: str) -> float | None:
    label = f"Price {way} (US$ per million tokens)"
    number: float | None = place.number_input(label, 0.0, None, None, key=f"onboard_{way}", placeholder="unknown")
    return number


def _served(where: str) -> tuple[str | None, str | None]:
    """The LiteLLM name, and the own address where there is one."""
    if where == HERE:
        here = installed()
        if not here:
            st.caption("No weights are on this machine. Run: make setup")
            return None, None
        one = st.selectbox("Weights", here, key="onboard_weights", format_func=lambda e: e.title)
        return one.litellm, None
    if where == PROVIDER:
        typed = st.text_input(
            "LiteLLM name", key="onboard_litellm", placeholder="openai/gpt-4o-mini",
            help="provider/name, as LiteLLM calls it. Its key is typed below, or found in the environment.",
        )  # fmt: skip
        return typed.strip() or None, None
    typed = st.text_input(
        "OpenAI-compatible address", key="onboard_address", max_chars=LONGEST_ADDRESS,
        placeholder="http://127.0.0.1:8000/v1", help="The name above is what the address is asked for.",
    )  # fmt: skip
    return None, typed.strip() or None


def installed() -> list[Expert]:
    """Shipped experts whose weights are on this machine."""
    return [e for e in cached.catalog().experts if e.is_local and answers.is_installed(e)]


def _known(name: str, served: str | None, *, is_here: bool) -> OwnExpert | None:
    """What is known of the weights on this machine, or of what LiteLLM calls so; None where nothing is."""
    if not served:
        return None
    if not is_here:
        return as_listed(served, name, own.mine().shipped)
    same = next((expert for expert in installed() if expert.litellm == served), None)
    return None if same is None else copied(same, name, fact_sources().get(same.name, ("", None)))


def _sent(
    name: str, served: str | None, address: str | None, prices: tuple[float | None, float | None], *, is_here: bool
) -> None:
    typed: dict[str, Value] = {
        "title": name or None, "litellm": served, "security_tier": 0 if is_here else None,
        "price_in_usd_per_mtok": prices[0], "price_out_usd_per_mtok": prices[1],
    }  # fmt: skip
    try:
        start = replace(_known(name, served, is_here=is_here) or OwnExpert(name), address=address)
        # What is typed as it is known already keeps its source and day.
        values = {fact: value for fact, value in typed.items() if value is not None}
        one = checked(
            restated(start, None, values, TYPED, date.today()), allow_private=keys.private_allowed_here()
        )  # fmt: skip
        checked_new(one, own.mine().everyone.names)
    except RoutingError as problem:
        st.warning(show.escape(str(problem)), icon=":material/error:")
        return
    if acts.save(one, "Added. Now ask it some probes, or type published results."):
        st.session_state["onboard_next"] = name
        st.rerun()
