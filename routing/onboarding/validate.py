"""How good onboarding is: every known expert of a pool is left out in turn and onboarded like a new one.

Its probes are outcomes on validation prompts, its published figures its own mean scores on training prompts; what is
then predicted on test prompts is held against what the fully trained router predicts there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routing.evaluation.measures import brier, coverage
from routing.onboarding.basis import Basis
from routing.onboarding.benchmarks import Benchmark, Figure
from routing.onboarding.build import Known, build_basis
from routing.onboarding.fit import FIGURE_NOISE, fit, prior
from routing.onboarding.next_probe import next_probes
from routing.onboarding.skill import Skill
from routing.schema import Floats

PROBES: Final = (0, 20, 50, 100, 200)
FIGURES: Final = (1, 3, 5, 10)
DRAWS: Final = 5  # random sets of probes or figures per expert and count
AT_ONCE: Final = 4  # probes chosen before the skill is fitted again, as where four calls run at once
MEASURES: Final = ("regret", "brier", "rank_correlation", "coverage", "width")
CANDIDATES: Final = 800  # probes that the adaptive choice picks from, as from a probe set
FEWEST_IN_TASK: Final = 50

IntArray = NDArray[np.int64]
Learned = tuple[str, int, Skill]
"""How it was learned, from how many, and what."""


@dataclass(frozen=True, slots=True)
class Held:
    """Prompts of one pool, in one split.

    Args:
        score: Measured scores of its experts, shape (n_prompts, n_members).
        graph_score: What the graph predicts for all its experts, shape (n_prompts, n_experts).
        share: How much each prompt is like every source.
        near: The nearest prompts of each, see ``evaluation.measures.nearest``.
        task: Source and task of each prompt.
        domain: Domain of each prompt.
    """

    score: Floats
    graph_score: Floats
    share: Floats
    near: IntArray
    task: NDArray[np.object_]
    domain: NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Gap:
    """How far an onboarded expert's predictions are from the trained router's, on one pool.

    Args:
        expert: Who was left out.
        learned_from: "random probes", "adaptive probes" or "figures".
        count: Probes or figures.
        regret: Mean score of choices (lambda 0) with the trained predictions, minus with the onboarded ones.
        brier: Brier score of the onboarded predictions, minus that of the trained ones.
        rank_correlation: Spearman correlation over prompts between the two predictions.
        coverage: Share of outcomes inside the onboarded 90 % interval.
        width: Mean width of that interval.
    """

    expert: str
    learned_from: str
    count: int
    regret: float
    brier: float
    rank_correlation: float
    coverage: float
    width: float


def leave_out(
    known: Known, members: Sequence[str], probes: Held, test: Held, *, trained: Floats, say: Callable[[str], None]
) -> list[Gap]:
    """Every member of a pool left out and onboarded again.

    Args:
        known: What the router says of training prompts, with measured means per task in ``trained``.
        members: Experts of the pool.
        probes: Prompts to probe with.
        test: Prompts to judge on.
        trained: Scores measured on the prompts of ``known``, shape (n_prompts, n_experts), NaN where not measured.
        say: Told who is left out.
    """
    gaps = []
    for column, name in enumerate(members):
        say(f"Leaving out {name}")
        basis = build_basis(known, without=name)
        axes = basis.axes(test.graph_score, test.share)
        for how, count, skill in _learned(basis, known, probes, column, trained[:, known.experts.index(name)]):
            gaps.append(_gap(basis, skill, axes, test, members, column, known, (how, count)))
    return gaps


def summed(gaps: Sequence[Gap]) -> list[dict[str, Any]]:
    """Means over experts and draws, one row per way of learning and count; ``regret_worst`` is the worst expert's."""
    table = pd.DataFrame([asdict(gap) for gap in gaps])
    ways = dict.fromkeys((gap.learned_from, gap.count) for gap in gaps)
    found = []
    for how, count in ways:
        part = table[(table["learned_from"] == how) & (table["count"] == count)]
        row = {name: round(float(part[name].mean()), 5) for name in MEASURES}
        worst = round(float(part.groupby("expert")["regret"].mean().max()), 5)
        found.append({"learned_from": how, "count": count, **row, "regret_worst": worst})
    return found


def _learned(basis: Basis, known: Known, probes: Held, column: int, trained: Floats) -> Iterator[Learned]:
    axes, score = basis.axes(probes.graph_score, probes.share), probes.score[:, column]
    yield "random probes", 0, prior(basis)
    for draw in range(DRAWS):
        order = np.random.default_rng(draw).permutation(len(score))
        for count in PROBES[1:]:
            some = order[:count]
            yield "random probes", count, fit(basis, axes[some], score[some])
        yield from _adaptive(basis, axes, score, probes.domain, order[:CANDIDATES])
    yield from _from_figures(basis, known, trained)


def _adaptive(
    basis: Basis, axes: Floats, score: Floats, domain: NDArray[np.object_], some: IntArray
) -> Iterator[Learned]:
    """Probes chosen among some prompts by the rule of the page."""
    skill, asked, most = prior(basis), list[int](), min(PROBES[-1], len(some))
    while len(asked) < most:
        until = min(count for count in (*PROBES, most) if count > len(asked))
        found = next_probes(basis, skill, axes[some], domain[some], asked, min(AT_ONCE, until - len(asked)))
        asked += found
        skill = fit(basis, axes[some[asked]], score[some[asked]])
        if len(asked) in PROBES:
            yield "adaptive probes", len(asked), skill


def _from_figures(basis: Basis, known: Known, trained: Floats) -> Iterator[Learned]:
    """From the expert's own means per task, as if they had been published."""
    axes = basis.axes(known.score, known.share)
    place = np.array([f"{source}/{task}" for source, task in zip(known.source, known.task, strict=True)])
    benchmarks, figures = {}, []
    for name in sorted(set(place)):
        rows = np.flatnonzero((place == name) & np.isfinite(trained))
        if len(rows) >= FEWEST_IN_TASK:
            benchmarks[name] = Benchmark(name, axes[rows])
            figures.append(Figure(name, float(trained[rows].mean()), FIGURE_NOISE))
    told = replace(basis, benchmarks=benchmarks)
    for draw in range(DRAWS if figures else 0):
        order = np.random.default_rng(draw).permutation(len(figures))
        for count in (*(n for n in FIGURES if n < len(figures)), len(figures)):
            some = [figures[i] for i in order[:count]]
            how = "all figures" if count == len(figures) else "figures"
            yield how, (0 if how == "all figures" else count), fit(told, axes[:0], trained[:0], figures=some)


def _gap(
    basis: Basis,
    skill: Skill,
    axes: Floats,
    test: Held,
    members: Sequence[str],
    column: int,
    known: Known,
    learned: tuple[str, int],
) -> Gap:
    full = test.graph_score[:, [known.experts.index(name) for name in members]]
    score, low, high = skill.predict(basis, axes)
    mixed = full.copy()
    mixed[:, column] = score
    measured = test.score[:, [column]]
    return Gap(
        expert=members[column],
        learned_from=learned[0],
        count=learned[1],
        regret=_reached(test.score, full) - _reached(test.score, mixed),
        brier=brier(score, test.score[:, column]) - brier(full[:, column], test.score[:, column]),
        rank_correlation=float(pd.Series(score).corr(pd.Series(full[:, column]), method="spearman")),
        coverage=float(coverage(low[:, None], high[:, None], measured, test.near, test.task) or 0.0),
        width=float((high - low).mean()),
    )


def _reached(score: Floats, predicted: Floats) -> float:
    """Mean score of the experts with the highest predicted score."""
    return float(np.take_along_axis(score, predicted.argmax(axis=1)[:, np.newaxis], axis=1).mean())
