"""Judge routers on measured outcomes under one protocol (systems.md 5); everything returned is JSON-ready.

The keys are documented in the README under "evaluate --json".
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing import encoder as graph
from routing import predictors
from routing.catalog import ASSETS, Catalog
from routing.errors import DataError
from routing.evaluation import report
from routing.evaluation.costs import PoolOutcomes, pool_outcomes
from routing.objective import predicted_cost
from routing.outcomes import Outcomes, measured_together, read, read_pools
from routing.schema import Expert, Features, Floats, Prediction

TIMED_PROMPTS: Final = 60
MIN_PROMPTS: Final = 20  # pools that the data does not name are judged only on at least this many prompts
ENCODE_AT_ONCE: Final = 512

Say = Callable[[str], None]


def evaluate(
    data: Path,
    *,
    split: str = "test",
    routers: Sequence[str] = (),
    pools: Sequence[str] | None = None,
    experts: Sequence[Expert],
    assets: Path = ASSETS,
    resamples: int = report.RESAMPLES,
    progress: Say = lambda _: None,
) -> list[dict[str, Any]]:
    """Measure routers on pools; one dict per pool and router, in that order.

    Args:
        data: Folder with prompts.parquet and outcomes.parquet; pools.json beside them, or else beside the graph.
        split: Name of a split, or "all"; ignored where the data states none.
        routers: Names from the registry of predictors; none means all of them.
        pools: Names of pools; None means all.
        experts: Facts about experts, for prices.
        assets: Folder with the graph to judge.
        resamples: Bootstrap resamples behind every 95 % interval.
        progress: Told what is being done.

    Raises:
        DataError: The data cannot be judged with; the message says why.
        GraphError: The graph is missing or damaged.
        PreferenceError: A router is unknown.
    """
    names = list(dict.fromkeys(routers)) or list(predictors.PREDICTORS)
    heads = _heads(names)
    encoder = graph.load(assets, heads=heads)
    methods = {name: predictors.build(name, encoder.card) for name in (*names, predictors.PROMPT_BLIND)}
    outcomes = read(data)
    progress(f"{len(outcomes.prompts):,} prompts and {len(outcomes.cells):,} outcomes read")
    chosen = _pools(outcomes, data, assets, pools, split)
    rows = np.unique(np.concatenate([members for _, members in chosen.values()]))
    features, place = _encode(encoder, outcomes, rows, progress)
    speed = {name: _speed(name, assets, outcomes, rows) for name in names}
    facts = {expert.name: expert for expert in experts}
    counted = {int(row): int(features.input_tokens[place[int(row)]]) for row in rows}
    results: list[dict[str, Any]] = []
    for pool_name, (members, _) in chosen.items():
        pool = pool_outcomes(outcomes, pool_name, members, split=split, experts=facts, input_tokens=counted)
        progress(f"Pool {pool_name}: {len(pool.rows):,} prompts, {len(members)} experts")
        mine = _take(features, [place[int(row)] for row in pool.rows])
        told = {name: method.predict(mine).of(members) for name, method in methods.items()}
        weights = report.resample_weights(len(pool.rows), resamples=resamples)
        judged = _judge(pool, outcomes, mine, told, weights)
        results += [{**judged[name], **speed[name]} for name in names]
    return results


def _judge(
    pool: PoolOutcomes, outcomes: Outcomes, features: Features, told: Mapping[str, Prediction], weights: Floats
) -> dict[str, dict[str, Any]]:
    """Every router's measures on one pool, by router."""
    prompts = outcomes.prompts.iloc[pool.rows]
    task = prompts["source"].to_numpy(dtype=object) + " / " + prompts["task"].to_numpy(dtype=object)
    catalog = Catalog(pool.experts, date.today())
    shared = {"pool": pool.name, "n_prompts": len(pool.rows), "experts": list(catalog.names)}
    steps = report.ladder(pool, task, weights)
    judged: dict[str, dict[str, Any]] = {}
    for name, prediction in told.items():
        expected, _ = predicted_cost(catalog, features.input_tokens.astype(float), prediction.output_tokens)
        choice = np.where(np.isnan(prediction.score), -np.inf, prediction.score).argmax(axis=1).astype(np.int64)
        judged[name] = {
            **shared,
            "router": name,
            **steps,
            **report.choice_report(pool, choice, weights),
            **report.cost_report(pool, prediction.score, expected, weights),
            **report.prediction_report(pool, prediction, features.vector, task),
            **report.pair_report(pool, prediction.score, weights),
            "domains": report.domain_report(pool, choice, prompts["domain"].to_numpy(dtype=object)),
        }
    blind = judged[predictors.PROMPT_BLIND]
    for result in judged.values():
        result["aiq_prompt_blind"] = blind["aiq"]
        result["aiq_prompt_blind_above_static_mix"] = blind["aiq_above_static_mix"]
    return judged


def _heads(names: Iterable[str]) -> tuple[str, ...]:
    extra = [head for name in names for head in predictors.heads_of(name)]
    return tuple(dict.fromkeys((*graph.HEADS, *extra)))


def _pools(
    outcomes: Outcomes, data: Path, assets: Path, wanted: Sequence[str] | None, split: str
) -> dict[str, tuple[tuple[str, ...], NDArray[np.int64]]]:
    """Experts and prompts of every pool to judge.

    Pools that the data itself names must work; those that come with the graph count where the data measures them.
    """
    own = read_pools(data)
    known = own or read_pools(assets)
    if wanted is not None:
        absent = [name for name in wanted if name not in known]
        if absent:
            raise DataError(
                f"No pool is called {absent[0]!r}; known are {', '.join(known) or 'none'}: choose one of these."
            )
    measured = set(outcomes.cells["expert"].unique())
    found: dict[str, tuple[tuple[str, ...], NDArray[np.int64]]] = {}
    for name in wanted if wanted is not None else known:
        members = known[name]
        if wanted is None and not own and not measured.issuperset(members):
            continue
        rows = np.intersect1d(measured_together(outcomes, members), outcomes.rows(split))
        if len(rows) >= (MIN_PROMPTS if wanted is None else 1):
            found[name] = (members, rows)
    if not found:
        raise DataError(
            f"No pool has {MIN_PROMPTS} prompts of the split {split!r} on which all its experts were scored; "
            "put a pools.json beside the data, or choose another split."
        )
    return found


def _encode(
    encoder: graph.OnnxEncoder, outcomes: Outcomes, rows: NDArray[np.int64], progress: Say
) -> tuple[Features, dict[int, int]]:
    """Features of the prompts, longest batches last, and where each prompt's row is."""
    text = outcomes.prompts["text"]
    ordered = sorted((int(row) for row in rows), key=lambda row: len(text.iloc[row]))
    parts: list[Features] = []
    for start in range(0, len(ordered), ENCODE_AT_ONCE):
        parts.append(encoder.encode([text.iloc[row] for row in ordered[start : start + ENCODE_AT_ONCE]]))
        progress(f"Encoded {min(start + ENCODE_AT_ONCE, len(ordered)):,} of {len(ordered):,} prompts")
    return _join(parts), {row: i for i, row in enumerate(ordered)}


def _join(parts: Sequence[Features]) -> Features:
    return Features(
        vector=np.concatenate([p.vector for p in parts]),
        heads={name: np.concatenate([p.heads[name] for p in parts]) for name in parts[0].heads},
        graph_experts=parts[0].graph_experts,
        familiarity=np.concatenate([p.familiarity for p in parts]),
        input_tokens=np.concatenate([p.input_tokens for p in parts]),
        is_truncated=np.concatenate([p.is_truncated for p in parts]),
        pieces=[row for p in parts for row in p.pieces],
    )


def _take(features: Features, index: Sequence[int]) -> Features:
    at = np.array(index, dtype=np.int64)
    return Features(
        vector=features.vector[at],
        heads={name: values[at] for name, values in features.heads.items()},
        graph_experts=features.graph_experts,
        familiarity=features.familiarity[at],
        input_tokens=features.input_tokens[at],
        is_truncated=features.is_truncated[at],
        pieces=[features.pieces[i] for i in at],
    )


def _speed(name: str, assets: Path, outcomes: Outcomes, rows: NDArray[np.int64]) -> dict[str, float]:
    """Milliseconds from text to predictions, one prompt at a time, evenly spread over the prompts judged."""
    encoder = graph.load(assets, heads=_heads([name]))
    method = predictors.build(name, encoder.card)
    spread = rows[np.linspace(0, len(rows) - 1, min(TIMED_PROMPTS, len(rows))).astype(int)]
    taken = []
    for row in spread:
        started = time.perf_counter()
        method.predict(encoder.encode([outcomes.prompts["text"].iloc[int(row)]]))
        taken.append((time.perf_counter() - started) * 1e3)
    return {"ms_p50": float(np.percentile(taken, 50)), "ms_p95": float(np.percentile(taken, 95))}
