"""Fit quality and answer length of every measurement."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.schema import Floats
from routing.training.fits import ridge
from routing.training.methods.data import TrainingSet
from routing.training.methods.regression import FEWEST, regressions

TOKEN_PENALTY: Final = 30.0


def fit(data: TrainingSet) -> dict[str, NDArray[Any]]:
    """Component-wise ridge for scores, ridge for tokens; both on unit sentence vectors."""
    found = regressions(data.vector, data)
    token_weight, token_bias, low, high = lengths(data)
    return {
        "weight": found.weight.astype(np.float16),
        "bias": found.bias.astype(np.float32),
        "token_weight": token_weight.astype(np.float16),
        "token_bias": token_bias.astype(np.float32),
        "token_low": low.astype(np.float32),
        "token_high": high.astype(np.float32),
        "column_source": data.column_source.astype(np.int16),
        "column_expert": data.column_expert.astype(np.int16),
    }


def lengths(data: TrainingSet) -> tuple[Floats, Floats, Floats, Floats]:
    """Weights, biases and the 1st and 99th percentile of tokens; NaN biases where no length was measured."""
    count = len(data.column_source)
    weight, bias = np.zeros((data.vector.shape[1], count)), np.full(count, np.nan)
    low, high = np.zeros(count), np.full(count, np.inf)
    for column in range(count):
        rows = np.flatnonzero(np.isfinite(data.output_tokens[:, column]))
        if not len(rows):
            continue
        amount = data.output_tokens[rows, column]
        low[column], high[column] = np.percentile(amount, [1.0, 99.0])
        bias[column] = amount.mean()
        if len(rows) >= FEWEST and not data.is_thin[column]:
            found = ridge(data.vector[rows], amount, penalty=TOKEN_PENALTY)
            weight[:, column], bias[column] = found.weight[:, 0], found.bias[0]
    return weight, bias, low, high
