"""Onboarding by probe: which of the project's probes an expert is asked next, and what its answers say so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.collecting.tasks import Task
from routing.errors import GraphError
from routing.onboarding.basis import Basis
from routing.onboarding.benchmarks import Figure
from routing.onboarding.fit import fit, prior
from routing.onboarding.next_probe import next_probes
from routing.onboarding.skill import INSIDE_90, Skill
from routing.predictors.links import sigmoid
from routing.probes import Probe, own_probes
from routing.router import Router
from routing.schema import Floats
from routing.store.outcomes import Collected

USUAL: Final = 30
FEWEST: Final = 10
BATCH: Final = 16
DOMAINS: Final[Mapping[str, str]] = {
    "math": "Mathematics", "code": "Code", "knowledge": "Knowledge", "clinical": "Clinical", "law": "Law",
    "patents": "Patents", "translation": "Translation", "instructions": "Instructions", "reasoning": "Reasoning",
    "reading": "Reading",
}  # fmt: skip


@dataclass(frozen=True)
class ProbeSet:
    """The probes, as a router sees them.

    Args:
        probes: All of them, in their fixed order.
        axes: Their axes in the router's basis, shape (n_probes, n_axes).
        basis: What experts differ in.
        known: What the router predicts for its own experts on the probes, by name, each of shape (n_probes,).
    """

    probes: tuple[Probe, ...]
    axes: Floats
    basis: Basis
    known: Mapping[str, Floats]

    @property
    def domain(self) -> NDArray[np.object_]:
        """Domain of every probe, shape (n_probes,)."""
        return np.array([probe.domain for probe in self.probes], dtype=object)

    @property
    def with_code(self) -> tuple[int, ...]:
        """Rows of the probes whose answers are run."""
        return tuple(row for row, probe in enumerate(self.probes) if probe.check.runs_code)

    def rows_of(self, outcomes: Sequence[Collected]) -> tuple[list[int], Floats]:
        """Rows of the probes that have a score, and the scores."""
        place = {probe.prompt_id: row for row, probe in enumerate(self.probes)}
        found = [(place[o.prompt_id], o.score) for o in outcomes if o.prompt_id in place and o.score is not None]
        return [row for row, _ in found], np.array([score for _, score in found], dtype=np.float64)

    def skill(self, outcomes: Sequence[Collected], figures: Sequence[Figure] = ()) -> Skill:
        """What outcomes and published figures say of an expert; without any, that it is one like the known ones.

        Figures of benchmarks that this router does not know count for nothing.
        """
        (rows, score), known = self.rows_of(outcomes), self.known_figures(figures)
        if not rows and not known:
            return prior(self.basis)
        return fit(self.basis, self.axes[rows], score, figures=known)

    def known_figures(self, figures: Sequence[Figure]) -> list[Figure]:
        """Figures of the benchmarks that this router knows."""
        return [figure for figure in figures if figure.benchmark in self.basis.benchmarks]

    def told(self, skill: Skill, figures: Sequence[Figure]) -> list["Standing"]:
        """Mean predicted score on the prompts of every benchmark that a figure was given for and this router knows."""
        known = [self.basis.benchmarks[figure.benchmark] for figure in self.known_figures(figures)]
        return [
            Standing(one.name, one.n_prompts, *mean_score(self.basis, skill, one.axes), known={}) for one in known
        ]  # fmt: skip

    def standings(self, skill: Skill) -> list["Standing"]:
        """Mean predicted score over all probes, then over those of every domain."""
        rows: dict[str, list[int]] = {"": list(range(len(self.probes)))}
        for row, probe in enumerate(self.probes):
            rows.setdefault(probe.domain, []).append(row)
        return [self._standing(domain, chosen, skill) for domain, chosen in rows.items()]

    def _standing(self, domain: str, rows: list[int], skill: Skill) -> "Standing":
        score, low, high = mean_score(self.basis, skill, self.axes[rows])
        known = {name: float(values[rows].mean()) for name, values in self.known.items()}
        return Standing(domain, len(rows), score, low, high, known)


@dataclass(frozen=True, slots=True)
class Standing:
    """A mean predicted score with its 90 % interval, and the same of known experts.

    Args:
        domain: Name of the domain; empty for all probes together.
        n_prompts: Prompts that the mean is over.
        score: In [0, 1].
        low: Lower end.
        high: Upper end.
        known: Mean predicted scores of known experts by name.
    """

    domain: str
    n_prompts: int
    score: float
    low: float
    high: float
    known: Mapping[str, float]

    @property
    def title(self) -> str:
        """The domain for people."""
        return DOMAINS.get(self.domain, self.domain) if self.domain else "All probes"


class Course:
    """The mean predicted score after each outcome, made further as outcomes come.

    Args:
        chosen_from: The probes.
        figures: Published figures that are known too.
    """

    def __init__(self, chosen_from: ProbeSet, figures: Sequence[Figure] = ()) -> None:
        self._set, self._figures = chosen_from, tuple(figures)
        self._found: list[Standing] = []

    def follow(self, outcomes: Sequence[Collected]) -> Sequence["Standing"]:
        """Standings after 0, 1, 2 and so on scored outcomes, in their order."""
        scored = [o for o in outcomes if o.score is not None]
        for count in range(len(self._found), len(scored) + 1):
            self._found.append(self._set.standings(self._set.skill(scored[:count], self._figures))[0])
        return tuple(self._found)


def mean_score(basis: Basis, skill: Skill, axes: Floats) -> tuple[float, float, float]:
    """Mean predicted score over prompts and its 90 % interval, which holds what the skill leaves open.

    Chance in single outcomes is not in it: that would stay however many probes were asked. Source: the delta method.
    """
    score, _, _ = skill.predict(basis, axes)
    likely = sigmoid(axes @ skill.mean)
    slope = (axes * (likely * (1.0 - likely))[:, np.newaxis]).mean(axis=0)
    half = INSIDE_90 * float(np.sqrt(max(0.0, slope @ skill.covariance @ slope)))
    mean = float(score.mean())
    return mean, max(0.0, mean - half), min(1.0, mean + half)


def probe_set(router: Router) -> ProbeSet:
    """The probes as a router sees them; encodes every one of them, about two seconds.

    Raises:
        GraphError: The router has no basis to onboard experts in.
    """
    if router.basis is None:
        raise GraphError(
            "The router in force cannot onboard experts: nothing says what its experts differ in, which takes three "
            "experts or more and a router that the Train page made. Put another in force there."
        )
    probes, axes, scores = own_probes(), [], []
    for start in range(0, len(probes), BATCH):
        features = router.encoder.encode([probe.prompt for probe in probes[start : start + BATCH]])
        axes.append(router.basis.axes_of(features))
        scores.append(router.predictor.predict(features))
    score = np.concatenate([told.score for told in scores])
    known = {name: score[:, i] for i, name in enumerate(scores[0].experts) if np.isfinite(score[:, i]).all()}
    return ProbeSet(probes, np.concatenate(axes), router.basis, known)


def task_of(probe: Probe) -> Task:
    """What is asked."""
    return Task(probe.prompt_id, probe.question, probe.score, runs_code=probe.check.runs_code)


class Adaptive:
    """Asks next what ``next_probes`` chooses, until enough probes have a score.

    Args:
        chosen_from: The probes.
        count: How many outcomes are wanted in all, earlier ones included.
        figures: Published figures that are known too.
        with_code: Whether code that the expert writes may be run; without it, probes that need that are not asked.
    """

    def __init__(
        self, chosen_from: ProbeSet, count: int, figures: Sequence[Figure] = (), *, with_code: bool = True
    ) -> None:
        self._set, self.count, self._figures = chosen_from, count, tuple(figures)
        self._before: dict[int, Collected | None] = {}  # what was there of a probe when it was asked
        self._left_out = () if with_code else chosen_from.with_code

    def take(self, done: Mapping[str, Collected]) -> Task | None:
        """The next probe; one that failed in this round is not asked again."""
        probes, told = self._set.probes, tuple(done.values())
        rows, _ = self._set.rows_of(told)
        under_way = [row for row, before in self._before.items() if done.get(probes[row].prompt_id) is before]
        if len(rows) + len(under_way) >= self.count:
            return None
        failed = self._before.keys() - {*rows, *under_way}
        found = next_probes(
            self._set.basis, self._set.skill(told, self._figures), self._set.axes, self._set.domain, rows,
            under_way=under_way, left_out={*failed, *self._left_out},
        )  # fmt: skip
        if not found:
            return None
        self._before[found[0]] = done.get(probes[found[0]].prompt_id)
        return task_of(probes[found[0]])
