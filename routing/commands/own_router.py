"""A router of one's own on the command line: the folder that `train` wrote, or the zip that the Train page exports."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from routing.catalog import ASSETS, catalog_of, load_catalog
from routing.encoder import CARD_FILE
from routing.errors import DataError
from routing.predictors import DEFAULT
from routing.registry import load_router, load_routers
from routing.router import Router
from routing.schema import Expert

From = Annotated[
    Path | None,
    typer.Option("--from", help="Folder or zip of a router of your own; the shipped one if not given."),
]


@contextmanager
def folder_of(place: Path | None) -> Iterator[Path]:
    """The folder of a router while it is used; a zip is checked as the Train page checks it.

    Raises:
        DataError: There is no such folder or zip, or the zip holds no router that was made here.
    """
    if place is not None and place.is_dir() and not (place / CARD_FILE).is_file():
        raise DataError(f"{place} holds no {CARD_FILE}, so no router. Give the folder that train wrote, or a zip.")
    if place is None or place.is_dir():
        yield ASSETS if place is None else place
        return
    from routing.workshop.archive import read_zip, unpack_checked

    content = read_zip(place)
    with tempfile.TemporaryDirectory() as made:
        unpack_checked(content, Path(made))
        yield Path(made)


def open_router(folder: Path, name: str | None = None) -> Router:
    """A router of a folder by its method's name; raises what ``load_routers`` does."""
    chosen = name or DEFAULT
    if folder == ASSETS:
        return load_router(name=chosen)
    return load_routers([chosen], folder, catalog=catalog_of(folder))[chosen]


def facts_for(data: Path) -> list[Expert]:
    """Facts about every expert that own outcomes are of, as the app knows them, or at the prices beside the data.

    Raises:
        DataError: The outcomes or the prices beside them cannot be read.
        StoreError: The app's database, which knows prices of own experts, cannot be used.
    """
    from routing.commands import priced
    from routing.commands.experts import own_experts
    from routing.outcomes import experts_of
    from routing.own import OwnExpert, merged

    has_prices = (data / "experts.csv").is_file()
    facts = priced(data) if has_prices else merged(load_catalog(), own_experts()).experts
    known = {expert.name: expert for expert in facts}
    return [known.get(name) or OwnExpert(name).expert for name in experts_of(data / "outcomes.parquet")]
