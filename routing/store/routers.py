"""Routers that people trained or imported; at most one of a person's is active, else the shipped one is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from routing.errors import StoreError
from routing.store.damage import Found, mapping, numbers
from routing.store.tables import OwnRouterRow


@dataclass(frozen=True, slots=True)
class OwnRouter:
    """One kept router: ``folder`` is the id under which its files lie, ``measures`` how it compared when trained."""

    id: int
    name: str
    created: datetime
    folder: str
    graph_sha256: str
    measures: Mapping[str, Any]
    is_active: bool


class OwnRouters:
    """Kept routers; every query names whose.

    Args:
        engine: The open database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self, owner: str) -> Found[OwnRouter]:
        """What a person keeps, newest first."""
        with Session(self._engine) as session:
            mine = select(OwnRouterRow).where(OwnRouterRow.owner == owner).order_by(OwnRouterRow.id.desc())
            return Found.of(session.scalars(mine), _own)

    def active(self, owner: str) -> OwnRouter | None:
        """The router in force; None where it is the shipped one."""
        return next((one for one in self.all(owner) if one.is_active), None)

    def add(self, owner: str, *, name: str, folder: str, graph_sha256: str, measures: Mapping[str, Any]) -> None:
        """Keep a router whose files are in place; one of that folder is kept once, a name taken gets a number."""
        for number in range(1, 100):
            known = self.all(owner)
            if any(one.folder == folder for one in known):
                return
            called = name if number == 1 else f"{name} ({number})"
            if any(one.name == called for one in known):
                continue
            row = OwnRouterRow(
                owner=owner, name=called, folder=folder, graph_sha256=graph_sha256, measures=dict(measures),
                is_active=False,
            )  # fmt: skip
            try:
                with Session(self._engine) as session, session.begin():
                    session.add(row)
            except IntegrityError:  # another tab was first with this name
                continue
            return
        raise StoreError(f"A hundred routers of yours are called {name!r}. Choose another name.")

    def activate(self, owner: str, router_id: int | None) -> None:
        """Put one of a person's routers in force, None the shipped one.

        Raises:
            StoreError: It is gone.
        """
        with Session(self._engine) as session, session.begin():
            session.execute(update(OwnRouterRow).where(OwnRouterRow.owner == owner).values(is_active=False))
            if router_id is not None:
                _one(session, owner, router_id).is_active = True

    def remove(self, owner: str, router_id: int) -> str:
        """Forget a router; returns its folder, whose files are the caller's to delete.

        Raises:
            StoreError: It is gone.
        """
        with Session(self._engine) as session, session.begin():
            row = _one(session, owner, router_id)
            session.delete(row)
            return row.folder


def _one(session: Session, owner: str, router_id: int) -> OwnRouterRow:
    row = session.scalar(select(OwnRouterRow).where(OwnRouterRow.owner == owner, OwnRouterRow.id == router_id))
    if row is None:
        raise StoreError("This router is gone; another tab of yours may have removed it. Reload the page.")
    return row


def _own(row: OwnRouterRow) -> OwnRouter:
    for part in (row.measures.get("own"), row.measures.get("shared")):
        for told in mapping(mapping(part or {}).get("trained", {})).values():
            numbers({name: mapping(told)[name] for name in ("score", "above_best_single", "n_prompts")})
    return OwnRouter(row.id, row.name, row.created, row.folder, row.graph_sha256, dict(row.measures), row.is_active)
