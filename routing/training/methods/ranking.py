"""Fit the ranking network, and its calibration on prompts that it was not trained on."""

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from routing.predictors.links import logit
from routing.predictors.ranking import centred, ranks
from routing.schema import Floats
from routing.training.methods.data import TrainingSet
from routing.training.methods.descent import Schedule, array, descend
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
    arrays = network(first) | levels(first)
    calibration = calibrate(data if few else data.take(np.flatnonzero(held)), arrays)
    return arrays | {"calibration": calibration.astype(np.float32)}


def network(data: TrainingSet) -> Fitted:
    """The network that orders experts."""
    base = torch.tensor(logit(data.base()), dtype=torch.float32)

    def make() -> nn.Module:
        out = nn.Linear(HIDDEN, len(base))
        nn.init.zeros_(out.weight)
        out.bias.data.copy_(base)
        first = nn.Linear(data.vector.shape[1], HIDDEN)
        return nn.Sequential(nn.Dropout(DROPOUT), first, nn.GELU("tanh"), nn.Dropout(DROPOUT), out)

    found, scaled = descend(make, pair_loss, data, SCHEDULE, by_source=True)
    hidden, hidden_bias = scaled.fold(array(found[1].weight).T, array(found[1].bias))
    return {
        "hidden": hidden.astype(np.float16),
        "hidden_bias": hidden_bias.astype(np.float32),
        "weight": array(found[4].weight).T.astype(np.float16),
        "bias": array(found[4].bias).astype(np.float32),
        "column_source": data.column_source.astype(np.int16),
    }


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
    gap = centred(ranks(data.vector, arrays), arrays["column_source"])
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
