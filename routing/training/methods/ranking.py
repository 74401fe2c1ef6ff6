"""Fit the ranking network, and its calibration on prompts that it was not trained on."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.predictors.links import two_layers
from routing.predictors.ranking import centred
from routing.schema import Floats
from routing.training.methods.data import TrainingSet
from routing.training.methods.descent import Schedule
from routing.training.methods.layers import fit_layers
from routing.training.methods.logistic import logistic
from routing.training.methods.pairs import pair_loss

HIDDEN: Final = 96
DROPOUT: Final = 0.6  # 0.4 with a faster rate is worse on clinical prompts (validation)
SCHEDULE: Final = Schedule(epochs=6, rate=1e-3, decay=0.3)
HELD_OUT: Final = 0.15
LEVEL_PENALTY: Final = 12.0
CALIBRATION_PENALTY: Final = 1.0
FEWEST: Final = 20

Fitted = dict[str, NDArray[Any]]


def fit(data: TrainingSet) -> Fitted:
    """Train on most prompts, calibrate on the rest; with too few prompts for both, calibrate on the same."""
    held = np.random.default_rng(data.seed).random(len(data.source)) < HELD_OUT
    few = held.sum() < FEWEST or (~held).sum() < FEWEST
    first = data if few else data.take(np.flatnonzero(~held))
    arrays = fit_layers(first, pair_loss, SCHEDULE, hidden=HIDDEN, dropout=DROPOUT, by_source=True)
    arrays |= levels(first) | {"column_source": data.column_source.astype(np.int16)}
    calibration = calibrate(data if few else data.take(np.flatnonzero(held)), arrays)
    return arrays | {"calibration": calibration.astype(np.float32)}


def levels(data: TrainingSet) -> Fitted:
    """Logit of the mean score of a source's experts, from the sentence vector."""
    weight, bias = np.zeros((data.vector.shape[1], len(data.sources))), np.zeros(len(data.sources))
    for source in np.unique(data.source):
        rows, columns = data.rows_of(int(source)), data.columns_of(int(source))
        score = data.score[np.ix_(rows, columns)]
        known = np.isfinite(score)
        usable = known.any(axis=1)
        mean = np.where(known, score, 0.0).sum(axis=1)[usable] / known.sum(axis=1)[usable]
        if len(mean):
            found = logistic(data.vector[rows[usable]], mean[:, np.newaxis], penalty=LEVEL_PENALTY * data.spread())
            weight[:, source], bias[source] = found.weight[:, 0], found.bias[0]
    return {"level": weight.astype(np.float16), "level_bias": bias.astype(np.float32)}


def calibrate(data: TrainingSet, arrays: Fitted) -> Floats:
    """Per source: factor on differences (never below 0), factor on the level, and a shift, shape (n_sources, 3)."""
    gap = centred(two_layers(data.vector, arrays), arrays["column_source"])
    level = data.vector @ arrays["level"].astype(float) + arrays["level_bias"]
    told = np.tile([1.0, 1.0, 0.0], (len(data.sources), 1))
    for source in np.unique(data.source):
        rows, columns = data.rows_of(int(source)), data.columns_of(int(source))
        score = data.score[np.ix_(rows, columns)]
        known = np.isfinite(score)
        if known.sum() < FEWEST:
            continue
        both = np.stack([gap[np.ix_(rows, columns)], np.broadcast_to(level[rows, source, np.newaxis], score.shape)])
        found = logistic(both[:, known].T, score[known][:, np.newaxis], penalty=CALIBRATION_PENALTY)
        told[source] = max(0.0, found.weight[0, 0]), found.weight[1, 0], found.bias[0]
    return told
