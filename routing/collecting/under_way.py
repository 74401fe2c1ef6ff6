"""Collections under way in this process, found again by whoever they belong to when the page is opened anew."""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from routing.collecting import Collection
    from routing.store import Store

# The threads that ask keep a collection alive, and with it the keys that it calls with; when they end, it is gone.
_known: "WeakValueDictionary[tuple[str, str, str, str], Collection]" = WeakValueDictionary()


def note(store: "Store", owner: str, job: str, expert: str, collection: "Collection") -> None:
    """Remember that somebody's expert is asked for a job."""
    _known[store.shown, owner, job, expert] = collection


def under_way(store: "Store", owner: str, job: str) -> Mapping[str, "Collection"]:
    """What is being asked for a job of this person now, whichever browser session began it, by expert."""
    whose = (store.shown, owner, job)
    return {key[3]: one for key, one in list(_known.items()) if key[:3] == whose and one.is_running}
