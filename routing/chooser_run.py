"""Run an LLM as the chooser on measured prompts, and keep what came of it as numbers."""

import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.catalog import ASSETS, Catalog, load_catalog
from routing.chooser import Chooser, kept_choices
from routing.commands import say, write_whole
from routing.errors import DataError
from routing.evaluation.measures import strict_accuracy, tolerant_accuracy
from routing.instructions import CalledModel
from routing.outcomes import Outcomes, measured_together, read, read_pools
from routing.predictors.glider_cards import CARDS_FILE, Cards, load_cards
from routing.schema import Expert, Floats

CHOOSER_FILE: Final = "chooser.json"
RESAMPLES: Final = 1000
PATIENCE_S: Final = 300.0  # a judge on a busy machine of one's own is slow, not gone
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Choices:
    """What a judge chose on the prompts of one pool.

    Args:
        experts: The pool.
        choice: Column of the chosen expert per prompt, -1 where the judge named none of the pool.
        score: Measured scores, shape (n_prompts, n_experts).
    """

    experts: tuple[str, ...]
    choice: NDArray[np.int64]
    score: Floats

    def measures(self) -> dict[str, Any]:
        """JSON-ready numbers; no choice counts as a random expert in the score and as a miss in the accuracies."""
        named = self.choice >= 0
        at = np.maximum(self.choice, 0)
        taken = np.where(named, self.score[np.arange(len(at)), at], self.score.mean(axis=1))
        strict, tolerant = strict_accuracy(at, self.score), tolerant_accuracy(at, self.score)
        strict = np.where(np.isnan(strict), np.nan, np.where(named, strict, 0.0))
        alone = ~np.isnan(strict)
        best = int(self.score.mean(axis=0).argmax())
        return {
            "n_prompts": len(at),
            "share_valid": float(named.mean()),
            "score": float(taken.mean()),
            "score_interval": _interval(taken),
            "accuracy_strict": float(strict[alone].mean()) if alone.any() else None,
            "accuracy_strict_interval": _interval(strict[alone]) if alone.any() else None,
            "n_single_best": int(alone.sum()),
            "accuracy_tolerant": float(np.where(named, tolerant, 0.0).mean()),
            "accuracy_tolerant_interval": _interval(np.where(named, tolerant, 0.0)),
            "random": float(self.score.mean()),
            "best_single": {"name": self.experts[best], "score": float(self.score[:, best].mean())},
            "oracle": float(self.score.max(axis=1).mean()),
            "shares": {name: float((self.choice == i).mean()) for i, name in enumerate(self.experts)},
        }


def choose_all(
    data: Path,
    judge: str,
    *,
    out: Path = ASSETS / CHOOSER_FILE,
    split: str = "test",
    n: int = 100,
    pools: Sequence[str] = (),
    chooser: Callable[[Mapping[str, str]], Chooser] | None = None,
    progress: Callable[[str], None] = say,
) -> dict[str, Any]:
    """Ask a judge about at most ``n`` prompts of every pool, and write the measures.

    A run that was stopped goes on where it was, since choices are kept.

    Args:
        data: Folder with prompts.parquet, outcomes.parquet and pools.json.
        judge: Name of the expert that chooses.
        out: File of measures; other judges' entries in it stay.
        split: Split of the prompts.
        n: Prompts per pool.
        pools: Names of pools; none means all.
        chooser: Makes the chooser from descriptions; None calls the judge through LiteLLM and keeps its choices in
            the user's cache folder.
        progress: Told how far it is.

    Raises:
        CatalogError: The judge is not in the catalogue.
        DataError: A pool is unknown, or ``out`` holds something else.
        AnswerError: The judge did not answer; choices so far are kept.
    """
    catalog = load_catalog()
    make = chooser or _called(catalog[judge])
    known = read_pools(data)
    absent = [name for name in pools if name not in known]
    if absent:
        raise DataError(f"No pool is called {absent[0]!r}; known are {', '.join(known)}: choose one of these.")
    earlier = _earlier(out)
    outcomes = read(data)
    cards = load_cards(ASSETS / CARDS_FILE) if (ASSETS / CARDS_FILE).is_file() else {}
    began, calls, found = time.monotonic(), 0, {}
    for name in pools or known:
        asked = make(described(known[name], catalog, cards))
        found[name] = _choices(outcomes, name, known[name], split, n, asked, progress).measures()
        calls += asked.calls
    result = {
        "judge": judge,
        "split": split,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": platform.machine(),
        "seconds_per_call": (time.monotonic() - began) / calls if calls else None,
        "pools": found,
    }
    others = [entry for entry in earlier if entry["judge"] != judge or entry["split"] != split]
    write_whole(out, json.dumps([*others, result], indent=1) + "\n")
    return result


def _called(judge: Expert) -> Callable[[Mapping[str, str]], Chooser]:
    return lambda experts: Chooser(CalledModel(judge, timeout_s=PATIENCE_S), experts, kept_choices(judge.name))


def described(names: Sequence[str], catalog: Catalog, cards: Cards) -> dict[str, str]:
    """One line about every expert: its first card, else what the catalogue knows."""
    facts = {expert.name: expert for expert in catalog.experts}
    lines: dict[str, str] = {}
    for name in names:
        if name in cards:
            lines[name] = cards[name].sentences[0].split(", with words such as")[0]
        elif name in facts:
            lines[name] = f"{facts[name].title} by {facts[name].provider}"
        else:
            lines[name] = "a language model"
    return lines


def _choices(
    outcomes: Outcomes,
    name: str,
    members: Sequence[str],
    split: str,
    n: int,
    chooser: Chooser,
    progress: Callable[[str], None],
) -> Choices:
    rows = np.intersect1d(measured_together(outcomes, members), outcomes.rows(split))
    if not len(rows):
        raise DataError(f"No prompt of the split {split!r} was scored for every expert of pool {name!r}.")
    ids = outcomes.prompts["prompt_id"].to_numpy()
    some = np.array(sorted(rows, key=lambda row: sha256(str(ids[row]).encode()).digest())[:n])
    column = {expert: i for i, expert in enumerate(members)}
    found: list[int] = []
    for done, row in enumerate(some, start=1):
        expert = chooser.choose(outcomes.prompts["text"].iloc[int(row)])
        found.append(-1 if expert is None else column[expert])
        if done % 25 == 0 or done == len(some):
            progress(f"Pool {name}: {done} of {len(some)} prompts")
    return Choices(tuple(members), np.array(found), outcomes.matrix("score", members)[some])


def _earlier(path: Path) -> list[Mapping[str, Any]]:
    if not path.is_file():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [{**entry, "judge": entry["judge"], "split": entry["split"]} for entry in entries]
    except (ValueError, KeyError, TypeError) as problem:
        raise DataError(f"{path} holds something else than choices ({problem!r}). Choose another file.") from problem


def _interval(values: Floats) -> Interval:
    drawn = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.percentile(values[drawn].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
