"""From measurements to every expert in every source: what is not measured is inferred, so that experts compare.

An expert seen only on easy prompts must not look better than one seen only on hard ones. Where an expert was not
measured in a source, its score there is half the source's own prediction for the prompt (the mean logit over the
experts measured there, plus how much abler the expert is than those) and half the expert's own prediction from its
own sources (plus how much easier this source is), with ability and difficulty from a two-way fit.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from routing.schema import Floats
from routing.training.tables import Table

ATYPICAL: Final = frozenset({"medagents"})
"""Sources whose answers are one letter (data README): their lengths say nothing about other sources."""
RIDGE: Final = 1e-3
OWN_SHARE: Final = 0.5  # of an inferred score; 0, 0.5 and 1 were tried on validation prompts


@dataclass(frozen=True, slots=True)
class Expansion:
    """full = measured @ mix + shift, from (n_prompts, n_columns) to (n_prompts, n_sources * n_experts)."""

    mix: Floats
    shift: Floats

    @property
    def inferred(self) -> NDArray[np.bool_]:
        """Places that no measurement stands for by itself, shape (n_sources * n_experts,)."""
        return np.asarray(~(self.mix == 1.0).any(axis=0))


def expand_scores(table: Table, mean_logit: Floats) -> Expansion:
    """How logits of measurements make logits of every expert in every source.

    Args:
        table: The measurements.
        mean_logit: Logit of the mean training score per column, shape (n_columns,).

    Source: a two-way additive (Rasch) model of ability and difficulty; Rasch 1960.
    """
    ability, ease = _two_way(table, mean_logit)
    mix, shift = _empty(table)
    for source in range(len(table.sources)):
        columns = table.columns_of(source)
        solid = columns[~table.is_thin[columns]]
        usual = ability[table.column_expert[solid]].mean() if len(solid) else 0.0
        for expert in range(len(table.experts)):
            place = source * len(table.experts) + expert
            own = solid[table.column_expert[solid] == expert]
            if len(own):
                mix[own[0], place] = 1.0
            else:
                mix[solid, place] = 1.0 / max(1, len(solid))
                shift[place] = ability[expert] - usual
                _lean_on_own(table, mix, shift, place, ease)
    return Expansion(mix, shift)


def _lean_on_own(table: Table, mix: Floats, shift: Floats, place: int, ease: Floats) -> None:
    """Replace half of an inferred place by the expert's own columns, moved by how easy the sources are."""
    source, expert = divmod(place, len(table.experts))
    own = np.flatnonzero((table.column_expert == expert) & ~table.is_thin)
    if len(own):
        mix[:, place] *= 1.0 - OWN_SHARE
        mix[own, place] += OWN_SHARE / len(own)
        moved = float((ease[source] - ease[table.column_source[own]]).mean())
        shift[place] = (1.0 - OWN_SHARE) * shift[place] + OWN_SHARE * moved


def expand_amounts(table: Table, mean: Floats, count: Floats, overall: Floats, *, least: float) -> Expansion:
    """How predicted tokens or reading ease of measurements make those of every expert in every source.

    A measured column stands for itself. Scored in a source but without lengths there: the expert's mean over its
    measured sources, which is also what its cost is reckoned with (systems.md 5). Never seen in the source: the
    additive two-way fit. Measured only where its scores are not used: its overall mean; nowhere: NaN.

    Args:
        table: The measurements.
        mean: Mean training value per column, shape (n_columns,), NaN where the log has none.
        count: Measured values per column, same shape.
        overall: Mean per expert over everything measured, shape (n_experts,), NaN where nothing is.
        least: Smallest plausible value.
    """
    amount, surplus = _two_way(table, mean)
    has_source = np.array([np.isfinite(mean[table.columns_of(s)]).any() for s in range(len(table.sources))])
    typical = has_source & np.array([name not in ATYPICAL for name in table.sources])
    usual = surplus[typical if typical.any() else has_source].mean() if has_source.any() else 0.0
    mix, shift = _empty(table)
    for place in range(len(shift)):
        source, expert = divmod(place, len(table.experts))
        mine = np.flatnonzero(table.column_expert == expert)
        known = mine[np.isfinite(mean[mine])]
        here = mine[table.column_source[mine] == source]
        if not len(known):
            shift[place] = overall[expert]
        elif len(here) and np.isfinite(mean[here[0]]):
            mix[here[0], place] = 1.0
        elif len(here):
            shift[place] = np.average(mean[known], weights=count[known])
        else:
            shift[place] = max(least, amount[expert] + (surplus[source] if has_source[source] else usual))
    return Expansion(mix, shift)


def _two_way(table: Table, values: Floats) -> tuple[Floats, Floats]:
    """Least-squares a[expert] + d[source] through values per column, with a trace of ridge; NaN is left out."""
    known = np.flatnonzero(np.isfinite(values))
    experts, sources = len(table.experts), len(table.sources)
    design = np.zeros((len(known), experts + sources))
    design[np.arange(len(known)), table.column_expert[known]] = 1.0
    design[np.arange(len(known)), experts + table.column_source[known]] = 1.0
    fit = np.linalg.solve(design.T @ design + RIDGE * np.eye(experts + sources), design.T @ values[known])
    return np.asarray(fit[:experts]), np.asarray(fit[experts:])


def _empty(table: Table) -> tuple[Floats, Floats]:
    places = len(table.sources) * len(table.experts)
    return np.zeros((table.score.shape[1], places)), np.zeros(places)
