"""Who signed in: a person is an issuer and a subject; what was kept under an e-mail becomes theirs once."""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine, Table, and_, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from routing.errors import StoreError
from routing.store.tables import AdjustmentRow, Base, OwnRouterRow, PersonRow, now

# What must stay together, by table: where a person has some of it already, the other's stays aside.
TOGETHER: Final = {"own_expert": ("name",), "probe_outcome": ("job", "expert"), "policy": ("name",)}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as their sign-in provider vouches for them.

    Args:
        issuer: The provider (``iss``).
        subject: Its own name for the person (``sub``), which it never gives to another.
        email: Their address where the provider has verified it, else empty: it may be given to another one day.
        seen: When they last signed in; None before that is kept.
    """

    issuer: str
    subject: str
    email: str = ""
    seen: datetime | None = None

    @property
    def owner(self) -> str:
        """Under which name things are kept; no e-mail address looks like it."""
        return json.dumps([self.issuer, self.subject], ensure_ascii=False)

    def aside(self) -> str:
        """A new name for things that have no room beside what this person has; nobody signs in as it."""
        return json.dumps([self.issuer, self.subject, f"aside {secrets.token_hex(4)}"], ensure_ascii=False)


class People:
    """Who signed in here, and who owns what.

    Args:
        engine: The open database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def seen(self, person: Person) -> None:
        """Remember that somebody signed in, under the address that is verified now."""
        try:
            self._seen(person)
        except IntegrityError:  # another tab of theirs was first; now the row is there
            self._seen(person)

    def _seen(self, person: Person) -> None:
        with Session(self._engine) as session, session.begin():
            this = (PersonRow.issuer == person.issuer, PersonRow.subject == person.subject)
            row = session.scalar(select(PersonRow).where(*this))
            if row is None:
                row = PersonRow(issuer=person.issuer, subject=person.subject)
                session.add(row)
            row.email, row.seen = person.email or None, now()

    def all(self) -> list[Person]:
        """Everybody who signed in, the one seen last first."""
        with Session(self._engine) as session:
            rows = session.scalars(select(PersonRow).order_by(PersonRow.seen.desc(), PersonRow.id))
            return [_person(row) for row in rows]

    def named(self, text: str) -> Person:
        """The person of a verified e-mail or a subject.

        Raises:
            StoreError: There is none, or more than one.
        """
        everybody = self.all()
        found = [one for one in everybody if text and text in {one.email, one.subject, one.owner}]
        if len(found) == 1:
            return found[0]
        if found:
            subjects = ", ".join(repr(one.owner) for one in found)
            raise StoreError(f"{len(found)} people are called {text[:100]!r}. Name one of them as {subjects}.")
        known = ", ".join(one.email or one.subject for one in everybody[:10]) or "nobody"
        raise StoreError(f"Nobody called {text[:100]!r} has signed in. Those who have: {known}.")

    def owner_of(self, text: str) -> str:
        """Whose things somebody means who names an e-mail or a subject; empty for those of people who did not sign in.

        Raises:
            StoreError: Nobody is called so, or more than one.
        """
        try:
            return self.named(text).owner if text else ""
        except StoreError:
            # What was kept under an e-mail before people were told apart by subject, and whose person has not come.
            if self.count(text):
                return text
            raise

    def count(self, owner: str) -> int:
        """How many rows are kept under a name."""
        with Session(self._engine) as session:
            return sum(
                session.scalar(select(func.count()).select_from(table).where(table.c.owner == owner)) or 0
                for table in owned()
            )

    def others(self, known: set[str]) -> list[str]:
        """Names that something is kept under, other than these."""
        with Session(self._engine) as session:
            found = {name for table in owned() for name in session.scalars(select(table.c.owner).distinct())}
        return sorted(found - known)

    def give(self, before: str, owner: str, aside: str) -> int:
        """Give somebody everything that was kept under another name, in one transaction; returns how many rows.

        What they have already stays as it is: an expert, a policy file or outcomes of the same name go to ``aside``,
        a router of the same name gets a number, and what is in force stays in force.
        """
        with Session(self._engine) as session, session.begin():
            _stand_down(session, before, owner)
            _number_routers(session, before, owner)
            given = 0
            for table in owned():
                given += _give(session, table, before, owner, _is_free(table, owner))
                _give(session, table, before, aside, None)
            return given


def owned() -> list[Table]:
    """Every table whose rows belong to somebody."""
    return [table for table in Base.metadata.sorted_tables if "owner" in table.c]


def _give(session: Session, table: Table, before: str, owner: str, condition: Any) -> int:  # noqa: ANN401 - SQL
    which = table.c.owner == before if condition is None else and_(table.c.owner == before, condition)
    changed: Any = session.execute(update(table).where(which).values(owner=owner))
    return int(changed.rowcount)


def _is_free(table: Table, owner: str) -> Any:  # noqa: ANN401 - a condition of SQL, None for any row
    if (names := TOGETHER.get(table.name)) is None:
        return None
    other = table.alias()
    same = [other.c[name] == table.c[name] for name in names]
    return ~exists().where(other.c.owner == owner, *same).correlate(table)


def _stand_down(session: Session, before: str, owner: str) -> None:
    """At most one router and one adjustment of a person are in force."""
    for row in (OwnRouterRow, AdjustmentRow):
        if session.scalar(select(row.id).where(row.owner == owner, row.is_active).limit(1)) is not None:
            session.execute(update(row).where(row.owner == before).values(is_active=False))


def _number_routers(session: Session, before: str, owner: str) -> None:
    taken = set(session.scalars(select(OwnRouterRow.name).where(OwnRouterRow.owner.in_([before, owner]))))
    theirs = set(session.scalars(select(OwnRouterRow.name).where(OwnRouterRow.owner == owner)))
    for row in session.scalars(select(OwnRouterRow).where(OwnRouterRow.owner == before)):
        if row.name in theirs:
            row.name = next(name for n in range(2, 1_000_000) if (name := f"{row.name} ({n})") not in taken)
            taken.add(row.name)
    session.flush()


def _person(row: PersonRow) -> Person:
    return Person(row.issuer, row.subject, row.email or "", row.seen)
