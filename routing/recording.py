"""From a comparison to the store: every answer the moment it ends, what it cost, and that the run is complete."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from routing.answer.text import reading_ease
from routing.comparison import Column
from routing.errors import BudgetError, StoreError
from routing.schema import Answer
from routing.store import NewRun, Place, Store
from routing.store.engine import cause

# Drivers refuse some characters and numbers with errors of Python's own.
_FAILURES: Final = (SQLAlchemyError, UnicodeError, OverflowError)


@contextmanager
def kept(what: str) -> Iterator[None]:
    """Failures of the database as an error that a page shows.

    Raises:
        StoreError: The database failed.
    """
    try:
        yield
    except _FAILURES as problem:
        raise StoreError(f"{what} could not be kept or read in the database: {cause(problem)}.") from problem


def begin(
    store: Store, run: NewRun, place: Place, most_usd: Mapping[str, float], budget_usd: float | None
) -> "RunRecorder":
    """Keep a run and reserve what it may cost, before any expert is asked.

    Raises:
        BudgetError: It could go beyond the budget; nothing is kept then.
        StoreError: The database failed.
    """
    with kept("The run"):
        run_id = store.runs.begin(run, place)
        try:
            lines = store.ledger.reserve(place, most_usd, budget_usd, run_id=run_id)
        except BudgetError:
            store.runs.delete([run_id], place.owner)
            raise
    return RunRecorder(store, run_id, lines)


class RunRecorder:
    """Keeps the answers of one run and settles its ledger.

    A database that fails loses no answer on the screen: ``problem`` then says what was not kept.

    Args:
        store: The open store.
        run_id: The run, begun before its experts are asked.
        lines: Line of the ledger by column.
    """

    def __init__(self, store: Store, run_id: str, lines: Mapping[str, int]) -> None:
        self.run_id = run_id
        self.problem: str | None = None
        self._store, self._lines = store, dict(lines)
        self._spent: dict[str, float | None] = {}
        self._lock = threading.Lock()

    def keep(self, column: Column, answer: Answer) -> None:
        """Keep one answer, in the place of what its column held before it was asked again; settle its cost first."""
        if column.key in self._lines:
            with self._told("What an answer cost could not be kept"):
                self._store.ledger.settle(self._lines[column.key], self._total(column.key, answer))
        ease = None
        with self._told("How easily an answer reads could not be measured"):
            ease = reading_ease(answer.text)
        with self._told("An answer could not be kept"):
            self._store.runs.replace(
                self.run_id, answer, repeat=column.repeat, reading_ease=ease,
                asked=column.asked.name, has_taken_over=bool(column.failed),
            )  # fmt: skip

    def finish(self) -> None:
        """No answer is being written any more."""
        with self._told("The run could not be closed"):
            self._store.runs.finish(self.run_id)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Whatever fails is told and stops nothing: databases, drivers and word lists fail in many ways."""
        try:
            yield
        except _FAILURES as problem:
            self.problem = f"{what} in the database: {cause(problem)}."
        except Exception as problem:  # noqa: BLE001 - an answer on the screen must not be lost with its record
            self.problem = f"{what} ({type(problem).__name__}). Check the disk and the database."

    def reserve_again(self, column: str, most_usd: float, place: Place, budget_usd: float | None) -> None:
        """A column is about to be asked again: reserve what that may cost.

        Raises:
            BudgetError: It could go beyond the budget.
            StoreError: The database failed.
        """
        with kept("The reserve"):
            lines = self._store.ledger.reserve(place, {column: most_usd}, budget_usd, run_id=self.run_id)
        self.renew(column, lines[column])

    def renew(self, column: str, line: int) -> None:
        """A column is asked again, on a new line of the ledger."""
        with self._lock:
            self._lines[column] = line
            self._spent.pop(column, None)

    def _total(self, key: str, answer: Answer) -> float | None:
        """What the calls of a column cost together; one of unknown cost makes the sum unknown."""
        cost = answer.cost_usd
        with self._lock:
            before = self._spent.get(key, 0.0)
            self._spent[key] = None if before is None or cost is None else before + cost
            return self._spent[key]
