"""What arguments of several commands mean: text from the terminal, weights and limits by name, experts or a pool."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from routing.cleaning import whole
from routing.errors import RoutingError
from routing.objective import CONSTRAINTS
from routing.outcomes import read_pools

Pool = Annotated[str | None, typer.Option(help="Experts, separated by commas, or the name of a pool.")]
Weights = Annotated[list[str] | None, typer.Option("--weight", help=f"NAME=VALUE; names: {', '.join(CONSTRAINTS)}.")]
Limits = Annotated[list[str] | None, typer.Option("--limit", help="NAME=VALUE in the constraint's own unit.")]


class TextCommand(TyperCommand):
    """A command whose texts are whole: a byte that is no text in the terminal's encoding becomes a question mark.

    Paths stay as they are, since only so a file with such a name is found.
    """

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - the type of a context is private to typer
        """Run the command with whole texts."""
        ctx.params = {name: _whole(value) for name, value in ctx.params.items()}
        return super().invoke(ctx)


def with_whole_texts(app: typer.Typer) -> None:
    """Make every command of a command line, and of its groups, a ``TextCommand``."""
    for command in app.registered_commands:
        command.cls = TextCommand
    for group in app.registered_groups:
        if group.typer_instance is not None:
            with_whole_texts(group.typer_instance)


def _whole(value: object) -> object:
    if isinstance(value, str):
        return whole(value)
    return [_whole(item) for item in value] if isinstance(value, list) else value


def prompt_of(argument: str) -> str:
    """The prompt that was given, or all of standard input for ``-``; bytes that are no text stay for the cleaning."""
    if argument != "-":
        return argument
    stream = getattr(sys.stdin, "buffer", None)
    return sys.stdin.read() if stream is None else stream.read().decode("utf-8-sig", "surrogateescape")


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
