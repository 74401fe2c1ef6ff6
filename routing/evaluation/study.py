"""Everything the report measures that needs refits: held-out, shuffled labels, learning curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from routing import predictors
from routing.evaluation.alpha import alpha_curves
from routing.evaluation.controls import SHARES, learning_curves, shuffled_controls, some_of
from routing.evaluation.folds import Fold, Leaving, folds
from routing.evaluation.held_out import Answers, held_out_rows
from routing.evaluation.lengths import HEADS, fold_means, length_row, source_means
from routing.evaluation.prompts import Pools, Say
from routing.evaluation.refit import Bench, open_bench
from routing.evaluation.shelf import Shelf
from routing.evaluation.told import Told, tell
from routing.evaluation.trial import Trial
from routing.schema import Floats

LEARNERS: Final = ("multi-label", "separate", "clusters", "clusters-vector", "clusters-tfidf", "neighbours")
SEED: Final = 1
CLUSTERS: Final = 8  # per source, where training and test scores of an expert are compared


@dataclass(slots=True)
class Study:
    """Refits on demand, each kept when it is complete.

    Args:
        trial: The shipped routers on the same prompts.
        data: Folder of the data.
        shelf: Where refits are kept.
        say: Told what is being done.
    """

    trial: Trial
    data: Path
    shelf: Shelf
    say: Say
    _bench: Bench | None = None

    @property
    def bench(self) -> Bench:
        """What refits share, opened when the first refit is not on the shelf.

        Raises:
            RoutingError: The libraries of training are not installed.
        """
        if self._bench is None:
            self._bench = open_bench(self.data, self.trial.outcomes, self.say)
        return self._bench

    @property
    def names(self) -> list[str]:
        """Every predictor that is judged."""
        return [name for name in self.trial.names if name in predictors.PREDICTORS]

    @property
    def pools(self) -> Pools:
        """Experts and prompts of the pools judged."""
        scenes = self.trial.scenes.values()
        return {s.pool.name: (tuple(e.name for e in s.pool.experts), s.pool.rows) for s in scenes}

    def answers(self, leaving: str) -> Answers:
        """What refits say of the tasks or sources they did not see."""
        return [(fold, self._fold(leaving, fold)) for fold in folds(self.trial.outcomes, self.pools, leaving)]

    def _fold(self, leaving: str, fold: Fold) -> Told:
        def make() -> Told:
            self.say(f"Refit without {fold.name}: {len(fold.train):,} prompts to learn from")
            return tell(self.bench, self.bench.table_of(fold.train), fold.train, fold.predicted, self.names, self.say)

        return self.shelf.told(f"{leaving} {fold.name}", self.names, make)

    def held_out(self) -> list[dict[str, Any]]:
        """Rows of both protocols."""
        rows: list[dict[str, Any]] = []
        for leaving in get_args(Leaving):
            answers = self.answers(leaving)
            names = [name for name in self.names if all(name in told.score for _, told in answers)]
            rows += held_out_rows(self.trial, answers, leaving, names)
        return rows

    def controls(self) -> dict[str, Any]:
        """Routers fitted on shuffled labels."""
        train = self.trial.outcomes.rows("train")

        def make() -> Told:
            self.say("Refit on shuffled labels")
            table = self.bench.shuffled(train, SEED)
            return tell(self.bench, table, train, self.trial.rows, self.names, self.say)

        told = self.shelf.told("shuffled", self.names, make)
        names = [name for name in self.names if name != predictors.PROMPT_BLIND and name in told.score]
        return shuffled_controls(self.trial, told, names)

    def learning(self) -> dict[str, Any]:
        """Routers fitted on ever more prompts."""
        names = [name for name in self.names if name in (predictors.DEFAULT, *LEARNERS)]
        train = self.trial.outcomes.rows("train")
        told = [self._share(share, names) for share in SHARES]
        return learning_curves(
            self.trial, told, len(train), [name for name in names if all(name in one.score for one in told)]
        )

    def _share(self, share: float, names: Sequence[str]) -> Told:
        def make() -> Told:
            rows = some_of(self.trial.outcomes, self.trial.outcomes.rows("train"), share)
            self.say(f"Refit on {len(rows):,} prompts")
            return tell(self.bench, self.bench.table, rows, self.trial.rows, names, self.say)

        return self.shelf.told(f"share {share}", names, make)

    def lengths(self) -> dict[str, Any]:
        """Readability and verbosity, held in and held out."""
        found: dict[str, Any] = {}
        for kind, column in HEADS.items():
            found[kind] = {"held-in": self._held_in_lengths(column)}
            for leaving, name in (("tasks", "held-out"), ("sources", "held-out sources")):
                found[kind][name] = self._held_out_lengths(column, leaving)
        return found

    def _held_in_lengths(self, column: str) -> dict[str, Any]:
        trial, experts = self.trial, self.trial.features.graph_experts
        predicted = trial.features.heads[column].astype(np.float64)
        means = source_means(trial.outcomes, column, experts, trial.outcomes.rows("train"), trial.rows)
        return self._length_row(column, experts, predicted, means)

    def _held_out_lengths(self, column: str, leaving: str) -> dict[str, Any]:
        answers, experts = self.answers(leaving), self.trial.features.graph_experts
        predicted = np.full((len(self.trial.rows), len(experts)), np.nan)
        for _, told in answers:
            common = [name for name in experts if name in told.experts]
            here = np.searchsorted(self.trial.rows, told.rows)
            theirs = np.array([told.experts.index(name) for name in common])
            mine = np.array([experts.index(name) for name in common])
            predicted[np.ix_(here, mine)] = getattr(told, column)[:, theirs]
        means = fold_means(self.trial.outcomes, column, experts, [fold for fold, _ in answers], self.trial.rows)
        return self._length_row(column, experts, predicted, means)

    def _length_row(self, column: str, experts: tuple[str, ...], predicted: Floats, means: Floats) -> dict[str, Any]:
        outcomes, rows = self.trial.outcomes, self.trial.rows
        truth = outcomes.matrix(column, experts)[rows]
        return length_row(truth, predicted, means, outcomes.prompts["source"].to_numpy(dtype=object)[rows])

    def alpha(self) -> dict[str, Any]:
        """The curve over the weight of GLIDER's global score, on both suites."""
        return alpha_curves(self.trial, self.answers("tasks"))

    def clusters(self) -> NDArray[np.int64]:
        """Cluster per prompt within its source, for gaps between training and judged prompts."""
        from routing.training.fits import fit_clusters, soft_assign

        bench = self.bench
        vector = bench.encoded.vector.astype(np.float64)
        found = np.full(len(vector), -1, dtype=np.int64)
        for source in range(len(bench.table.sources)):
            rows = np.flatnonzero(bench.table.source == source)
            none = np.zeros((len(rows), 1))
            made = fit_clusters(vector[rows], none, count=CLUSTERS, temperature=1.0, prior=1.0, seed=SEED)
            found[rows] = soft_assign(vector[rows], made.centres, 1.0).argmax(axis=1)
        return found
