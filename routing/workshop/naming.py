"""What experts of a table are called: names that links and the command line can hold, and how they came about."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from routing.errors import CatalogError
from routing.own.checks import checked_name

_OTHER: Final = re.compile(r"[^A-Za-z0-9._:/@+\-]+")
MOST_SHOWN: Final = 3
UNNAMED: Final = "cannot name an expert: use a to z, digits and . _ - : / @ +, and no name twice"


def name_of(said: str) -> str:
    """The name of an expert whatever a table calls it: without accents, a dash for what names cannot hold.

    Returns:
        "" where nothing of it can stand in a name, or it is too long.

    >>> name_of("Claude 3.5 (new)"), name_of("Modèle"), name_of("日本")
    ('Claude-3.5-new', 'Modele', '')
    """
    bare = "".join(char for char in unicodedata.normalize("NFKD", said) if not unicodedata.combining(char))
    name = _OTHER.sub("-", bare).lstrip("._:/@+-").rstrip("-")
    try:
        return checked_name(name)
    except CatalogError:
        return ""


def names_of(said: Iterable[str]) -> dict[str, str]:
    """The name of each; "" for those that have none, and for those that would come to the name of another."""
    names = {one: name_of(one) for one in said}
    counts = Counter(names.values())
    return {one: name if counts[name] == 1 or name == one else "" for one, name in names.items()}


def renamed(names: Mapping[str, str]) -> str:
    """A sentence about those that are called otherwise; empty where there are none."""
    other = [(said, name) for said, name in names.items() if name and name != said]
    if not other:
        return ""
    shown = ", ".join(f"{said[:40]!r} is called {name}" for said, name in other[:MOST_SHOWN])
    more = f", and {len(other) - MOST_SHOWN} more likewise" if len(other) > MOST_SHOWN else ""
    return f"Names of experts hold letters a to z, digits and . _ - : / @ + only, so {shown}{more}."
