"""Whom the command line can call: everyone known here, their keys, and what is refused before anything is paid."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from routing.catalog import Catalog, load_catalog
from routing.commands import key_ring
from routing.errors import RoutingError
from routing.keys import KeyRing
from routing.schema import Expert

if TYPE_CHECKING:
    from routing.store import Store

OWNER: Final = ""  # the command line is whoever runs it, as the app is where nobody signs in


def everyone(store: "Store") -> tuple[Catalog, KeyRing]:
    """Shipped and own experts, and the keys and own addresses that calls to them need."""
    from routing.own import merged

    mine = store.experts.all(OWNER)
    return merged(load_catalog(), mine), key_ring(mine)


def check_callable(experts: Sequence[Expert], keys: KeyRing) -> None:
    """Refuse experts that cannot be called, before anything is asked.

    Raises:
        RoutingError: A key or an address is missing; the text says which, and where it goes.
    """
    for e in experts:
        status = keys.status(e)
        if not status.is_usable:
            raise RoutingError(f"{status.text} Nothing was asked.")


def check_budget(experts: Sequence[Expert], keys: KeyRing, budget: float | None) -> None:
    """Refuse a budget that could not be watched.

    Raises:
        RoutingError: The price of an expert is unknown.
    """
    if budget is None:
        return
    for e in experts:
        is_unknown = not e.is_local and (e.price_in_usd_per_mtok is None or e.price_out_usd_per_mtok is None)
        if is_unknown or e.name in keys.unpriced:
            raise RoutingError(f"The price of {e.name} is unknown, so no budget can hold it. Leave --budget out.")
