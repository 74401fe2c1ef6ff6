"""Everything that is judged in one go: prompts encoded once, every predictor asked once, one scene a pool."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing import encoder as graph
from routing import predictors
from routing.catalog import ASSETS
from routing.errors import DataError
from routing.evaluation import judge, report
from routing.evaluation.costs import pool_outcomes
from routing.evaluation.judge import Scene
from routing.evaluation.prompts import Pools, Say, encode, pools_of, rows_of, take
from routing.outcomes import Outcomes, assign_splits, read
from routing.policies import POLICIES
from routing.registry import check_offered, offered
from routing.schema import Expert, Features, Prediction, Predictor

TIMED_PROMPTS: Final = 60
UNTIMED: Final = {"ms_p50": None, "ms_p95": None}


@dataclass(frozen=True, slots=True)
class Trial:
    """What was predicted for every pool.

    Args:
        names: What is judged, in order.
        outcomes: The data.
        rows: Every prompt of any pool, each once.
        features: Their features, in the same order.
        scenes: The pools.
        told: By pool, what every predictor says of its experts.
        speed: By predictor, milliseconds from text to predictions.
    """

    names: Sequence[str]
    outcomes: Outcomes
    rows: NDArray[np.int64]
    features: Features
    scenes: dict[str, Scene]
    told: dict[str, dict[str, Prediction]]
    speed: dict[str, dict[str, float]]

    def results(self) -> list[dict[str, Any]]:
        """One JSON-ready dict per pool and name."""
        found: list[dict[str, Any]] = []
        for pool, scene in self.scenes.items():
            judged = judge.rows(scene, self.told[pool], self.names)
            found += [{**judged[name], **self.speed.get(_base(name), UNTIMED)} for name in self.names]
        return found


def open_trial(
    data: Path,
    names: Sequence[str],
    *,
    split: str,
    pools: Sequence[str] | None,
    experts: Sequence[Expert],
    assets: Path = ASSETS,
    resamples: int = report.RESAMPLES,
    progress: Say,
) -> Trial:
    """Read data and graph, encode the prompts of all pools, and ask every predictor. Raises what evaluate does."""
    check_offered([judge.BOUNDS.get(name, name) for name in names if name not in judge.BASELINES], assets)
    bases = judge.bases_of(names)
    encoder = graph.load(assets, heads=heads_of(bases))
    methods = {name: predictors.build(name, encoder.card) for name in bases}
    # An own router may have learned from these very tables: then the splits are those that it was trained by.
    outcomes = read(data) if assets == ASSETS else assign_splits(read(data))
    progress(f"{len(outcomes.prompts):,} prompts and {len(outcomes.cells):,} outcomes read")
    facts = {expert.name: expert for expert in experts}
    stated = pools_of(outcomes, data, assets, pools, split)
    chosen = _judgeable(stated, encoder.card.experts, facts, progress, asked=pools is not None)
    rows = rows_of(chosen)
    features = encode(encoder, outcomes, rows, progress)
    counted = dict(zip(rows.tolist(), features.input_tokens.tolist(), strict=True))
    scenes: dict[str, Scene] = {}
    told: dict[str, dict[str, Prediction]] = {}
    for name, (members, _) in chosen.items():
        pool = pool_outcomes(outcomes, name, members, split=split, experts=facts, input_tokens=counted)
        progress(f"Pool {name}: {len(pool.rows):,} prompts, {len(members)} experts")
        mine = take(features, np.searchsorted(rows, pool.rows))
        scenes[name] = judge.scene(pool, encoder.card, outcomes, mine, resamples=resamples)
        told[name] = {base: method.predict(mine).of(members) for base, method in methods.items()}
    readers: dict[tuple[str, ...], graph.OnnxEncoder] = {}
    speed: dict[str, dict[str, float]] = {}
    for base in bases:
        heads = heads_of([base])
        readers[heads] = readers.get(heads) or graph.load(assets, heads=heads, threads=graph.SERVED_THREADS)
        speed[base] = _speed(methods[base], readers[heads], outcomes, rows)
    return Trial(names, outcomes, rows, features, scenes, told, speed)


def every_name(assets: Path = ASSETS) -> list[str]:
    """Every predictor and policy of a router, and the baselines they are held against."""
    methods = offered(graph.read_card(assets))
    return [*methods, *judge.BASELINES, *(name for name, rule in judge.BOUNDS.items() if rule in methods)]


def _judgeable(pools: Pools, known: Sequence[str], facts: Mapping[str, Expert], progress: Say, *, asked: bool) -> Pools:
    """The pools in which a router has something to choose between; what it cannot pick or judge is said.

    Args:
        pools: Pools of the data.
        known: Experts that the router predicts.
        facts: Experts whose prices are known.
        progress: Is told which pools are left out and which experts are never picked.
        asked: Whether somebody named the pools; then none is left out.

    Raises:
        DataError: The router predicts fewer than two experts of a pool that was named, or no pool can be judged.
    """
    kept: Pools = {}
    because = ""
    for name, (members, rows) in pools.items():
        unknown = [member for member in members if member not in known]
        unpriced = [member for member in members if member not in facts]
        if unknown and len(members) - len(unknown) < 2:
            because = (
                f"Of the pool {name!r} this router predicts {len(members) - len(unknown) or 'nobody'}, and two are "
                f"needed: it does not know {unknown[0]!r}."
            )
        elif unpriced and not asked:
            because = f"Pool {name!r} names {unpriced[0]!r}, which the table of experts does not have."
        else:
            if unknown:
                progress(f"Pool {name}: this router does not know {', '.join(unknown)}, so it never picks them")
            kept[name] = (members, rows)
            continue
        if asked:
            raise DataError(f"{because} Choose another pool, or train a router on these outcomes.")
        progress(f"{because} The pool is left out.")
    if not kept:
        raise DataError(f"{because} Choose another pool, or train a router on these outcomes.")
    return kept


def heads_of(names: Sequence[str]) -> tuple[str, ...]:
    """Outputs of the graph that these predictors need."""
    return tuple(dict.fromkeys((*graph.HEADS, *(head for name in names for head in predictors.heads_of(name)))))


def _base(name: str) -> str:
    return POLICIES[name].base if name in POLICIES else name


def _speed(
    method: Predictor, encoder: graph.OnnxEncoder, outcomes: Outcomes, rows: NDArray[np.int64]
) -> dict[str, float]:
    """Milliseconds from text to predictions, one prompt at a time, evenly spread over the prompts judged."""
    spread = rows[np.linspace(0, len(rows) - 1, min(TIMED_PROMPTS, len(rows))).astype(int)]
    taken = []
    for row in spread:
        started = time.perf_counter()
        method.predict(encoder.encode([outcomes.prompts["text"].iloc[int(row)]]))
        taken.append((time.perf_counter() - started) * 1e3)
    return {"ms_p50": float(np.percentile(taken, 50)), "ms_p95": float(np.percentile(taken, 95))}
