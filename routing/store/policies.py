"""Policy files with their versions: a version is written once and never changed."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Engine, Text, cast, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from routing.errors import StoreError
from routing.policy_file import PolicyFile, as_dict, text
from routing.policy_file.reading import LARGEST, from_dict
from routing.store.damage import Found, whole
from routing.store.tables import PolicyRow

MOST_NAMES: Final = 100  # of one person
MOST_VERSIONS: Final = 200  # of one name
MOST_BYTES: Final = 50_000_000  # of one person
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Kept:
    """One version of a policy file; versions of a name count from 1."""

    version: int
    created: datetime
    policy: PolicyFile


@dataclass(frozen=True, slots=True)
class Listed:
    """A name with its newest version, how many versions are kept, and when the newest was saved."""

    name: str
    newest: int
    count: int
    changed: datetime


class Policies:
    """Policy files of everyone; every query names whose.

    Args:
        engine: The open database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def save(self, policy: PolicyFile, owner: str) -> tuple[int, bool]:
        """Keep a policy file as the next version of its name.

        Returns:
            The version, and whether it is new: nothing is written where only the day differs from the newest.

        Raises:
            StoreError: There is room for no more.
        """
        if (size := len(text(policy).encode())) > LARGEST:
            raise StoreError(
                f"The policy file has {size:,} bytes; at most {LARGEST:,} are kept. Choose a smaller pool."
            )
        for _ in range(_TRIES):
            try:
                return self._save(policy, owner, size)
            except IntegrityError:  # another session took this version number meanwhile
                continue
        raise StoreError(f"The policy file {policy.name!r} is being saved elsewhere at the same time. Save it again.")

    def _save(self, policy: PolicyFile, owner: str, size: int) -> tuple[int, bool]:
        with Session(self._engine) as session, session.begin():
            mine = (PolicyRow.owner == owner, PolicyRow.name == policy.name)
            newest = session.scalar(select(PolicyRow).where(*mine).order_by(PolicyRow.version.desc()).limit(1))
            if newest is None:
                names = select(func.count(PolicyRow.name.distinct())).where(PolicyRow.owner == owner)
                if (session.scalar(names) or 0) >= MOST_NAMES:
                    raise StoreError(f"{MOST_NAMES} policy files are kept, which is the most. Delete one first.")
            else:
                if _is_same(policy, newest):
                    return newest.version, False
                kept = session.scalar(select(func.count()).select_from(PolicyRow).where(*mine)) or 0
                if kept >= MOST_VERSIONS:
                    raise StoreError(
                        f"{policy.name!r} has {MOST_VERSIONS} versions, which is the most. Delete old ones first."
                    )
            held = select(func.sum(func.length(cast(PolicyRow.content, Text)))).where(PolicyRow.owner == owner)
            if (session.scalar(held) or 0) + size > MOST_BYTES:
                raise StoreError(f"Policy files take {MOST_BYTES / 1e6:,.0f} MB, which is the most. Delete old ones.")
            version = 1 if newest is None else newest.version + 1
            session.add(PolicyRow(owner=owner, name=policy.name, version=version, content=as_dict(policy)))
            return version, True

    def names(self, owner: str) -> list[Listed]:
        """What is kept, the one changed last first."""
        newest, count, changed = func.max(PolicyRow.version), func.count(), func.max(PolicyRow.created)
        asked = select(PolicyRow.name, newest, count, changed).where(PolicyRow.owner == owner)
        with Session(self._engine) as session:
            rows = session.execute(asked.group_by(PolicyRow.name)).all()
        listed = (_listed(*row) for row in rows if isinstance(row[0], str))
        return sorted(listed, key=lambda one: (one.changed, one.name), reverse=True)

    def versions(self, name: str, owner: str) -> Found[Kept]:
        """Every version of a name, newest first; what this version of the app cannot read is left out and counted."""
        mine = select(PolicyRow).where(PolicyRow.owner == owner, PolicyRow.name == name)
        with Session(self._engine) as session:
            return Found.of(session.scalars(mine.order_by(PolicyRow.version.desc())), _kept)

    def open(self, name: str, owner: str, version: int | None = None) -> Kept:
        """One version, the newest if none is named.

        Raises:
            StoreError: There is none, or it is damaged or was written by a later version of the app.
        """
        asked = select(PolicyRow).where(PolicyRow.owner == owner, PolicyRow.name == name)
        if version is not None:
            asked = asked.where(PolicyRow.version == version)
        with Session(self._engine) as session:
            row = session.scalar(asked.order_by(PolicyRow.version.desc()).limit(1))
            if row is None:
                which = "" if version is None else f", version {version}"
                raise StoreError(f"No policy file is called {name!r}{which}. Choose one from the list.")
            return whole(row, _kept)

    def delete(self, name: str, owner: str, version: int | None = None) -> None:
        """Remove a name with all its versions, or one version that is not the newest: a number is never used again.

        Raises:
            StoreError: It is the newest version of several.
        """
        mine = [PolicyRow.owner == owner, PolicyRow.name == name]
        with Session(self._engine) as session, session.begin():
            if version is not None:
                if version == session.scalar(select(func.max(PolicyRow.version)).where(*mine)):
                    raise StoreError(
                        f"Version {version} is the newest of {name!r}, so it stays. Delete older ones, or all of them."
                    )
                mine.append(PolicyRow.version == version)
            session.execute(delete(PolicyRow).where(*mine))


def _kept(row: PolicyRow) -> Kept:
    return Kept(row.version, row.created, from_dict(row.content))


def _listed(name: str, newest: int, count: int, changed: datetime) -> Listed:
    """A damaged version must not take the others of its name off the list."""
    when = changed if isinstance(changed, datetime) else datetime.min.replace(tzinfo=UTC)
    return Listed(name, newest if isinstance(newest, int) else 0, count, when)


def _is_same(policy: PolicyFile, newest: PolicyRow) -> bool:
    """Whether a policy file says what its newest version says, whatever the day; a damaged version says nothing."""
    try:
        before = whole(newest, _kept).policy
    except StoreError:
        return False
    return text(replace(policy, created=before.created)) == text(before)
