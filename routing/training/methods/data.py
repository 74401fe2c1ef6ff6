"""What a method is fitted on: training prompts as numbers, and what experts scored on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from routing.schema import Floats
from routing.training.methods.language import Language
from routing.training.tables import IntArray


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Training prompts and their outcomes.

    Args:
        vector: Unit sentence vectors, shape (n_prompts, width).
        local: Mean over tokens of normalised token states, shape (n_prompts, width).
        pieces: Word pieces read of every prompt.
        task: Name of the task of every prompt, shape (n_prompts,).
        source: Index into ``sources`` per prompt, shape (n_prompts,).
        score: Scores in [0, 1], shape (n_prompts, n_columns), NaN where not measured.
        output_tokens: Tokens of the answers, same shape.
        column_source: Index into ``sources`` per column.
        column_expert: Index into ``experts`` per column.
        is_thin: Columns with too few outcomes to fit; their mean stands for them.
        sources: Names of sources.
        experts: Names of experts, in the order of predictions.
        n_pieces: Size of the vocabulary of word pieces.
        seed: Seed of everything random.
        domain: Domain of every prompt, shape (n_prompts,), which names skills; None where it is not known.
        language: How methods read sentences; None where there is no encoder, as in small tests.
    """

    vector: Floats
    local: Floats
    pieces: Sequence[Sequence[int]]
    task: NDArray[np.object_]
    source: IntArray
    score: Floats
    output_tokens: Floats
    column_source: IntArray
    column_expert: IntArray
    is_thin: NDArray[np.bool_]
    sources: tuple[str, ...]
    experts: tuple[str, ...]
    n_pieces: int
    seed: int = 0
    language: Language | None = None
    domain: NDArray[np.object_] | None = None

    def take(self, rows: IntArray) -> Self:
        """The same with only these prompts."""
        return replace(
            self,
            vector=self.vector[rows],
            local=self.local[rows],
            pieces=[self.pieces[i] for i in rows],
            task=self.task[rows],
            source=self.source[rows],
            score=self.score[rows],
            output_tokens=self.output_tokens[rows],
            domain=None if self.domain is None else self.domain[rows],
        )

    def shuffled(self, seed: int) -> Self:
        """The same prompts with outcomes dealt out anew within each source: the control that must learn nothing."""
        rng = np.random.default_rng(seed)
        order = np.arange(len(self.source))
        for source in np.unique(self.source):
            here = np.flatnonzero(self.source == source)
            order[here] = rng.permutation(here)
        return replace(self, score=self.score[order], output_tokens=self.output_tokens[order])

    def rows_of(self, source: int) -> IntArray:
        """Prompts of a source."""
        return np.flatnonzero(self.source == source).astype(np.int64)

    def columns_of(self, source: int) -> IntArray:
        """Columns measured in a source."""
        return np.flatnonzero(self.column_source == source).astype(np.int64)

    def spread(self) -> float:
        """Mean squared distance of sentence vectors from their mean, by which penalties are scaled."""
        return float(max(self.vector.var(axis=0).sum(), 1e-6))

    def base(self) -> Floats:
        """Mean score per column, drawn to one half as if by two more prompts, shape (n_columns,)."""
        known = np.isfinite(self.score)
        return np.asarray((np.where(known, self.score, 0.0).sum(axis=0) + 1.0) / (known.sum(axis=0) + 2.0))
