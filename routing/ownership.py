"""Giving a person what was kept under another name, in the database and on disk: their e-mail of before, as a rule."""

from contextlib import suppress

from routing.store import Person, Store
from routing.workshop import places, state


def take_over(store: Store, before: str, person: Person) -> int:
    """Give a person everything that was kept under another name; returns how many rows of the database.

    Nothing is given while a training under that name runs, since it works in the folder that would move. Ended in
    the middle, the next call does the rest.

    Args:
        store: The open database.
        before: The other name.
        person: Whose it becomes.
    """
    if before == person.owner or state.is_held(places.home(before) / places.JOB):
        return 0
    aside = person.aside()
    _move(before, person.owner)
    _move(before, aside)
    return store.people.give(before, person.owner, aside) if store.people.count(before) else 0


def _move(before: str, owner: str) -> None:
    """Move folders where none of that name lies yet; the whole home at once where there is none."""
    here, there = places.home(before), places.home(owner)
    if not here.is_dir():
        return
    if not there.exists():
        with suppress(FileNotFoundError):  # another tab of theirs was first
            here.rename(there)
        return
    for one in here.iterdir():
        if not (there / one.name).exists():
            with suppress(FileNotFoundError):
                one.rename(there / one.name)
    with suppress(OSError):  # something is left, and goes aside
        here.rmdir()
