"""Which prompts are left out together: whole sources, or whole tasks in folds."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from routing.errors import DataError, PreferenceError
from routing.evaluation.prompts import Pools, rows_of
from routing.outcomes import Outcomes

TASK_FOLDS: Final = 3
FEWEST: Final = 20  # a source with fewer judged prompts is not worth a refit
TRAIN: Final = "train"

Leaving = Literal["sources", "tasks"]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fold:
    """What one refit may see, and what it must predict.

    Args:
        name: The source that is left out, or the number of the fold of tasks.
        train: Training prompts that remain.
        predicted: Left-out prompts of the judged split.
        unit: The source or the task of every predicted prompt.
    """

    name: str
    train: IntArray
    predicted: IntArray
    unit: NDArray[np.object_]


def folds(outcomes: Outcomes, pools: Pools, leaving: str) -> list[Fold]:
    """Folds that together leave out every judged prompt once, as far as something remains to learn from.

    A training prompt of a left-out unit is dropped, and so is one that shares its group with a left-out prompt: it is
    the same question in another layout.

    Args:
        outcomes: The data, with splits.
        pools: The prompts to judge.
        leaving: "sources" or "tasks".

    Raises:
        DataError: The data states no splits.
        PreferenceError: Neither of the two was asked for.
    """
    if leaving not in get_args(Leaving):
        raise PreferenceError(f"What is left out was {leaving!r}; it is one of {', '.join(get_args(Leaving))}.")
    source = outcomes.prompts["source"].to_numpy(dtype=object)
    judged = rows_of(pools)
    if not outcomes.has_split:
        raise DataError("The data states no splits, so nothing can be left out; add a column split to prompts.parquet.")
    if leaving == "sources":
        names, counts = np.unique(source[judged].astype(str), return_counts=True)
        parts = [(str(name), source == name) for name, n in zip(names, counts, strict=True) if n >= FEWEST]
        return [_fold(outcomes, name, out, judged, source) for name, out in parts]
    task = (outcomes.prompts["source"] + " / " + outcomes.prompts["task"]).to_numpy(dtype=object)
    number = task_folds(source, task)
    found = [_fold(outcomes, f"tasks {k + 1}", number == k, judged, task) for k in range(TASK_FOLDS)]
    return [fold for fold in found if len(fold.predicted)]


def task_folds(source: NDArray[np.object_], task: NDArray[np.object_]) -> IntArray:
    """Fold of every prompt, the same for all prompts of a task; -1 where a source has one task only.

    The tasks of a source are dealt out from the largest to the smallest, so that every fold keeps some of each source;
    a source of a single task would be left out whole, which is the other protocol.
    """
    number = np.full(len(task), -1, dtype=np.int64)
    turn = 0
    for name in sorted(set(source)):
        tasks, counts = np.unique(task[source == name].astype(str), return_counts=True)
        if len(tasks) < 2:
            continue
        for one in tasks[np.argsort(-counts, kind="stable")]:
            number[task == one] = turn % TASK_FOLDS
            turn += 1
    return number


def _fold(outcomes: Outcomes, name: str, out: NDArray[np.bool_], judged: IntArray, unit: NDArray[np.object_]) -> Fold:
    predicted = judged[out[judged]]
    group = outcomes.prompts["group"].to_numpy(dtype=object)
    train = outcomes.rows(TRAIN)
    same = np.isin(group[train], np.unique(group[predicted].astype(str)))
    return Fold(name, train[~out[train] & ~same], predicted, unit[predicted])
