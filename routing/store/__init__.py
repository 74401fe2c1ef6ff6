"""What people ran, what came back, how they judged it and what it cost: one database behind one object."""

from sqlalchemy import Engine

from routing.store.adjustments import Adjustments
from routing.store.engine import connect, default_url
from routing.store.experts import OwnExperts
from routing.store.ledger import Ledger
from routing.store.outcomes import ProbeOutcomes
from routing.store.people import People, Person
from routing.store.policies import Policies
from routing.store.records import KeptAnswer, KeptRun, NewRun, Place, Summary, Vote
from routing.store.routers import OwnRouters
from routing.store.runs import Runs
from routing.store.votes import Votes

__all__ = ["KeptAnswer", "KeptRun", "NewRun", "Person", "Place", "Store", "Summary", "Vote", "open_store"]


class Store:
    """The open database.

    Args:
        engine: From ``connect``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.runs = Runs(engine)
        self.votes = Votes(engine)
        self.ledger = Ledger(engine)
        self.adjustments = Adjustments(engine)
        self.outcomes = ProbeOutcomes(engine)
        self.experts = OwnExperts(engine)
        self.policies = Policies(engine)
        self.routers = OwnRouters(engine)
        self.people = People(engine)

    @property
    def shown(self) -> str:
        """Where it is, without a password."""
        return self._engine.url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()


def open_store(url: str | None = None) -> Store:
    """Open the database, the default one if none is named.

    Raises:
        StoreError: It cannot be used.
    """
    return Store(connect(url or default_url()))
