"""Fits of the methods that are not part of the graph, by the names they have in the registry of predictors."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from routing.predictors.places import PLACES
from routing.predictors.stored import METHODS_FILE, save
from routing.schema import Floats
from routing.training.features import Encoded
from routing.training.fits import fill_gaps
from routing.training.heads import INFERRED_SHARE
from routing.training.methods import (
    avengers,
    carrot,
    clustering,
    description,
    factors,
    glider,
    mirt,
    multilabel,
    ranking,
    separate,
    uniroute,
)
from routing.training.methods.data import TrainingSet
from routing.training.methods.language import Language
from routing.training.tables import IntArray, Table
from routing.training.transfer import expand_scores

Fitted = dict[str, NDArray[Any]]

FITS: Final[Mapping[str, Callable[[TrainingSet], Fitted]]] = MappingProxyType(
    {
        "multi-label": multilabel.fit,
        "separate": separate.fit,
        "clusters-vector": clustering.fit_vectors,
        "clusters-tfidf": clustering.fit_tfidf,
        "avengers": avengers.fit,
        "mirt": mirt.fit,
        "matrix-factorisation": factors.fit,
        "carrot": carrot.fit,
        "uniroute": uniroute.fit,
        "ranking": ranking.fit,
        "glider": glider.fit,
        "description": description.fit,
    }
)


def training_set(
    table: Table,
    encoded: Encoded,
    pieces: Sequence[Sequence[int]],
    task: NDArray[np.object_],
    rows: IntArray,
    *,
    n_pieces: int,
    language: Language | None = None,
    domain: NDArray[np.object_] | None = None,
) -> TrainingSet:
    """Rows of the table whose source has measurements, with what the encoder gives for them.

    Args:
        table: Outcomes by measurement.
        encoded: Features of all prompts.
        pieces: Word pieces read of all prompts.
        task: Task of all prompts.
        rows: Training prompts.
        n_pieces: Size of the vocabulary.
        language: How methods read sentences (``language_of`` the encoder); instructions and cards need it.
        domain: Domain of all prompts, which names the skills of item response; None names them after the sources.
    """
    known = rows[table.source[rows] >= 0]
    return TrainingSet(
        vector=encoded.vector[known].astype(np.float64),
        local=encoded.local[known].astype(np.float64),
        pieces=[pieces[i] for i in known],
        task=task[known],
        source=table.source[known],
        score=table.score[known],
        output_tokens=table.output_tokens[known],
        column_source=table.column_source,
        column_expert=table.column_expert,
        is_thin=table.is_thin,
        sources=table.sources,
        experts=table.experts,
        n_pieces=n_pieces,
        language=language,
        domain=None if domain is None else domain[known],
    )


def fit_methods(
    data: TrainingSet, table: Table, names: Sequence[str] = (), *, progress: Callable[[str], None] = lambda _: None
) -> dict[str, Fitted]:
    """Fit methods by name, all of them when none is named, and how measurements make experts ("places").

    Args:
        data: Training prompts.
        table: The measurements that the columns stand for.
        names: Methods to fit.
        progress: Told what is being fitted.
    """
    fitted: dict[str, Fitted] = {PLACES: places(data, table)}
    with threadpool_limits(1):  # clusters and regressions this small wait for a second thread longer than it helps
        for name in names or FITS:
            progress(f"Method {name}")
            fitted[name] = FITS[name](data)
    return fitted


def write_methods(
    data: TrainingSet, table: Table, folder: Path, *, progress: Callable[[str], None] = lambda _: None
) -> str:
    """Fit every method and write their arrays beside the graph; returns the SHA-256 for the card's methods_sha256."""
    return save(fit_methods(data, table, progress=progress), folder / METHODS_FILE)


def places(data: TrainingSet, table: Table) -> Fitted:
    """Expansion of measurements to places, and the trust in each."""
    base = np.clip(levels(data), 0.02, 0.98)
    expansion = expand_scores(table, np.log(base / (1.0 - base)))
    trust = np.full((len(data.sources), len(data.experts)), INFERRED_SHARE)
    solid = ~data.is_thin
    trust[data.column_source[solid], data.column_expert[solid]] = 1.0
    return {
        "mix": expansion.mix.astype(np.float32),
        "shift": expansion.shift.astype(np.float32),
        "trust": trust.astype(np.float32),
    }


def levels(data: TrainingSet) -> Floats:
    """Mean score per column, had every expert of a source been measured on all of its prompts, shape (n_columns,)."""
    level = data.base()
    for source in range(len(data.sources)):
        rows, columns = data.rows_of(source), data.columns_of(source)
        columns = columns[np.isfinite(data.score[np.ix_(rows, columns)]).any(axis=0)]
        if len(columns):
            level[columns] = fill_gaps(data.score[np.ix_(rows, columns)]).mean(axis=0)
    return level
