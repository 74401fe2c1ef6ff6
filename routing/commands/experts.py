"""What the command line knows of own experts: the same database as the app's, of those who did not sign in."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from routing.catalog import load_catalog
from routing.commands import read_secrets, say, write_whole
from routing.errors import CatalogError
from routing.own import OwnExpert, merged
from routing.own.ageing import price_notes
from routing.own.imported import read
from routing.own.model_list import model_list
from routing.plain_yaml import decoded

if TYPE_CHECKING:
    from routing.router import Router
    from routing.store import Store

LARGEST_FILE: Final = 2_000_000  # bytes; what is too long as text is said when it is read
Own = Annotated[bool, typer.Option("--own", help="Know the experts that were added, changed or hidden in the app too.")]
Owner = Annotated[str, typer.Option(help="Whose, where people sign in: their e-mail.")]


def experts(
    export: Annotated[Path | None, typer.Option("--export", help="Write a LiteLLM model_list to this file.")] = None,
    imported: Annotated[Path | None, typer.Option("--import", help="Keep what this model_list holds.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Export shipped experts too.")] = False,
    owner: Owner = "",
) -> None:
    """List own experts, or write and read them as LiteLLM's model_list; keys are never part of it."""
    store = app_store()
    try:
        if imported is not None:
            _import(store, imported, owner)
        if export is not None:
            _export(own_experts(owner, store), export, everyone=everyone)
        if imported is None and export is None:
            _list(own_experts(owner, store))
    finally:
        store.close()


def own_experts(owner: str = "", store: "Store | None" = None) -> tuple[OwnExpert, ...]:
    """What a person keeps in the app's database.

    Raises:
        StoreError: The database cannot be used.
    """
    from routing.recording import kept

    here = store or app_store()
    try:
        with kept("Own experts"):
            return here.experts.all(owner)
    finally:
        if store is None:
            here.close()


def with_own(router: "Router") -> "Router":
    """The router over the catalogue as the app has it for whoever is not signed in.

    Raises:
        StoreError: The database cannot be used.
    """
    from routing.own.extension import extended

    return extended(router, own_experts())


def app_store() -> "Store":
    """The database that the app uses, as secrets or the environment name it.

    Raises:
        StoreError: It cannot be used.
    """
    from routing.store import open_store
    from routing.store.engine import default_url

    return open_store(default_url(read_secrets()))


def _export(own: Sequence[OwnExpert], path: Path, *, everyone: bool) -> None:
    catalog = merged(load_catalog(), own)
    names = {one.name for one in own}
    chosen = [e for e in catalog.experts if everyone or e.name in names]
    if not chosen:
        raise CatalogError("No expert was added or changed in the app yet. Add one there, or export all with --all.")
    text, left_out = model_list(chosen, {one.name: one for one in own}, catalog.today)
    write_whole(path, text)
    say(f"{len(chosen) - len(left_out)} experts written to {path}.")
    if left_out:
        why = "they run on this machine only, or neither an address nor a LiteLLM name is known"
        say(f"Left out, since {why}: {', '.join(left_out)}.")


def _import(store: "Store", path: Path, owner: str) -> None:
    from routing.recording import kept

    try:
        if path.stat().st_size > LARGEST_FILE:
            raise CatalogError(
                f"{path} has {path.stat().st_size:,} bytes; at most {LARGEST_FILE:,} are read. Split it."
            )
        text = decoded(path.read_bytes())
    except OSError as problem:
        raise CatalogError(f"{path} cannot be read ({type(problem).__name__}). Give a YAML file in UTF-8.") from None
    except ValueError as problem:
        raise CatalogError(f"{path} cannot be read: {problem}.") from None
    own = own_experts(owner, store)
    everyone = merged(load_catalog(), own, with_hidden=True)
    found = read(text, everyone, {one.name: one for one in own}, today=everyone.today)
    with kept("Own experts"):
        for one in found.experts:
            store.experts.save(one, owner)
    say(f"{len(found.experts)} experts kept, {len(found.same)} were here already.")
    for sentence in (*found.refused, *found.notes):
        say(f"Note: {sentence}")


def _list(own: Sequence[OwnExpert]) -> None:
    if not own:
        say("No expert was added, changed or hidden yet.")
    shipped = load_catalog()
    catalog = merged(shipped, own, with_hidden=True)
    notes = price_notes(catalog.experts, today=date.today(), elsewhere=[one.name for one in own if one.address])
    for one in own:
        if one.name not in catalog.names:
            continue
        kind = "changed" if one.name in shipped.names else "added"
        state = "hidden" if one.is_hidden else kind
        expert = catalog[one.name]
        where = one.address or expert.litellm or "no address"
        note = f"  {notes[one.name].text}" if one.name in notes else ""
        print(f"{one.name}  {state}  {where}  {expert.price_source}, {expert.price_date or 'no date'}{note}")
