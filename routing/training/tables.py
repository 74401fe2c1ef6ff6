"""Outcomes laid out for fitting: one column per measurement, one row per prompt, NaN where not measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routing.errors import DataError
from routing.outcomes import Outcomes
from routing.schema import Floats

LEAST: Final = 30  # as the Train page asks of an expert; with fewer, little but its mean can be learned
MIN_THIN: Final = 20  # an extra expert's mean in a source counts from here on; see Table.is_thin

IntArray = NDArray[np.int64]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Fewest:
    """Training outcomes below which something is left out.

    Args:
        expert: Of an expert, over all sources.
        measurement: Of an expert in one source: fewer are too few to fit a column on.
    """

    expert: int
    measurement: int


USUAL: Final = Fewest(expert=1000, measurement=200)  # issue 2: every chat expert with 1,000 outcomes is predicted


@dataclass(frozen=True, slots=True)
class Table:
    """What is fitted on, over all prompts of the data.

    Args:
        sources: Names of the sources that have a measurement.
        experts: Experts to predict, in the order of the graph's columns.
        source: Index into ``sources`` per prompt, -1 for a source without measurements, shape (n_prompts,).
        column_source: Index into ``sources`` per column, shape (n_columns,).
        column_expert: Index into ``experts`` per column, shape (n_columns,).
        is_thin: Columns with too few outcomes to fit; only their mean counts, shape (n_columns,).
        score: Scores, shape (n_prompts, n_columns), NaN where not measured.
        output_tokens: Tokens of the answers, same shape.
        reading_ease: Flesch reading ease of the answers, same shape.
        mean_tokens: Mean training output tokens per expert over all sources, shape (n_experts,), NaN if unknown.
        mean_ease: The same for reading ease.
        helper: Scores of experts that are not predicted (base experts, small chat experts), which still tell how
            hard a prompt is, shape (n_prompts, n_helpers).
    """

    sources: tuple[str, ...]
    experts: tuple[str, ...]
    source: IntArray
    column_source: IntArray
    column_expert: IntArray
    is_thin: NDArray[np.bool_]
    score: Floats
    output_tokens: Floats
    reading_ease: Floats
    mean_tokens: Floats
    mean_ease: Floats
    helper: Floats

    def rows_of(self, source: int, among: IntArray) -> IntArray:
        """Those of the given rows that come from a source."""
        return np.asarray(among[self.source[among] == source])

    def columns_of(self, source: int) -> IntArray:
        """Columns measured in a source."""
        return np.flatnonzero(self.column_source == source).astype(np.int64)


def build_table(outcomes: Outcomes, *, extra_experts: Sequence[str] = (), fewest: Fewest = USUAL) -> Table:
    """Choose the experts and lay their outcomes out.

    An expert is predicted when it is a chat expert with enough outcomes on training prompts, or is named in
    ``extra_experts``. A measurement whose training scores are all the same, or that has too few, is left out: in the
    shipped router's data these are the arena-bench rows, whose two baselines score 0 by construction. An expert whose
    scores never differ anywhere stays with its mean.

    Raises:
        DataError: No expert has enough outcomes.
    """
    train = np.isin(np.arange(len(outcomes.prompts)), outcomes.rows("train"))
    row = outcomes.cells["prompt"].to_numpy()
    cells = outcomes.cells.assign(source=outcomes.prompts["source"].to_numpy()[row], is_train=train[row])
    chat = cells[(cells["kind"] == "chat") & cells["is_train"]]
    counts = chat["expert"].value_counts()
    chosen = {*counts.index[counts >= fewest.expert], *extra_experts}
    groups = cells[cells["is_train"]].groupby(["source", "expert"])["score"].agg(["size", "std"])
    size, varies = groups["size"], groups["std"] > 0
    name = groups.index.get_level_values("expert")
    is_solid = varies & (size >= fewest.measurement)
    is_extra = name.isin(list(extra_experts)) & (size >= MIN_THIN)
    is_flat = ~varies & (size >= fewest.measurement) & ~name.isin(name[is_solid]) & bool(is_solid.any())
    pairs: list[Pair] = list(groups.index[(is_solid | is_extra | is_flat) & name.isin(list(chosen))])
    if not pairs:
        most = int(counts.max()) if len(counts) else 0
        is_fewer = most >= LEAST < fewest.expert
        fewer = f", or train with fewer: the option --fewest {LEAST} of the train command" if is_fewer else ""
        raise DataError(
            f"No chat expert has {fewest.expert} outcomes on training prompts that differ from each other; the most "
            f"is {most}. Add outcomes{fewer}."
        )
    helpers: list[Pair] = list(groups.index[is_solid & ~name.isin(list(chosen))])
    sources, experts = sorted({source for source, _ in pairs}), sorted({expert for _, expert in pairs})
    place = {source: i for i, source in enumerate(sources)}
    count = len(outcomes.prompts)
    return Table(
        sources=tuple(sources),
        experts=tuple(experts),
        source=outcomes.prompts["source"].map(place).fillna(-1).to_numpy().astype(np.int64),
        column_source=np.array([place[source] for source, _ in pairs], dtype=np.int64),
        column_expert=np.array([experts.index(expert) for _, expert in pairs], dtype=np.int64),
        is_thin=np.array([not bool(is_solid[pair]) for pair in pairs]),
        score=_spread(cells, pairs, "score", count),
        output_tokens=_spread(cells, pairs, "output_tokens", count),
        reading_ease=_spread(cells, pairs, "reading_ease", count),
        mean_tokens=cells[cells["is_train"]].groupby("expert")["output_tokens"].mean().reindex(experts).to_numpy(),
        mean_ease=cells[cells["is_train"]].groupby("expert")["reading_ease"].mean().reindex(experts).to_numpy(),
        helper=_spread(cells, helpers, "score", count),
    )


def _spread(cells: pd.DataFrame, pairs: Sequence[Pair], name: str, n_prompts: int) -> Floats:
    values = np.full((n_prompts, len(pairs)), np.nan)
    if pairs:
        wanted = pd.MultiIndex.from_tuples(pairs)
        column = wanted.get_indexer(pd.MultiIndex.from_arrays([cells["source"], cells["expert"]]))
        known = column >= 0
        values[cells["prompt"].to_numpy()[known], column[known]] = cells[name].to_numpy()[known]
    return values
