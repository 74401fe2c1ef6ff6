"""Experts that a person added, changed, hid or onboarded."""

import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from routing.errors import StoreError
from routing.onboarding.skill import Skill
from routing.own import MOST_OWN, OwnExpert, as_json, from_json
from routing.store.damage import Found
from routing.store.tables import OwnExpertRow

_NUMBER: Final = (int, float)
_KINDS: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("title", "provider", "litellm", "licence"), str),
    **dict.fromkeys(("params_b", "active_b", "price_in_usd_per_mtok", "price_out_usd_per_mtok"), _NUMBER),
    **dict.fromkeys(("context_tokens", "security_tier"), int),
    "released": date, "open_weights": bool,
}  # fmt: skip


class OwnExperts:
    """What people keep about experts; every query names whose.

    Args:
        engine: The open database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self, owner: str) -> Found[OwnExpert]:
        """Everything that a person keeps, in the order in which it was added."""
        with Session(self._engine) as session:
            mine = select(OwnExpertRow).where(OwnExpertRow.owner == owner).order_by(OwnExpertRow.id)
            return Found.of(session.scalars(mine), _own)

    def save(self, own: OwnExpert, owner: str) -> None:
        """Keep facts, address and whether it is hidden, in the place of what was kept under this name.

        A skill that is kept stays: onboarding may write it while somebody changes facts.

        Args:
            own: From ``routing.own.checks.checked``.
            owner: Whose it is.

        Raises:
            StoreError: There is room for no more.
        """

        def write(row: OwnExpertRow) -> None:
            row.facts, row.address, row.is_hidden = as_json(own.facts), own.address, own.is_hidden
            row.api_version = own.api_version
            if row.skill is None:
                row.skill = None if own.skill is None else dict(own.skill)

        self._write(own.name, owner, write)

    def save_skill(self, name: str, skill: Mapping[str, Any] | None, owner: str) -> None:
        """Keep what onboarding learned about an expert, own or shipped; None forgets it.

        Raises:
            StoreError: There is room for no more.
        """
        self._write(name, owner, lambda row: setattr(row, "skill", None if skill is None else dict(skill)))

    def hide(self, name: str, owner: str) -> None:
        """Let an expert, own or shipped, take part nowhere.

        Raises:
            StoreError: There is room for no more.
        """
        self._write(name, owner, lambda row: setattr(row, "is_hidden", True))

    def show(self, name: str, owner: str) -> None:
        """Let a hidden expert take part again."""
        self._write(name, owner, lambda row: setattr(row, "is_hidden", False))

    def remove(self, name: str, owner: str) -> None:
        """Forget all that is kept under a name: an added expert is gone, a shipped one is as shipped."""
        with Session(self._engine) as session, session.begin():
            if (row := _find(session, name, owner)) is not None:
                session.delete(row)

    def _write(self, name: str, owner: str, write: Callable[[OwnExpertRow], None]) -> None:
        try:
            self._write_once(name, owner, write)
        except IntegrityError:  # another tab made the row in the same moment; now it is there
            self._write_once(name, owner, write)

    def _write_once(self, name: str, owner: str, write: Callable[[OwnExpertRow], None]) -> None:
        with Session(self._engine) as session, session.begin():
            row = _find(session, name, owner)
            if row is None:
                count = session.scalar(select(func.count(OwnExpertRow.id)).where(OwnExpertRow.owner == owner)) or 0
                if count >= MOST_OWN:
                    raise StoreError(
                        f"{count} own or changed experts are kept; at most {MOST_OWN} can be. Remove some first."
                    )
                row = OwnExpertRow(owner=owner, name=name, facts={}, address=None, is_hidden=False, skill=None)
                session.add(row)
            write(row)
            if not (row.facts or row.address or row.is_hidden or row.skill):
                # A shipped expert that is as shipped again; nothing is left to keep.
                (session.expunge if row in session.new else session.delete)(row)


def _find(session: Session, name: str, owner: str) -> OwnExpertRow | None:
    return session.scalar(select(OwnExpertRow).where(OwnExpertRow.owner == owner, OwnExpertRow.name == name))


def _own(row: OwnExpertRow) -> OwnExpert:
    facts = from_json(row.facts)
    for name, fact in facts.items():
        value, kind = fact.value, _KINDS[name]
        is_one = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        if value is not None and not (is_one and (not isinstance(value, int | float) or math.isfinite(value))):
            raise TypeError(f"{name} is {str(value)[:40]!r}")
    if row.skill is not None:
        Skill.from_json(row.skill)
    return OwnExpert(row.name, facts, row.address, row.is_hidden, row.skill, row.api_version)
