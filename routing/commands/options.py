"""What options of several commands mean: weights and limits by name, experts or a pool."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from routing.errors import RoutingError
from routing.objective import CONSTRAINTS
from routing.outcomes import read_pools

Pool = Annotated[str | None, typer.Option(help="Experts, separated by commas, or the name of a pool.")]
Weights = Annotated[list[str] | None, typer.Option("--weight", help=f"NAME=VALUE; names: {', '.join(CONSTRAINTS)}.")]
Limits = Annotated[list[str] | None, typer.Option("--limit", help="NAME=VALUE in the constraint's own unit.")]


def numbers(items: Sequence[str] | None, option: str) -> dict[str, float]:
    """Values by name.

    Raises:
        RoutingError: One is not written NAME=VALUE.
    """
    found: dict[str, float] = {}
    for item in items or ():
        name, _, value = item.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise RoutingError(f"{option} was {item!r}; it is written NAME=VALUE, for example cost=0.4.") from None
    return found


def listed(text: str) -> tuple[str, ...]:
    """Names that commas part."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def pool_of(text: str | None, folder: Path) -> tuple[str, ...] | None:
    """Experts of a pool that the router's folder names, or the experts named; None for all."""
    if text is None:
        return None
    return read_pools(folder).get(text) or listed(text)
