"""Who signed in to the app, and giving them what was kept under another name."""

from typing import Annotated

import typer

from routing.commands import say
from routing.commands.experts import app_store
from routing.errors import RoutingError


def people(
    give: Annotated[str | None, typer.Option(help="A name that things are kept under, such as an old e-mail.")] = None,
    to: Annotated[str | None, typer.Option(help="Who gets them: a verified e-mail or a subject.")] = None,
) -> None:
    """List who signed in to the app and what is kept under other names, or give that to one of them."""
    from routing.ownership import take_over
    from routing.recording import kept

    if (give is None) != (to is None):
        raise RoutingError("Give both --give NAME and --to PERSON, or neither to list who is known.")
    store = app_store()
    try:
        with kept("Who signed in"):
            if give is None or to is None:
                everybody = store.people.all()
                for one in everybody:
                    print(f"{one.owner}  {one.email or 'no verified e-mail'}  {store.people.count(one.owner)} rows")
                for name in store.people.others({one.owner for one in everybody}):
                    print(f"{name or '(whoever does not sign in)'}  never signed in  {store.people.count(name)} rows")
                return
            if not give:
                raise RoutingError("--give is empty. What is kept for those who do not sign in stays theirs.")
            who = store.people.named(to)
            say(f"{take_over(store, give, who)} rows of {give!r} are kept for {who.owner} now.")
    finally:
        store.close()
