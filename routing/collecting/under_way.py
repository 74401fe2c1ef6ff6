"""Collections under way in this process, found again by whoever they belong to when the page is opened anew."""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from routing.collecting import Collection
    from routing.store import Store

# The threads that ask keep a collection alive, and with it the keys that it calls with; when they end, it is gone.
_known: "WeakValueDictionary[tuple[str, str, str, str], Collection]" = WeakValueDictionary()
_lock = threading.Lock()  # a page must not look through them while another adds one


def note(store: "Store", owner: str, job: str, expert: str, collection: "Collection") -> None:
    """Remember that somebody's expert is asked for a job."""
    with _lock:
        _known[store.shown, owner, job, expert] = collection


def under_way(store: "Store", owner: str, job: str) -> Mapping[str, "Collection"]:
    """What is being asked for a job of this person now, whichever browser session began it, by expert."""
    whose = (store.shown, owner, job)
    with _lock:
        mine = {key[3]: one for key, one in _known.items() if key[:3] == whose}
    return {name: one for name, one in mine.items() if one.is_running}
