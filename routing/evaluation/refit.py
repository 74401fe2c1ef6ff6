"""Fit the router anew on fewer training prompts, in memory, so that left-out prompts can be predicted.

The libraries of training are imported when a refit is asked for, never before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from routing import predictors
from routing.encoder import Card
from routing.errors import RoutingError
from routing.outcomes import Outcomes
from routing.schema import Features, Prediction

if TYPE_CHECKING:
    from routing.training.features import Encoded
    from routing.training.methods.language import Language
    from routing.training.tables import Table

SEEDS: Final = (0,)  # one network instead of three: a refit is a check, and there are many
LEFT_OUT: Final = "left out"
TRAIN: Final = "train"

GLIDER: Final = "glider"
AT_ALPHA: Final = "glider@{:g}"
"""How predictions at a fixed weight of GLIDER's global score are called."""

IntArray = NDArray[np.int64]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything that refits share.

    Args:
        outcomes: The data.
        encoded: Features of all prompts.
        pieces: Word pieces read of all prompts.
        forms: Classes of form per word piece.
        table: Outcomes by measurement, from all training prompts.
        language: How methods read sentences; None where no encoder is at hand, as in small tests.
    """

    outcomes: Outcomes
    encoded: "Encoded"
    pieces: Sequence[Sequence[int]]
    forms: NDArray[np.uint8]
    table: "Table"
    language: "Language | None" = None

    def table_of(self, rows: IntArray) -> "Table":
        """Measurements that these training prompts alone would give; fewer experts may be known."""
        from routing.training.tables import build_table

        split = np.full(len(self.outcomes.prompts), LEFT_OUT, dtype=object)
        split[rows] = TRAIN
        return build_table(replace(self.outcomes, prompts=self.outcomes.prompts.assign(split=split), has_split=True))

    def shuffled(self, rows: IntArray, seed: int) -> "Table":
        """All measurements with the outcomes of these prompts dealt out anew within each source."""
        rng = np.random.default_rng(seed)
        order = np.arange(len(self.table.source))
        for source in np.unique(self.table.source[rows]):
            here = self.table.rows_of(int(source), rows)
            order[here] = rng.permutation(here)
        arrays = {
            name: getattr(self.table, name)[order] for name in ("score", "output_tokens", "reading_ease", "helper")
        }
        return replace(self.table, **arrays)


def open_bench(data: Path, outcomes: Outcomes, progress: Say) -> Bench:
    """Features of all prompts by the frozen encoder, from the cache where they are there.

    An encoder tuned on all training prompts has seen what a refit leaves out, so that refits never use one.

    Raises:
        RoutingError: The libraries of training are not installed.
    """
    try:
        from routing.training.methods.language import language_of
        from routing.training.prepared import prepare
    except ImportError as problem:
        raise RoutingError(
            f"Refitting needs {problem.name}, which is not installed. Run: make setup-train."
        ) from problem
    ready = prepare(data, outcomes=outcomes, form="a", progress=progress)
    language = language_of(ready.start.graph, ready.tokenizer)
    return Bench(ready.outcomes, ready.encoded, ready.ids, ready.forms, ready.table, language)


@dataclass(frozen=True, slots=True)
class Refit:
    """A router fitted anew, and what its graph says of the prompts to be predicted.

    Args:
        card: A card in memory: the experts it knows, their mean scores in training, and the arrays of the methods.
        features: Features of the prompts to be predicted.
        n_rows: Prompts it was fitted on.
    """

    card: Card
    features: Features
    n_rows: int

    def predict(self, name: str) -> Prediction:
        """What one predictor of the registry says, for every expert it knows."""
        return predictors.build(name, self.card).predict(self.features)

    def at_alphas(self) -> dict[str, Prediction]:
        """What GLIDER says at every finite weight of its global score that it is calibrated at."""
        from routing.predictors.glider import alphas, at_alpha

        finite = [alpha for alpha in alphas(self.card) if np.isfinite(alpha)]
        return {AT_ALPHA.format(alpha): at_alpha(self.card, alpha).predict(self.features) for alpha in finite}


def refit(
    bench: Bench,
    table: "Table",
    rows: IntArray,
    predicted: IntArray,
    *,
    with_methods: bool = True,
    progress: Say = lambda _: None,
) -> Refit:
    """Fit the graph's heads and the stored methods on some prompts and apply the heads to others.

    Args:
        bench: What refits share.
        table: Outcomes to fit on; only those of ``rows`` are read.
        rows: Prompts to fit on.
        predicted: Prompts to predict.
        with_methods: Whether the methods beside the graph are fitted too.
        progress: Told what is being fitted.
    """
    from routing.training.assemble import fit_router
    from routing.training.graph import export_heads, run_heads
    from routing.training.methods import fit_methods, training_set

    fitted = fit_router(table, bench.encoded, bench.forms, rows, progress, seeds=SEEDS)
    encoded, pieces = bench.encoded, [bench.pieces[int(i)] for i in predicted]
    heads = run_heads(export_heads(fitted), encoded.vector[predicted], encoded.pooled[predicted], pieces)
    methods: Mapping[str, Mapping[str, NDArray[Any]]] = {}
    if with_methods:
        prompts = bench.outcomes.prompts
        data = training_set(
            table,
            encoded,
            bench.pieces,
            prompts["task"].to_numpy(dtype=object),
            rows,
            n_pieces=len(bench.forms),
            language=bench.language,
            domain=prompts["domain"].to_numpy(dtype=object),
        )
        methods = fit_methods(data, table, progress=progress)
    features = Features(
        vector=encoded.vector[predicted],
        heads={**heads, "local": encoded.local[predicted]},
        graph_experts=table.experts,
        familiarity=heads["familiarity"],
        input_tokens=encoded.tokens[predicted],
        is_truncated=encoded.is_truncated[predicted],
        pieces=pieces,
    )
    raw = {"mean_score": _mean_scores(table, rows), "sources_order": list(table.sources)}
    return Refit(Card(table.experts, raw, methods=methods), features, len(rows))


def _mean_scores(table: "Table", rows: IntArray) -> dict[str, float]:
    """Mean score of every expert over these prompts, from the outcomes that are fitted on."""
    total, count = np.zeros(len(table.experts)), np.zeros(len(table.experts))
    known = np.isfinite(table.score[rows])
    np.add.at(total, table.column_expert, np.where(known, table.score[rows], 0.0).sum(axis=0))
    np.add.at(count, table.column_expert, known.sum(axis=0))
    return {name: float(t / n) for name, t, n in zip(table.experts, total, count, strict=True) if n}
