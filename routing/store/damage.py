"""Rows that do not hold what their table says: told apart from the others, which go on."""

import math
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from routing.errors import RoutingError, StoreError
from routing.store.tables import UNREADABLE, Base

R = TypeVar("R", bound=Base)
T = TypeVar("T")
# What reading a value of another shape raises.
_CAUSES: Final = (ArithmeticError, AttributeError, LookupError, RoutingError, TypeError, ValueError)


class Found(tuple[T, ...]):
    """What was read; ``n_damaged`` rows beside it could not be."""

    n_damaged: int = 0

    @classmethod
    def of(cls, rows: Iterable[R], read: Callable[[R], T]) -> "Found[T]":
        """Every row that can be read, and how many cannot."""
        found, n_damaged = [], 0
        for row in rows:
            try:
                found.append(whole(row, read))
            except StoreError:
                n_damaged += 1
        these = cls(found)
        these.n_damaged = n_damaged
        return these

    def note(self, one: str, several: str = "") -> str:
        """What is left out, as a sentence; empty where nothing is.

        Args:
            one: What a row is, as in "run".
            several: Its plural where that is not one "s" longer.
        """
        if not self.n_damaged:
            return ""
        many = self.n_damaged > 1
        what = f"{self.n_damaged:,} {several or one + 's'} are" if many else f"1 {one} is"
        return f"{what} damaged in the database and left out. Restore {'them' if many else 'it'} from a copy."


def whole(row: R, read: Callable[[R], T]) -> T:
    """What a row says.

    Raises:
        StoreError: A value is not what its column holds.
    """
    try:
        _check(row)
        return read(row)
    except _CAUSES as problem:
        table = row.__tablename__
        raise StoreError(
            f"A row of the table {table} is damaged ({type(problem).__name__}: {str(problem)[:100]}). Restore it from "
            "a copy of the database, or delete it."
        ) from problem


def _check(row: Base) -> None:
    for column in row.__table__.columns:
        value: Any = getattr(row, column.name)
        if value is None and column.nullable:
            continue
        expected = column.type.python_type
        if expected is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if value is UNREADABLE or not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
            raise TypeError(f"{column.name} is not what it should be")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{column.name} is {value}")


def numbers(raw: Any) -> dict[str, float]:  # noqa: ANN401 - what a database holds
    """Finite numbers by name.

    Raises:
        ValueError: One is not finite.
        TypeError: It is something else.
    """
    found = {}
    for name, value in mapping(raw).items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name[:40]} is no number")
        if not math.isfinite(value):
            raise ValueError(f"{name[:40]} is {value}")
        found[name] = float(value)
    return found


def mapping(raw: Any) -> dict[str, Any]:  # noqa: ANN401 - what a database holds
    """A JSON object.

    Raises:
        TypeError: It is something else.
    """
    if not isinstance(raw, dict):
        raise TypeError(f"{str(raw)[:40]!r} is no object")
    return raw
