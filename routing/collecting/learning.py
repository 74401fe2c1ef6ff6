"""What is kept of an expert that is onboarded: outcomes on probes, published figures, and what both together say."""

from collections.abc import Sequence
from typing import Final

from routing.collecting.probe import ProbeSet
from routing.onboarding.benchmarks import Figure
from routing.onboarding.fit import FIGURE_NOISE
from routing.onboarding.skill import Skill
from routing.store import Store
from routing.store.outcomes import Collected

JOB: Final = "onboarding"
FIGURES: Final = "published figures"  # the job under which they are kept, by benchmark


def figures_of(store: Store, owner: str, expert: str) -> tuple[Figure, ...]:
    """Published figures that a person gave for an expert."""
    kept = store.outcomes.all(owner, FIGURES, expert)
    return tuple(Figure(o.prompt_id, o.score, FIGURE_NOISE) for o in kept if o.score is not None)


def keep_figures(store: Store, owner: str, expert: str, figures: Sequence[Figure]) -> None:
    """Keep published figures of an expert in the place of earlier ones."""
    store.outcomes.forget(owner, FIGURES, expert)
    for figure in figures:
        store.outcomes.keep(owner, FIGURES, Collected(expert, figure.benchmark, figure.score))


def learn(store: Store, owner: str, expert: str, probes: ProbeSet) -> Skill | None:
    """Fit an expert to all that is kept of it, outcomes and figures, and keep that; None where nothing is."""
    outcomes, figures = store.outcomes.all(owner, JOB, expert), figures_of(store, owner, expert)
    if not probes.known_figures(figures) and not probes.rows_of(outcomes)[0]:
        store.experts.save_skill(expert, None, owner)
        return None
    skill = probes.skill(outcomes, figures)
    store.experts.save_skill(expert, skill.as_json(), owner)
    return skill


def is_own(store: Store, owner: str, expert: str) -> bool:
    """Whether a person keeps outcomes or published figures of an expert."""
    return any(store.outcomes.all(owner, job, expert) for job in (JOB, FIGURES))


def forget_all(store: Store, owner: str, expert: str) -> None:
    """Forget the outcomes and figures that a person keeps of an expert."""
    for job in (JOB, FIGURES):
        store.outcomes.forget(owner, job, expert)


def is_learned(store: Store, owner: str, expert: str, probes: ProbeSet, skill: Skill | None) -> bool:
    """Whether a skill says all that is kept of an expert, for the router of these probes.

    It does not where outcomes came after it (the browser was closed while probes were asked), or where it belongs to
    another router. Where nothing is kept (the skill came with a policy file), there is nothing to learn anew.
    """
    n_probes = len(probes.rows_of(store.outcomes.all(owner, JOB, expert))[0])
    n_figures = len(probes.known_figures(figures_of(store, owner, expert)))
    if not n_probes and not n_figures:
        return True
    now = None if skill is None else (skill.graph_sha256, skill.n_probes, skill.n_figures)
    return now == (probes.basis.graph_sha256, n_probes, n_figures)
