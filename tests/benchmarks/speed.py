"""Speed as ratios within one run: the router against its own graph, and deciding over many experts."""

import time
from collections.abc import Callable

import numpy as np

from routing.catalog import ASSETS
from routing.decision import decide
from routing.encoder import HEADS, load
from routing.objective import CONSTRAINTS, Candidates
from routing.registry import load_router
from routing.runtime import run_graph
from routing.schema import Preferences

ROUNDS = 60
Row = tuple[str, str, str]


def p50_ms(run: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Median milliseconds of one call, after a few to warm up."""
    for _ in range(5):
        run()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return float(np.median(times)) * 1e3


def paired_p50_ms(one: Callable[[], object], other: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """Medians of two calls that take turns, so that a busy machine slows both alike."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + 5):
        for run, kept in zip((one, other), times, strict=True):
            started = time.perf_counter()
            run()
            if turn >= 5:
                kept.append(time.perf_counter() - started)
    return float(np.median(times[0])) * 1e3, float(np.median(times[1])) * 1e3


def routing_rows() -> list[Row]:
    """Router.route against one bare run of the same graph on the same tokens."""
    router = load_router()
    # The router's own session: two sessions would keep each other's threads from the processor.
    session = router.encoder._session
    rows: list[Row] = []
    for tokens in (32, 128, 256):
        prompt = " ".join(["river"] * (tokens - 2))
        ids = np.full((1, tokens), 2314, dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        outputs = ["vector", "familiarity", *HEADS]
        routed, bare = paired_p50_ms(lambda p=prompt: router.route(p), lambda f=feed, o=outputs: session.run(o, f))  # type: ignore[misc]
        rows.append(
            (
                f"Router.route against the bare graph, {tokens} word pieces, p50",
                f"{routed / bare:.2f} times",
                f"{routed:.1f} ms",
            )
        )
    return rows


def single_rows() -> list[Row]:
    """Processor time of many prompts, one a run, against the same prompts in padded batches of 32, shortest first."""
    encoder = load(ASSETS)
    rng = np.random.default_rng(0)
    rows = [[101, *[2314] * int(n), 102] for n in np.minimum(254, rng.lognormal(4.2, 0.8, 320))]
    outputs = ["vector", "familiarity", *HEADS]

    def batches() -> None:
        ordered = sorted(rows, key=len)
        for start in range(0, len(ordered), 32):
            some = ordered[start : start + 32]
            ids = np.zeros((len(some), len(some[-1])), dtype=np.int64)
            mask = np.zeros_like(ids)
            for i, row in enumerate(some):
                ids[i, : len(row)], mask[i, : len(row)] = row, 1
            encoder._session.run(outputs, {"input_ids": ids, "attention_mask": mask})

    def processor_s(work: Callable[[], object]) -> float:
        started = time.process_time()
        work()
        return time.process_time() - started

    single = min(processor_s(lambda: run_graph(encoder._session, rows, outputs)) for _ in range(3))
    batched = min(processor_s(batches) for _ in range(3))
    what = f"Processor time of {len(rows)} prompts, one a run, against batches of 32 by length"
    return [(what, f"{single / batched:.2f} times", f"{single / len(rows) * 1e3:.1f} ms a prompt")]


def decision_rows() -> list[Row]:
    """Deciding alone: weights, limits, front, ranking and the smallest flip."""
    rng = np.random.default_rng(0)
    wish = Preferences({"cost": 0.5, "size": 0.1}, {"latency": 8.0})
    rows: list[Row] = []
    for n in (10, 100, 1000, 5000):
        options = offers(n, rng)
        plain = p50_ms(lambda o=options: decide(o, wish).on_front, 30)  # type: ignore[misc]
        full = p50_ms(lambda o=options: decide(o, wish).smallest_flip, 30)  # type: ignore[misc]
        rows.append((f"Decision over {n:,} experts, p50", f"{plain:.2f} ms", f"{full:.1f} ms with every flip"))
    return rows


def offers(n: int, rng: np.random.Generator) -> Candidates:
    """Experts with random values; one in ten unknown on each constraint."""
    values = {name: np.where(rng.random(n) < 0.1, np.nan, rng.lognormal(1.0, 1.0, n)) for name in CONSTRAINTS}
    penalties = {name: v / np.nanmax(v) for name, v in values.items()}
    score = rng.random(n)
    rank, none = np.arange(n, dtype=float), np.zeros(n)
    names = tuple(f"expert-{i}" for i in range(n))
    return Candidates(names, score, score - 0.1, score + 0.1, values, penalties, none > 0, none, rank)
