"""Money before the click: what asking costs, what the budget of this browser session still allows, and its ledger."""

import math
from collections.abc import Iterable
from typing import Final

import pandas as pd
import streamlit as st

from pages.common import asking, own
from routing.asking import Estimate, expert_of
from routing.errors import RoutingError
from routing.recording import kept
from routing.spending import account_of
from routing.store.damage import Found
from routing.store.ledger import Line
from routing.telling import money

USUAL_BUDGET_USD: Final = 1.0
ROWS_SHOWN: Final = 5


def dollars(amount: float) -> str:
    """An amount for markdown, where two dollar signs would make mathematics of what stands between them."""
    return money(amount).replace("$", "\\$")


def purse(amount: float) -> str:
    r"""What is in a purse: never rounded up to more than is there.

    >>> purse(0.99987), purse(1.0)
    ('\\$0.9998', '\\$1.00')
    """
    whole = f"{math.floor(amount * 1e4 + 1e-6) / 1e4:,.4f}"
    return "\\$" + (whole[:-2] if whole.endswith("00") else whole)


def budget_usd() -> float | None:
    """The budget of this browser session; None for no budget."""
    value: float | None = st.session_state.get("budget", USUAL_BUDGET_USD)
    return value


def lines() -> Found[Line]:
    """The ledger of this browser session, oldest first.

    Raises:
        StoreError: The database failed.
    """
    with kept("The ledger"):
        return asking.store().ledger.lines(asking.place().browser)


def named(found: Iterable[Line]) -> list[Line]:
    """Lines without the calls of runs whose names are hidden.

    Raises:
        StoreError: The database failed.
    """
    with kept("The ledger"):
        hidden = asking.store().ledger.hidden(asking.place().browser)
    return [line for line in found if line.run_id not in hidden]


def popover() -> None:
    """The budget, what is left of it, and the ledger."""
    st.session_state.setdefault("budget", USUAL_BUDGET_USD)
    try:
        found, problem = lines(), ""
        shown = named(found)
    except RoutingError as failure:
        found, shown, problem = Found(), [], str(failure)
    account = account_of(found, budget_usd())
    label = "Budget" if account.left_usd is None else f"{purse(account.left_usd)} left"
    with st.popover(label, icon=":material/account_balance_wallet:", key="budget_popover"):
        st.number_input(
            "Budget of this browser session (US$)", 0.0, 10_000.0, None, 0.5, format="%.2f", key="budget",
            persist_state="session", placeholder="No budget",
            help="Reserved before each call; calls beyond it are refused. Empty it for no budget. Loading "
            "the page anew begins another browser session.",
        )  # fmt: skip
        if problem:
            st.caption(problem.replace("$", "\\$"))
        elif not found:
            st.caption("Nothing spent yet. Every call will be listed here.")
        else:
            st.caption(f"{dollars(account.charged_usd)} spent or reserved in {len(found)} calls.")
            ledger(shown[-200:], is_short=True, n_hidden=len(found) - len(shown))


def ledger(found: list[Line], *, is_short: bool = False, n_hidden: int = 0) -> None:
    """Lines of the ledger, newest first; the short form fits into a popover."""
    if n_hidden:
        st.caption("Calls whose names are hidden are listed after the vote.")
    st.dataframe(
        frame(found),
        hide_index=True,
        height=240 if is_short and len(found) > ROWS_SHOWN else "auto",
        column_order=("Expert", "Reserved", "Spent") if is_short else None,
        placeholder="unknown",
        column_config={
            "When": st.column_config.DatetimeColumn(format="HH:mm:ss"),
            "Reserved": st.column_config.NumberColumn(format="$%.5f"),
            "Spent": st.column_config.NumberColumn(format="$%.5f"),
        },
    )
    st.caption("A stopped call counts up to where it was stopped; its provider may bill more.")


def frame(found: list[Line]) -> pd.DataFrame:
    """Lines of the ledger as a table, newest first."""
    titles = own.titles()
    return pd.DataFrame(
        {
            "When": line.created,
            "Expert": titles.get(expert_of(line.expert), expert_of(line.expert)),
            "Reserved": line.reserved_usd,
            "Spent": line.spent_usd,
            "State": "settled" if line.is_settled else "reserved",
        }
        for line in reversed(found)
    )


def sentence(cost: Estimate, n_asked: int) -> str:
    """Who can be called, and what the click costs: expected, at most, and a thousand times."""
    if not cost.callable and not cost.expected_usd:
        return ""
    if not cost.callable and not any(cost.most_usd.values()):
        return "None of these experts can be called yet. Add a key or an own address."
    who, price, calls = _callable(cost, n_asked), _price(cost), len(cost.most_usd)
    if who:
        return f"{who} {price[0].upper()}{price[1:]}."
    return f"{calls} call{'s' if calls != 1 else ''}: {price}."


def _price(cost: Estimate) -> str:
    if math.isnan(cost.most):
        return "cost unknown"
    if not cost.most and not cost.unknown:
        return "no cost"
    more = " plus what is unknown" if cost.unknown else ""
    return (
        f"expected **{dollars(cost.expected)}**, at most {dollars(cost.most)}{more}; "
        f"1,000 such runs about {dollars(cost.expected * 1000)}"
    )


def _callable(cost: Estimate, n_asked: int) -> str:
    """Who of those asked can be called, where not all can."""
    missing = n_asked - len(cost.callable)
    if not missing:
        return ""
    titles = own.titles()
    names = ", ".join(titles.get(n, n) for n in cost.callable) or "a fallback"
    others = "the other one needs" if missing == 1 else f"the other {missing} need"
    return f"Only {names} can be called now; {others} a key or an own address."


def is_confirmed(cost: Estimate, *, key: str = "unknown") -> bool:
    """Whether unknown prices, if there are any, were accepted with a tick."""
    if not cost.unknown:
        return True
    titles = own.titles()
    names = ", ".join(titles.get(n, n) for n in dict.fromkeys(cost.unknown))
    is_ticked = st.checkbox(
        f"Ask at an unknown price: {names}",
        key=f"{key}_{'_'.join(sorted(set(cost.unknown)))}",
        persist_state="session",
        help="The budget cannot hold anything for calls at a price that nobody here knows.",
    )
    if not is_ticked:
        what = "it costs" if len(set(cost.unknown)) == 1 else "they cost"
        st.caption(f":material/lock: Nobody is asked until this is ticked, since nobody here knows what {what}.")
    return is_ticked
